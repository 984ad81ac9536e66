/**
 * One session: reads the client's request, carries it out, and reports what happens.
 *
 * @module
 */
import { abortable, onAbort, startDeadline } from "../../base/deadline.ts";
import type { SecuredChannel } from "../auth/method.ts";
import { SocksReplyError, SocksTimeoutError } from "../errors.ts";
import type { Identity } from "../identity.ts";
import type { CommandName } from "../rules/rule.ts";
import { closeQuietly } from "../stream/close_quietly.ts";
import type { Connection } from "../stream/connection.ts";
import { drain } from "../stream/drain.ts";
import { makeUnlessAborted } from "../stream/make_unless_aborted.ts";
import { yieldMicrotasks } from "../stream/settling.ts";
import type { Endpoint } from "../wire/address.ts";
import { ClientWatch } from "./client_watch.ts";
import { runCommand, type ServedCommands } from "./commands/commands.ts";
import type { CommandContext, LastStep } from "./commands/context.ts";
import { answerRefusal, endReason, refuse } from "./commands/refuse.ts";
import { stepDeadline } from "./commands/step_deadline.ts";
import { EarlyEnd } from "./early_end.ts";
import { fixedRequest } from "./front/fixed_target.ts";
import type { AcceptedProtocols } from "./front/options.ts";
import { readRequest } from "./front/read_request.ts";
import type { ClientRequest } from "./front/request.ts";
import type { Bandwidth } from "./limits/bandwidth.ts";
import type { AllTimeouts } from "./limits/timeouts.ts";
import type { SessionRecord } from "./session_record.ts";
import type { TargetRequest } from "./targets/target.ts";
import { endAtExpiry } from "./ticket_expiry.ts";

/** Options of a session. */
export interface SessionOptions {
  /** Protocols and methods accepted. */
  readonly accepts: AcceptedProtocols;
  /** Target of a client that sends no request. */
  readonly target?: Endpoint | undefined;
  /** Commands that are carried out. */
  readonly commands: ServedCommands;
  /** Time limits of the steps. */
  readonly timeouts: AllTimeouts;
  /** Whether the session ends when the client's ticket expires. */
  readonly cutExpired: boolean;
  /** Record of the session, with the clock that ends it. */
  readonly record: SessionRecord;
  /** Gives the time, in milliseconds since the epoch. */
  readonly now: () => number;
  /**
   * Called before the client's request is carried out; counts the session for its user.
   *
   * @throws {Error} When a limit is reached; the request is refused then.
   */
  readonly enter: (identity: Identity) => Bandwidth | Promise<Bandwidth>;
}

/** Serves one client until its connection has ended. Never rejects for a failure of the session, which is an event. */
export async function runSession(accepted: Connection, options: SessionOptions): Promise<void> {
  const { record } = options;
  const { clock } = record;
  const end = new EarlyEnd(accepted);
  let listening: Disposable | undefined;
  let channel: Connection | undefined;
  /** What lasts as long as the session. */
  const lasting: Disposable[] = [];
  try {
    clock.signal.throwIfAborted();
    // Everything that the session waits for ends with the client's connection, or with the clock.
    listening = onAbort(clock, (reason) => end.begin(reason));
    record.report({ type: "accepted" });
    let next: ClientRequest | LastStep | undefined = await readInTime(accepted, end, options);
    if (next === undefined) return;
    channel = next.channel.connection;
    // An association ends with its control connection, in whatever way that ends (RFC 1928 section 7).
    if (next.command !== "udp") end.tunnel = channel;
    const entered = enterOnce(options);
    while (typeof next === "object") next = await serveRequest(next, entered, lasting);
    await next?.();
  } catch (error) {
    record.report({ type: "refused", error: endReason(clock, error) });
  } finally {
    listening?.[Symbol.dispose]();
    for (const one of lasting) one[Symbol.dispose]();
    await end.finish();
    closeQuietly(channel);
    closeQuietly(accepted);
  }
}

