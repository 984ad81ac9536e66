/**
 * Messages to a KDC through whatever makes connections: a SOCKS proxy, for one.
 *
 * @module
 */
import { type Bytes, ByteWriter, concat } from "../gss/bytes.ts";
import { KerberosError } from "../kerberos/errors.ts";
import type { KdcTransport } from "../kerberos/client/kdc_client.ts";
import type { Dialer } from "../socks/stream/connection.ts";

/** A reply with the largest PAC is far below this; a length beyond it is not read. */
const MAX_REPLY = 1 << 20;

/**
 * A transport that reaches KDCs over connections of a dialer, in TCP's framing (RFC 4120 section 7.2.2). What would go over
 * UDP is refused, so that the client falls back to TCP.
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
        throw new KerberosError("KDC_UNREACHABLE", "KDC is reached through a proxy, and so over TCP only");
      }
      const connection = await dial(address, { signal });
      const close = () => connection.close();
      signal.addEventListener("abort", close, { once: true });
      try {
        await connection.write(new ByteWriter().u32(message.length).bytes(message).finish());
        return await readReply(() => connection.read());
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      } finally {
        signal.removeEventListener("abort", close);
        close();
      }
    },
  };
}

async function readReply(read: () => Promise<Bytes | null>): Promise<Bytes> {
  let held: Bytes = new Uint8Array(0);
  for (;;) {
    if (held.length >= 4) {
      const length = new DataView(held.buffer, held.byteOffset).getUint32(0);
      if (length > MAX_REPLY) throw new KerberosError("BAD_MESSAGE", `KDC announces a reply of ${length} octets`);
      if (held.length >= 4 + length) return held.slice(4, 4 + length);
    }
    const bytes = await read();
    if (bytes === null) throw new KerberosError("BAD_MESSAGE", "KDC closed the connection before its reply was whole");
    held = concat(held, bytes);
  }
}
