/**
 * Messages to a KDC over connections of a dialer, such as one through a SOCKS proxy.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import { KerberosError } from "../kerberos/errors.ts";
import { exchangeOverStream } from "../kerberos/reach/framing.ts";
import type { KdcTransport } from "../kerberos/reach/transport.ts";
import type { Dialer } from "../socks/stream/connection.ts";
import { makeUnlessAborted } from "../socks/stream/make_unless_aborted.ts";

/**
 * A transport that reaches KDCs over connections of a dialer, in TCP's framing (RFC 4120 section 7.2.2). UDP
 * is refused, so that the client falls back to TCP.
 *
 * @example Tickets from a KDC behind a proxy
 * ```ts
 * import { dialThrough, kdcThrough, passwordClient, systemTickets } from "@gssocks/gssocks";
 *
 * const outer = dialThrough({
 *   proxy: "outer.example.com",
 *   auth: [passwordClient({ username: "me", password: "secret" })],
 * });
 * const tickets = () => systemTickets({ transport: kdcThrough(outer), principal: "alice", password: "pw" });
 * ```
 */
export function kdcThrough(dial: Dialer): KdcTransport {
  return {
    async send(address, message, { signal }): Promise<Bytes> {
      if (address.protocol !== "tcp") {
        throw new KerberosError("KDC_UNREACHABLE", "KDC is reached through a proxy, over TCP only");
      }
      const connection = await makeUnlessAborted(() => dial(address, { signal }), signal, (late) => late.close());
      return await exchangeOverStream(connection, message, signal);
    },
  };
}