/** Reads the request within `timeouts.handshake`. Returns `undefined` if there is none, which has been reported then. */
async function readInTime(
  accepted: Connection,
  end: EarlyEnd,
  { accepts, target, timeouts: { handshake: milliseconds }, record }: SessionOptions,
): Promise<ClientRequest | undefined> {
  const { clock, source } = record;
  clock.limit(
    milliseconds,
    () => new SocksTimeoutError("HANDSHAKE_TIMEOUT", `Client sent no request within ${milliseconds} ms`),
  );
  let channel: SecuredChannel | undefined;
  const onChannel = (made: SecuredChannel): void => {
    if (end.over.aborted) {
      made.connection.close();
      end.over.throwIfAborted();
    }
    channel = made;
    record.authenticated(made);
  };
  try {
    const front = {
      accepts,
      signal: clock.signal,
      end,
      onGone: (reason: Error) => clock.abort(reason),
      source,
      onChannel,
    };
    const reading = () => target === undefined ? readRequest(accepted, front) : fixedRequest(accepted, target, front);
    // A method, or a password check, may ignore the signal.
    return await makeUnlessAborted(reading, end.over, (late) => late.channel.connection.close());
  } catch (error) {
    record.report({ type: "refused", identity: channel?.identity, error: endReason(clock, error) });
    if (!clock.signal.aborted) await drain(channel?.connection ?? accepted, { signal: clock.signal });
    closeQuietly(channel?.connection);
    // A method that listens to the signal releases what it holds meanwhile.
    if (clock.signal.aborted) await yieldMicrotasks();
    return undefined;
  } finally {
    clock.limit(Infinity, () => new Error("unreachable: there is no time limit"));
  }
}

/** RFC 1961 section 3.2: only clients of UDP ASSOCIATE may do without sequence detection. */
const UNORDERED = "Client's security context has no sequence detection, without which nothing but UDP ASSOCIATE is " +
  "carried out; insecureUnordered would allow it";

/**
 * Carries out a request. The client is watched until the reply: when it goes, the work for it ends.
 *
 * @param lasting Gets what lasts as long as the session, and not only as long as this function.
 * @returns The next request of the client, if its protocol has several on one connection, or the last step of the session.
 */
async function serveRequest(
  received: ClientRequest,
  options: SessionOptions,
  lasting: Disposable[],
): Promise<ClientRequest | LastStep | undefined> {
  const { timeouts, record } = options;
  const { clock, counts } = record;
  const { accepted, channel, command, target } = received;
  if (!isKnown(command)) return void await refuseUnknown(received, options);
  using attempt = startDeadline({
    milliseconds: Infinity,
    signal: clock,
    reason: () => new Error("unreachable: there is no time limit"),
  });
  using watch = new ClientWatch(received, command, attempt);
  record.requested(channel, { command, target });
  const request: TargetRequest = {
    ...target,
    command,
    identity: channel.identity,
    protection: channel.protection,
    source: accepted.remote?.hostname,
    signal: attempt.signal,
    onRule: (rule) => record.allowedBy(rule),
  };
  const context: Omit<CommandContext, "bandwidth"> = {
    client: { ...received, rest: watch.rest },
    request,
    clock,
    timeouts,
    counts,
    answering: watch.stop,
    report: record.reportCommand.bind(record, request),
  };
  if (channel.ordered === false && command !== "udp") {
    return void await refuse(context, new SocksReplyError("NOT_ALLOWED", UNORDERED));
  }
  if (options.cutExpired && channel.expiresAt !== Infinity) {
    lasting.push(endAtExpiry(channel.expiresAt, { clock, now: options.now }));
  }
  let bandwidth: Bandwidth;
  try {
    bandwidth = await enterInTime(context, options);
  } catch (error) {
    return void await refuse(context, error);
  }
  return await runCommand({ ...context, bandwidth }, options.commands);
}

/** The user's session is counted once, however many requests the client sends. */
function enterOnce(options: SessionOptions): SessionOptions {
  let entered: ReturnType<SessionOptions["enter"]> | undefined;
  return { ...options, enter: (identity) => entered ??= options.enter(identity) };
}

/** Counts the session for its user, within `timeouts.connect` where the ledger takes its time. */
async function enterInTime(
  context: Pick<CommandContext, "request" | "timeouts">,
  { enter }: SessionOptions,
): Promise<Bandwidth> {
  const entering = enter(context.request.identity);
  if (!(entering instanceof Promise)) return entering;
  using deadline = stepDeadline(context, "the user's sessions were not counted");
  return await abortable(entering, deadline.signal);
}

/** Whether a command is one that the server knows. */
function isKnown(command: ClientRequest["command"]): command is CommandName {
  return !command.startsWith("0x");
}

/** Refuses a command that the server does not know. No rule and no limit concerns such a command. */
async function refuseUnknown(client: ClientRequest, { record }: SessionOptions): Promise<void> {
  const { command, target, channel } = client;
  record.requested(channel, { target });
  const error = new SocksReplyError("COMMAND_NOT_SUPPORTED", `Command ${command} is not known`);
  record.report({ type: "refused", identity: channel.identity, command, target, error });
  await answerRefusal(client, error, record.clock.signal);
}
