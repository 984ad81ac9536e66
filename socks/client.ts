/**
 * The client: a connection to a target through a proxy (RFC 1928).
 *
 * @module
 */
import { startDeadline } from "../gss/deadline.ts";
import type { ClientAuthMethod, Identity } from "./auth/method.ts";
import { replyCodeName, SocksProtocolError, SocksReplyError, SocksTimeoutError } from "./errors.ts";
import { Handshake, type HandshakeMessage } from "./handshake.ts";
import { type Connection, type Dialer, withPrefix } from "./stream/connection.ts";
import type { ProtectionLevel } from "./stream/protected.ts";
import { type Endpoint, formatEndpoint } from "./wire/address.ts";
import { Command } from "./wire/messages.ts";

/** How a target is reached. */
export interface ConnectThroughOptions {
  /** Target. A name is sent as it is, for the proxy to look up. */
  readonly target: Endpoint;
  /** Proxy. Its host name is also that of its Kerberos service. */
  readonly proxy: Endpoint;
  /** Methods offered, in order of preference. */
  readonly auth: readonly ClientAuthMethod[];
  /** Makes the connection to the proxy. */
  readonly dial: Dialer;
  /** Time until the target is reached, in milliseconds. @default {60000} */
  readonly timeout?: number | undefined;
  /** Ends the attempt. A connection that was made is not closed by it. */
  readonly signal?: AbortSignal | undefined;
}

/** A connection through a proxy. */
export interface ProxiedConnection {
  /** The connection; octets go to the target. */
  readonly connection: Connection;
  /** Address that the proxy uses towards the target. */
  readonly bound: Endpoint;
  /** How the way to the proxy is protected. */
  readonly protection: ProtectionLevel;
  /** How this side authenticated. */
  readonly identity: Identity;
}

/**
 * Connects through a proxy.
 *
 * @throws {SocksReplyError} The proxy could not reach the target, or would not; or there is no reaching the proxy.
 * @throws {SocksAuthError} The proxy did not accept this side, or would have protected the connection too weakly.
 * @throws {SocksProtocolError} The proxy broke the protocol.
 * @throws {SocksTimeoutError} It took too long.
 */
export async function connectThrough(options: ConnectThroughOptions): Promise<ProxiedConnection> {
  const { proxy, target, signal, timeout = 60_000 } = options;
  if (options.auth.length === 0) {
    throw new TypeError("Cannot connect through a proxy: no authentication method is given");
  }
  using deadline = startDeadline({
    milliseconds: timeout,
    signal,
    reason: () =>
      new SocksTimeoutError("HANDSHAKE_TIMEOUT", `Proxy ${formatEndpoint(proxy)} took longer than ${timeout} ms`),
  });
  const dialled = await options.dial(proxy, { signal: deadline.signal });
  const close = () => dialled.close();
  deadline.signal.addEventListener("abort", close, { once: true });
  try {
    deadline.signal.throwIfAborted();
    const made = await negotiate(dialled, options, deadline.signal);
    deadline.signal.throwIfAborted();
    return made;
  } catch (error) {
    close();
    // A closed socket fails in its own words; the reason is why it was closed.
    throw deadline.signal.aborted ? deadline.signal.reason : described(error, proxy, target);
  } finally {
    deadline.signal.removeEventListener("abort", close);
  }
}

async function negotiate(
  dialled: Connection,
  { auth, proxy, target }: ConnectThroughOptions,
  signal: AbortSignal,
): Promise<ProxiedConnection> {
  const handshake = new Handshake("client");
  await dialled.write(handshake.send({ type: "offer", methods: auth.map(({ code }) => code) }));
  const choice = await receive(handshake, dialled, "choice");
  const method = auth.find(({ code }) => code === choice.method)!;
  const early = withPrefix(dialled, handshake.trailingData());
  const channel = await method.authenticate(early, { proxy, signal });
  handshake.authenticated();
  const { connection, protection, identity } = channel;
  try {
    const request = { command: Command.Connect, hostname: target.hostname, port: target.port };
    await connection.write(handshake.send({ type: "request", request }));
    const { reply } = await receive(handshake, connection, "reply");
    if (reply.reply !== 0) {
      const code = replyCodeName(reply.reply);
      const about = `Proxy ${formatEndpoint(proxy)} cannot reach ${formatEndpoint(target)}`;
      throw new SocksReplyError(code, `${about}: ${code} (${reply.reply})`);
    }
    const bound = { hostname: reply.hostname, port: reply.port };
    return { connection: withPrefix(connection, handshake.trailingData()), bound, protection, identity };
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** Reads until the message wanted is there. */
export async function receive<T extends HandshakeMessage["type"]>(
  handshake: Handshake,
  connection: Connection,
  type: T,
): Promise<HandshakeMessage & { type: T }> {
  for (;;) {
    const event = handshake.nextEvent();
    if (event !== undefined) return event as HandshakeMessage & { type: T };
    const bytes = await connection.read();
    if (bytes === null) {
      throw new SocksProtocolError("UNEXPECTED_END", `Peer closed the connection before its ${type}`);
    }
    handshake.receive(bytes);
  }
}

/** A proxy that hangs up says nothing; where it did so is what there is to tell. */
function described(error: unknown, proxy: Endpoint, target: Endpoint): unknown {
  if (!(error instanceof SocksProtocolError) || error.code !== "UNEXPECTED_END") return error;
  const about = `Cannot reach ${formatEndpoint(target)} through ${formatEndpoint(proxy)}`;
  return new SocksProtocolError("UNEXPECTED_END", `${about}: ${error.message}`, { cause: error });
}
