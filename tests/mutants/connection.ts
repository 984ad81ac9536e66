/**
 * Rules of a connection in a user's hands, each with the change that switches it off.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const TESTS = ["tests/socks/stream/user_connection_test.ts"];

/** Readers that let go of a stream, over one way. */
const LETTING_GO = "/^readers: .*lets go.*over none$/";

/** The rules. */
export const CONNECTION_MUTANTS: readonly Mutant[] = [
  ...rules("socks/stream/serial_queue.ts", TESTS, [
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
      "this.#failWriting(this.#readFailure);\n    this.#release(abortQuietly);",
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
    ["the transport is closed", "", "this.#unlisten();\n    end(this.#connection);", "this.#unlisten();"],
    ["no listener is left", "", "this.#unlisten();\n    end(this.#connection);", "end(this.#connection);"],
    ["the signal's reason is told", "", "weak.deref()?.abort(signal?.reason)", "weak.deref()?.abort(undefined)"],
    [
      "a signal that is aborted already is heard",
      "",
      "if (signal?.aborted) this.abort(signal.reason);",
      "if (false as boolean) this.abort(0);",
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
  ...rules("socks/stream/user_connection.ts", ["tests/socks/stream/forgotten_test.ts"], [
    ["a connection that is forgotten is closed", "", "unlisten();\n      abortQuietly(connection);", "unlisten();"],
    [
      "a signal keeps nothing of what is forgotten",
      "",
      "unlisten();\n      abortQuietly(connection);",
      "abortQuietly(connection);",
    ],
    ["what was closed is not closed again when it is forgotten", "", "    FORGOTTEN.unregister(this);\n", ""],
    [
      "the signal does not keep a connection",
      "",
      "const weak = new WeakRef(this);",
      "const weak = { deref: () => this };",
    ],
  ]),
  ...rules("socks/stream/readable_stream.ts", TESTS, [
    ["a BYOB reader is told of the end", "WHATWG Streams 4.7", "byobRequest?.respond(0);", ""],
    [
      "what a BYOB reader has no room for is the next one's",
      "WHATWG Streams 4.7",
      "if (bytes.length > room) connection.putBack(bytes.subarray(room));",
      "",
    ],
    [
      "cancel() closes",
      "WHATWG Streams 4.2",
      'cancel: (reason) => connection.close(streamClosedError("cancelled", reason)),',
      "",
    ],
  ]),
  ...rules("socks/stream/readable_stream.ts", ["tests/alike/alike_test.ts"], [
    [
      "a read that is given up takes nothing with it",
      "WHATWG Streams 4.3",
      "if (bytes !== null) connection.putBack(bytes);",
      "",
      LETTING_GO,
    ],
    [
      "what a least number of bytes held back is the next reader's",
      "WHATWG Streams 4.5",
      "if (before !== undefined) connection.putBack(before);\n    else if (bytes === null)",
      "if (bytes === null)",
      "/^readers: a BYOB reader that wants more .*over none$/",
    ],
    [
      "memory of a BYOB reader who has let go is in nobody's way",
      "WHATWG Streams 4.7",
      "const stale = controller.byobRequest !== null;",
      "const stale = false as boolean;",
      LETTING_GO,
    ],
    [
      "the byte that is none is nobody's",
      "",
      "(stale ? all.slice(0, -1) : all)",
      "all",
      "/^readers: a BYOB reader that wants more .*over none$/",
    ],
    [
      "who asks for more is not forgotten when one is served",
      "WHATWG Streams 4.7",
      "asked = false;\n    if (readable",
      "if (readable",
      LETTING_GO,
    ],
    [
      "a reader who is served and asks again has asked",
      "WHATWG Streams 4.7",
      "connection.serve(answer).catch((error) => controller.error(error));",
      "return connection.serve(answer) as unknown as undefined;",
      "/^readers: .*asks again at once.*over none$/",
    ],
  ]),
  ...rules("socks/stream/user_connection.ts", ["tests/alike/alike_test.ts"], [
    [
      "what a stream holds and nobody there asks for is read()'s",
      "WHATWG Streams 4.3",
      "if (back !== undefined) this.putBack(await back);",
      "if (back !== undefined) await back;",
      LETTING_GO,
    ],
  ]),
  ...rules("socks/stream/web_streams.ts", TESTS, [
    [
      "abort() does not wait for a write that is stuck",
      "WHATWG Streams 5.4",
      'onAbort(signal, (reason) => connection.abort(streamClosedError("aborted", reason)));',
      "",
    ],
    [
      "an aborted stream fails with its own reason",
      "WHATWG Streams 5.5",
      "if (!signal.aborted) controller.error(error);",
      "controller.error(error);",
    ],
  ]),
  ...rules("socks/stream/closed_error.ts", TESTS, [
    ["the reason of an abort is kept", "", "its stream was ${what}`, { cause }", "its stream was ${what}`"],
  ]),
  ...rules("socks/server/relay/relay.ts", ["tests/socks/server/relay/relay_test.ts"], [
    [
      "what a side has said that takes nothing more is handed on",
      "Deno.Conn",
      "return this.#lost(key, { cause, rest: readOn(from, reading) });",
      "throw cause;",
    ],
    [
      "whoever is not listened to any more can go on to read",
      "",
      "bytes !== null; bytes = await from.read());",
      "false as boolean; bytes = await from.read());",
    ],
    [
      "one who takes nothing and is gone ends it",
      "",
      "undelivered.rest.catch((error) => this.#fail(error));",
      "undelivered.rest.catch(() => {});",
    ],
    [
      "a client can read what it was told before the end is a reset",
      "",
      "received === undefined ? drain(this.#ends[0], { signal: this.#options.clock.signal }) : undefined",
      "undefined",
    ],
    [
      "what could not be written is told",
      "",
      "const failure = { error: undelivered.cause };",
      "const failure = undefined;",
    ],
    [
      "a failure is told from an end",
      "",
      "this.#close({ error }, abort);",
      "this.#close({ error }, (connection) => connection.close());",
    ],
    ["an end is told from a failure", "", "(undefined, (connection) => connection.close())", "(undefined, abort)"],
    [
      "an end that cannot be written is a failure",
      "",
      "      } catch (cause) {\n        return this.#lost(key, { cause, rest: Promise.resolve() });",
      "      } catch {\n        return;",
    ],
  ]),
  ...rules("socks/stream/record_state.ts", ["tests/socks/stream/cut_test.ts"], [
    [
      "a connection that is cut ends in the middle of a message",
      "RFC 1961 5",
      "abort(this.connection, isWorking ? unfinished : undefined);",
      "abort(this.connection);",
    ],
  ]),
  ...rules("socks/stream/connection.ts", ["tests/socks/stream/cut_test.ts"], [
    [
      "what cannot be cut is closed",
      "",
      "catch(() => {});\n  connection.close();",
      "catch(() => {});",
    ],
  ]),
  ...rules("socks/stream/prefix.ts", ["tests/socks/stream/cut_test.ts"], [
    [
      "a cut goes through what is in front",
      "",
      "    super.abort(unfinished);",
      "    super.close();",
    ],
  ]),
  ...rules("socks/stream/with_signal.ts", ["tests/socks/stream/cut_test.ts"], [
    [
      "a cut goes through what a signal ends",
      "",
      'user.abort(closedError("The connection"), unfinished);',
      "user.close();",
    ],
    [
      "what is cut leaves the signal",
      "",
      'user.abort(closedError("The connection"), unfinished);',
      "connection.abort?.();",
    ],
  ]),
  ...rules("socks/server/early_end.ts", ["tests/socks/stream/cut_test.ts"], [
    [
      "a session that the server ends is told from one that has ended",
      "",
      "    if (tunnel !== undefined) abortQuietly(tunnel);\n",
      "",
    ],
  ]),
  ...rules("socks/server/early_end.ts", ["tests/socks/server/commands/answers_test.ts"], [
    [
      "a refusal that throws does not keep a session",
      "CWE-248",
      "abortable(promised(refusal), deadline)",
      "abortable(refusal(), deadline)",
      "refusal throws",
    ],
    [
      "a method that waits for ever ends with its session",
      "connection floods",
      ".then(() => this.over.abort(reason))",
      "",
      "refusal throws",
    ],
  ]),
  ...rules("socks/shell/tls_connection.ts", ["tests/alike/alike_test.ts"], [
    [
      "a TLS stream that is cut has no close_notify",
      "RFC 8446 6.1",
      "const canNotify = !this.cut && ",
      "const canNotify = ",
      "resets",
    ],
  ]),
  ...rules("socks/client/socks_connection.ts", TESTS, [
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
];
