/**
 * What a situation of a byte stream is, and how it is put in words that can be compared.
 *
 * @module
 */
import { lenientText } from "../../gss/bytes.ts";
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
  /** Lets everything happen that happens without anybody: many round trips over a socket of its own. */
  quiet(): Promise<void>;
  /** For {@linkcode Ability} "cut". */
  cut(): void;
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
  let timer: number | undefined;
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

/** Errors of connections that Deno and this library call otherwise. */
const OURS = /SocksConnectionError (?:CLOSED|LOST)|SocksTlsError TLS_CUT/g;
const DENOS =
  /\b(?:BadResource|Interrupted|BrokenPipe|ConnectionReset|NotConnected|UnexpectedEof)(?: (?:E[A-Z]+|BadResource))?/g;

/** What Deno is held to: that it fails where this library does, whatever it calls that. */
export function inDenosWords(outcome: string): string {
  return outcome.replace(OURS, "fails").replace(DENOS, "fails");
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

/** Text of octets that can be told from where they are. */
export function pattern(length: number, from = 0): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (from + i) * 31 + ((from + i) >> 8);
  return bytes;
}

/** Whether octets are those of {@linkcode pattern}, and where they are not. */
export function asSent(got: Uint8Array, wanted: Uint8Array): string {
  if (got.length !== wanted.length) return `${got.length} of ${wanted.length}`;
  const wrong = got.findIndex((octet, i) => octet !== wanted[i]);
  return wrong < 0 ? "whole" : `wrong at ${wrong} of ${wanted.length}`;
}
