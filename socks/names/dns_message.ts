/**
 * Questions to a name server and its answers (RFC 1035 section 4): the few kinds of records that lead from a name to addresses
 * and back.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { formatIp } from "../wire/ip.ts";

/** Kinds of records (RFC 1035 section 3.2.2, RFC 3596 section 2.1). */
export const RecordType = { A: 1, CNAME: 5, PTR: 12, AAAA: 28 } as const;

/** What is asked. */
export interface Question {
  /** Number by which the answer is known. */
  readonly id: number;
  /** The name, whole, without a dot at its end. */
  readonly name: string;
  /** Kind of records wanted. */
  readonly type: number;
}

/** One record: an address, or a name. */
export interface DnsRecord {
  readonly owner: string;
  readonly type: number;
  readonly value: string;
}

/** What a server says. */
export interface Answer {
  /** RCODE (RFC 1035 section 4.1.1). */
  readonly code: number;
  /** Whether there is more of it, over TCP. */
  readonly truncated: boolean;
  /** Records of the answer section that are of the kinds above. */
  readonly records: readonly DnsRecord[];
}

const HEADER = 12;
const INTERNET = 1;

/** A question, recursion desired. The name's labels have 63 bytes at most, as those of a host name in its one form do. */
export function encodeQuestion({ id, name, type }: Question): Bytes {
  const labels = name.split(".").map((label) => new TextEncoder().encode(label));
  const bytes = [id >> 8, id & 0xff, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  for (const label of labels) bytes.push(label.length, ...label);
  return Uint8Array.from([...bytes, 0, type >> 8, type & 0xff, 0, INTERNET]);
}

/** An answer; `undefined` for what is no answer to this question, or cannot be read. */
export function decodeAnswer(bytes: Uint8Array, question: Question): Answer | undefined {
  try {
    return new Reader(bytes).answer(question);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

class Reader {
  readonly #view: DataView;
  #at = HEADER;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  answer({ id, name, type }: Question): Answer | undefined {
    const flags = this.#view.getUint16(2);
    // An answer (QR), to a standard query (OPCODE 0), to this one question.
    if (this.#view.getUint16(0) !== id || (flags & 0xf800) !== 0x8000) return undefined;
    if (this.#view.getUint16(4) !== 1 || this.#name() !== name.toLowerCase()) return undefined;
    if (this.#uint16() !== type || this.#uint16() !== INTERNET) return undefined;
    const truncated = (flags & 0x0200) !== 0;
    const records: DnsRecord[] = [];
    // What is truncated may end anywhere.
    for (let left = truncated ? 0 : this.#view.getUint16(6); left > 0; left--) {
      const record = this.#record();
      if (record !== undefined) records.push(record);
    }
    return { code: flags & 0xf, truncated, records };
  }

  #record(): DnsRecord | undefined {
    const owner = this.#name();
    const [type, kind] = [this.#uint16(), this.#uint16()];
    this.#at += 4; // TTL: nothing is kept
    const length = this.#uint16();
    const end = this.#at + length;
    if (end > this.#view.byteLength) throw new RangeError("record goes beyond the message");
    const value = kind === INTERNET ? this.#value(type, length) : undefined;
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

  /** A name, perhaps compressed (RFC 1035 section 4.1.4): a pointer leads to what stands in front of it, so none goes round. */
  #name(): string {
    const labels: string[] = [];
    let [at, after, bytes] = [this.#at, -1, 0];
    for (;;) {
      const length = this.#view.getUint8(at);
      if (length >= 0xc0) {
        const target = this.#view.getUint16(at) & 0x3fff;
        if (after < 0) after = at + 2;
        if (target >= at) throw new RangeError("pointer leads forward");
        // Each costs a byte, so that a name costs no more than the longest one may.
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

  /** In lower case, with whatever no host name has as RFC 1035 section 5.1 writes it, which is no host name then. */
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

/** CNAMEs that are followed from one name; a longer way is taken for one without an end. */
const LONGEST_WAY = 16;

/** Where a name leads within an answer. */
export interface Way {
  /** Names that it goes through, the last of which has the values. */
  readonly names: readonly string[];
  /** Addresses, or names for PTR. */
  readonly values: readonly string[];
}

/** Follows the CNAMEs of an answer; `undefined` when they go round, or too far. Records of other names count for nothing. */
export function followed(
  { name, type }: Pick<Question, "name" | "type">,
  records: readonly DnsRecord[],
): Way | undefined {
  const aliases = new Map<string, string>();
  for (const { owner, type, value } of records) if (type === RecordType.CNAME) aliases.set(owner, value);
  const names: string[] = [];
  let last = name.toLowerCase();
  for (let next = aliases.get(last); next !== undefined; next = aliases.get(last)) {
    if (names.length === LONGEST_WAY) return undefined;
    names.push(last = next);
  }
  return {
    names,
    values: records.filter((record) => record.type === type && record.owner === last).map(({ value }) => value),
  };
}
