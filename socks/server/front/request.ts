/**
 * The request of a client, in whatever protocol it came.
 *
 * @module
 */
import type { SecuredChannel } from "../../auth/method.ts";
import type { CommandName } from "../../rules/rule.ts";
import type { Connection } from "../../stream/connection.ts";
import type { Endpoint } from "../../wire/address.ts";
import { Command, type Reply } from "../../wire/messages.ts";
import type { HttpRequest, ProxyRequest } from "./http_request.ts";

/** A command that this server does not know, by its number: `0x99`. */
export type UnknownCommand = `0x${string}`;

/** A client that has authenticated and sent its request. */
export interface ClientRequest {
  /** The connection as it was accepted. */
  readonly accepted: Connection;
  /** The result of authentication. */
  readonly channel: SecuredChannel;
  /** The command. */
  readonly command: CommandName | UnknownCommand;
  /** What "resolve" looks up. @default {"address"} */
  readonly lookup?: "address" | "name";
  /** The endpoint in the request. */
  readonly target: Endpoint;
  /** Sends the first byte of the reply, which is the same for every reply of the protocol. Later calls have no effect. */
  begin(): Promise<void>;
  /** Sends a reply. The error says why the reply is a refusal, for protocols that can carry a text. */
  reply(reply: Reply, error?: unknown): Promise<void>;
  /** The connection that follows the request, with bytes that came early in front. */
  readonly rest: Connection;
  /** The HTTP request, if it is one that is forwarded. */
  readonly forward?: ForwardedRequest | undefined;
}

/** An HTTP request that is forwarded; others may follow on the same connection. */
export interface ForwardedRequest {
  /** The request. Its body, if it has one, comes first in {@linkcode ClientRequest.rest}. */
  readonly request: HttpRequest;
  /** Sends bytes of the response. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Returns a later request of the client, which has another target. Absent if the client's connection ends behind this one.
   *
   * @param rest What follows it.
   */
  readonly next: ((request: ProxyRequest, rest: Connection) => ClientRequest) | undefined;
}

/** Returns the command of a number (RFC 1928 section 4, and Tor's two). */
export function commandOf(number: number): Pick<ClientRequest, "command" | "lookup"> {
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

/** Returns the name of a command that this server does not know. */
export function unknownCommand(number: number): UnknownCommand {
  return `0x${number.toString(16).padStart(2, "0")}`;
}
