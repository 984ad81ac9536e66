/**
 * Fuzzes a server on a loopback socket with changed client bytes: `deno run -A tests/fuzz/server.ts [--seed N]
 * [--seconds S] [--runs N]`. Exits with 1 for a finding: a foreign error in an event, a session that does not end,
 * bytes at a target that a protected session did not send, an ordinary client that is not served.
 *
 * @module
 */
import { type Bytes, concat, utf8 } from "../../base/bytes.ts";
import { spnegoInitiator } from "../../gss/spnego/initiator.ts";
import { serve } from "../../mod.ts";
import { type Connection, connectThrough, gssapiClient, SocksError } from "../../socks/mod.ts";
import { encodeFrame } from "../../socks/wire/gssapi.ts";
import * as messages from "../../socks/wire/messages.ts";
import * as passwords from "../../socks/wire/password.ts";
import { credentialPair, memoryRealm } from "../support/gss_pair.ts";
import { unhex } from "../support/vectors.ts";
import { anyOf, gssError, socksError } from "./expected.ts";
import { fuzz, fuzzArguments, type FuzzResult, report, type Target } from "./fuzz.ts";
import { mutate } from "./mutate.ts";
import { chanceOf, drawn, type Random } from "./random.ts";

/** Errors of lost connections. */
const NETWORK = [
  Deno.errors.BrokenPipe,
  Deno.errors.ConnectionReset,
  Deno.errors.ConnectionAborted,
  Deno.errors.ConnectionRefused,
  Deno.errors.UnexpectedEof,
  Deno.errors.BadResource,
  Deno.errors.Interrupted,
  Deno.errors.NotConnected,
];
const networkError = (error: unknown): boolean => NETWORK.some((kind) => error instanceof kind);

/** Returns the byte at an offset of the stream that protected sessions send. */
const byteAt = (place: number): number => (place * 31 + (place >> 8) * 7) & 255;
const stream = (from: number, length: number): Bytes => Uint8Array.from({ length }, (_, i) => byteAt(from + i));

/** A target that echoes, and checks whether it received the stream. */
class Echo implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serving: Promise<void>;
  /** Whether other bytes than the stream arrived. */
  strange = false;

  constructor() {
    this.#serving = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) void this.#serve(connection);
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    using _ = connection;
    const buffer = new Uint8Array(65_536);
    let place = 0;
    try {
      for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
        for (let i = 0; i < count; i++) this.strange ||= buffer[i] !== byteAt(place + i);
        place += count;
        for (let at = 0; at < count;) at += await connection.write(buffer.subarray(at, count));
      }
    } catch (error) {
      if (!networkError(error)) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
  }
}

/** The server, its targets, and its events. */
class Field implements AsyncDisposable {
  /** Targets of protected sessions, and of the others. */
  readonly guarded = new Echo();
  readonly plain = new Echo();
  readonly #server: ReturnType<typeof serve>;
  #foreign: Error | undefined;

  private constructor(readonly realm: Awaited<ReturnType<typeof memoryRealm>>) {
    this.#server = serve({
      hostname: "127.0.0.1",
      port: 0,
      keytab: realm.keytab("rcmd/localhost"),
      passwords: ({ username, password }) => username === "alice" && password === "right",
      allowUnauthenticated: true,
      commands: ["connect", "bind", "udp", "resolve"],
      protocols: ["socks4", "http"],
      protection: ["confidentiality", "integrity", "selective", "none"],
      rules: ["allow 127.0.0.1"],
      timeouts: { handshake: 2_000, idle: 2_000, connect: 150 },

      onEvent: (event) => {
        const { error } = event as { error?: unknown };
        if (error !== undefined && !(error instanceof SocksError) && !networkError(error)) {
          this.#foreign ??= error instanceof Error ? error : new Error(`thrown: ${error}`);
        }
      },
    });
  }

  static async start(): Promise<Field> {
    return new Field(await memoryRealm());
  }

  get port(): number {
    return (this.#server.addr as Deno.NetAddr).port;
  }

  /** Throws what was found since the last call. */
  check(): void {
    const foreign = this.#foreign;
    this.#foreign = undefined;
    if (foreign !== undefined) throw new ForeignEvent("an event has an error that is none of ours", { cause: foreign });
    if (!this.guarded.strange) return;
    this.guarded.strange = false;
    throw new ForeignEvent("a protected session gave its target bytes that were not sent");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown({ deadline: 0 });
    await this.guarded[Symbol.asyncDispose]();
    await this.plain[Symbol.asyncDispose]();
  }
}

