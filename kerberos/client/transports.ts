/**
 * Messages to a KDC over TCP and UDP (RFC 4120 section 7.2): the only sockets of the Kerberos client.
 *
 * @module
 */
import type { Bytes } from "../../gss/bytes.ts";
import { abortable } from "../../gss/deadline.ts";
import type { KdcAddress, KdcTransport } from "./kdc_client.ts";
import { exchangeOverStream } from "./tcp_framing.ts";
import type { SrvRecord, SrvResolver } from "./locate.ts";

/** Transport over Deno's sockets. UDP goes through `node:dgram`, which needs no unstable flag. */
export const denoTransport: KdcTransport = {
  send(address, message, { signal }): Promise<Bytes> {
    return address.protocol === "tcp" ? sendTcp(address, message, signal) : sendUdp(address, message, signal);
  },
};

/** Section 7.2.2. */
async function sendTcp(address: KdcAddress, message: Bytes, signal: AbortSignal): Promise<Bytes> {
  const { hostname, port } = address;
  const connection = await Deno.connect({ hostname, port, signal });
  const buffer = new Uint8Array(8_192);
  return await exchangeOverStream(
    {
      async read(): Promise<Bytes | null> {
        const count = await connection.read(buffer);
        return count === null ? null : buffer.slice(0, count);
      },
      async write(bytes): Promise<void> {
        for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
      },
      close: () => connection[Symbol.dispose](),
    },
    message,
    signal,
  );
}

/** Section 7.2.1. Only what comes from the address asked is taken: `connect()` alone does not see to that in Deno. */
async function sendUdp(address: KdcAddress, message: Bytes, signal: AbortSignal): Promise<Bytes> {
  const { createSocket } = await import("node:dgram");
  const socket = createSocket(address.hostname.includes(":") ? "udp6" : "udp4");
  try {
    const reply = new Promise<Bytes>((resolve, reject) => {
      socket.on("error", reject);
      socket.connect(address.port, address.hostname, () => {
        const asked = socket.remoteAddress();
        socket.on("message", (data: Uint8Array, from: DatagramSource) => {
          if (sameSource(from, asked)) resolve(new Uint8Array(data));
        });
        socket.send(message);
      });
    });
    return await abortable(reply, signal);
  } finally {
    socket.close();
  }
}

interface DatagramSource {
  readonly address: string;
  readonly port: number;
}

function sameSource(a: DatagramSource, b: DatagramSource): boolean {
  return a.port === b.port && plainAddress(a.address) === plainAddress(b.address);
}

/** An address in the one form that URLs have, without the interface that it is reached by. */
function plainAddress(text: string): string {
  const address = text.replace(/%.*$/, "");
  return address.includes(":") ? new URL(`udp://[${address}]`).hostname : address;
}

/** SRV records through the system's resolver. */
export const denoResolveSrv: SrvResolver = async (name, { signal }): Promise<readonly SrvRecord[]> => {
  try {
    return await Deno.resolveDns(name, "SRV", signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof Deno.errors.NotCapable) throw error;
    return [];
  }
};
