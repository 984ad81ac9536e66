/**
 * Connections over WebSockets, for hosts that can be reached over HTTP only. {@linkcode WebSocketConnection} has the protocol.
 *
 * @module
 */
import { abortable } from "../../base/deadline.ts";
import { reasonText } from "../../base/reason.ts";
import { SocksReplyError } from "../errors.ts";
import type { Endpoint } from "../wire/address.ts";
import type { Connection, Dialer } from "./connection.ts";
import { WebSocketConnection } from "./web_socket_connection.ts";

/** Subprotocol that both ends negotiate (RFC 6455 section 1.9). */
export const WEB_SOCKET_PROTOCOL = "gssocks.v1";

/**
 * Creates a connection over a WebSocket, which it owns; it sets `binaryType`.
 *
 * Closing the connection fails all pending calls at once, whatever the peer does. A WebSocket cannot be cut, though: if the peer does not
 * answer, the socket below stays open until the peer or the network closes it.
 *
 * A peer that sends a message of more than 64 KiB, or more bytes than its credit, is cut off at its first one. A WebSocket delivers
 * complete messages only, so the runtime has read that message before: Deno's own limit, 64 MiB, is what each client can make a server
 * hold for a moment. Small messages are joined while they wait for a reader.
 *
 * @param remote Address of the other end, if it is known.
 *
 * @example A proxy behind `Deno.serve`, for programs and for the pages of one site
 * ```ts
 * import { serve } from "@gssocks/gssocks";
 * import { connectionFromWebSocket, isOriginAllowed, WEB_SOCKET_PROTOCOL } from "@gssocks/gssocks/socks";
 *
 * export function main(): Deno.HttpServer {
 *   const proxy = serve({ listeners: [], keytab: "/etc/krb5.keytab", rules: ["allow *"] });
 *   return Deno.serve((request) => {
 *     if (request.headers.get("upgrade") !== "websocket") return new Response(null, { status: 426 });
 *     // Without this any page in a browser inside of the network could use the proxy.
 *     if (!isOriginAllowed(request, ["https://intranet.example.com"])) return new Response(null, { status: 403 });
 *     const { socket, response } = Deno.upgradeWebSocket(request, { protocol: WEB_SOCKET_PROTOCOL });
 *     void proxy.serveConnection(connectionFromWebSocket(socket));
 *     return response;
 *   });
 * }
 * ```
 */
export function connectionFromWebSocket(socket: WebSocket, remote?: Endpoint): Connection {
  return new WebSocketConnection(socket, remote);
}

/**
 * Creates a dialer that connects to one URL over a WebSocket, `wss:` or `ws:`, and ignores its target. The host name for Kerberos is still
 * that of the `proxy` option.
 *
 * @example
 * ```ts
 * import { connect } from "@gssocks/gssocks";
 * import { dialWebSocket } from "@gssocks/gssocks/socks";
 *
 * export async function reach(): Promise<void> {
 *   const dial = dialWebSocket("wss://proxy.example.com/socks");
 *   await using connection = await connect({ proxy: "proxy.example.com", dial, hostname: "intranet", port: 80 });
 *   await connection.write(new TextEncoder().encode("hello"));
 * }
 * ```
 */
export function dialWebSocket(url: string | URL): Dialer {
  return async (_target, { signal }) => {
    const connection = new WebSocketConnection(new WebSocket(url, WEB_SOCKET_PROTOCOL), undefined);
    try {
      await abortable(connection.opened, signal);
      return connection;
    } catch (error) {
      connection.close();
      signal?.throwIfAborted();
      const reason = reasonText(error);
      throw new SocksReplyError("GENERAL_FAILURE", `Cannot connect to ${url}: ${reason}`, { cause: error });
    }
  };
}
