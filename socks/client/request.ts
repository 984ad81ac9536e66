/**
 * The client: a connection to a target through a proxy (RFC 1928).
 *
 * @module
 */
import { receive } from "../handshake_io.ts";
import { type Deadline, duration, startDeadline } from "../../base/deadline.ts";
import { GssError } from "../../gss/status.ts";
import type { ClientAuthMethod, SecuredChannel } from "../auth/method.ts";
import type { Identity } from "../identity.ts";
import { described, inAnotherProtocol, refusal, tooLate, unreachable } from "./errors.ts";
import { SocksAuthError, SocksTimeoutError } from "../errors.ts";
import { checkEndpoint, checkFunction, checkHost, checkSignal } from "../argument_checks.ts";
import { Handshake, type HandshakeMessage } from "../handshake.ts";
import { closeQuietly } from "../stream/close_quietly.ts";
import type { Connection, Dialer } from "../stream/connection.ts";
import { withPrefix } from "../stream/prefix.ts";
import { withSignal } from "../stream/with_signal.ts";
import { makeUnlessAborted } from "../stream/make_unless_aborted.ts";
import type { ProtectionLevel } from "../protection.ts";
import { type Endpoint, formatEndpoint } from "../wire/address.ts";
import { hostName, normalEndpoint, reachableEndpoint } from "../wire/host_name.ts";
import { parseIp } from "../wire/ip.ts";
import { Command, type Request } from "../wire/messages.ts";

