/**
 * Two thousand sessions at one time, CONNECT and UDP ASSOCIATE with Kerberos, clients killed in the middle of it: nothing
 * of them is left on the server afterwards, and the others notice nothing.
 */
import assert from "node:assert/strict";
import type { Snapshot } from "../../cli/snapshot/snapshot.ts";
import { Daemon, run } from "../support/process.ts";
import { noneUncaughtIn } from "../support/unhandled.ts";
import { startRealmFolder } from "../support/realm_folder.ts";
import { echoServer, udpServer } from "../support/servers.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const CLIENTS = 8;
const CONNECTIONS = 190;
const ASSOCIATIONS = 60;
const ROUNDS = 3;
/** Memory after the last round, of that after the first: the pools are full by then, and a session that stays shows. */
const GROWTH = 1.6;

/** One of the client processes. */
class SoakClient {
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<string>;
  readonly #errors: Promise<string>;
  readonly ready: Promise<void>;

  constructor(ports: readonly number[], env: Record<string, string>) {
    const script = new URL("../support/soak_client.ts", import.meta.url).pathname;
    const args = [
      "run",
      "-q",
      "-A",
      "-c",
      `${ROOT}deno.json`,
      script,
      ...[...ports, CONNECTIONS, ASSOCIATIONS].map(String),
    ];
    this.#child = new Deno.Command(Deno.execPath(), { args, env, stdin: "piped", stdout: "piped", stderr: "piped" })
      .spawn();
    this.#errors = new Response(this.#child.stderr).text();
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    const { stdout } = this.#child;
    this.#output = (async () => {
      let text = "";
      const decoder = new TextDecoder();
      for await (const chunk of stdout) {
        text += decoder.decode(chunk, { stream: true });
        if (text.includes("ready")) ready.resolve();
      }
      ready.reject(new Error(`client ended: ${text}`));
      return text;
    })();
    this.ready.catch(() => {});
  }

  /** Starts the traffic. */
  async begin(): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new Uint8Array([10]));
    writer.releaseLock();
  }

  /** In the middle of everything, without a goodbye. */
  async kill(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (cause) {
      throw new Error(`client ended by itself: ${await this.#output}${await this.#errors}`, { cause });
    }
    await this.#child.status;
    await this.#output;
    await this.#child.stdin.close().catch(() => {});
    noneUncaughtIn(await this.#errors);
  }

  /** Its last words. */
  async finish(): Promise<string> {
    await this.#child.stdin.close();
    await this.#child.status;
    noneUncaughtIn(await this.#errors);
    return await this.#output;
  }
}

/** Sockets and files of a process, and its memory. */
async function held(pid: number): Promise<{ descriptors: number; memory: number }> {
  let descriptors = 0;
  for await (const _ of Deno.readDir(`/proc/${pid}/fd`)) descriptors++;
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return { descriptors, memory: Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) * 1024 };
}

/** Starts the server, with Deno's own datagrams; the other tests are without. */
function soakServer(keytab: string): Daemon {
  return new Daemon(Deno.execPath(), [
    ...["run", "-q", "--unstable-net", "--allow-net", `--allow-read=${keytab}`, "-c", `${ROOT}deno.json`],
    ...[`${ROOT}cli/mod.ts`, "serve", "-l", "127.0.0.1:0", "-k", keytab, "--allow", "localhost"],
    ...["--command", "connect,udp", "--admin", "127.0.0.1:0", "--quiet", "--handshake-timeout", "60000"],
    ...["--max-sessions-per-user", "any"],
  ]);
}

/** One round: clients with traffic on all of their sessions, of which half are killed and the others finish. */
async function soakRound(
  server: Daemon,
  startClient: () => SoakClient,
  status: () => Promise<Snapshot>,
): Promise<void> {
  /** Asks again until it is so, and not so often that asking is the load. */
  const until = async (so: (now: Snapshot) => boolean) => {
    while (!so(await status())) await new Promise((resolve) => setTimeout(resolve, 100));
  };
  const clients = Array.from({ length: CLIENTS }, startClient);
  await Promise.all(clients.map(({ ready }) => ready));
  const full = await status();
  assert.equal(full.sessionCount, CLIENTS * (CONNECTIONS + ASSOCIATIONS));
  assert.ok((await held(server.pid)).descriptors > 2 * full.sessionCount);
  // Traffic on all of them until each has carried something on average.
  await Promise.all(clients.map((client) => client.begin()));
  await until(({ sent }) => sent > full.sent + 20_000_000);
  const [killed, staying] = [clients.slice(0, CLIENTS / 2), clients.slice(CLIENTS / 2)];
  for (const client of killed) await client.kill();
  for (const client of staying) assert.match(await client.finish(), /all well/);
  await until(({ sessionCount }) => sessionCount === 0);
}

Deno.test({
  name: "soak: 2,000 sessions, half of their clients killed, leave nothing",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using realm = await startRealmFolder();
    await using echo = echoServer();
    await using udp = await udpServer();
    const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: realm.ccache };
    await using server = soakServer(realm.keytab);
    const [, port] = await server.waitFor(/Listening on 127\.0\.0\.1:(\d+)/);
    const [, admin] = await server.waitFor(/Admin port on http:\/\/127\.0\.0\.1:(\d+)/);
    const poll = async (): Promise<Snapshot> => await (await fetch(`http://127.0.0.1:${admin}/status.json`)).json();
    // The admin port closes idle connections, also at the moment when the next request is on its way.
    const status = (): Promise<Snapshot> => poll().catch(poll).catch(poll);
    const startClient = () => new SoakClient([Number(port), echo.port, udp.port], env);
    // What the admin port itself needs is there before anything is counted.
    await status();
    const before = await held(server.pid);
    const memory: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await soakRound(server, startClient, status);
      memory.push((await held(server.pid)).memory);
      // The connection over which this asks is one that may come or go.
      const { descriptors } = await held(server.pid);
      assert.ok(Math.abs(descriptors - before.descriptors) <= 2, `${descriptors}, ${before.descriptors} before`);
    }
    const total = await status();
    assert.equal(total.closed, ROUNDS * CLIENTS * (CONNECTIONS + ASSOCIATIONS));
    assert.ok(memory.at(-1)! < GROWTH * memory[0]!, `${memory}`);

    if (Deno.env.get("GSSOCKS_SOAK_REPORT") !== undefined) {
      // deno-lint-ignore no-console
      console.log({
        before,
        memory,
        sent: total.sent,
        datagrams: total.datagramsReceived,
        dropped: total.datagramsDropped,
      });
    }
    // Nothing that is left, a timer or a socket, keeps the process.
    Deno.kill(server.pid, "SIGTERM");
    await server.ended;
  },
});

Deno.test("soak: a session leaves nothing on the heap", async () => {
  const script = new URL("../support/session_heap_probe.ts", import.meta.url).pathname;
  const args = ["run", "-q", "-A", "--v8-flags=--expose-gc", "-c", `${ROOT}deno.json`, script];
  const { stdout, stderr } = await run(Deno.execPath(), args, { timeout: 120_000 });
  const lines = stdout.trim().split("\n");
  assert.equal(lines.at(-1), "sessions 0 sockets 0", stderr);
  const [, second, ...later] = lines.slice(0, -1).map(Number);
  // A thousand sessions a round: less than 300 bytes for each of them is noise.
  assert.ok(later.at(-1)! - second! < later.length * 300_000, lines.join(" "));
});
