/**
 * The header of the PROXY protocol, with which a balancer sends the client's address: the line of version 1 (section 2.1 of
 * HAProxy's `doc/proxy-protocol.txt`) and the bytes of version 2 (section 2.2).
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { SocksProtocolError } from "../errors.ts";
import type { Endpoint } from "./address.ts";
import type { Decoded } from "./decoded.ts";
import { canonicalAddress, formatIp, parseIp } from "./ip.ts";

/** A decoded header. */
export type ProxyHeader =
  /** The balancer itself connects, for a health check. */
  | { readonly type: "local" }
  /** A client connects whose address is not an IP address and a port: another family, or a Unix socket. */
  | { readonly type: "unknown" }
  /** A client with this address connects. */
  | { readonly type: "client"; readonly client: Endpoint };

/** Longest line of version 1, in bytes, with CR and LF (section 2.1). */
const LONGEST_LINE = 107;

/** Longest header that is accepted, in bytes. Version 2 allows 65,551. */
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
 * Decodes a header of either version at the start of a connection.
 *
 * @returns `undefined` while it is incomplete.
 * @throws {SocksProtocolError} `BAD_MESSAGE` as soon as the bytes cannot be a header; `TOO_LARGE` for a header that is too long.
 */
export function decodeProxyHeader(bytes: Bytes): Decoded<ProxyHeader> | undefined {
  const begins = (with_: readonly number[]) => with_.every((byte, i) => i >= bytes.length || bytes[i] === byte);
  if (begins(SIGNATURE)) return bytes.length < FIXED ? undefined : decodeVersion2(bytes);
  if (begins(LINE)) return decodeVersion1(bytes);
  throw bad("it starts neither with the signature of version 2 nor with PROXY");
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
      throw bad("its line does not have the format of version 1 (section 2.1 of proxy-protocol.txt)");
    }
  }
  for (const number of [port, targetPort]) if (Number(number) > 65_535) throw bad("a port in its line is above 65535");
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
  // Family, protocol and addresses are ignored then (section 2.2).
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

/** Checks the TLVs (section 2.2): they must fill the rest of the header, and a CRC32C must be right. Other types are ignored. */
function checkExtensions(header: Bytes, from: number): void {
  for (let at = from; at < header.length;) {
    const value = at + 3;
    const end = value + (header[at + 1]! << 8 | header[at + 2]!);
    if (!(end <= header.length)) throw bad("a TLV is longer than the header");
    if (header[at] === CRC32C) {
      if (end - value !== 4) throw bad("its CRC32C is not four bytes long");
      const found = new DataView(header.buffer, header.byteOffset).getUint32(value);
      if (crc32c(header, value) !== found) throw bad("its CRC32C is wrong");
    }
    at = end;
  }
}

/** CRC32c of RFC 4960 appendix B (reflected, polynomial 0x1EDC6F41), with four bytes counted as zeros. */
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
