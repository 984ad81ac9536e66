/**
 * One client of a server: handshake, authentication, decision, connection to the target, relay.
 *
 * @module
 */
import { type Deadline, startDeadline } from "../gss/deadline.ts";
import type { Identity, SecuredChannel, ServerAuthMethod } from "./auth/method.ts";
import { receive } from "./client.ts";
import { replyCodeFor, SocksAuthError, SocksReplyError, SocksTimeoutError } from "./errors.ts";
import { Handshake, methodName } from "./handshake.ts";
import { relay, type RelayCounts } from "./relay.ts";
import { type Connection, withPrefix } from "./stream/connection.ts";
import type { ProtectionLevel } from "./stream/protected.ts";
import { type Endpoint, formatEndpoint } from "./wire/address.ts";
import { Command, Method, type Request } from "./wire/messages.ts";

/** A request that is to be carried out. */
export interface TargetRequest extends Endpoint {
  /** Who asks. */
  readonly identity: Identity;
  /** Ends the attempt. */
  readonly signal: AbortSignal;
}

/** A connection to a target. */
export interface OpenedTarget {
  /** The connection. */
  readonly connection: Connection;
  /** Address of this end, for the reply. */
  readonly bound: Endpoint;
}

/**
 * Decides about a request and connects to its target.
 *
 * @throws {SocksReplyError} When it may not be, or cannot; the client is told the code.
 */
export type OpenTarget = (request: TargetRequest) => Promise<OpenedTarget>;

/** Something that happened to a session, for logs. It never holds a password, a key or a token. */
export type SessionEvent =
  | { readonly type: "accepted" }
  | { readonly type: "authenticated"; readonly identity: Identity; readonly protection: ProtectionLevel }
  | {
    readonly type: "refused";
    readonly identity?: Identity | undefined;
    readonly target?: Endpoint;
    readonly error: Error;
  }
  | { readonly type: "connected"; readonly identity: Identity; readonly target: Endpoint; readonly bound: Endpoint }
  | {
    readonly type: "closed";
    readonly identity: Identity;
    readonly target: Endpoint;
    readonly sent: number;
    readonly received: number;
    readonly error?: Error | undefined;
  };

/** What a session is told. */
export interface SessionOptions {
  /** Methods accepted, in order of preference. */
  readonly auth: readonly ServerAuthMethod[];
  /** Whether a client that offers GSS-API must use it although "none" would do. @default {false} */
  readonly preferGssapi: boolean;
  /** Decides and connects. */
  readonly open: OpenTarget;
  /** Time for greeting, authentication and request, in milliseconds. */
  readonly handshakeTimeout: number;
  /** Time for reaching the target, in milliseconds. */
  readonly connectTimeout: number;
  /** Time without an octet after which a relay ends, in milliseconds. */
  readonly idleTimeout: number;
  /** The session's own clock; aborting it ends the session. */
  readonly clock: Deadline;
  /** Told what happens. */
  readonly onEvent: (event: SessionEvent) => void;
}

/** Serves one client to its end. Failures are told to `onEvent`, and to the client as far as the protocol goes. */
export async function runSession(accepted: Connection, options: SessionOptions): Promise<void> {
  const { clock, onEvent } = options;
  // Whatever ends a session early ends it this way: everything else waits on this connection.
  const close = () => accepted.close();
  clock.signal.addEventListener("abort", close, { once: true });
  try {
    clock.signal.throwIfAborted();
    onEvent({ type: "accepted" });
    const asked = await greet(accepted, options);
    if (asked !== undefined) await carryOut(asked, options);
  } catch (error) {
    onEvent({ type: "refused", error: reasonOf(clock, error) });
  } finally {
    clock.signal.removeEventListener("abort", close);
    accepted.close();
  }
}

interface Asked {
  readonly handshake: Handshake;
  readonly channel: SecuredChannel;
  readonly request: Request;
}

