/**
 * One client of a server: what it says of itself, and the command that it asks for.
 *
 * @module
 */
import { abortable, type Deadline, pause, startDeadline } from "../../base/deadline.ts";
import type { SecuredChannel, ServerAuthMethod } from "../auth/method.ts";
import type { Identity } from "../identity.ts";
import type { AssociateCommand } from "./commands/associate.ts";
import { type OpenBind, runBind } from "./commands/bind.ts";
import {
  answerRefusal,
  type Asked,
  type CommandCall,
  type DatagramCounts,
  reasonOf,
  refuse,
  type TargetRequest,
  type UnknownCommand,
} from "./commands/command.ts";
import { connectDeadline, type OpenTarget, runConnect } from "./commands/connect.ts";
import { type ResolveHost, runResolve } from "./commands/resolve.ts";
import { ClientWatch } from "./client_gone.ts";
import { SocksAuthError, SocksReplyError, SocksTimeoutError } from "../errors.ts";
import { ask, type OtherProtocol } from "./front/front.ts";
import type { Gate, RelayCounts } from "./relay/relay.ts";
import type { AllTimeouts } from "./options.ts";
import type { CommandName } from "../rules/rule.ts";
import type { Connection } from "../stream/connection.ts";
import { yieldMicrotasks } from "../stream/settling.ts";
import { abortQuietly, closeQuietly } from "../stream/close_quietly.ts";
import { drain } from "../stream/drain.ts";
import { makeUnlessAborted } from "../stream/make_unless_aborted.ts";
import type { ProtectionLevel } from "../protection.ts";
import type { Endpoint } from "../wire/address.ts";

/** Something that happened to a session, for logs. It never holds a password, a key or a token. */
export type SessionEvent =
  | { readonly type: "accepted" }
  | { readonly type: "authenticated"; readonly identity: Identity; readonly protection: ProtectionLevel }
  | {
    readonly type: "refused";
    readonly identity?: Identity | undefined;
    /** What was asked for; of a command that there is not, its number. */
    readonly command?: CommandName | UnknownCommand;
    readonly target?: Endpoint;
    /** Address that was connected to before it came to this. */
    readonly address?: Endpoint;
    readonly error: Error;
  }
  | {
    /** A listener waits for the connection that BIND asked for, a socket for the datagrams of an association, or a target is reached. */
    readonly type: "listening" | "associated" | "connected";
    readonly identity: Identity;
    readonly command: CommandName;
    readonly target: Endpoint;
    /** Address that stands for the target: the one connected to, or where BIND's connection came from. Not known through an upstream. */
    readonly address?: Endpoint;
    readonly bound: Endpoint;
  }
  | {
    readonly type: "closed";
    readonly identity: Identity;
    readonly command: CommandName;
    readonly target: Endpoint;
    /** Address that stood for the target, as in `connected`. */
    readonly address?: Endpoint;
    /** Bytes from the client to targets. */
    readonly sent: number;
    /** Bytes from targets to the client. */
    readonly received: number;
    /** What an association carried and dropped. */
    readonly datagrams?: DatagramCounts;
    /** Time since the client was accepted, in milliseconds. */
    readonly duration: number;
    readonly error?: Error | undefined;
  };

/** What a session has come to; it changes while the session runs. */
export interface SessionStatus {
  /** When the client was accepted, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** Time since then in milliseconds, by a clock that nobody sets. */
  readonly duration: number;
  /** Bytes carried. */
  readonly counts: RelayCounts;
  /** The client, once it has said who it is. */
  identity?: Identity;
  /** How its data is protected. */
  protection?: ProtectionLevel;
  /** What it asked for. */
  command?: CommandName;
  /** Where to. */
  target?: Endpoint;
  /** Address that stands for the target, once it is connected to. */
  address?: Endpoint | undefined;
}

/** What a server does for its clients; what is missing is refused. */
export interface ServedCommands {
  /** CONNECT. */
  readonly open: OpenTarget;
  /** BIND. */
  readonly bind?: OpenBind | undefined;
  /** UDP ASSOCIATE. */
  readonly associate?: AssociateCommand | undefined;
  /** RESOLVE and RESOLVE_PTR. */
  readonly resolve?: ResolveHost | undefined;
}

