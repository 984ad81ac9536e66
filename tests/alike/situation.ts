/**
 * A situation of a byte stream: a short program whose outcome is written as text, so that all ways can be compared.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { lenientText, utf8 } from "../../base/bytes.ts";
import type { Peer } from "./peer.ts";
import type { Ability, ByteStream } from "./ways.ts";

/** What a situation works with. */
export interface Stage {
  /** The connection; the harness closes it afterwards. */
  readonly stream: ByteStream;
  /** Its other end. */
  readonly peer: Peer;
  /** Aborts the signal of the connection. */
  abort(reason: unknown): void;
  /** Number of listeners that are left on that signal. */
  listeners(): number;
  /** Waits until nothing more happens by itself, or `until` has settled; returns whether it has. */
  quiet(until?: Promise<unknown>): Promise<boolean>;
  /** For {@linkcode Ability} "cut". */
  cut(): void;
  /** For {@linkcode Ability} "cut": sends something, and waits until some of it has reached the place of the cut. */
  arrives(send: () => Promise<void>): Promise<void>;
  /** For {@linkcode Ability} "reset". */
  reset(): void;
  /** For {@linkcode Ability} "spoil". */
  spoil(): void;
}

/** A way with another outcome, or where the situation cannot be played. */
export interface Exception {
  /** Name of a way, or of a kind of ways. */
  readonly over: string;
  /** Outcome there; `undefined` if it is not played. */
  readonly gives: string | undefined;
  /** Why that is not a fault of the library. */
  readonly why: string;
}

/** One situation of a byte stream. */
export interface Situation {
  /** Name, unique in its topic. */
  readonly name: string;
  /** Ability that a way must have. */
  readonly needs?: Ability;
  /** Whether the connection must close itself; the harness does not close it then. */
  readonly endsByItself?: boolean;
  /** Outcome, over every way. */
  readonly gives: string;
  /** Exceptions. */
  readonly except?: readonly Exception[];
  /** Plays it; returns the outcome. */
  play(stage: Stage): Promise<string>;
}

/** A reason with a name, for signals, cancelling and aborting. */
export class Reason extends Error {
  override readonly name = "Reason";
}

/** Time of a call in milliseconds; a longer call "waits". No correct call comes near it. */
export const GUARD = 3_000;

/** Returns how a call ends, as text. */
export async function told(call: Promise<unknown> | (() => unknown), guard: number = GUARD): Promise<string> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = Symbol();
  const waiting = new Promise((resolve) => timer = setTimeout(() => resolve(over), guard));
  try {
    const got = await Promise.race([typeof call === "function" ? (async () => await call())() : call, waiting]);
    return got === over ? "waits" : valueText(got);
  } catch (error) {
    return errorText(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Returns how overlapping calls end, as text. */
export async function allTold(...calls: readonly Promise<unknown>[]): Promise<string> {
  return (await Promise.all(calls.map((call) => told(call)))).join(", ");
}

function valueText(value: unknown): string {
  if (value === null) return "end";
  if (value === undefined) return "done";
  if (value instanceof Uint8Array) return lenientText(value);
  if (typeof value === "object" && "done" in value) {
    const { done, value: chunk } = value as ReadableStreamReadResult<unknown>;
    if (!done) return valueText(chunk);
    return chunk instanceof Uint8Array ? `end with a view of ${chunk.length}` : "end";
  }
  return String(value);
}

/** Returns class and code of an error, or the name of a {@linkcode Reason}. */
export function errorText(error: unknown): string {
  if (error instanceof Reason) return error.message;
  if (!(error instanceof Error)) return `thrown ${String(error)}`;
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? `${error.name} ${code}` : error.name;
}

/** This side closed the connection, or its writing direction. */
export const CLOSED = "SocksConnectionError CLOSED";
/** The transport has failed. */
export const LOST = "SocksConnectionError LOST";

/** Errors for which Deno and this library have other names. */
const OURS = /SocksConnectionError (?:CLOSED|LOST)|SocksTlsError TLS_CUT/g;
const DENOS =
  /\b(?:BadResource|Interrupted|BrokenPipe|ConnectionReset|NotConnected|UnexpectedEof)(?: (?:E[A-Z]+|BadResource))?/g;

/** Returns an outcome for Deno: it must fail where this library fails, under any name. */
export function inDenosWords(outcome: string): string {
  return outcome.replace(OURS, "fails").replace(DENOS, "fails").replace(/\b(?:all|each) (?=fails)/g, "");
}

/** Later calls, by name. */
const CALLS: Readonly<Record<string, (stream: ByteStream) => Promise<unknown>>> = {
  "read": (stream) => read(stream),
  "write": (stream) => stream.write(utf8("x")),
  "empty write": (stream) => stream.write(new Uint8Array(0)),
  "closeWrite": (stream) => stream.closeWrite(),
  "readable": (stream) => stream.readable.getReader().read(),
  "writable": (stream) => stream.writable.getWriter().write(utf8("x")),
};

/**
 * Returns how later calls end: `all X` if all fail with the same error object, `each X` if their errors have the same text, and each call
 * with its name otherwise. Locked streams are skipped.
 */
export async function later(stream: ByteStream, names: readonly string[] = Object.keys(CALLS)): Promise<string> {
  const errors = new Set<unknown>();
  const seen: [string, string][] = [];
  for (const name of names) {
    if ((name === "readable" || name === "writable") && stream[name].locked) continue;
    // Twice: an error must be reported again.
    for (let time = 0; time < (name === "read" || name === "write" ? 2 : 1); time++) {
      const call = (async () => await CALLS[name]!(stream))();
      call.catch((error) => errors.add(error));
      seen.push([name, await told(call)]);
    }
  }
  const [first] = seen;
  if (first === undefined || seen.some(([, text]) => text !== first[1])) {
    return seen.map(([name, text]) => `${name} ${text}`).join(", ");
  }
  return `${errors.size === 1 ? "all" : "each"} ${first[1]}`;
}

/** Reads once; returns the text. */
export async function read(stream: ByteStream, room = 64): Promise<string | null> {
  const buffer = new Uint8Array(room);
  const got = await stream.read(buffer);
  return got === null ? null : lenientText(buffer.subarray(0, got));
}

/** Reads to the end; returns the text. */
export async function readAll(stream: ByteStream): Promise<string> {
  let text = "";
  for (;;) {
    const got = await read(stream, 1 << 16);
    if (got === null) return text;
    text += got;
  }
}

/** Returns bytes that show their position: no two longer stretches are equal. */
export function pattern(length: number): Uint8Array<ArrayBuffer> {
  const period = 65_521;
  const bytes = new Uint8Array(length);
  const first = Math.min(length, period);
  for (let i = 0; i < first; i++) bytes[i] = i * 31 + (i >> 8);
  for (let done = first; done < length; done *= 2) bytes.copyWithin(done, 0, done);
  for (let at = 0; at < length; at += period) bytes[at] = at / period;
  return bytes;
}

/** Returns "whole" if the bytes are those that were sent, or the first difference. */
export function asSent(got: Uint8Array, sent: Uint8Array): string {
  if (got.length !== sent.length) return `${got.length} of ${sent.length}`;
  if (Buffer.compare(got, sent) === 0) return "whole";
  return `wrong at ${got.findIndex((byte, i) => byte !== sent[i])} of ${sent.length}`;
}
