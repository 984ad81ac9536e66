/**
 * The header of the PROXY protocol, with which a balancer says on whose behalf it connects: the line of version 1 (section 2.1 of
 * HAProxy's `doc/proxy-protocol.txt`) and the bytes of version 2 (section 2.2).
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { SocksProtocolError } from "../errors.ts";
import type { Endpoint } from "./address.ts";
import type { Decoded } from "./decoded.ts";
import { canonicalAddress, formatIp, parseIp } from "./ip.ts";

/** What a header says. */
export type ProxyHeader =
  /** The balancer speaks for itself, as it does to see whether a server is well. */
  | { readonly type: "local" }
  /** It speaks for a client, of whom there is no address here: another family, a socket in the file system. */
  | { readonly type: "unknown" }
  /** It speaks for the client with this address. */
  | { readonly type: "client"; readonly client: Endpoint };

/** Bytes of a line of version 1 at most, with its end (section 2.1). */
const LONGEST_LINE = 107;

/** Bytes of a header of version 2 at most; it has no limit of its own but 65,551. */
export const LONGEST_HEADER = 4_096;

/** Section 2.2. */
const SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
/** Signature, version and command, family and protocol, length. */
const FIXED = 16;

/** "PROXY" */
const LINE = [0x50, 0x52, 0x4f, 0x58, 0x59];

/** Bytes of addresses by family: AF_INET, AF_INET6, AF_UNIX. */
const ADDRESSES: Readonly<Record<number, number>> = { 1: 12, 2: 36, 3: 216 };

const [LOCAL, PROXY] = [0, 1];
const STREAM = 1;
const [INET, UNIX] = [1, 3];

/** PP2_TYPE_CRC32C (section 2.2.3). */
const CRC32C = 3;

/**
 * Reads a header of either version at the beginning of what a balancer sends.
 *
 * @returns `undefined` while it is not whole.
 * @throws {SocksProtocolError} `BAD_MESSAGE` for what is none, as soon as that is seen; `TOO_LARGE` for one that is too long.
 */
export function decodeProxyHeader(bytes: Bytes): Decoded<ProxyHeader> | undefined {
  const begins = (with_: readonly number[]) => with_.every((byte, i) => i >= bytes.length || bytes[i] === byte);
  if (begins(SIGNATURE)) return bytes.length < FIXED ? undefined : decodeVersion2(bytes);
  if (begins(LINE)) return decodeVersion1(bytes);
  throw bad("neither the signature of version 2 nor the word of version 1 is at its beginning");
}

function decodeVersion1(bytes: Bytes): Decoded<ProxyHeader> | undefined {
  const end = bytes.subarray(0, LONGEST_LINE).indexOf(0x0a);
  if (end < 0) {
    if (bytes.length >= LONGEST_LINE) throw bad(`its line does not end within ${LONGEST_LINE} bytes`);
    return undefined;
  }
  if (bytes[end - 1] !== 0x0d) throw bad("its line does not end with CR and LF");
  const line = String.fromCharCode(...bytes.subarray(0, end - 1));
  const length = end + 1;
  if (/^PROXY UNKNOWN(?: |$)/.test(line)) return { value: { type: "unknown" }, length };
  const [, family, source, target, port, targetPort] =
    /^PROXY TCP([46]) (\S+) (\S+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/.exec(line) ?? [];
  const size = family === "4" ? 4 : 16;
  for (const address of [source, target]) {
    if (address === undefined || parseIp(address)?.length !== size) {
      throw bad("its line is not as section 2.1 has it");
    }
  }
  for (const number of [port, targetPort]) if (Number(number) > 65_535) throw bad("a port in its line is none");
  return { value: { type: "client", client: { hostname: canonicalAddress(source!), port: Number(port) } }, length };
}

function decodeVersion2(bytes: Bytes): Decoded<ProxyHeader> | undefined {
  const [version, command] = [bytes[12]! >> 4, bytes[12]! & 0x0f];
  if (version !== 2) throw bad(`its version is ${version}`);
  if (command !== LOCAL && command !== PROXY) throw bad(`its command is ${command}`);
  const [family, protocol] = [bytes[13]! >> 4, bytes[13]! & 0x0f];
  const length = FIXED + (bytes[14]! << 8 | bytes[15]!);
  if (length > LONGEST_HEADER) {
    throw new SocksProtocolError("TOO_LARGE", `Cannot read PROXY protocol header: it has ${length} bytes`);
  }
  if (bytes.length < length) return undefined;
  // Family and the rest are nobody's business then.
  if (command === LOCAL) return { value: { type: "local" }, length };
  if (family > UNIX || protocol > 2) throw bad(`its family and protocol are ${bytes[13]}`);
  if (family === 0) return { value: { type: "unknown" }, length };
  const header = bytes.subarray(0, length);
  const extensions = FIXED + ADDRESSES[family]!;
  if (length < extensions) throw bad("it is too short for the addresses of its family");
  checkExtensions(header, extensions);
  if (family === UNIX || protocol !== STREAM) return { value: { type: "unknown" }, length };
  const size = family === INET ? 4 : 16;
  const at = FIXED + 2 * size;
  const hostname = canonicalAddress(formatIp(header.subarray(FIXED, FIXED + size)));
  return { value: { type: "client", client: { hostname, port: header[at]! << 8 | header[at + 1]! } }, length };
}

/** Section 2.2: type, length and value of each. They fill what is left, and a checksum is right; the others are passed over. */
function checkExtensions(header: Bytes, from: number): void {
  for (let at = from; at < header.length;) {
    const value = at + 3;
    const end = value + (header[at + 1]! << 8 | header[at + 2]!);
    if (!(end <= header.length)) throw bad("an extension goes beyond it");
    if (header[at] === CRC32C) {
      if (end - value !== 4) throw bad("its checksum is none");
      const found = new DataView(header.buffer, header.byteOffset).getUint32(value);
      if (crc32c(header, value) !== found) throw bad("its checksum is wrong");
    }
    at = end;
  }
}

/** CRC32c of RFC 4960 appendix B (reflected, polynomial 0x1EDC6F41), with four bytes taken for zeros. */
function crc32c(bytes: Bytes, zeros: number): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    crc ^= i >= zeros && i < zeros + 4 ? 0 : bytes[i]!;
    for (let bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

function bad(problem: string): SocksProtocolError {
  return new SocksProtocolError("BAD_MESSAGE", `Cannot read PROXY protocol header: ${problem}`);
}
