/**
 * What a situation of a byte stream is, and how it is put in words that can be compared.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { lenientText, utf8 } from "../../base/bytes.ts";
import type { Peer } from "./peer.ts";
import type { Ability, ByteStream } from "./ways.ts";

/** What a situation is played with. */
export interface Stage {
  /** The connection, which the harness closes afterwards. */
  readonly stream: ByteStream;
  /** Its other end. */
  readonly peer: Peer;
  /** Aborts the signal that the connection was asked for with. */
  abort(reason: unknown): void;
  /** Listeners on that signal that are left. */
  listeners(): number;
  /** Lets everything happen that happens by itself, or until something has settled; says whether it has. */
  quiet(until?: Promise<unknown>): Promise<boolean>;
  /** For {@linkcode Ability} "cut". */
  cut(): void;
  /** For {@linkcode Ability} "cut": does something that sends, and waits until some of it has come to where the cut will be. */
  arrives(send: () => Promise<void>): Promise<void>;
  /** For {@linkcode Ability} "reset". */
  reset(): void;
  /** For {@linkcode Ability} "spoil". */
  spoil(): void;
}

/** Where a way does otherwise, or cannot be asked. */
export interface Exception {
  /** A way's name, or a kind of ways. */
  readonly over: string;
  /** What it gives there; `undefined` where it is not asked at all. */
  readonly gives: string | undefined;
  /** Why that is so, and not a fault of the library. */
  readonly why: string;
}

/** One situation of a byte stream. */
export interface Situation {
  /** In words, unlike all others of its topic. */
  readonly name: string;
  /** What a way must have for it. */
  readonly needs?: Ability;
  /** Whether the connection must have closed itself, so that the harness does not. */
  readonly endsByItself?: boolean;
  /** What it gives, over every way. */
  readonly gives: string;
  /** Where it does not. */
  readonly except?: readonly Exception[];
  /** Plays it, and says what was seen. */
  play(stage: Stage): Promise<string>;
}

/** A reason that says which one it is, for signals, cancelling and aborting. */
export class Reason extends Error {
  override readonly name = "Reason";
}

/** Time that a call has, in milliseconds: what takes longer is said to wait. Nothing that is right comes near to it. */
export const GUARD = 3_000;

/** How a call ends. */
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

/** How calls end that are under way together. */
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

/** Class and code of an error; of a reason, which one. */
export function errorText(error: unknown): string {
  if (error instanceof Reason) return error.message;
  if (!(error instanceof Error)) return `thrown ${String(error)}`;
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? `${error.name} ${code}` : error.name;
}

/** This side has closed the connection, or that direction of it. */
export const CLOSED = "SocksConnectionError CLOSED";
/** The transport has failed. */
export const LOST = "SocksConnectionError LOST";

/** Errors of connections that Deno and this library call otherwise. */
const OURS = /SocksConnectionError (?:CLOSED|LOST)|SocksTlsError TLS_CUT/g;
const DENOS =
  /\b(?:BadResource|Interrupted|BrokenPipe|ConnectionReset|NotConnected|UnexpectedEof)(?: (?:E[A-Z]+|BadResource))?/g;

/** What Deno is held to: that it fails where this library does, whatever it calls that. */
export function inDenosWords(outcome: string): string {
  return outcome.replace(OURS, "fails").replace(DENOS, "fails").replace(/\b(?:all|each) (?=fails)/g, "");
}

/** Calls that come later, and how they are named. */
const CALLS: Readonly<Record<string, (stream: ByteStream) => Promise<unknown>>> = {
  "read": (stream) => read(stream),
  "write": (stream) => stream.write(utf8("x")),
  "empty write": (stream) => stream.write(new Uint8Array(0)),
  "closeWrite": (stream) => stream.closeWrite(),
  "readable": (stream) => stream.readable.getReader().read(),
  "writable": (stream) => stream.writable.getWriter().write(utf8("x")),
};

/**
 * How calls end that come later: `all X` where every one fails with the very same error, `each X` where the errors are
 * alike, each with its name otherwise. Streams that somebody holds are not asked.
 */
export async function later(stream: ByteStream, names: readonly string[] = Object.keys(CALLS)): Promise<string> {
  const errors = new Set<unknown>();
  const seen: [string, string][] = [];
  for (const name of names) {
    if ((name === "readable" || name === "writable") && stream[name].locked) continue;
    // Twice: what is told once is told again.
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

/** Reads once, and gives what came. */
export async function read(stream: ByteStream, room = 64): Promise<string | null> {
  const buffer = new Uint8Array(room);
  const got = await stream.read(buffer);
  return got === null ? null : lenientText(buffer.subarray(0, got));
}

/** Reads to the end, and gives the text, or what kept from it. */
export async function readAll(stream: ByteStream): Promise<string> {
  let text = "";
  for (;;) {
    const got = await read(stream, 1 << 16);
    if (got === null) return text;
    text += got;
  }
}

/** Bytes that can be told by where they are: no two stretches of some length are alike. */
export function pattern(length: number): Uint8Array<ArrayBuffer> {
  const period = 65_521;
  const bytes = new Uint8Array(length);
  const first = Math.min(length, period);
  for (let i = 0; i < first; i++) bytes[i] = i * 31 + (i >> 8);
  for (let done = first; done < length; done *= 2) bytes.copyWithin(done, 0, done);
  for (let at = 0; at < length; at += period) bytes[at] = at / period;
  return bytes;
}

/** Whether bytes are those that were sent, and where they are not. */
export function asSent(got: Uint8Array, sent: Uint8Array): string {
  if (got.length !== sent.length) return `${got.length} of ${sent.length}`;
  if (Buffer.compare(got, sent) === 0) return "whole";
  return `wrong at ${got.findIndex((byte, i) => byte !== sent[i])} of ${sent.length}`;
}