/** A finding at the server. */
class ForeignEvent extends Error {
  override readonly name = "ForeignEvent";

  constructor(message: string, options?: ErrorOptions) {
    const { cause } = options ?? {};
    super(
      cause instanceof Error ? `${message}: ${cause.name}: ${cause.message} ${cause.stack ?? ""}` : message,
      options,
    );
  }
}

/** Sends an input in pieces, ends, and reads to the end. */
async function converse(port: number, input: Uint8Array, random: Random): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  connection.setNoDelay(true);
  const reading = (async () => {
    const buffer = new Uint8Array(65_536);
    while (await connection.read(buffer) !== null);
  })().catch(ignoreNetwork);
  try {
    for (let at = 0; at < input.length;) {
      const piece = input.subarray(at, at + 1 + random.below(random.once(3) ? 4 : 3_000));
      at += await connection.write(piece);
    }
    await connection.closeWrite();
  } catch (error) {
    ignoreNetwork(error);
  }
  await reading;
}

function ignoreNetwork(error: unknown): void {
  if (!networkError(error)) throw error;
}

/** Targets: clients without cryptography, with all their bytes changed. */
function plainTargets(field: Field): Target[] {
  const { port } = field.plain;
  const request = (command: number, hostname = "127.0.0.1", to = port) =>
    messages.encodeRequest({ command, hostname, port: to });
  const none = messages.encodeOffer([0]);
  const password = concat(messages.encodeOffer([2]), passwords.encodeUsernamePassword("alice", "right"));
  const data = utf8("data ".repeat(200));
  const kinds: Readonly<Record<string, Uint8Array>> = {
    "connect": concat(none, request(1), data),
    "connect by name": concat(none, request(1, "localhost"), data),
    "password": concat(password, request(1), data),
    "bind": concat(none, request(2, "127.0.0.1", 0)),
    "udp": concat(none, request(3, "0.0.0.0", 0)),
    "resolve": concat(none, request(0xf0, "localhost", 0)),
    "socks 4": concat(Uint8Array.of(4, 1, port >> 8, port & 255, 127, 0, 0, 1), utf8("me\0"), data),
    "http": concat(utf8(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\n\r\n`), data),
    "tokens": concat(
      messages.encodeOffer([1]),
      encodeFrame(1, unhex("600b06092a864886f712010202")),
      encodeFrame(2, data),
    ),
  };
  return Object.entries(kinds).map(([name, seed]) => ({
    name: `server: ${name}`,
    seeds: [seed],
    expects: () => false,
    batch: 10,
    slow: 3_000,
    async run(input, random): Promise<void> {
      await converse(field.port, input, random);
      field.check();
    },
  }));
}

/** Number of a client's writes before its data: offer, token, level, request. */
const HANDSHAKE = 4;

type Tamper = (bytes: Uint8Array) => readonly Uint8Array[];

/** Returns a dialer whose connection changes, drops, doubles or delays its `at`-th write. */
async function tamperingDialer(port: number, at: number, tamper: Tamper): Promise<Connection> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  let writes = 0;
  const send = async (bytes: Uint8Array) => {
    for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
  };
  return {
    async read(): Promise<Bytes | null> {
      const buffer = new Uint8Array(65_536);
      const count = await connection.read(buffer);
      return count === null ? null : buffer.subarray(0, count);
    },
    async write(bytes): Promise<void> {
      if (writes++ !== at) return await send(bytes);
      for (const piece of tamper(bytes)) await send(piece);
      // Both sides wait for a missing part of the handshake; the end tells that it does not come.
      if (at < HANDSHAKE) await connection.closeWrite();
    },
    closeWrite: () => connection.closeWrite(),
    close: () => connection[Symbol.dispose](),
    [Symbol.asyncDispose]: () => Promise.resolve(connection[Symbol.dispose]()),
  };
}

/** Target: genuine Kerberos sessions with one changed write. */
function protectedTarget(field: Field, protection: "integrity" | "confidentiality"): Target {
  const { initiator } = credentialPair(field.realm);
  let given: Uint8Array = new Uint8Array(0);
  return {
    name: `server: ${protection}`,
    seeds: [],
    expects: anyOf(socksError, gssError, networkError),
    batch: 10,
    slow: 3_000,
    make: drawn,
    given: () => given,
    async run(input): Promise<void> {
      const random = chanceOf(input);
      const tamper: Tamper = (bytes) => {
        const whole = bytes.slice();
        given = whole;
        const kind = random.below(4);
        if (kind === 0) return [];
        if (kind === 1) return [whole, whole];
        given = mutate(random, whole, whole);
        return [given];
      };
      const credential = random.once(3) ? spnegoInitiator(initiator) : initiator;
      const at = random.once(2) ? random.below(HANDSHAKE) : HANDSHAKE + random.below(6);
      let under: Connection | undefined;
      let through: Connection | undefined;
      try {
        const { connection } = await connectThrough({
          proxy: { hostname: "localhost", port: field.port },
          dial: async () => under = await tamperingDialer(field.port, at, tamper),
          auth: [gssapiClient({ credential, protection })],
          target: { hostname: "127.0.0.1", port: field.guarded.port },
          timeout: 4_000,
        });
        through = connection;
        const reading = (async () => {
          while (await connection.read() !== null);
        })();
        reading.catch(() => {});
        for (let place = 0; place < 1_800; place += 300) await connection.write(stream(place, 300));
        await connection.closeWrite();
        await reading;
      } finally {
        (through ?? under)?.close();
        field.check();
      }
    },
  };
}

/** Target: an ordinary client, which must always be served. */
function ordinaryTarget(field: Field): Target {
  return {
    name: "server: ordinary client",
    seeds: [],
    expects: () => false,
    batch: 1,
    slow: 5_000,
    make: (random) => random.bytes(100),
    async run(input): Promise<void> {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port: field.port });
      const request = messages.encodeRequest({ command: 1, hostname: "127.0.0.1", port: field.plain.port });
      const want = 2 + 10 + input.length;
      await connection.write(concat(messages.encodeOffer([0]), request, input));
      const got = new Uint8Array(want);
      for (let at = 0; at < want;) {
        const count = await connection.read(got.subarray(at));
        if (count === null) throw new Error(`closed after ${at} bytes of ${want}`);
        at += count;
      }
      if (got[3] !== 0 || !got.subarray(12).every((byte, i) => byte === input[i])) throw new Error("not served");
    },
  };
}

/** Fuzzes a server of its own. */
export async function fuzzServer(options: Parameters<typeof fuzz>[1]): Promise<FuzzResult> {
  await using field = await Field.start();
  const levels = (["integrity", "confidentiality"] as const).map((level) => protectedTarget(field, level));
  return await fuzz([...plainTargets(field), ...levels, ordinaryTarget(field)], options);
}

if (import.meta.main) {
  const options = fuzzArguments(Deno.args);
  // deno-lint-ignore no-console
  console.log(`server: seed ${options.seed}`);
  Deno.exit(report("server", options, await fuzzServer(options)));
}
