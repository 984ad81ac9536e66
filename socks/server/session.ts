/**
 * One session: reads the client's request, carries it out, and reports what happens.
 *
 * @module
 */
import { abortable, NO_LIMIT, onAbort, startDeadline } from "../../base/deadline.ts";
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
export function runSession(accepted: Connection, options: SessionOptions): Promise<void> {
  return new Promise((resolve) => new Session(accepted, options.record, resolve).begin(options));
}

/** What a session keeps until it has ended. No function of it waits for the last step, which may take hours. */
class Session {
  readonly #accepted: Connection;
  readonly #record: SessionRecord;
  readonly #ended: () => void;
  readonly #end: EarlyEnd;
  #listening: Disposable | undefined;
  #channel: Connection | undefined;
  /** What lasts as long as the session. */
  #lasting: Disposable[] | undefined;

  constructor(accepted: Connection, record: SessionRecord, ended: () => void) {
    this.#accepted = accepted;
    this.#record = record;
    this.#ended = ended;
    this.#end = new EarlyEnd(accepted);
  }

  begin(options: SessionOptions): void {
    void this.#serve(options).then((last) => this.#begun(last)).catch((error) => this.#failed(error));
  }

  /** Serves the client up to the last step. */
  async #serve(options: SessionOptions): Promise<LastStep | undefined> {
    const { clock } = this.#record;
    clock.throwIfAborted();
    // Everything that the session waits for ends with the client's connection, or with the clock.
    this.#listening = onAbort(clock, (reason) => this.#end.begin(reason));
    this.#record.report({ type: "accepted" });
    let next: ClientRequest | LastStep | undefined = await readInTime(this.#accepted, this.#end, options);
    if (next === undefined) return undefined;
    this.#channel = next.channel.connection;
    // An association ends with its control connection, in whatever way that ends (RFC 1928 section 7).
    if (next.command !== "udp") this.#end.tunnel = this.#channel;
    const entered = enterOnce(options);
    const onLasting = (one: Disposable) => void (this.#lasting ??= []).push(one);
    while (typeof next === "object") next = await serveRequest(next, entered, onLasting);
    return next;
  }

  #begun(last: LastStep | undefined): void {
    if (last === undefined) void this.#finish();
    else last((failure) => failure === undefined ? void this.#finish() : this.#failed(failure.error));
  }

  #failed(error: unknown): void {
    this.#record.report({ type: "refused", error: endReason(this.#record.clock, error) });
    void this.#finish();
  }

  async #finish(): Promise<void> {
    this.#listening?.[Symbol.dispose]();
    for (const one of this.#lasting ?? []) one[Symbol.dispose]();
    await this.#end.finish();
    closeQuietly(this.#channel);
    closeQuietly(this.#accepted);
    this.#ended();
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
      clock,
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
    clock.limit(Infinity, NO_LIMIT);
  }
}

/** RFC 1961 section 3.2: only clients of UDP ASSOCIATE may do without sequence detection. */
const UNORDERED = "Client's security context has no sequence detection, without which nothing but UDP ASSOCIATE is " +
  "carried out; insecureUnordered would allow it";

/**
 * Carries out a request. The client is watched until the reply: when it goes, the work for it ends.
 *
 * @param onLasting Called with what lasts as long as the session, and not only as long as this function.
 * @returns The next request of the client, if its protocol has several on one connection, or the last step of the session.
 */
async function serveRequest(
  received: ClientRequest,
  options: SessionOptions,
  onLasting: (one: Disposable) => void,
): Promise<ClientRequest | LastStep | undefined> {
  const { timeouts, record } = options;
  const { clock, counts } = record;
  const { accepted, channel, command, target } = received;
  if (!isKnown(command)) return void await refuseUnknown(received, options);
  using attempt = startDeadline({ milliseconds: Infinity, signal: clock, reason: NO_LIMIT });
  using watch = new ClientWatch(received, command, attempt);
  record.requested(channel, { command, target });
  const request: CommandContext["request"] = {
    ...target,
    command,
    identity: channel.identity,
    protection: channel.protection,
    source: accepted.remote?.hostname,
    onRule: (rule) => record.allowedBy(rule),
  };
  const context: Omit<CommandContext, "bandwidth"> = {
    client: { ...received, rest: watch.rest },
    request,
    attempt,
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
    onLasting(endAtExpiry(channel.expiresAt, { clock, now: options.now }));
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
  context: Pick<CommandContext, "request" | "attempt" | "timeouts">,
  { enter }: SessionOptions,
): Promise<Bandwidth> {
  const entering = enter(context.request.identity);
  if (!(entering instanceof Promise)) return entering;
  using deadline = stepDeadline(context, "the user's sessions were not counted");
  return await abortable(entering, deadline);
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