/** What a session is told. */
export interface SessionOptions extends ServedCommands {
  /** Methods accepted, in order of preference. */
  readonly auth: readonly ServerAuthMethod[];
  /** Whether a client that offers GSS-API must use it although "none" would do. @default {false} */
  readonly preferGssapi: boolean;
  /** Protocols accepted beside SOCKS version 5. */
  readonly protocols: readonly OtherProtocol[];
  /** Whether a client is told in words why it is refused. */
  readonly tellReasons?: boolean | undefined;
  /** How long each step may take, in milliseconds. */
  readonly timeouts: AllTimeouts;
  /** The session's own clock; aborting it ends the session. */
  readonly clock: Deadline;
  /** What the session has come to. */
  readonly status: SessionStatus;
  /** Name under which the client's address counts, empty where it has none. */
  readonly source: string;
  /** Gives the time, in milliseconds since the epoch. */
  readonly now: () => number;
  /** Holds bytes of the relay up, for a limit on their rate. */
  readonly gate?: Gate | undefined;
  /** Whether a datagram of so many bytes may pass now. */
  readonly admit: (length: number) => boolean;
  /**
   * Called before the request of a client is carried out.
   *
   * @throws {Error} When the client may not go on, for a limit; it is told so.
   */
  readonly enter: (identity: Identity) => Promise<void> | undefined;
  /** Whether a session ends when the ticket does. */
  readonly cutExpired: boolean;
  /** Told what happens. */
  readonly onEvent: (event: SessionEvent) => void;
}

/** Serves one client to its end. Failures are told to `onEvent`, and to the client as far as the protocol goes. */
export async function runSession(accepted: Connection, options: SessionOptions): Promise<void> {
  const { clock, onEvent } = options;
  const over = new AbortController();
  const parting: Parting = { tell: undefined, over: over.signal };
  // Whatever ends a session early ends it this way: everything else waits on this connection, or for the clock.
  let parted: Promise<void> | undefined;
  let asked: Asked | undefined;
  const close = () => {
    parted = part(accepted, parting).then(() => over.abort(clock.signal.reason));
  };
  clock.signal.addEventListener("abort", close, { once: true });
  try {
    clock.signal.throwIfAborted();
    onEvent({ type: "accepted" });
    asked = await greet(accepted, options, parting);
    if (asked === undefined) return;
    // The end of its control connection is the end of an association, and no other (RFC 1928 section 7).
    if (asked.command !== "udp") parting.channel = asked.channel.connection;
    await carryOut(asked, options);
  } catch (error) {
    onEvent({ type: "refused", error: reasonOf(clock, error) });
  } finally {
    clock.signal.removeEventListener("abort", close);
    // A session is not over while somebody is being told of its end, who has the time of the session for it and no more.
    parting.patience?.abort(new Error("Session has ended"));
    await parted;
    closeQuietly(asked?.channel.connection);
    closeQuietly(accepted);
  }
}

/** What tells a client that it is refused, while an authentication is under way that has such a message. */
interface Parting {
  tell: (() => Promise<void>) | undefined;
  /** The client's connection once it has said what it wants, which can tell it that this is no end. */
  channel?: Connection;
  /** Aborted once a client whose session ends early has been told, or has had its time for that, and is cut off. */
  readonly over: AbortSignal;
  /** How long the client has for it, once it is being told. */
  patience?: Deadline;
}

/** Longest wait for a client to take its refusal, in milliseconds. */
const PARTING = 1_000;

/** Closes. RFC 1961 section 3.8: who is refused while it authenticates is told, for whatever reason; so in RFC 1929 section 2. */
async function part(accepted: Connection, parting: Parting): Promise<void> {
  const { tell, channel } = parting;
  if (tell !== undefined) {
    using deadline = startDeadline({ milliseconds: PARTING, reason: () => new Error("Client takes no refusal") });
    parting.patience = deadline;
    await abortable(tell(), deadline.signal).catch(() => {});
  }
  if (channel !== undefined) abortQuietly(channel);
  closeQuietly(accepted);
}

/** Everything before the request, against the clock: nobody may sit on a connection without saying who he is. */
async function greet(accepted: Connection, options: SessionOptions, parting: Parting): Promise<Asked | undefined> {
  const { timeouts: { handshake: milliseconds }, clock, status, onEvent } = options;
  clock.limit(
    milliseconds,
    () => new SocksTimeoutError("HANDSHAKE_TIMEOUT", `Client took longer than ${milliseconds} ms to ask for something`),
  );
  let channel: SecuredChannel | undefined;
  try {
    // Methods, and who says which passwords are right, need not know of the signal.
    const asking = () =>
      ask(accepted, {
        auth: options.auth,
        preferGssapi: options.preferGssapi,
        protocols: options.protocols,
        tellReasons: options.tellReasons,
        signal: clock.signal,
        beforeClosing(tell): void {
          parting.tell = tell;
        },
        onGone: (reason) => clock.abort(reason),
        source: options.source,
        onChannel(made): void {
          if (parting.over.aborted) {
            made.connection.close();
            parting.over.throwIfAborted();
          }
          channel = made;
          status.identity = made.identity;
          status.protection = made.protection;
          onEvent({ type: "authenticated", identity: made.identity, protection: made.protection });
        },
      });
    return await makeUnlessAborted(asking, parting.over, (late) => late.channel.connection.close());
  } catch (error) {
    onEvent({ type: "refused", identity: channel?.identity, error: reasonOf(clock, error) });
    if (!clock.signal.aborted) await drain(channel?.connection ?? accepted, { signal: clock.signal });
    closeQuietly(channel?.connection);
    // One that does know has given back what it holds by then.
    if (clock.signal.aborted) await yieldMicrotasks();
    return undefined;
  } finally {
    clock.limit(Infinity, () => new Error("unreachable: there is no time limit"));
  }
}