/** How a proxy is reached and spoken to. */
export interface ThroughOptions {
  /** Proxy. Its host name is also that of its Kerberos service. */
  readonly proxy: Endpoint;
  /** Methods offered, in order of preference. */
  readonly auth: readonly ClientAuthMethod[];
  /** Makes the connection to the proxy. */
  readonly dial: Dialer;
  /**
   * Time until the call has what it promises, in milliseconds, way to the proxy included; `Infinity` for no limit. Behind that it
   * limits nothing.
   *
   * @default {60000}
   */
  readonly timeout?: number | undefined;
  /** Ends the attempt and everything that comes of it; what is under way then, and what is called later, fails with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** How a target is reached. */
export interface ConnectThroughOptions extends ThroughOptions {
  /** Target. A name is sent as a name, in A-labels, for the proxy to look up; brackets around an IPv6 address are taken off. */
  readonly target: Endpoint;
}

/** A connection through a proxy. */
export interface ProxiedConnection {
  /** The connection; bytes go to the target. */
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
 * @throws {SocksReplyError} The proxy could not reach the target, or would not.
 * @throws {SocksProxyError} There is no reaching the proxy.
 * @throws {SocksAuthError} The proxy did not accept this side, or would have protected the connection too weakly.
 * @throws {SocksProtocolError} The proxy broke the protocol.
 * @throws {SocksConnectionError} `LOST` when the connection to the proxy failed before the answer.
 * @throws {SocksTimeoutError} It took too long.
 * @throws {HostNameError} No host can be called what the target is called; nothing was sent then.
 * @throws {TypeError} An option is missing, or is not what it must be; nothing was dialled then.
 */
export async function connectThrough(options: ConnectThroughOptions): Promise<ProxiedConnection> {
  const { signal } = options;
  const { connection, bound, protection, identity } = await requestThrough(options, Command.Connect, options.target);
  return { connection: withSignal(connection, signal), bound, protection, identity };
}

/**
 * Asks a proxy for something; throws as {@linkcode connectThrough} does. The signal ends the attempt alone: what comes of it is
 * the caller's to end.
 */
export async function requestThrough(
  options: ThroughOptions,
  command: number,
  to: Endpoint,
): Promise<GrantedRequest> {
  using deadline = startCall(options);
  return await requestWithin(deadline.signal, options, { command, ...checkEndpoint("target", to) });
}

/**
 * Checks what every call is given, and starts the time that the call has.
 *
 * @param slow What it is that takes too long, once it is not the proxy.
 */
export function startCall(options: ThroughOptions, slow: () => string | undefined = () => undefined): Deadline {
  const { auth, timeout = 60_000 } = options;
  const proxy = checkEndpoint("proxy", options.proxy);
  const milliseconds = duration("timeout", timeout);
  const signal = checkSignal(options.signal);
  checkFunction("dial", options.dial);
  if (!Array.isArray(auth) || auth.length === 0) {
    throw new TypeError("Cannot connect through a proxy: no authentication method is given (auth)");
  }
  for (const method of auth) checkFunction("auth", method?.authenticate);
  return startDeadline({
    milliseconds,
    signal,
    reason: () => {
      const what = slow() ?? `Proxy ${formatEndpoint(proxy)}`;
      return new SocksTimeoutError("HANDSHAKE_TIMEOUT", `${what} took longer than ${milliseconds} ms`);
    },
  });
}

/**
 * As {@linkcode requestThrough}, in the time of a call that does more. Nobody who is asked for something can hold it up. Where the
 * mechanism has learnt from the proxy's refusal what to do better, such as by which clock, it is done once more.
 */
export async function requestWithin(
  signal: AbortSignal,
  options: ThroughOptions,
  request: Request,
): Promise<GrantedRequest> {
  try {
    return await requestOnce(signal, options, request);
  } catch (error) {
    const cause = error instanceof SocksAuthError ? error.cause : undefined;
    if (signal.aborted || !(cause instanceof GssError) || !cause.again) throw error;
    return await requestOnce(signal, options, request);
  }
}

async function requestOnce(signal: AbortSignal, options: ThroughOptions, request: Request): Promise<GrantedRequest> {
  const { auth, dial } = options;
  const proxy = reachableEndpoint(options.proxy);
  const to = normalEndpoint(request);
  const dialled = await dialProxy(dial, proxy, signal);
  let heard = false;
  let channel: Connection | undefined;
  const close = () => {
    closeQuietly(channel);
    closeQuietly(dialled);
  };
  signal.addEventListener("abort", close, { once: true });
  try {
    signal.throwIfAborted();
    const onChoice = () => heard = true;
    const onChannel = (made: Connection) => channel = made;
    const making = () => negotiate(dialled, { auth, proxy, signal, onChoice, onChannel }, to);
    return await makeUnlessAborted(making, signal, (late) => late.connection.close());
  } catch (error) {
    close();
    // A closed socket fails in its own words; the reason is why it was closed.
    throw signal.aborted ? tooLate(signal.reason, proxy, heard ? "heard" : "silent") : described(error, proxy, to);
  } finally {
    signal.removeEventListener("abort", close);
  }
}

async function dialProxy(dial: Dialer, proxy: Endpoint, signal: AbortSignal): Promise<Connection> {
  let dialled: Connection;
  try {
    dialled = await makeUnlessAborted(() => dial(proxy, { signal }), signal, (late) => late.close());
  } catch (error) {
    if (signal.aborted) throw tooLate(signal.reason, proxy, "dialling");
    throw unreachable(proxy, error);
  }
  checkFunction("dial, which made no connection", dialled?.read);
  return dialled;
}

/** What {@linkcode negotiate} goes by. */
interface Negotiation {
  readonly auth: readonly ClientAuthMethod[];
  readonly proxy: Endpoint;
  readonly signal: AbortSignal;
  /** Told that the proxy speaks SOCKS5. */
  readonly onChoice: () => void;
  /** Told of the connection that is to be closed from now on. */
  readonly onChannel: (connection: Connection) => void;
}

async function negotiate(
  dialled: Connection,
  { auth, proxy, signal, onChoice, onChannel }: Negotiation,
  request: Request,
): Promise<GrantedRequest> {
  const handshake = new Handshake("client");
  await dialled.write(handshake.send({ type: "offer", methods: auth.map(({ code }) => code) }));
  const choice = await receive(handshake, dialled, "choice").catch(async (error) => {
    throw await inAnotherProtocol(error, { dialled, early: handshake.trailingData(), proxy, signal });
  });
  onChoice();
  const method = auth.find(({ code }) => code === choice.method)!;
  const early = withPrefix(dialled, handshake.trailingData());
  const datagrams = request.command === Command.UdpAssociate;
  const channel = await method.authenticate(early, { proxy, signal, datagrams });
  handshake.authenticated();
  const { connection, protection, identity } = channel;
  onChannel(connection);
  try {
    signal.throwIfAborted();
    await connection.write(handshake.send({ type: "request", request }));
    const bound = await grantedReply(handshake, connection, { proxy, request });
    const rest = request.command === Command.Bind ? connection : withPrefix(connection, handshake.trailingData());
    return { connection: rest, bound, protection, identity, channel, dialled, handshake };
  } catch (error) {
    closeQuietly(connection);
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
  if (reply.reply !== 0) throw refusal(reply.reply, proxy, request);
  return { hostname: reply.hostname, port: reply.port };
}

/**
 * Has a proxy look up the address of a name, or the name of an address, with Tor's commands RESOLVE and RESOLVE_PTR.
 *
 * @returns The address, or the name.
 * @throws {SocksReplyError} The proxy could not, would not, or does not know the command.
 * @throws {SocksAuthError} As {@linkcode connectThrough}.
 * @throws {HostNameError} As {@linkcode connectThrough}.
 */
export async function resolveThrough(options: ThroughOptions & { readonly hostname: string }): Promise<string> {
  const hostname = hostName(checkHost("hostname", options.hostname));
  const command = parseIp(hostname) === undefined ? Command.Resolve : Command.ResolvePtr;
  const { bound, connection } = await requestThrough(options, command, { hostname, port: 0 });
  connection.close();
  return bound.hostname;
}
