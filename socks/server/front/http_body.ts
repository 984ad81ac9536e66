/**
 * Bodies of HTTP/1.1 messages (RFC 9112 sections 6 and 7): where they end, and their chunks.
 *
 * @module
 */
import { type Bytes, concat, EMPTY } from "../../../base/bytes.ts";
import { endToEndTrailers, fieldLines } from "./http_fields.ts";
import { type HttpField, latin1, latin1Bytes, MAX_FIELDS, readField } from "./http_head.ts";

/** Where a body ends. */
export type BodyFraming =
  | { readonly type: "length"; readonly length: number }
  | { readonly type: "chunked" }
  /** With the connection: of responses alone. */
  | { readonly type: "close" };

/** What a piece of a message holds. */
interface BodyPiece {
  /** Bytes of the body, out of their chunks. */
  readonly data: Bytes;
  /** Trailers, once the body has ended. */
  readonly trailers: readonly HttpField[];
  /** Bytes behind the body. */
  readonly rest: Bytes;
}

/** Longest line in front of a chunk. */
const MAX_CHUNK_LINE = 4_096;
/** Most bytes of a message's extensions of chunks and trailers; they cost work and carry no content. */
const MAX_EXTRA = 65_536;

/** Decodes the body of one message. */
export class BodyDecoder {
  readonly #framing: BodyFraming;
  readonly #refuse: (problem: string) => Error;
  /** Bytes left of the body or the chunk. */
  #left: number;
  #state: "size" | "data" | "behind data" | "trailers";
  #done: boolean;
  #line = "";
  #extra = 0;
  readonly #trailers: HttpField[] = [];

  /**
   * Creates a decoder.
   *
   * @param framing Where the body ends.
   * @param refuse Returns the error for a problem.
   */
  constructor(framing: BodyFraming, refuse: (problem: string) => Error) {
    this.#framing = framing;
    this.#refuse = refuse;
    this.#left = framing.type === "length" ? framing.length : 0;
    this.#state = framing.type === "chunked" ? "size" : "data";
    this.#done = framing.type === "length" && framing.length === 0;
  }

  /** Whether the body has ended. */
  get done(): boolean {
    return this.#done;
  }

  /** Takes bytes. What follows the body is returned as it is. */
  push(bytes: Bytes): BodyPiece {
    if (this.#done) return { data: EMPTY, trailers: [], rest: bytes };
    if (this.#framing.type === "close") return { data: bytes, trailers: [], rest: EMPTY };
    if (this.#framing.type === "chunked") return this.#chunks(bytes);
    const data = bytes.subarray(0, this.#left);
    this.#left -= data.length;
    this.#done = this.#left === 0;
    return { data, trailers: [], rest: bytes.subarray(data.length) };
  }

  #chunks(bytes: Bytes): BodyPiece {
    const data: Bytes[] = [];
    let at = 0;
    while (at < bytes.length && !this.#done) {
      if (this.#state === "data") {
        const piece = bytes.subarray(at, at + this.#left);
        data.push(piece);
        at += piece.length;
        this.#left -= piece.length;
        if (this.#left === 0) this.#state = "behind data";
        continue;
      }
      const end = bytes.indexOf(0x0a, at);
      this.#line += latin1(bytes.subarray(at, end < 0 ? undefined : end));
      if (this.#line.length > MAX_CHUNK_LINE) throw this.#refuse("a line between its chunks is too long");
      if (end < 0) break;
      at = end + 1;
      if (!this.#line.endsWith("\r")) throw this.#refuse("a line between its chunks ends without a carriage return");
      const line = this.#line.slice(0, -1);
      this.#line = "";
      this.#takeLine(line);
    }
    if (!this.#done) at = bytes.length;
    const [only = EMPTY] = data;
    return {
      data: data.length < 2 ? only : concat(...data),
      trailers: this.#done ? this.#trailers : [],
      rest: bytes.subarray(at),
    };
  }

  #takeLine(line: string): void {
    if (this.#state === "behind data") {
      if (line !== "") throw this.#refuse("a chunk of it is longer than its size says");
      this.#state = "size";
    } else if (this.#state === "size") {
      this.#takeSize(line);
    } else if (line === "") {
      this.#done = true;
    } else {
      this.#countExtra(line.length);
      if (this.#trailers.length === MAX_FIELDS) throw this.#refuse("it has too many trailers");
      this.#trailers.push(readField(line, (_, problem) => this.#refuse(problem)));
    }
  }

  /** Takes the size of a chunk. Its extensions (RFC 9112 section 7.1.1) are dropped: none is known here. */
  #takeSize(line: string): void {
    const size = /^([0-9A-Fa-f]{1,12})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?$/.exec(line)?.[1];
    if (size === undefined) throw this.#refuse("a size of its chunks is not a hexadecimal number");
    this.#countExtra(line.length - size.length);
    this.#left = parseInt(size, 16);
    this.#state = this.#left === 0 ? "trailers" : "data";
  }

  #countExtra(length: number): void {
    this.#extra += length;
    if (this.#extra > MAX_EXTRA) throw this.#refuse("it has too many extensions of chunks, or trailers");
  }
}

/** Returns one chunk with the bytes; nothing for none, because an empty chunk would be the end. */
export function chunkOf(data: Bytes): Bytes {
  if (data.length === 0) return EMPTY;
  return concat(latin1Bytes(`${data.length.toString(16)}\r\n`), data, latin1Bytes("\r\n"));
}

/** Returns the end of a chunked body, with the trailers that go on. */
export function lastChunk(trailers: readonly HttpField[]): Bytes {
  return latin1Bytes(`0\r\n${fieldLines(endToEndTrailers(trailers))}\r\n`);
}

/** The field that tells a framing. */
export function framingLine(framing: BodyFraming): string {
  if (framing.type === "length") return `Content-Length: ${framing.length}\r\n`;
  return framing.type === "chunked" ? "Transfer-Encoding: chunked\r\n" : "";
}
