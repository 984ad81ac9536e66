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

/** What a terminal puts around text that is pasted, if a program before this one has asked for it. */
const PASTE_BEGINS = "\x1b[200~";
const PASTE_ENDS = "\x1b[201~";

/** Splits text into what a reader sees as one character: a letter with its accents, an emoji of several parts. */
const CHARACTERS = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** A line being typed, fed with one byte after another. */
export class SecretLine {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #text = "";
  #pasting = false;
  /** Whether the last key was an end of input behind text. */
  #ending = false;

  /**
   * Takes a byte that was typed.
   *
   * @throws {RangeError} When the line gets too long, is not UTF-8, or was pasted and has several lines.
   */
  type(byte: number): LineState {
    for (const character of this.#decode(Uint8Array.of(byte))) {
      const state = this.#take(character);
      if (state !== "open") return state;
      if (utf8(this.#text).length > MAX_LINE) throw tooLong();
    }
    return "open";
  }

  #take(character: string): LineState {
    const ending = this.#ending;
    this.#ending = false;
    if (character === "\x03" || character === "\x1c") return "interrupted";
    if (this.#pasting) return this.#paste(character);
    if (character === "\r" || character === "\n") return "done";
    if (character === "\x04") {
      if (this.#text === "") return "ended";
      // The first end of input hands a terminal's line on, which goes on; the second one ends it.
      this.#ending = true;
      return ending ? "done" : "open";
    }
    if (BACKSPACES.includes(character)) this.#eraseCharacter();
    else if (character === "\x15") this.#text = "";
    else if (character === "\x17") this.#text = this.#text.replace(/[^ ]* *$/, "");
    else if (character !== "\x1a") this.#text += character;
    if (this.#text.endsWith(PASTE_BEGINS)) {
      this.#text = this.#text.slice(0, -PASTE_BEGINS.length);
      this.#pasting = true;
    }
    return "open";
  }

  /** Text that is pasted ends no line: its last line end is dropped, and more than one line is no password. */
  #paste(character: string): LineState {
    this.#text += character;
    if (!this.#text.endsWith(PASTE_ENDS)) return "open";
    this.#pasting = false;
    this.#text = this.#text.slice(0, -PASTE_ENDS.length).replace(/\r\n$|[\r\n]$/, "");
    if (/[\r\n]/.test(this.#text)) throw new RangeError("Cannot read the password: several lines were pasted");
    return "open";
  }

  #eraseCharacter(): void {
    const last = [...CHARACTERS.segment(this.#text)].at(-1);
    if (last !== undefined) this.#text = this.#text.slice(0, last.index);
  }

  #decode(bytes: Bytes): string {
    try {
      return this.#decoder.decode(bytes, { stream: true });
    } catch {
      throw notText();
    }
  }

  /** Forgets what was typed. */
  clear(): void {
    this.#text = "";
    this.#pasting = this.#ending = false;
  }

  /** What was typed. */
  get text(): string {
    return this.#text;
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
