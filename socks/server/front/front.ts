/**
 * What clients speak until they have said who they are and what they want: SOCKS version 5, and where the server is told
 * so, SOCKS version 4 and HTTP's CONNECT on the same port.
 *
 * @module
 */
import type { AcceptAuthOptions, SecuredChannel, ServerAuthMethod } from "../../auth/method.ts";
import type { Asked } from "../commands/command.ts";
import { SocksAuthError, SocksProtocolError } from "../../errors.ts";
import type { Connection } from "../../stream/connection.ts";
import { withPrefix } from "../../stream/prefix.ts";
import { Method } from "../../wire/messages.ts";
import { askHttp, refuseHttp } from "./http_connect.ts";
import { askSocks4, refuseSocks4 } from "./socks4.ts";
import { askSocks5 } from "./socks5.ts";

/** A protocol that clients may speak beside SOCKS version 5. */
export type OtherProtocol = "socks4" | "http";

/** What the conversation with a client goes by. */
export interface FrontOptions {
  /** Methods accepted, in order of preference. */
  readonly auth: readonly ServerAuthMethod[];
  /** Whether a client that offers GSS-API must use it although "none" would do. */
  readonly preferGssapi: boolean;
  /** Protocols accepted beside SOCKS version 5. */
  readonly protocols: readonly OtherProtocol[];
  /** Whether a client is told in words why it is refused, where its protocol has room for them. */
  readonly tellReasons?: boolean | undefined;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** As {@linkcode AcceptAuthOptions.beforeClosing}. */
  readonly beforeClosing: NonNullable<AcceptAuthOptions["beforeClosing"]>;
  /** As {@linkcode AcceptAuthOptions.onGone}. */
  readonly onGone: NonNullable<AcceptAuthOptions["onGone"]>;
  /** As {@linkcode AcceptAuthOptions.source}. */
  readonly source: string;
  /** Told when the client has said who it is. */
  readonly onChannel: (channel: SecuredChannel) => void;
}

/**
 * Talks to a client until it has asked for something. The first byte tells the protocol; a client that speaks one that is not
 * served is told so in that protocol.
 *
 * @throws {SocksError} When the client did not come to ask. Where its protocol has an answer to that, it has been sent.
 */
export async function ask(accepted: Connection, options: FrontOptions): Promise<Asked> {
  const { protocols } = options;
  let first = await accepted.read();
  while (first?.length === 0) first = await accepted.read();
  if (first === null) throw new SocksProtocolError("UNEXPECTED_END", "Client closed the connection and said nothing");
  const client = withPrefix(accepted, first);
  const byte = first[0]!;
  if (byte === 4) {
    return await (protocols.includes("socks4") ? askSocks4(accepted, client, options) : refuseSocks4(client));
  }
  // Lines that are empty may come before a request (RFC 9112 section 2.2).
  if (isLetter(byte) || (isLineEnd(byte) && protocols.includes("http"))) {
    return await (protocols.includes("http") ? askHttp(accepted, client, options) : refuseHttp(client));
  }
  return await askSocks5(accepted, client, options);
}

/** Methods of HTTP are letters, and no version of SOCKS is one. */
function isLetter(byte: number): boolean {
  const upper = byte & ~0x20;
  return upper >= 0x41 && upper <= 0x5a;
}

function isLineEnd(byte: number): boolean {
  return byte === 0x0d || byte === 0x0a;
}

/** The channel of a client whose protocol names nobody; it may come in where "none" may. */
export async function nameless(connection: Connection, options: FrontOptions): Promise<SecuredChannel> {
  const none = options.auth.find(({ code }) => code === Method.None);
  if (none === undefined) {
    throw new SocksAuthError("NO_ACCEPTABLE_METHOD", "Client's protocol names nobody, and method none is not accepted");
  }
  const channel = await none.accept(connection, {
    signal: options.signal,
    onGone: options.onGone,
    source: options.source,
  });
  options.onChannel(channel);
  return channel;
}
