/**
 * A server is restarted under load: a new process takes the port while the old one ends. Linux moves waiting clients to the
 * other listener if `net.ipv4.tcp_migrate_req` is set, which needs no privileges in a network namespace.
 */
import assert from "node:assert/strict";
import { freePort, run } from "../support/process.ts";
import { LoggedProgram } from "../support/logged_program.ts";

const SELF = new URL(import.meta.url).pathname;
const ROOT = new URL("../..", import.meta.url).pathname;
const ROUNDS = 3;

/** Restarts a server in a namespace of its own; counts the clients that were answered, and the others. */
async function restarts(): Promise<void> {
  await Deno.writeTextFile("/proc/sys/net/ipv4/tcp_migrate_req", "1\n");
  const port = freePort();
  const args = ["serve", "-l", `127.0.0.1:${port}`, "-m", "none", "--reuse-port", "--drain-timeout", "2000", "--quiet"];
  let server = new LoggedProgram(args);
  await server.read(/Listening on/);
  let ended = false;
  const counts = { answered: 0, refused: 0 };
  const visit = async () => {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(Uint8Array.of(5, 1, 0));
    return await connection.read(new Uint8Array(2)) === 2;
  };
  const clients = Array.from({ length: 4 }, async () => {
    while (!ended) counts[await visit().catch(() => false) ? "answered" : "refused"]++;
  });
  for (let round = 0; round < ROUNDS; round++) {
    const next = new LoggedProgram(args);
    await next.read(/Listening on/);
    server.kill("SIGTERM");
    assert.equal(await server.ended, 0);
    await server[Symbol.asyncDispose]();
    server = next;
  }
  ended = true;
  await Promise.all(clients);
  await server[Symbol.asyncDispose]();
  await new Blob([JSON.stringify(counts)]).stream().pipeTo(Deno.stdout.writable);
}

if (import.meta.main) await restarts();

/** Command of a namespace with loopback and permission to configure it. */
const NAMESPACE = ["unshare", [
  "--map-root-user",
  "--net",
  "sh",
  "-c",
  'ip link set lo up && exec "$@"',
  "sh",
]] as const;

async function mayHaveNamespace(): Promise<boolean> {
  if (Deno.build.os !== "linux") return false;
  const [command, args] = NAMESPACE;
  const probe = "echo 1 > /proc/sys/net/ipv4/tcp_migrate_req";
  return await run(command, [...args, "sh", "-c", probe]).then(({ code }) => code === 0, () => false);
}

const possible = await mayHaveNamespace();
// deno-lint-ignore no-console
if (!possible) console.log("skipped: a restart under load (no network namespace with net.ipv4.tcp_migrate_req here)");

Deno.test("restart: refuses no client under load", { ignore: !possible }, async () => {
  const [command, args] = NAMESPACE;
  const deno = [Deno.execPath(), "run", "-q", "-A", "--no-check", "-c", `${ROOT}deno.json`, SELF];
  const { stdout, stderr } = await run(command, [...args, ...deno], { timeout: 60_000 });
  const { answered, refused } = JSON.parse(stdout || `{"stderr":${JSON.stringify(stderr)}}`);
  assert.equal(refused, 0);
  assert.ok(answered >= 500, `${answered}`);
});