/** RFC 1961 section 3.2: only clients of datagrams may leave the order out. */
const UNORDERED = "Client's security context has no sequence detection, without which nothing but UDP ASSOCIATE is " +
  "carried out; insecureUnordered would let it";

/** The client is watched from here to the reply: when it goes, what is done on its behalf ends. */
async function carryOut(given: Asked, options: SessionOptions): Promise<void> {
  const { status, clock } = options;
  using attempt = startDeadline({
    milliseconds: Infinity,
    signal: clock.signal,
    reason: () => new Error("unreachable: there is no time limit"),
  });
  const { command, target, channel: { identity, protection } } = given;
  status.target = target;
  if (!isServed(command)) return await refuseCommand(given, command, options);
  using watch = new ClientWatch(given, command, attempt);
  const asked: Asked = { ...given, rest: () => watch.rest() };
  const request: TargetRequest = {
    ...target,
    command,
    identity,
    protection,
    source: given.accepted.remote?.hostname,
    signal: attempt.signal,
  };
  status.command = command;
  const call: CommandCall = { asked, request, options, answered: () => watch[Symbol.dispose]() };
  if (asked.channel.ordered === false && command !== "udp") {
    return await refuse(call, new SocksReplyError("NOT_ALLOWED", UNORDERED));
  }
  using _expiry = options.cutExpired && asked.channel.expiresAt !== Infinity
    ? endAtExpiry(asked.channel, options)
    : undefined;
  try {
    const entering = options.enter(identity);
    if (entering !== undefined) {
      using deadline = connectDeadline(request, options, "the user's sessions were not counted");
      await abortable(entering, deadline.signal);
    }
  } catch (error) {
    return await refuse(call, error);
  }
  await run(call);
}

async function run(call: CommandCall): Promise<void> {
  const { asked: { lookup = "address" }, request: { command }, options: { bind, associate, resolve } } = call;
  if (command === "connect") return await runConnect(call);
  if (command === "bind" && bind !== undefined) return await runBind(call, bind);
  if (command === "udp" && associate !== undefined) return await associate.run(call);
  if (command === "resolve" && resolve !== undefined) return await runResolve(call, resolve, lookup);
  await refuse(call, new SocksReplyError("COMMAND_NOT_SUPPORTED", `Command ${command} is not supported`));
}

function isServed(command: Asked["command"]): command is CommandName {
  return !command.startsWith("0x");
}

/** A command that there is not: nothing is judged or counted as one that there is. */
async function refuseCommand(asked: Asked, command: UnknownCommand, { onEvent, clock }: SessionOptions): Promise<void> {
  const { target, channel: { identity } } = asked;
  const error = new SocksReplyError("COMMAND_NOT_SUPPORTED", `Command ${command} is not known`);
  onEvent({ type: "refused", identity, command, target, error });
  await answerRefusal(asked, error, clock.signal);
}

/** Longest time in which a clock that was set is not looked at, in milliseconds. */
const CLOCK_CHECK = 60_000;

/**
 * RFC 4120 section 3.2.3 leaves it to the server whether a session outlives the ticket that it began with. A ticket expires by the wall
 * clock, which may be set while it is waited for.
 */
function endAtExpiry({ expiresAt }: SecuredChannel, { clock, now }: SessionOptions): Disposable {
  const over = new AbortController();
  void (async () => {
    for (let left = expiresAt - now(); left > 0 && !over.signal.aborted; left = expiresAt - now()) {
      await pause(Math.min(left, CLOCK_CHECK), over.signal);
    }
    if (!over.signal.aborted) clock.abort(new SocksAuthError("TICKET_EXPIRED", "Client's ticket has expired"));
  })();
  return { [Symbol.dispose]: () => over.abort() };
}
