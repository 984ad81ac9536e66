/**
 * What a check of a proxy works with: connections to the proxy in any phase, and the target behind it.
 *
 * @module
 */
import type { GssFlags } from "../gss/context.ts";
import type { GssInitiatorCredential } from "../gss/credential.ts";
import type { GssNegotiation } from "../gss/negotiation.ts";
import type { GssName } from "../gss/names.ts";
import type { DatagramSocket } from "../socks/stream/datagram_socket.ts";
import type { Endpoint } from "../socks/wire/address.ts";
import { encodeFrame, FrameType } from "../socks/wire/gssapi.ts";
import { Command, Method, methodName } from "../socks/wire/messages.ts";
import { Arrivals } from "./arrivals.ts";
import type { Channel } from "./channel.ts";
import { expect, Failed, orUndefined, Skipped } from "./check.ts";
import { GssSession } from "./gss_session.ts";
import { shown } from "./hex.ts";
import { granted, hello, login, request } from "./messages.ts";
import { Raw, type Times } from "./raw.ts";
import type { Arrived, Target } from "./target.ts";
import type { World } from "./world.ts";

/** What a client of the proxy authenticates with. */
export interface Login {
  /** Name, 1 to 255 bytes in UTF-8. */
  readonly username: string;
  /** Password, 1 to 255 bytes in UTF-8. */
  readonly password: string;
}

/** The proxy under test, and what all checks share. */
export interface Lab {
  readonly world: World;
  readonly proxy: Endpoint;
  readonly times: Times;
  readonly target: Target;
  /** Credential and service for contexts. */
  readonly gss: { readonly credential: GssInitiatorCredential; readonly service: GssName } | undefined;
  readonly login: Login | undefined;
  /** Methods that the proxy chooses when they are offered alone. */
  methods: ReadonlySet<number>;
}

/** Flags of RFC 1961 section 3.2, without delegation. */
const FLAGS: Required<GssFlags> = {
  delegation: false,
  mutual: true,
  replay: true,
  sequence: true,
  confidentiality: true,
  integrity: true,
};

/** Both ends of a connection through the proxy. */
export interface Through<C extends Channel> {
  readonly near: C;
  readonly far: Raw;
}

/** What one check works with. */
export class Bench implements AsyncDisposable {
  readonly lab: Lab;
  readonly #open: { close(): void | Promise<void> }[] = [];

  constructor(lab: Lab) {
    this.lab = lab;
  }

  get target(): Target {
    return this.lab.target;
  }

  /** Connects to the proxy. */
  async connect(): Promise<Raw> {
    return await this.connectTo(this.lab.proxy);
  }

  /** Connects to anywhere. */
  async connectTo(endpoint: Endpoint): Promise<Raw> {
    return this.#keep(new Raw(await this.lab.world.dial(endpoint, {}), this.lab.times));
  }

