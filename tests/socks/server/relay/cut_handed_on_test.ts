/** A cut on one side of a server is a cut on the other, both ways and at every level, wherever the platform can say it. */
import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { connect, noAuthentication, type ProtectionLevel, serve, type SocksConnection } from "../../../../mod.ts";
import { abort, type Connection } from "../../../../socks/stream/connection.ts";
import { dialFrom } from "../../../../socks/shell/dial_from.ts";
import { startRealmFolder } from "../../../support/realm_folder.ts";

const LOCALHOST = "127.0.0.1";

/** An origin with its one connection in hand. */
class Origin implements AsyncDisposable {
  readonly #server = createServer({ allowHalfOpen: true });
  readonly accepted: Promise<Socket> = new Promise((resolve) => this.#server.once("connection", resolve));
  /** How what comes ends: "an end", or the code of an error. */
  readonly over: Promise<string> = this.accepted.then((socket) =>
    new Promise((resolve) => {
      socket.resume();
      socket.once("end", () => resolve("an end"));
      socket.once("error", (error: Error & { code: string }) => resolve(error.code));
    })
  );

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, LOCALHOST, () => resolve()));
    return (this.#server.address() as { port: number }).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    (await this.accepted).destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** How the client's reading ends. */
async function readToEnd(connection: SocksConnection): Promise<string> {
  const buffer = new Uint8Array(65_536);
  try {
    while (await connection.read(buffer) !== null);
    return "an end";
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const CUTS = ["the client resets", "the origin resets", "the server's idle time is over", "the server ends"] as const;
type Cut = typeof CUTS[number];

/** What both sides see of a cut in the middle. */
async function seen(cut: Cut, level: ProtectionLevel | "plain", egress: readonly string[] | undefined) {
  await using realm = await startRealmFolder();
  await using origin = new Origin();
  const port = await origin.listen();
  const server = serve({
    port: 0,
    rules: ["allow localhost"],
    ...(level === "plain" ? { allowUnauthenticated: true } : { keytab: realm.keytab, protection: [level] }),
    egress: { addresses: egress },
    timeouts: { idle: cut === "the server's idle time is over" ? 50 : Infinity },
  });
  let raw: Connection | undefined;
  const connection = await connect({
    proxy: `localhost:${server.addr.port}`,
    hostname: LOCALHOST,
    port,
    dial: async (_target, options) =>
      raw = await dialFrom([LOCALHOST])({ hostname: LOCALHOST, port: server.addr.port }, options),
    ...(level === "plain" ? { auth: [noAuthentication()] } : { credentials: realm.tickets, protection: level }),
  });
  const socket = await origin.accepted;
  socket.write(new Uint8Array(100_000));
  await connection.write(new Uint8Array(100_000));
  await connection.read(new Uint8Array(1));
  const ends = Promise.all([
    cut === "the client resets" ? "" : readToEnd(connection),
    cut === "the origin resets" ? "" : origin.over,
  ]);
  if (cut === "the client resets") abort(raw!);
  if (cut === "the origin resets") socket.resetAndDestroy();
  if (cut === "the server ends") await server[Symbol.asyncDispose]();
  const [client, target] = await ends;
  connection.close();
  await server[Symbol.asyncDispose]();
  return { client, target };
}

for (const level of ["plain", "integrity", "confidentiality"] as const) {
  for (const cut of CUTS) {
    const told = level === "plain" ? "an end, since Deno resets no socket that it accepts" : "a cut";
    const what = cut === "the client resets" ? "a cut to the origin" : `${told}, to the client`;
    Deno.test(`${level}: ${cut}, which is ${what}`, async () => {
      const { client, target } = await seen(cut, level, ["0.0.0.0", "::"]);
      if (cut !== "the client resets") {
        assert.equal(client, level === "plain" ? "an end" : "UNEXPECTED_END");
      }
      // Over a socket of Node's, which `egress` takes.
      if (cut !== "the origin resets") assert.equal(target, "ECONNRESET");
    });
  }
}

Deno.test("cut: is a plain end to an origin without egress", async () => {
  assert.equal((await seen("the client resets", "plain", undefined)).target, "an end");
});
