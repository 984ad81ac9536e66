/**
 * Messages to a KDC over TCP and UDP (RFC 4120 section 7.2): the only sockets of the Kerberos client.
 *
 * @module
 */
import { reasonText } from "../../base/reason.ts";
import type { SocketOptions } from "node:dgram";
import type { Bytes } from "../../base/bytes.ts";
import { KerberosError } from "../errors.ts";
import { isAddress, KdcAddresses } from "./addresses.ts";
import { sendDatagram } from "./datagram.ts";
import type { KdcAddress } from "./attempts.ts";
import type { KdcTransport } from "./kdc_client.ts";
import { AnsweredLast } from "./last_answers.ts";
import { firstAnswer, NobodyAnswered } from "./race.ts";
import type { SrvRecord, SrvResolver } from "./locate.ts";
import { exchangeOverStream } from "./framing.ts";

/** What {@linkcode socketTransport} is made of; tests give other parts. */
export interface SocketTransportParts {
  /** Look-ups of names. */
  readonly addresses: KdcAddresses;
  /** One message to one address over TCP. */
  readonly tcp: SendTo;
  /** One message to one address over UDP. */
  readonly udp: SendTo;
  /** Whether an address may be connected to; where it may not, the name is, as far as that goes. */
  readonly mayReach: (host: string) => boolean;
}

/** Sends one message to one address and brings the reply back. */
export type SendTo = (
  to: { readonly hostname: string; readonly port: number },
  message: Bytes,
  signal: AbortSignal,
) => Promise<Bytes>;

/** How long the next address of a name waits for the one before it, in milliseconds. */
const DELAY = 500;

/**
 * A transport that tries every address of a name: several hosts may have one name, and one family may lead nowhere. Which address
 * answered last is remembered.
 */
export function socketTransport({ addresses, tcp, udp, mayReach }: SocketTransportParts): KdcTransport {
  const memory = new AnsweredLast();
  return {
    async send(address, message, { signal }): Promise<Bytes> {
      const send = address.protocol === "tcp" ? tcp : udp;
      const { hostname, port } = address;
      if (isAddress(hostname)) return await send(address, message, signal);
      // By its name, where that is all that is permitted: then the runtime looks it up, and tries one after another itself.
      const byName = () => send(address, message, signal);
      if (address.protocol === "tcp" && !mayReach(hostname)) return await byName();
      const found = await addresses.of(hostname, signal);
      if (address.protocol === "tcp" && !found.every((one) => mayReach(hostText(one, port)))) return await byName();
      const of = `${address.protocol}/${hostname}:${port}`;
      const left = rememberedFirst(found, memory.first(of));
      const race = { next: () => left.shift(), delay: DELAY, atOnce: found.length, signal };
      const ask = async (one: string, stop: AbortSignal) => {
        try {
          return { one, reply: await send({ hostname: one, port }, message, stop) };
        } catch (error) {
          if (!stop.aborted) memory.failed(of, one);
          throw error;
        }
      };
      const { one, reply } = await firstAnswer(race, ask).catch((error) => {
        throw error instanceof NobodyAnswered ? allFailed(address, error) : error;
      });
      memory.answered(of, one);
      return reply;
    },
  };
}

function rememberedFirst(addresses: readonly string[], first: string | undefined): string[] {
  if (first === undefined || !addresses.includes(first)) return [...addresses];
  return [first, ...addresses.filter((address) => address !== first)];
}

/** One address' own words, or how many there were and what the last one said. */
function allFailed({ hostname }: KdcAddress, { failures }: NobodyAnswered): unknown {
  const last = failures.at(-1);
  if (failures.length === 1) return last;
  const reason = reasonText(last);
  return new KerberosError(
    "KDC_UNREACHABLE",
    `none of the ${failures.length} addresses of ${hostname} answers: ${reason}`,
    { cause: new AggregateError(failures) },
  );
}

function hostText(hostname: string, port: number): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** Transport over Deno's sockets. UDP goes through `node:dgram`, which needs no unstable flag. */
export const denoTransport: KdcTransport = socketTransport({
  addresses: new KdcAddresses(),
  tcp: sendTcp,
  udp: sendUdp,
  mayReach,
});

/** Whether there is permission, without asking anybody for it. */
function mayReach(host: string): boolean {
  try {
    return Deno.permissions.querySync({ name: "net", host }).state === "granted";
  } catch {
    // Nothing that has a permission.
    return false;
  }
}

/** Section 7.2.2. */
async function sendTcp(to: { hostname: string; port: number }, message: Bytes, signal: AbortSignal): Promise<Bytes> {
  const { hostname, port } = to;
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

/** Section 7.2.1. */
async function sendUdp(to: { hostname: string; port: number }, message: Bytes, signal: AbortSignal): Promise<Bytes> {
  const { createSocket } = await import("node:dgram");
  // Its types do not have the look-up that may be given, as Node's do.
  return await sendDatagram((options) => createSocket(options as SocketOptions), to, { message, signal });
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
