/**
 * What a command is told, and what may happen while it runs.
 *
 * @module
 */
import type { Deadline } from "../../../base/deadline.ts";
import type { SecuredChannel } from "../../auth/method.ts";
import type { Identity } from "../../identity.ts";
import { replyCodeFor } from "../../errors.ts";
import { asError } from "../../../base/reason.ts";
import type { CommandName, RuleQuery } from "../../rules/rule.ts";
import type { SessionEvent, SessionOptions } from "../session.ts";
import type { Connection } from "../../stream/connection.ts";
import { drain } from "../../stream/drain.ts";
import type { Endpoint } from "../../wire/address.ts";
import { Command, type Reply } from "../../wire/messages.ts";

/** A request that is to be carried out. */
export interface TargetRequest extends RuleQuery {
  /** Ends the attempt. */
  readonly signal: AbortSignal;
}

/** A command that there is not, by its number as it came: `0x99`. */
export type UnknownCommand = `0x${string}`;

/** The command of a number (RFC 1928 section 4, and Tor's two). */
export function commandOf(number: number): Pick<Asked, "command" | "lookup"> {
  switch (number) {
    case Command.Connect:
      return { command: "connect" };
    case Command.Bind:
      return { command: "bind" };
    case Command.UdpAssociate:
      return { command: "udp" };
    case Command.Resolve:
      return { command: "resolve" };
    case Command.ResolvePtr:
      return { command: "resolve", lookup: "name" };
    default:
      return { command: unknownCommand(number) };
  }
}

/** How a command is told of that there is not. */
export function unknownCommand(number: number): UnknownCommand {
  return `0x${number.toString(16).padStart(2, "0")}`;
}

/** A client that has said who it is and what it wants, whatever protocol it speaks. */
export interface Asked {
  /** The client's connection as it was accepted. */
  readonly accepted: Connection;
  /** The client. */
  readonly channel: SecuredChannel;
  /** The command. */
  readonly command: CommandName | UnknownCommand;
  /** What "resolve" is to find. @default {"address"} */
  readonly lookup?: "address" | "name";
  /** What it is about. */
  readonly target: Endpoint;
  /** Sends the byte with which every answer begins, once, before it is known what the answer is. */
  begin(): Promise<void>;
  /** Answers; the error is why it is a refusal, for protocols that have words for that. */
  reply(reply: Reply, error?: unknown): Promise<void>;
  /** The client's connection from here on, with what came early in front. */
  rest(): Connection;
}

/** What a command is given. */
export interface CommandCall {
  /** The client and its request. */
  readonly asked: Asked;
  /** The request as rules see it, ended with the session. */
  readonly request: TargetRequest;
  /** What the session is told. */
  readonly options: SessionOptions;
  /** Called before the last reply is sent: the client is watched until then, and may end what it sends as soon as it has that. */
  readonly answered: () => void;
}

/** Why datagrams were not relayed, and how many. */
export interface DroppedDatagrams {
  /** Not from the client that asked for the association. */
  wrongSource: number;
  /** Not one genuine protected message that is new. */
  notGenuine: number;
  /** Without a header that can be read. */
  malformed: number;
  /** A part of a larger one (RFC 1928 section 7 lets a relay drop those). */
  fragment: number;
  /** Where no rule allows it. */
  denied: number;
  /** From where the client has sent nothing. */
  unsolicited: number;
  /** More at one time, or in a second, than is handled. */
  overload: number;
  /** Too large for a datagram once the header and the protection are around it. */
  tooLarge: number;
  /** Where sending failed. */
  unreachable: number;
}

/** What an association carried. */
export interface DatagramCounts {
  /** Datagrams to targets. */
  sent: number;
  /** Datagrams to the client. */
  received: number;
  /** How often the client, shown by its keys, came from another address or port than before. */
  moved: number;
  /** Those that were not relayed. */
  readonly dropped: DroppedDatagrams;
}

/** Tells a client why its request is not carried out, and lets it read that. */
export async function refuse(call: CommandCall, error: unknown): Promise<void> {
  const { asked, options } = call;
  call.answered();
  options.onEvent({ type: "refused", ...subject(call), error: reasonOf(options.clock, error) });
  await answerRefusal(asked, error, options.clock.signal);
}

/** The answer to a request that is not carried out, and the end of the client's connection. */
export async function answerRefusal(asked: Asked, error: unknown, signal: AbortSignal): Promise<void> {
  const { connection } = asked.channel;
  // It fails where the client is gone, or was told of a success that came to nothing: there is no second answer.
  const tell = () => asked.reply({ reply: replyCodeFor(error), hostname: "0.0.0.0", port: 0 }, error);
  await drain(connection, { tell, signal });
  connection.close();
}

/** What events say of who and what, and of the address that stood for it, once one does. */
export function subject({ request, options: { status } }: CommandCall): {
  identity: Identity;
  command: TargetRequest["command"];
  target: Endpoint;
  address?: Endpoint;
} {
  const { identity, command, hostname, port } = request;
  const { address } = status;
  return { identity, command, target: { hostname, port }, ...(address === undefined ? {} : { address }) };
}

/** The end of a session whose request was carried out. */
export function closedEvent(
  call: CommandCall,
  how: { readonly error?: Error | undefined; readonly datagrams?: DatagramCounts },
): SessionEvent {
  const { counts, duration } = call.options.status;
  return { type: "closed", ...subject(call), ...counts, duration, ...how };
}

/** A closed connection fails in its own words; the reason is why it was closed. */
export function reasonOf({ signal }: Deadline, error: unknown): Error {
  return asError(signal.aborted ? signal.reason : error);
}
