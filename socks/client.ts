/**
 * The client: a connection to a target through a proxy (RFC 1928).
 *
 * @module
 */
import { startDeadline } from "../gss/deadline.ts";
import type { ClientAuthMethod, Identity, SecuredChannel } from "./auth/method.ts";
import { replyCodeName, SocksProtocolError, SocksReplyError, SocksTimeoutError } from "./errors.ts";
import { Handshake, type HandshakeMessage } from "./handshake.ts";
import { type Connection, type Dialer, withPrefix } from "./stream/connection.ts";
import type { ProtectionLevel } from "./stream/protected.ts";
import { type Endpoint, formatEndpoint } from "./wire/address.ts";
import { hostName, normalEndpoint, reachableEndpoint } from "./wire/host_name.ts";
import { parseIp } from "./wire/ip.ts";
import { Command, type Request } from "./wire/messages.ts";

/** How a proxy is reached and spoken to. */
export interface ThroughOptions {
  /** Proxy. Its host name is also that of its Kerberos service. */
  readonly proxy: Endpoint;
  /** Methods offered, in order of preference. */
  readonly auth: readonly ClientAuthMethod[];
  /** Makes the connection to the proxy. */
  readonly dial: Dialer;
  /** Time until the proxy has done what it is asked for, in milliseconds. @default {60000} */
  readonly timeout?: number | undefined;
  /** Ends the attempt. A connection that was made is not closed by it. */
  readonly signal?: AbortSignal | undefined;
}

/** How a target is reached. */
export interface ConnectThroughOptions extends ThroughOptions {
  /** Target. A name is sent as a name, in A-labels, for the proxy to look up; brackets around an IPv6 address are taken off. */
  readonly target: Endpoint;
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

/** A proxy that has granted a request. */
export interface GrantedRequest extends ProxiedConnection {
  /** What authentication ended with. */
  readonly channel: SecuredChannel;
  /** Connection to the proxy underneath. */
  readonly dialled: Connection;
  /** For a reply that is still to come. */
  readonly handshake: Handshake;
}

/**
 * Connects through a proxy.
 *
 * @throws {SocksReplyError} The proxy could not reach the target, or would not; or there is no reaching the proxy.
 * @throws {SocksAuthError} The proxy did not accept this side, or would have protected the connection too weakly.
 * @throws {SocksProtocolError} The proxy broke the protocol.
 * @throws {SocksTimeoutError} It took too long.
 * @throws {HostNameError} No host can be called what the target is called; nothing was sent then.
 */
export async function connectThrough(options: ConnectThroughOptions): Promise<ProxiedConnection> {
  const { connection, bound, protection, identity } = await requestThrough(options, Command.Connect, options.target);
  return { connection, bound, protection, identity };
}

/** Asks a proxy for something; throws as {@linkcode connectThrough} does. */
export async function requestThrough(
  options: ThroughOptions,
  command: number,
  to: Endpoint,
): Promise<GrantedRequest> {
  const { signal, timeout = 60_000 } = options;
  const proxy = reachableEndpoint(options.proxy);
  const target = normalEndpoint(to);
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
    const granted = await negotiate(dialled, { ...options, proxy }, { command, ...target }, deadline.signal);
    if (deadline.signal.aborted) granted.connection.close();
    deadline.signal.throwIfAborted();
    return granted;
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
  { auth, proxy }: ThroughOptions,
  request: Request,
  signal: AbortSignal,
): Promise<GrantedRequest> {
  const handshake = new Handshake("client");
  await dialled.write(handshake.send({ type: "offer", methods: auth.map(({ code }) => code) }));
  const choice = await receive(handshake, dialled, "choice");
  const method = auth.find(({ code }) => code === choice.method)!;
  const early = withPrefix(dialled, handshake.trailingData());
  const datagrams = request.command === Command.UdpAssociate;
  const channel = await method.authenticate(early, { proxy, signal, datagrams });
  handshake.authenticated();
  const { connection, protection, identity } = channel;
  try {
    await connection.write(handshake.send({ type: "request", request }));
    const bound = await grantedReply(handshake, connection, { proxy, request });
    const rest = request.command === Command.Bind ? connection : withPrefix(connection, handshake.trailingData());
    return { connection: rest, bound, protection, identity, channel, dialled, handshake };
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** The address of the next reply; throws when that is a refusal. */
export async function grantedReply(
  handshake: Handshake,
  connection: Connection,
  { proxy, request }: { readonly proxy: Endpoint; readonly request: Request },
): Promise<Endpoint> {
  const { reply } = await receive(handshake, connection, "reply");
  if (reply.reply !== 0) {
    const code = replyCodeName(reply.reply);
    const about = `Proxy ${formatEndpoint(proxy)} ${UNABLE[request.command] ?? "cannot reach"} ${
      formatEndpoint(request)
    }`;
    throw new SocksReplyError(code, `${about}: ${code} (${reply.reply})`);
  }
  return { hostname: reply.hostname, port: reply.port };
}

const UNABLE: Readonly<Record<number, string>> = {
  [Command.Bind]: "cannot listen for",
  [Command.UdpAssociate]: "cannot relay datagrams from",
  [Command.Resolve]: "cannot look up",
  [Command.ResolvePtr]: "cannot look up",
};

/**
 * Has a proxy look up the address of a name, or the name of an address, with Tor's commands RESOLVE and RESOLVE_PTR.
 *
 * @returns The address, or the name.
 * @throws {SocksReplyError} The proxy could not, would not, or does not know the command.
 * @throws {SocksAuthError} As {@linkcode connectThrough}.
 * @throws {HostNameError} As {@linkcode connectThrough}.
 */
export async function resolveThrough(options: ThroughOptions & { readonly hostname: string }): Promise<string> {
  const hostname = hostName(options.hostname);
  const command = parseIp(hostname) === undefined ? Command.Resolve : Command.ResolvePtr;
  const { bound, connection } = await requestThrough(options, command, { hostname, port: 0 });
  connection.close();
  return bound.hostname;
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
    if (bytes === null) handshake.ended(type);
    handshake.receive(bytes);
  }
}

/** A proxy that hangs up says nothing; where it did so is what there is to tell. */
function described(error: unknown, proxy: Endpoint, target: Endpoint): unknown {
  if (!(error instanceof SocksProtocolError) || error.code !== "UNEXPECTED_END") return error;
  const about = `Cannot reach ${formatEndpoint(target)} through ${formatEndpoint(proxy)}`;
  return new SocksProtocolError("UNEXPECTED_END", `${about}: ${error.message}`, { cause: error });
}
