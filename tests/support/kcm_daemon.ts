/**
 * A KCM daemon in memory, for tests: it keeps what clients store, and can answer otherwise.
 *
 * @module
 */
import { ByteReader, type Bytes, ByteWriter, concat, EMPTY, exactText, utf8 } from "../../base/bytes.ts";
import { KcmOperation } from "../../kerberos/credentials/formats/kcm_messages.ts";
import type { KcmConnection, KcmSocket } from "../../kerberos/credentials/kcm_socket.ts";

/** Codes of MIT's library. */
const NOT_FOUND = -1765328243;
const NO_FILE = -1765328189;

interface Held {
  /** Bytes of the owner's name, and of each ticket. */
  principal: Bytes;
  readonly credentials: Bytes[];
  offset: number;
}

/** What a request is answered with, as the bytes that follow it on the wire; `undefined` for the daemon's own answer. */
export type KcmAnswer = (operation: number) => Uint8Array | "silence" | "end" | undefined;

/** Options of {@linkcode kcmDaemon}. */
interface KcmDaemonOptions {
  /** Most bytes that one read returns. @default {all} */
  readonly chunk?: number;
  /** Answers in the place of the daemon. */
  readonly answer?: KcmAnswer;
}

/** A daemon. */
export interface KcmDaemon extends KcmSocket {
  /** Connections that are open. */
  readonly open: number;
}

/** Returns the reply of a code and its results. */
export function kcmReply(code: number, results: Uint8Array = EMPTY): Bytes {
  return new ByteWriter().u32(4 + results.length).u32(0).u32(code).bytes(results).finish();
}

/** Starts a daemon. */
export function kcmDaemon({ chunk = Infinity, answer = () => undefined }: KcmDaemonOptions = {}): KcmDaemon {
  const caches = new Map<string, Held>();
  const state = { primary: "7", made: 0 };
  let open = 0;
  return {
    path: "/memory",
    get open() {
      return open;
    },
    connect() {
      open++;
      return Promise.resolve(
        new Connection((request) => {
          const operation = new ByteReader(request.subarray(2)).u16();
          return answer(operation) ?? carryOut(operation, request.subarray(4), caches, state);
        }, { chunk, onClose: () => open-- }),
      );
    },
  };
}

function carryOut(
  operation: number,
  body: Bytes,
  caches: Map<string, Held>,
  state: { primary: string; made: number },
): Bytes {
  const end = body.indexOf(0);
  const name = end < 0 ? "" : exactText(body.subarray(0, end));
  const rest = body.slice(end + 1);
  const held = caches.get(name);
  const text = (value: string) => kcmReply(0, concat(utf8(value), Uint8Array.of(0)));
  const number = (i: number) => new Uint8Array(16).fill(i + 1);
  switch (operation) {
    case KcmOperation.GenNew:
      return text(`7:${++state.made}`);
    case KcmOperation.GetDefaultCache:
      return text(state.primary);
    case KcmOperation.SetDefaultCache:
      state.primary = name;
      return kcmReply(0);
    case KcmOperation.Initialize:
      caches.set(name, { principal: rest, credentials: [], offset: 0x7fffffff });
      return kcmReply(0);
    case KcmOperation.GetCacheUuidList:
      return kcmReply(0, concat(...[...caches].map((_, i) => number(i))));
    case KcmOperation.GetCacheByUuid:
      return text([...caches.keys()][body[0]! - 1]!);
  }
  if (held === undefined) return kcmReply(NO_FILE);
  switch (operation) {
    case KcmOperation.GetPrincipal:
      return kcmReply(0, held.principal);
    case KcmOperation.Store:
      held.credentials.push(rest);
      return kcmReply(0);
    case KcmOperation.Destroy:
      caches.delete(name);
      return kcmReply(0);
    case KcmOperation.GetCredUuidList:
      return kcmReply(0, concat(...held.credentials.map((_, i) => number(i))));
    case KcmOperation.GetCredByUuid: {
      const credential = held.credentials[rest[0]! - 1];
      return credential === undefined ? kcmReply(NOT_FOUND) : kcmReply(0, credential);
    }
    case KcmOperation.GetKdcOffset:
      return kcmReply(0, new ByteWriter().u32(held.offset).finish());
    case KcmOperation.SetKdcOffset:
      held.offset = new ByteReader(rest).i32();
      return kcmReply(0);
  }
  return kcmReply(-1765328188);
}

class Connection implements KcmConnection {
  readonly #answer: (request: Bytes) => Uint8Array | "silence" | "end";
  readonly #chunk: number;
  readonly #onClose: () => void;
  #request: Bytes = EMPTY;
  #reply: Uint8Array | "silence" | "end" = EMPTY;
  #closed = Promise.withResolvers<never>();
  #open = true;

  constructor(
    answer: (request: Bytes) => Uint8Array | "silence" | "end",
    { chunk, onClose }: { readonly chunk: number; readonly onClose: () => void },
  ) {
    this.#answer = answer;
    this.#chunk = chunk;
    this.#onClose = onClose;
    this.#closed.promise.catch(() => {});
  }

  write(bytes: Uint8Array): Promise<number> {
    const part = bytes.subarray(0, Math.min(bytes.length, this.#chunk));
    this.#request = concat(this.#request, part);
    if (this.#request.length >= 4 && this.#request.length === 4 + new ByteReader(this.#request).u32()) {
      const answer = this.#answer(this.#request.subarray(4) as Bytes);
      const left = typeof this.#reply === "string" ? EMPTY : this.#reply;
      this.#reply = typeof answer === "string" ? answer : concat(left, answer);
      this.#request = EMPTY;
    }
    return Promise.resolve(part.length);
  }

  read(into: Uint8Array): Promise<number | null> {
    if (this.#reply === "silence") return this.#closed.promise;
    if (this.#reply === "end" || this.#reply.length === 0) return Promise.resolve(null);
    const part = this.#reply.subarray(0, Math.min(into.length, this.#chunk));
    into.set(part);
    this.#reply = this.#reply.subarray(part.length);
    return Promise.resolve(part.length);
  }

  close(): void {
    if (this.#open) this.#onClose();
    this.#open = false;
    this.#closed.reject(new Error("closed"));
  }
}
