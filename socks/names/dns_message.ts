/**
 * Messages of the DNS (RFC 1035 section 4): questions, and the few types of records that lead from a name to addresses and back.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { formatIp } from "../wire/ip.ts";

/** Types of records (RFC 1035 section 3.2.2, RFC 3596 section 2.1). */
export const RecordType = { A: 1, CNAME: 5, PTR: 12, AAAA: 28 } as const;

/** A question to a name server. */
export interface Question {
  /** ID that the answer repeats. */
  readonly id: number;
  /** The full name, without a dot at the end. */
  readonly name: string;
  /** Type of the records wanted. */
  readonly type: number;
}

/** One record. Its value is an address or a name. */
export interface DnsRecord {
  readonly owner: string;
  readonly type: number;
  readonly value: string;
}

/** An answer of a name server. */
export interface Answer {
  /** RCODE (RFC 1035 section 4.1.1). */
  readonly code: number;
  /** Whether the answer is truncated; the whole answer comes over TCP. */
  readonly truncated: boolean;
  /** Records of the answer section that have one of the types above. */
  readonly records: readonly DnsRecord[];
}

const HEADER = 12;
const INTERNET = 1;

/** Encodes a question with "recursion desired". Labels must have at most 63 bytes, as `hostName()` makes sure. */
export function encodeQuestion({ id, name, type }: Question): Bytes {
  const labels = name.split(".").map((label) => new TextEncoder().encode(label));
  const bytes = [id >> 8, id & 0xff, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  for (const label of labels) bytes.push(label.length, ...label);
  return Uint8Array.from([...bytes, 0, type >> 8, type & 0xff, 0, INTERNET]);
}

/** Decodes an answer. Returns `undefined` if the message does not answer this question or is malformed. */
export function decodeAnswer(bytes: Uint8Array, question: Question): Answer | undefined {
  try {
    return new AnswerReader(bytes).answer(question);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

class AnswerReader {
  readonly #view: DataView;
  #at = HEADER;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  answer({ id, name, type }: Question): Answer | undefined {
    const flags = this.#view.getUint16(2);
    // A response (QR) to a standard query (OPCODE 0) with exactly this question.
    if (this.#view.getUint16(0) !== id || (flags & 0xf800) !== 0x8000) return undefined;
    if (this.#view.getUint16(4) !== 1 || this.#name() !== name.toLowerCase()) return undefined;
    if (this.#uint16() !== type || this.#uint16() !== INTERNET) return undefined;
    const truncated = (flags & 0x0200) !== 0;
    const records: DnsRecord[] = [];
    // A truncated message may end anywhere.
    for (let left = truncated ? 0 : this.#view.getUint16(6); left > 0; left--) {
      const record = this.#record();
      if (record !== undefined) records.push(record);
    }
    return { code: flags & 0xf, truncated, records };
  }

  #record(): DnsRecord | undefined {
    const owner = this.#name();
    const [type, recordClass] = [this.#uint16(), this.#uint16()];
    this.#at += 4; // TTL: answers are not cached.
    const length = this.#uint16();
    const end = this.#at + length;
    if (end > this.#view.byteLength) throw new RangeError("record goes beyond the message");
    const value = recordClass === INTERNET ? this.#value(type, length) : undefined;
    this.#at = end;
    return value === undefined ? undefined : { owner, type, value };
  }

  #value(type: number, length: number): string | undefined {
    if (type === RecordType.CNAME || type === RecordType.PTR) return this.#name();
    const wanted = type === RecordType.A ? 4 : type === RecordType.AAAA ? 16 : undefined;
    if (wanted === undefined) return undefined;
    if (length !== wanted) throw new RangeError("address has another length");
    return formatIp(new Uint8Array(this.#view.buffer, this.#view.byteOffset + this.#at, length));
  }

  #uint16(): number {
    const value = this.#view.getUint16(this.#at);
    this.#at += 2;
    return value;
  }

  /** Reads a name, which may be compressed (RFC 1035 section 4.1.4). Pointers must point backwards, so they cannot form a loop. */
  #name(): string {
    const labels: string[] = [];
    let [at, after, bytes] = [this.#at, -1, 0];
    for (;;) {
      const length = this.#view.getUint8(at);
      if (length >= 0xc0) {
        const target = this.#view.getUint16(at) & 0x3fff;
        if (after < 0) after = at + 2;
        if (target >= at) throw new RangeError("pointer leads forward");
        // Each pointer counts as one byte, so a name cannot take more steps than the longest name has bytes.
        bytes++;
        at = target;
      } else if (length > 63) throw new RangeError("label of another kind");
      else if (length === 0) break;
      else {
        labels.push(this.#label(at + 1, length));
        bytes += length + 1;
        at += length + 1;
      }
      if (bytes > 255) throw new RangeError("name is too long");
    }
    this.#at = after < 0 ? at + 1 : after;
    return labels.join(".");
  }

  /** Reads a label in lower case. Other characters than those of host names are escaped (RFC 1035 section 5.1), so the result is no host name. */
  #label(at: number, length: number): string {
    let text = "";
    for (let i = at; i < at + length; i++) {
      const byte = this.#view.getUint8(i);
      const character = String.fromCharCode(byte).toLowerCase();
      text += /[a-z0-9_-]/.test(character) && byte < 128 ? character : `\\${String(byte).padStart(3, "0")}`;
    }
    return text;
  }
}

/** CNAME records followed from one name. A longer chain counts as a loop. */
const MAX_CNAMES = 16;

/** Where the CNAME records of an answer lead. */
export interface AnswerPath {
  /** Names after the one asked for. The last one has the values. */
  readonly names: readonly string[];
  /** Addresses, or names for PTR. */
  readonly values: readonly string[];
}

/** Follows the CNAME records of an answer. Returns `undefined` if they form a loop or are too many. Records of other names are ignored. */
export function followCnames(
  { name, type }: Pick<Question, "name" | "type">,
  records: readonly DnsRecord[],
): AnswerPath | undefined {
  const aliases = new Map<string, string>();
  for (const { owner, type, value } of records) if (type === RecordType.CNAME) aliases.set(owner, value);
  const names: string[] = [];
  let last = name.toLowerCase();
  for (let next = aliases.get(last); next !== undefined; next = aliases.get(last)) {
    if (names.length === MAX_CNAMES) return undefined;
    names.push(last = next);
  }
  return {
    names,
    values: records.filter((record) => record.type === type && record.owner === last).map(({ value }) => value),
  };
}
