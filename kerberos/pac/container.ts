/**
 * The container of a privilege attribute certificate: a table of buffers, and the buffers (MS-PAC sections 2.3 and 2.4).
 *
 * @module
 */
import { ByteReader, type Bytes, ByteWriter } from "../../base/bytes.ts";
import { KerberosError } from "../errors.ts";

/** Types of buffers that this library knows (MS-PAC section 2.4). */
export const PacType = {
  LogonInfo: 1,
  ServerSignature: 6,
  KdcSignature: 7,
  ClientInfo: 10,
  UpnDnsInfo: 12,
  TicketSignature: 16,
  Attributes: 17,
  Requestor: 18,
  FullSignature: 19,
} as const;

/** One buffer. */
export interface PacBuffer {
  /** Its type. */
  readonly type: number;
  /** Its bytes; those of {@linkcode readPacBuffers} are a view. */
  readonly data: Bytes;
}

/** A buffer and where it stands. */
export interface PlacedBuffer extends PacBuffer {
  /** Bytes before it. */
  readonly offset: number;
}

const HEAD = 8;
const ENTRY = 16;
const ALIGNMENT = 8;

/**
 * Reads the table. Types that are not known are among the buffers. Of several buffers with one type, the first counts.
 *
 * @throws {KerberosError} `BAD_MESSAGE` when a buffer is not within the bytes, or two share some.
 */
export function readPacBuffers(pac: Bytes): readonly PlacedBuffer[] {
  if (pac.length < HEAD) throw malformed("it is cut off");
  const reader = new ByteReader(pac);
  const [count, version] = [reader.u32(true), reader.u32(true)];
  if (version !== 0) throw malformed(`it has version ${version}`);
  const start = HEAD + ENTRY * count;
  if (start > pac.length) throw malformed(`it is too short for ${count} buffers`);
  const buffers = Array.from({ length: count }, (): PlacedBuffer => {
    const [type, size, offset, high] = [reader.u32(true), reader.u32(true), reader.u32(true), reader.u32(true)];
    if (high !== 0 || offset % ALIGNMENT !== 0 || offset < start || offset + size > pac.length) {
      throw malformed(`buffer ${type} does not lie in it`);
    }
    return { type, offset, data: pac.subarray(offset, offset + size) };
  });
  checkApart(buffers);
  return buffers;
}

/** "Data blocks in this space are not to overlap": what overlaps a signature would not be signed. */
function checkApart(buffers: readonly PlacedBuffer[]): void {
  let end = 0;
  for (const { type, offset, data } of buffers.toSorted((a, b) => a.offset - b.offset)) {
    if (data.length > 0 && offset < end) throw malformed(`buffer ${type} overlaps another`);
    end = Math.max(end, offset + data.length);
  }
}

/** Returns the first buffer of a type. */
export function bufferOf<T extends PacBuffer>(buffers: readonly T[], type: number): T | undefined {
  return buffers.find((buffer) => buffer.type === type);
}

/** Writes the buffers in their order. */
export function writePac(buffers: readonly PacBuffer[]): Bytes {
  const writer = new ByteWriter().u32(buffers.length, true).u32(0, true);
  let offset = HEAD + ENTRY * buffers.length;
  for (const { type, data } of buffers) {
    writer.u32(type, true).u32(data.length, true).u32(offset, true).u32(0, true);
    offset += data.length + padding(data);
  }
  for (const { data } of buffers) writer.bytes(data).bytes(new Uint8Array(padding(data)));
  return writer.finish();
}

function padding({ length }: Bytes): number {
  return (ALIGNMENT - length % ALIGNMENT) % ALIGNMENT;
}

function malformed(problem: string): KerberosError {
  return new KerberosError("BAD_MESSAGE", problem);
}
