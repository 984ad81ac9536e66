/**
 * Messages to a KDC over TCP and UDP (RFC 4120 section 7.2): the only sockets of the Kerberos client.
 *
 * @module
 */
import { type Bytes, ByteWriter } from "../../gss/bytes.ts";
import { abortable } from "../../gss/deadline.ts";
import { KerberosError } from "../errors.ts";
import type { KdcAddress, KdcTransport } from "./kdc_client.ts";
import type { SrvRecord, SrvResolver } from "./locate.ts";

/** A reply with the largest PAC is far below this; a length beyond it is not read. */
const MAX_REPLY = 1 << 20;

/** Transport over Deno's sockets. UDP goes through `node:dgram`, which needs no unstable flag. */
export const denoTransport: KdcTransport = {
  send(address, message, { signal }): Promise<Bytes> {
    return address.protocol === "tcp" ? sendTcp(address, message, signal) : sendUdp(address, message, signal);
  },
};

/** Section 7.2.2: four octets of length in front of request and reply. */
async function sendTcp(address: KdcAddress, message: Bytes, signal: AbortSignal): Promise<Bytes> {
  const { hostname, port } = address;
  using connection = await Deno.connect({ hostname, port, signal });
  const close = () => connection[Symbol.dispose]();
  signal.addEventListener("abort", close, { once: true });
  try {
    await writeAll(connection, new ByteWriter().u32(message.length).bytes(message).finish());
    const header = await readExactly(connection, 4);
    const length = new DataView(header.buffer).getUint32(0);
    if (length > MAX_REPLY) throw new KerberosError("BAD_MESSAGE", `KDC announces a reply of ${length} octets`);
    return await readExactly(connection, length);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
  }
}

async function writeAll(connection: Deno.TcpConn, bytes: Bytes): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

async function readExactly(connection: Deno.TcpConn, length: number): Promise<Bytes> {
  const out = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await connection.read(out.subarray(at));
    if (count === null) throw new KerberosError("BAD_MESSAGE", "KDC closed the connection before its reply was whole");
    at += count;
  }
  return out;
}

/** Section 7.2.1. Only what comes from the address asked is taken. */
async function sendUdp(address: KdcAddress, message: Bytes, signal: AbortSignal): Promise<Bytes> {
  const { createSocket } = await import("node:dgram");
  const socket = createSocket(address.hostname.includes(":") ? "udp6" : "udp4");
  try {
    const reply = new Promise<Bytes>((resolve, reject) => {
      socket.on("error", reject);
      socket.on("message", (data: Uint8Array) => resolve(new Uint8Array(data)));
      socket.connect(address.port, address.hostname, () => socket.send(message));
    });
    return await abortable(reply, signal);
  } finally {
    socket.close();
  }
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