/** Everything before the request, against the clock: nobody may sit on a connection without saying who he is. */
async function greet(accepted: Connection, options: SessionOptions): Promise<Asked | undefined> {
  const { handshakeTimeout: milliseconds, clock, onEvent } = options;
  clock.limit(
    milliseconds,
    () => new SocksTimeoutError("HANDSHAKE_TIMEOUT", `Client took longer than ${milliseconds} ms to ask for something`),
  );
  let channel: SecuredChannel | undefined;
  try {
    const handshake = new Handshake("server");
    const { methods } = await receive(handshake, accepted, "offer");
    const method = selectMethod(methods, options);
    await accepted.write(handshake.send({ type: "choice", method: method?.code ?? Method.NoneAcceptable }));
    if (method === undefined) {
      const offered = methods.map(methodName).join(", ") || "none";
      throw new SocksAuthError(
        "NO_ACCEPTABLE_METHOD",
        `Client offers no method that is accepted; it offers ${offered}`,
      );
    }
    const early = withPrefix(accepted, handshake.trailingData());
    channel = await method.accept(early, { signal: clock.signal });
    handshake.authenticated();
    onEvent({ type: "authenticated", identity: channel.identity, protection: channel.protection });
    const { request } = await receive(handshake, channel.connection, "request");
    return { handshake, channel, request };
  } catch (error) {
    channel?.connection.close();
    onEvent({ type: "refused", identity: channel?.identity, error: reasonOf(clock, error) });
    return undefined;
  } finally {
    clock.limit(Infinity, () => new Error("unreachable: there is no time limit"));
  }
}

/**
 * The method for a client. Programs built with GSS-API offer it whether they have a ticket or not, so where "none" is
 * accepted too it is taken, unless the server is told to prefer GSS-API.
 */
export function selectMethod(
  offered: readonly number[],
  { auth, preferGssapi }: Pick<SessionOptions, "auth" | "preferGssapi">,
): ServerAuthMethod | undefined {
  const usable = auth.filter(({ code }) => offered.includes(code));
  const first = preferGssapi ? Method.Gssapi : Method.None;
  return usable.find(({ code }) => code === first) ?? usable[0];
}

async function carryOut({ handshake, channel, request }: Asked, options: SessionOptions): Promise<void> {
  const { identity, connection } = channel;
  const { onEvent, clock, idleTimeout } = options;
  const target = { hostname: request.hostname, port: request.port };
  let opened: OpenedTarget;
  try {
    opened = await open(request, identity, options);
  } catch (error) {
    onEvent({ type: "refused", identity, target, error: asError(error) });
    const reply = { reply: replyCodeFor(error), hostname: "0.0.0.0", port: 0 };
    await connection.write(handshake.send({ type: "reply", reply })).catch(() => {});
    await drain(connection);
    connection.close();
    return;
  }
  const counts: RelayCounts = { sent: 0, received: 0 };
  let failure: Error | undefined;
  try {
    // The reply comes after the connection, never before it.
    await connection.write(handshake.send({ type: "reply", reply: { reply: 0, ...opened.bound } }));
    onEvent({ type: "connected", identity, target, bound: opened.bound });
    const client = withPrefix(connection, handshake.trailingData());
    await relay([client, opened.connection], counts, { clock, idleTimeout });
  } catch (error) {
    failure = asError(error);
  } finally {
    opened.connection.close();
    connection.close();
    onEvent({ type: "closed", identity, target, ...counts, error: failure });
  }
}

/** The client may take its time to read the refusal, and must not lose it to a reset: its end is waited for, a little. */
async function drain(connection: Connection): Promise<void> {
  const milliseconds = 1_000;
  using deadline = startDeadline({
    milliseconds,
    reason: () => new SocksTimeoutError("IDLE_TIMEOUT", "Client does not close"),
  });
  deadline.signal.addEventListener("abort", () => connection.close(), { once: true });
  try {
    await connection.closeWrite();
    for (let left = 64; left > 0 && await connection.read() !== null; left--);
  } catch {
    // Gone already, which is all that was waited for.
  }
}

async function open(request: Request, identity: Identity, options: SessionOptions): Promise<OpenedTarget> {
  if (request.command !== Command.Connect) {
    throw new SocksReplyError("COMMAND_NOT_SUPPORTED", `Command ${request.command} is not supported`);
  }
  const { connectTimeout: milliseconds } = options;
  const target = { hostname: request.hostname, port: request.port };
  using deadline = startDeadline({
    milliseconds,
    signal: options.clock.signal,
    reason: () =>
      new SocksTimeoutError("CONNECT_TIMEOUT", `${formatEndpoint(target)} did not answer within ${milliseconds} ms`),
  });
  return await options.open({ ...target, identity, signal: deadline.signal });
}

/** A closed connection fails in its own words; the reason is why it was closed. */
function reasonOf({ signal }: Deadline, error: unknown): Error {
  return asError(signal.aborted ? signal.reason : error);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