  #keep<T extends { close(): void | Promise<void> }>(opened: T): T {
    this.#open.push(opened);
    return opened;
  }

  /** Skips the check unless the proxy has the method, and the kit what it needs. */
  needs(method: number): void {
    const { gss, login: given, methods } = this.lab;
    const name = methodName(method);
    if (!methods.has(method)) throw new Skipped(`the proxy does not choose the method "${name}"`);
    if (method === Method.Gssapi && gss === undefined) throw new Skipped("no ticket was given");
    if (method === Method.Password && given === undefined) throw new Skipped("no user and password were given");
  }

  /** The method that checks use where any will do: the one that protects most, of those that the kit has what it needs for. */
  get method(): number {
    const { gss, login: given, methods } = this.lab;
    const able: [number, boolean][] = [
      [Method.Gssapi, gss !== undefined],
      [Method.Password, given !== undefined],
      [Method.None, true],
    ];
    const found = able.find(([method, has]) => has && methods.has(method));
    if (found === undefined) throw new Skipped("the proxy chooses no method that the kit has what it needs for");
    return found[0];
  }

  /** A connection on which a method is chosen. */
  async chosen(method: number): Promise<Raw> {
    this.needs(method);
    const raw = await this.connect();
    await raw.send(hello(method));
    await raw.expect(Uint8Array.of(5, method), `05 0${method}, the choice of the method that is offered`);
    return raw;
  }

  /** Starts a context, without a byte to the proxy. */
  async negotiation(flags: GssFlags = FLAGS): Promise<GssNegotiation> {
    const { gss } = this.lab;
    if (gss === undefined) throw new Skipped("no ticket was given");
    return await gss.credential.initiate(gss.service, { flags });
  }

  /** The first token of a context, in its frame. */
  async firstToken(): Promise<Uint8Array> {
    const { token } = await (await this.negotiation()).step();
    return encodeFrame(FrameType.Authentication, token!);
  }

  /** A connection with an established context, on which no level is agreed. */
  async context(flags: GssFlags = FLAGS): Promise<GssSession> {
    const raw = await this.chosen(Method.Gssapi);
    return await this.establish(raw, await this.negotiation(flags), (token) => raw.send(token));
  }

  /** Exchanges tokens until the context is established (RFC 1961 sections 3.3 to 3.7). */
  async establish(
    raw: Raw,
    negotiation: GssNegotiation,
    send: (frame: Uint8Array) => Promise<void>,
  ): Promise<GssSession> {
    let step = await negotiation.step();
    for (;;) {
      const { done, token } = step;
      if (token !== undefined) await send(encodeFrame(FrameType.Authentication, token));
      if (done && token === undefined) break;
      const what = done ? "an empty token, 01 01 00 00" : "the token that establishes the context";
      const frame = await raw.frame(what);
      expect(frame.type === FrameType.Authentication, what, `a message of type ${frame.type}: ${shown(frame.token)}`);
      if (done) {
        expect(frame.token.length === 0, what, shown(frame.token));
        break;
      }
      step = await negotiation.step(frame.token).catch((error) => {
        throw new Failed(what, `${shown(frame.token)}: ${(error as Error).message}`);
      });
    }
    const { context } = step as { context: GssSession["context"] };
    this.#keep({ close: () => context.dispose() });
    return new GssSession(raw, context);
  }

  /** A connection on which a level is agreed; skips the check if the proxy grants another one. */
  async protected(level: number, flags?: GssFlags): Promise<GssSession> {
    const session = await this.context(flags);
    const answered = await orUndefined(askLevel(session, level));
    if (answered === undefined) throw new Skipped(`the proxy does not grant level ${level}`);
    if (answered !== level) throw new Skipped(`the proxy grants level ${answered} where ${level} is asked for`);
    session.level = level;
    return session;
  }

  /** An authenticated connection, by the method that protects most, at the level that the proxy grants. */
  async channel(options: { readonly datagrams?: boolean } = {}): Promise<Channel> {
    const { method } = this;
    if (method === Method.Gssapi) {
      const session = await this.context({ ...FLAGS, sequence: !options.datagrams });
      session.level = await askLevel(session, 2);
      return session;
    }
    const raw = await this.chosen(method);
    if (method === Method.Password) await this.logIn(raw);
    return raw;
  }

  /** An authenticated connection whose messages are not protected. */
  async plain(): Promise<Raw> {
    const { methods, login: given } = this.lab;
    const able = [Method.None, ...(given === undefined ? [] : [Method.Password])];
    const method = able.find((candidate) => methods.has(candidate));
    if (method === undefined) throw new Skipped("the proxy has no method without protection");
    const raw = await this.chosen(method);
    if (method === Method.Password) await this.logIn(raw);
    return raw;
  }

  async logIn(raw: Raw): Promise<void> {
    const { username, password } = this.lab.login!;
    await raw.send(login(username, password));
    await raw.expect(Uint8Array.of(1, 0), "01 00, the login is accepted");
  }

  /** Connects through the proxy to the target. */
  async through<C extends Channel>(near: C, to: Endpoint = this.target.tcp): Promise<Through<C>> {
    await near.send(request(Command.Connect, to));
    await granted(near, "a granted CONNECT");
    return { near, far: await this.accepted() };
  }

  /** The next connection at the target. */
  async accepted(): Promise<Raw> {
    return this.#keep(await this.target.accepted());
  }

  /** Binds a UDP socket of the client. */
  async datagrams(hostname: string): Promise<{ socket: DatagramSocket; arrivals: Arrivals<Arrived> }> {
    const arrivals = new Arrivals<Arrived>();
    const onDatagram = (bytes: Arrived["bytes"], from: Endpoint) => arrivals.push({ bytes: bytes.slice(), from });
    const socket = this.#keep(await this.lab.world.bindDatagrams({ hostname, port: 0, onDatagram }));
    return { socket, arrivals };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of this.#open.reverse()) await opened.close();
    this.target.clear();
  }
}

/** Asks for a level (RFC 1961 section 4.3), and returns the byte that is granted. */
export async function askLevel(session: GssSession, level: number): Promise<number> {
  const what = "the granted level, one byte in a token of type 2";
  await session.raw.send(
    await session.frame(Uint8Array.of(level), { confidential: false, type: FrameType.Protection }),
  );
  const { data } = await session.next(FrameType.Protection, what);
  expect(data.length === 1, what, shown(data));
  return data[0]!;
}
