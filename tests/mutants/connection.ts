/**
 * Rules of a connection in a user's hands, each with the change that switches it off.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const TESTS = ["tests/socks/user_connection_test.ts"];

/** The rules. */
export const CONNECTION_MUTANTS: readonly Mutant[] = [
  ...rules("socks/stream/in_order.ts", TESTS, [
    ["calls at one time run one after another", "Deno.Conn", "this.#last === undefined ? call()", "true ? call()"],
    ["a call waits for one that fails, and runs", "Deno.Conn", "this.#last.then(call, call)", "this.#last.then(call)"],
  ]),
  ...rules("socks/stream/user_connection.ts", TESTS, [
    [
      "a short read leaves the rest to the next one",
      "Deno.Conn",
      "if (count < bytes.length) this.#rest = bytes.subarray(count);",
      "",
    ],
    [
      "the rest comes before what is asked for",
      "Deno.Conn",
      "if (rest !== undefined) {",
      "if (false as boolean && rest) {",
    ],
    ["a rest is delivered once", "Deno.Conn", "this.#rest = undefined;\n      return rest;", "return rest;"],
    [
      "what is given back comes before the rest",
      "WHATWG Streams 3.5",
      "joined.set(bytes);\n      joined.set(this.#rest, bytes.length);",
      "joined.set(this.#rest);\n      joined.set(bytes, this.#rest.length);",
    ],
    [
      "only a Uint8Array is read into",
      "Deno.Conn",
      "if (!(buffer instanceof Uint8Array)) {",
      "if (false as boolean) {",
    ],
    [
      "memory that is gone is an error and no empty read",
      "Deno.Conn",
      "if (isDetached(buffer)) return",
      "if (false as boolean) return",
    ],
    [
      "memory that goes while others read is an error and no empty read",
      "Deno.Conn",
      "if (length === 0) throw transferred();",
      "if (length === 0) return 0;",
    ],
    [
      "what found its memory gone is kept",
      "Deno.Conn",
      "this.#rest = bytes;\n      throw transferred();",
      "throw transferred();",
    ],
    [
      "memory gone under way is no failure of the transport",
      "Deno.Conn",
      "if (into !== undefined && isDetached(into)) throw transferred();",
      "",
    ],
    ["transports get memory of a fixed size", "ECMA-262 25.1", "!buffer.buffer.resizable;", "true;"],
    ["transports get memory of their own thread", "ECMA-262 25.2", "buffer.buffer instanceof ArrayBuffer &&", ""],
    [
      "a failure to read is asked for once",
      "RFC 9293 3.10.7",
      "if (this.#readFailure !== undefined) throw this.#readFailure.error;",
      "",
    ],
    ["a failure to read ends writing with the same error", "", "this.#failWriting(this.#readFailure);", ""],
    [
      "a connection that is lost is closed",
      "",
      "this.#failWriting(this.#readFailure);\n    this.#release();",
      "this.#failWriting(this.#readFailure);",
    ],
    ["an end stays an end", "", "if (this.#peerEnded) return null;", ""],
    [
      "an answer that comes after close() is none",
      "",
      "this.#throwIfClosed();\n    if (bytes !== null) return bytes;",
      "if (bytes !== null) return bytes;",
    ],
    [
      "a failed write is not tried again",
      "",
      "if (this.#writeFailure !== undefined) throw this.#writeFailure.error;",
      "",
    ],
    [
      "nothing is written behind closeWrite()",
      "",
      "if (this.#closingWrite !== undefined) {",
      "if (false as boolean) {",
    ],
    [
      "closeWrite() is done once",
      "",
      "return this.#closingWrite ??= this.#closeWrite();",
      "return this.#closeWrite();",
    ],
    [
      "closeWrite() fails after close()",
      "",
      "if (this.#closed !== undefined) return Promise.reject(this.#closed.error);",
      "",
    ],
    [
      "when both directions have ended it is closed",
      "",
      "if (this.#peerEnded && (this.#wroteAll || this.#writeFailure !== undefined)) this.#release();",
      "",
    ],
    ["a peer's end leaves writing alone", "", "if (this.#peerEnded && (", "if (this.#peerEnded || ("],
    ["closeWrite() leaves reading alone", "", "if (this.#peerEnded && (", "if (true || ("],
    [
      "a failed write and the peer's end are the end",
      "",
      "(this.#wroteAll || this.#writeFailure !== undefined)",
      "this.#wroteAll",
    ],
    ["the transport is closed", "", "this.#unlisten();\n    this.#connection.close();", "this.#unlisten();"],
    ["no listener is left", "", "this.#unlisten();\n    this.#connection.close();", "this.#connection.close();"],
    ["the signal's reason is told", "", "weak.deref()?.close(signal?.reason)", "weak.deref()?.close()"],
    [
      "a signal that is aborted already is heard",
      "",
      "if (signal?.aborted) this.close(signal.reason);",
      "if (false as boolean) this.close();",
    ],
    [
      "streams that are asked for late know of the end",
      "",
      "if (this.#closed !== undefined) observer.closed(this.#closed.error);",
      "",
    ],
    [
      "streams that are asked for late know of a failure to write",
      "",
      "if (this.#writeFailure !== undefined) observer.writingFailed(this.#writeFailure.error);",
      "",
    ],
    [
      "a failed write behind the peer's end is the end",
      "",
      "this.#failWriting({ error: lost(error) });\n    this.#closeIfEnded();",
      "this.#failWriting({ error: lost(error) });",
    ],
    ["what the caller did wrong is no loss", "", " || cause instanceof TypeError) return cause;", ") return cause;"],
    ["streams know of the end", "", "for (const observer of this.#observers) observer.closed(reason);", ""],
    [
      "streams know of a failure to write",
      "",
      "for (const observer of this.#observers) observer.writingFailed(failure.error);",
      "",
    ],
    [
      "what a transport says is of one class",
      "",
      'return new SocksConnectionError("LOST", ',
      'return cause ?? new SocksConnectionError("LOST", ',
    ],
    ["the layers' own errors stay", "", "cause instanceof SocksError || ", ""],
  ]),
  ...rules("socks/stream/user_connection.ts", ["tests/socks/forgotten_test.ts"], [
    ["a connection that is forgotten is closed", "", "unlisten();\n      connection.close();", "unlisten();"],
    [
      "a signal keeps nothing of what is forgotten",
      "",
      "unlisten();\n      connection.close();",
      "connection.close();",
    ],
    ["what was closed is not closed again when it is forgotten", "", "    FORGOTTEN.unregister(this);\n", ""],
    [
      "the signal does not keep a connection",
      "",
      "const weak = new WeakRef(this);",
      "const weak = { deref: () => this };",
    ],
  ]),
  ...rules("socks/stream/web_streams.ts", TESTS, [
    [
      "a read that is given up takes nothing with it",
      "WHATWG Streams 4.3",
      "if (bytes !== null && !readable.locked) connection.putBack(bytes);",
      "if (false as boolean) connection.putBack(bytes!);",
    ],
    ["a BYOB reader is told of the end", "WHATWG Streams 4.7", "byobRequest?.respond(0);", ""],
    [
      "what a BYOB reader has no room for is the next one's",
      "WHATWG Streams 4.7",
      "if (count < bytes.length) connection.putBack(bytes.subarray(count));",
      "",
    ],
    [
      "cancel() closes",
      "WHATWG Streams 4.2",
      'cancel: (reason) => connection.close(closedBy("cancelled", reason)),',
      "",
    ],
    [
      "abort() does not wait for a write that is stuck",
      "WHATWG Streams 5.4",
      'signal.addEventListener("abort", () => connection.close(closedBy("aborted", signal.reason)), { once: true });',
      "",
    ],
    [
      "an aborted stream fails with its own reason",
      "WHATWG Streams 5.5",
      "if (!signal.aborted) controller.error(error);",
      "controller.error(error);",
    ],
    ["the reason of an abort is kept", "", "its stream was ${what}`, { cause }", "its stream was ${what}`"],
  ]),
  ...rules("socks/socks_connection.ts", TESTS, [
    [
      "there is one stream to read from",
      "",
      "(this.#streams ??= streamsOf(this.#connection)).readable",
      "(this.#streams = streamsOf(this.#connection)).readable",
    ],
    [
      "there is one stream to write to",
      "",
      "(this.#streams ??= streamsOf(this.#connection)).writable",
      "(this.#streams = streamsOf(this.#connection)).writable",
    ],
    [
      "using closes",
      "Explicit resource management",
      "[Symbol.dispose](): void {\n    this.close();",
      "[Symbol.dispose](): void {",
    ],
    [
      "await using closes",
      "Explicit resource management",
      "[Symbol.asyncDispose](): Promise<void> {\n    this.close();",
      "[Symbol.asyncDispose](): Promise<void> {",
    ],
    ["how the way is protected is told", "", "this.protection = made.protection;", 'this.protection = "none";'],
    ["who this side is is told", "", "    this.identity = made.identity;\n", ""],
  ]),
  ...rules("socks/socks_connection.ts", ["tests/types_test.ts"], [
    [
      "a connection is taken wherever a Deno.Conn is",
      "Deno.Conn",
      'readonly transport: "tcp";',
      "readonly transport: string;",
    ],
  ]),
];
