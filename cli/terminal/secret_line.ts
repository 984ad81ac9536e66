/**
 * A line that is typed without being shown: what the keys do that a terminal itself would see to, were it asked to.
 *
 * @module
 */
import { type Bytes, exactText, utf8 } from "../../base/bytes.ts";

/** Longest line, in bytes. */
const MAX_LINE = 1024;

/** What a byte has led to. */
export type LineState = "open" | "done" | "interrupted" | "ended";

const BACKSPACES: readonly string[] = ["\x7f", "\b"];

/** A line being typed, fed with one byte after another. */
export class SecretLine {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #typed: string[] = [];

  /**
   * Takes a byte that was typed.
   *
   * @throws {RangeError} When the line gets too long, or is not UTF-8.
   */
  type(byte: number): LineState {
    for (const character of this.#decode(Uint8Array.of(byte))) {
      if (character === "\r" || character === "\n") return "done";
      if (character === "\x03" || character === "\x1c") return "interrupted";
      // An end of input ends a line that has begun, as a terminal does it.
      if (character === "\x04") return this.#typed.length === 0 ? "ended" : "done";
      if (BACKSPACES.includes(character)) this.#typed.pop();
      else if (character === "\x15") this.#typed = [];
      else if (character === "\x17") this.#eraseWord();
      else if (character !== "\x1a") this.#typed.push(character);
      if (utf8(this.text).length > MAX_LINE) throw tooLong();
    }
    return "open";
  }

  #decode(bytes: Bytes): string {
    try {
      return this.#decoder.decode(bytes, { stream: true });
    } catch {
      throw notText();
    }
  }

  #eraseWord(): void {
    while (this.#typed.at(-1) === " ") this.#typed.pop();
    while (this.#typed.length > 0 && this.#typed.at(-1) !== " ") this.#typed.pop();
  }

  /** What was typed, one element for each code point. */
  get text(): string {
    return this.#typed.join("");
  }
}

/** A line that comes from a file or another program, as it is; `undefined` where there is none any more. */
export async function readPipedLine(read: (into: Uint8Array) => Promise<number | null>): Promise<string | undefined> {
  const line: number[] = [];
  // One byte at a time: what comes behind the line is not ours.
  const byte = new Uint8Array(1);
  let any = false;
  while (await read(byte) !== null) {
    any = true;
    if (byte[0] === 0x0a) break;
    line.push(byte[0]!);
    if (line.length > MAX_LINE) throw tooLong();
  }
  if (!any) return undefined;
  if (line.at(-1) === 0x0d) line.pop();
  try {
    return exactText(Uint8Array.from(line));
  } catch {
    throw notText();
  } finally {
    line.fill(0);
  }
}

function tooLong(): RangeError {
  return new RangeError(`Cannot read the password: it has more than ${MAX_LINE} bytes`);
}

function notText(): RangeError {
  return new RangeError("Cannot read the password: it is not in UTF-8");
}
