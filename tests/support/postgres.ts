/**
 * A real PostgreSQL server with one table, on a free port.
 *
 * @module
 */
import { peer } from "./peers.ts";
import { Daemon, freePort, run } from "./process.ts";

/** A running PostgreSQL. */
export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
}

/** PostgreSQL refuses to run as root. */
const AS_NOBODY = Deno.uid() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];

/** Starts a server without persistence, to which `alice` connects without a password. */
export async function startPostgres(): Promise<PostgresServer> {
  const folder = await Deno.makeTempDir({ prefix: "gssocks-postgres-" });
  if (Deno.uid() === 0) await Deno.chown(folder, 65_534, 65_534);
  const command = (program: string, args: readonly string[]) => [...AS_NOBODY, peer(program), ...args];
  const [init, ...initArgs] = command("initdb", [
    "-D",
    `${folder}/data`,
    "-U",
    "alice",
    "-A",
    "trust",
    "-N",
    "--no-locale",
  ]);
  const { code, stdout, stderr } = await run(init!, initArgs);
  if (code !== 0) throw new Error(`${stdout}${stderr}`);
  const port = freePort();
  const [start, ...startArgs] = command("postgres", [
    ...["-D", `${folder}/data`, "-h", "127.0.0.1", "-p", String(port), "-k", folder, "-F", "-c", "fsync=off"],
  ]);
  const daemon = new Daemon(start!, startArgs);
  await daemon.waitFor(/ready to accept connections/);
  return {
    port,
    async [Symbol.asyncDispose](): Promise<void> {
      await daemon[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
