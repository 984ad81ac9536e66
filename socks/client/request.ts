/**
 * Requests of the client: connects to the proxy, negotiates and authenticates, sends the request and reads the reply (RFC 1928). All client
 * calls go through here.
 *
 * @module
 */
import { type Deadline, duration, onAbort, startDeadline } from "../../base/deadline.ts";
import { GssError } from "../../gss/status.ts";
import type { ClientAuthMethod, SecuredChannel } from "../auth/method.ts";
import { SocksAuthError, SocksTimeoutError } from "../errors.ts";
import { receive } from "../handshake_io.ts";
import type { Identity } from "../identity.ts";
import { checkEndpoint, checkFunction, checkSignal } from "../argument_checks.ts";
import { Handshake } from "../handshake.ts";
import type { ProtectionLevel } from "../protection.ts";
import { closeQuietly } from "../stream/close_quietly.ts";
import type { Connection, Dialer } from "../stream/connection.ts";
import { withPrefix } from "../stream/prefix.ts";
import { makeUnlessAborted } from "../stream/make_unless_aborted.ts";
import { type Endpoint, formatEndpoint } from "../wire/address.ts";
import { normalEndpoint, reachableEndpoint } from "../wire/host_name.ts";
import { Command, type Request } from "../wire/messages.ts";
import { otherProtocolError } from "./other_protocol.ts";
import { proxyUnreachable, replyError, timeoutWithProgress, withProxyNamed } from "./proxy_errors.ts";

/** Options of every request to a proxy. */
export interface ThroughOptions {
  /** The proxy. Its host name is also that of its Kerberos service. */
  readonly proxy: Endpoint;
  /** Methods to offer, in order of preference. */
  readonly auth: readonly ClientAuthMethod[];
  /** Connects to the proxy. */
  readonly dial: Dialer;
  /**
   * Time in milliseconds until the call has its result, with the connection to the proxy; `Infinity` for no limit. It does not limit what the
   * call returns.
   *
   * @default {60000}
   */
  readonly timeout?: number | undefined;
  /** Ends the attempt and everything that it returns. Pending and later calls fail with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A connection through a proxy. */
export interface ProxiedConnection {
  /** The connection; bytes go to the target. */
  readonly connection: Connection;
  /** Address that the proxy uses towards the target. */
  readonly bound: Endpoint;
  /** Protection of the connection to the proxy. */
  readonly protection: ProtectionLevel;
  /** How this side authenticated. */
  readonly identity: Identity;
}

/** A request that the proxy granted. */
export interface GrantedRequest extends ProxiedConnection {
  /** Result of the authentication. */
  readonly channel: SecuredChannel;
  /** The unprotected connection to the proxy. */
  readonly dialled: Connection;
  /** For a second reply. */
  readonly handshake: Handshake;
}

/**
 * Sends a request to a proxy; throws as `connectThrough` does. The signal ends the attempt only. The caller must end what is returned.
 */
export async function requestFromProxy(
  options: ThroughOptions,
  command: number,
  target: Endpoint,
): Promise<GrantedRequest> {
  using deadline = startCallDeadline(options);
  return await requestWithRetry(deadline.signal, options, { command, ...checkEndpoint("target", target) });
}

/**
 * Checks the options that all calls share, and starts the deadline of the call.
 *
 * @param phase Returns what takes the time once the proxy has answered; `undefined` before.
 */
export function startCallDeadline(
  options: ThroughOptions,
  phase: () => string | undefined = () => undefined,
): Deadline {
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
      const what = phase() ?? `Proxy ${formatEndpoint(proxy)}`;
      return new SocksTimeoutError("HANDSHAKE_TIMEOUT", `${what} took longer than ${milliseconds} ms`);
    },
  });
}

/**
 * Sends a request within the time of a call. Neither the dialer nor a method can delay it. If the mechanism learned from the proxy's refusal
 * how to succeed, for example from its clock, the request is tried once more.
 */
export async function requestWithRetry(
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
  const normal = normalEndpoint(request);
  const dialled = await dialProxy(dial, proxy, signal);
  let hasAnswered = false;
  let channel: Connection | undefined;
  const close = () => {
    closeQuietly(channel);
    closeQuietly(dialled);
  };
  using _ = onAbort(signal, close);
  try {
    signal.throwIfAborted();
    const onChoice = () => hasAnswered = true;
    const onChannel = (connection: Connection) => channel = connection;
    const negotiating = () => negotiate(dialled, { auth, proxy, signal, onChoice, onChannel }, normal);
    return await makeUnlessAborted(negotiating, signal, (late) => late.connection.close());
  } catch (error) {
    close();
    // A socket closed by the signal fails with its own error; the signal's reason says why.
    if (signal.aborted) throw timeoutWithProgress(signal.reason, proxy, hasAnswered ? "answered" : "silent");
    throw withProxyNamed(error, proxy, normal);
  }
}

async function dialProxy(dial: Dialer, proxy: Endpoint, signal: AbortSignal): Promise<Connection> {
  let dialled: Connection;
  try {
    dialled = await makeUnlessAborted(() => dial(proxy, { signal }), signal, (late) => late.close());
  } catch (error) {
    if (signal.aborted) throw timeoutWithProgress(signal.reason, proxy, "dialling");
    throw proxyUnreachable(proxy, error);
  }
  checkFunction("dial, which made no connection", dialled?.read);
  return dialled;
}

/** Options of {@linkcode negotiate}. */
interface NegotiateOptions {
  readonly auth: readonly ClientAuthMethod[];
  readonly proxy: Endpoint;
  readonly signal: AbortSignal;
  /** Called when the proxy has chosen a method, so it speaks SOCKS5. */
  readonly onChoice: () => void;
  /** Called with the connection that must be closed from now on. */
  readonly onChannel: (connection: Connection) => void;
}

/** Offers the methods, authenticates, sends the request and reads the reply. */
async function negotiate(
  dialled: Connection,
  { auth, proxy, signal, onChoice, onChannel }: NegotiateOptions,
  request: Request,
): Promise<GrantedRequest> {
  const handshake = new Handshake("client");
  await dialled.write(handshake.send({ type: "offer", methods: auth.map(({ code }) => code) }));
  const choice = await receive(handshake, dialled, "choice").catch(async (error) => {
    throw await otherProtocolError(error, { dialled, early: handshake.trailingData(), proxy, signal });
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
    const bound = await readGrantedReply(handshake, connection, { proxy, request });
    const rest = request.command === Command.Bind ? connection : withPrefix(connection, handshake.trailingData());
    return { connection: rest, bound, protection, identity, channel, dialled, handshake };
  } catch (error) {
    closeQuietly(connection);
    throw error;
  }
}

/** Reads a reply and returns its address. Throws if the reply refuses the request. */
export async function readGrantedReply(
  handshake: Handshake,
  connection: Connection,
  { proxy, request }: { readonly proxy: Endpoint; readonly request: Request },
): Promise<Endpoint> {
  const { reply } = await receive(handshake, connection, "reply");
  if (reply.reply !== 0) throw replyError(reply.reply, proxy, request);
  return { hostname: reply.hostname, port: reply.port };
}
