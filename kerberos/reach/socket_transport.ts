/**
 * Messages to a KDC over TCP and UDP (RFC 4120 section 7.2), to every address of its name.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { reasonText } from "../../base/reason.ts";
import { KerberosError } from "../errors.ts";
import { isAddress, type KdcAddresses } from "./addresses.ts";
import { hostText } from "./attempts.ts";
import { LastAnswers } from "./last_answers.ts";
import { AllFailed, firstAnswer } from "./race.ts";
import type { KdcAddress, KdcTransport } from "./transport.ts";

/** What {@linkcode socketTransport} needs of a platform. */
export interface SocketTransportParts {
  /** Looks up names. */
  readonly addresses: KdcAddresses;
  /** Sends over TCP. */
  readonly tcp: SendTo;
  /** Sends over UDP. */
  readonly udp: SendTo;
  /** Whether the program may connect to a host. If not to every address of a name, the name itself is used. */
  readonly mayReach: (host: string) => boolean;
}

/** Sends one message to one host and returns the reply. */
export type SendTo = (
  to: { readonly hostname: string; readonly port: number },
  message: Bytes,
  signal: AbortSignal,
) => Promise<Bytes>;

/** How long the next address of a name waits for the one before it, in milliseconds. */
const DELAY = 500;

/**
 * Creates a transport that tries every address of a name: several hosts may have one name, and one family of addresses may lead
 * nowhere. The address that answered last is remembered.
 */
export function socketTransport({ addresses, tcp, udp, mayReach }: SocketTransportParts): KdcTransport {
  const lastAnswers = new LastAnswers();
  return {
    async send(address, message, { signal }): Promise<Bytes> {
      const send = address.protocol === "tcp" ? tcp : udp;
      const { hostname, port } = address;
      if (isAddress(hostname)) return await send(address, message, signal);
      // By the name, if nothing else is permitted: the runtime looks it up then, and tries the addresses itself.
      const byName = () => send(address, message, signal);
      if (address.protocol === "tcp" && !mayReach(hostname)) return await byName();
      const found = await addresses.of(hostname, signal);
      const mayReachAll = found.every((one) => mayReach(hostText({ hostname: one, port })));
      if (address.protocol === "tcp" && !mayReachAll) return await byName();
      const of = `${address.protocol}/${hostname}:${port}`;
      const left = rememberedFirst(found, lastAnswers.first(of));
      const race = { next: () => left.shift(), delay: DELAY, atOnce: found.length, signal };
      const ask = async (one: string, stop: AbortSignal) => {
        try {
          return { one, reply: await send({ hostname: one, port }, message, stop) };
        } catch (error) {
          if (!stop.aborted) lastAnswers.failed(of, one);
          throw error;
        }
      };
      const { one, reply } = await firstAnswer(race, ask).catch((error) => {
        throw error instanceof AllFailed ? unreachable(address, error) : error;
      });
      lastAnswers.answered(of, one);
      return reply;
    },
  };
}

function rememberedFirst(addresses: readonly string[], first: string | undefined): string[] {
  if (first === undefined || !addresses.includes(first)) return [...addresses];
  return [first, ...addresses.filter((address) => address !== first)];
}

/** The error of the only address, or one with the number of addresses and the reason of the last. */
function unreachable({ hostname }: KdcAddress, { failures }: AllFailed): unknown {
  const last = failures.at(-1);
  if (failures.length === 1) return last;
  const reason = reasonText(last);
  return new KerberosError(
    "KDC_UNREACHABLE",
    `none of the ${failures.length} addresses of ${hostname} answers: ${reason}`,
    { cause: new AggregateError(failures) },
  );
}
