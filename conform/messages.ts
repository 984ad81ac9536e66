/**
 * Messages of RFC 1928 as a check sends and reads them: any field may be illegal, and every field is kept as it came.
 *
 * @module
 */
import { type Bytes, concat, utf8 } from "../base/bytes.ts";
import { encodeEndpoint, type Endpoint } from "../socks/wire/address.ts";
import { formatIp } from "../socks/wire/ip.ts";
import type { Channel } from "./channel.ts";
import { EndedSilently, expect, Failed, Skipped } from "./check.ts";
import { shown } from "./hex.ts";

/** The client's first message (RFC 1928 section 3). */
export function hello(...methods: readonly number[]): Bytes {
  return Uint8Array.of(5, methods.length, ...methods);
}

/** A request (RFC 1928 section 4) for an endpoint, which is not checked. */
export function request(command: number, target: Endpoint, version = 5): Bytes {
  return concat(Uint8Array.of(version, command, 0), encodeEndpoint(target));
}

/** A request with any bytes as its name. */
export function namedRequest(name: Uint8Array, port: number): Bytes {
  return concat(Uint8Array.of(5, 1, 0, 3, name.length), name, Uint8Array.of(port >> 8, port & 0xff));
}

/** A login (RFC 1929 section 2), of names of any length up to 255. */
export function login(username: string | Uint8Array, password: string | Uint8Array): Bytes {
  const [name, secret] = [username, password].map((text) => typeof text === "string" ? utf8(text) : text);
  return concat(Uint8Array.of(1, name!.length), name!, Uint8Array.of(secret!.length), secret!);
}

/** A reply as it came. */
interface RawReply extends Endpoint {
  /** Its fields without the address: VER, REP, RSV, ATYP. */
  readonly head: Bytes;
  readonly reply: number;
}

/** Takes a reply (RFC 1928 section 6). */
export async function takeReply(channel: Channel, what = "a reply"): Promise<RawReply> {
  const head = await channel.take(4, what);
  const kind = head[3]!;
  const length = kind === 3 ? (await channel.take(1, what))[0]! : ({ 1: 4, 4: 16 } as Record<number, number>)[kind];
  if (length === undefined) throw new Failed(`${what} with an address type of 1, 3 or 4`, shown(head));
  const rest = await channel.take(length + 2, what);
  const host = rest.subarray(0, length);
  const hostname = kind === 3 ? new TextDecoder().decode(host) : formatIp(host);
  return { head, reply: head[1]!, hostname, port: rest[length]! << 8 | rest[length + 1]! };
}

/** Whether an address says nothing but its family. */
export function isUnspecified(hostname: string): boolean {
  return hostname === "0.0.0.0" || hostname === "::";
}

/** Takes the beginning of a reply that must refuse, and returns its code. Servers leave out what means nothing in a refusal. */
export async function takeRefusal(channel: Channel, why: string): Promise<number> {
  const what = `a reply that refuses ${why}`;
  const head = await channel.take(2, what);
  expect(head[0] === 5 && head[1] !== 0, what, shown(head));
  return head[1]!;
}

/** Takes the reply to a request that must be granted. */
export async function granted(channel: Channel, what: string): Promise<RawReply> {
  const reply = await takeReply(channel, what);
  expect(reply.head[0] === 5 && reply.reply === 0, `${what}: 05 00 ...`, shown(reply.head));
  return reply;
}

/** Takes the reply to a command that a proxy need not have; one that does not even refuse it is found by another check. */
export async function answerTo(channel: Channel, command: string): Promise<RawReply> {
  try {
    return await takeReply(channel, `a reply to ${command}`);
  } catch (error) {
    if (!(error instanceof EndedSilently)) throw error;
    throw new Skipped(`the proxy does not answer ${command}; see connect.command`);
  }
}
