/**
 * Rules of what carries the bytes: sockets, streams, WebSockets and the protection over any of them.
 *
 * @module
 */
import { type Mutant, type Row, rules } from "./mutant.ts";

const TABLE = "tests/socks/stream/streams_transport_test.ts";
const FAILURES = "tests/socks/stream/transport_failures_test.ts";
const SHORT = "tests/socks/stream/short_messages_test.ts";
const FOREIGN = "tests/socks/stream/foreign_transports_test.ts";
const RELAY = "tests/socks/server/relay/relay_test.ts";
const DENO_CONN = "Deno.Conn";

const CHUNKS: readonly Row[] = [
  [
    "a small chunk is sent as it was when it was given",
    DENO_CONN,
    "copied && bytes.length <= SMALL_CHUNK ? bytes.slice() : bytes",
    "bytes",
    "can be reused at once",
  ],
  [
    "what is no bytes is refused before anything is touched",
    "Web IDL BufferSource",
    "const bytes = bytesOf(source);",
    "const bytes = source as Uint8Array;",
    "chunks of every kind",
  ],
  [
    "a chunk that loses its memory is never a success with less",
    "CWE-252",
    "    if (this.isShrunk) throw this.shrunkError(at);\n",
    "",
    "loses its memory",
  ],
  [
    "a chunk has the length that it had at first",
    "CWE-367",
    "return this.#bytes.length < this.length;",
    "return false;",
    "loses its memory",
  ],
];

const SOCKETS: readonly Row[] = [
  [
    "a reset that a write was told of is no end of what is read",
    "RFC 9293 section 3.5.2",
    'if ((error as { code?: unknown }).code === "ECONNRESET") this.#reset ??= error;',
    "",
    "a reset is never an end",
  ],
  [
    "a reset that a write is told of in the same turn is no end either",
    "RFC 9293 section 3.5.2",
    "    if (this.#pending > 0 && !this.#closed) await pause(0);\n",
    "",
    "in the turn of the end",
  ],
  [
    "a read that failed is the same failure ever after",
    DENO_CONN,
    'throw this.#readFailure ??= this.#closed ? closedError("The connection") : error;',
    'throw this.#closed ? closedError("The connection") : error;',
    "a reset is never an end",
  ],
  [
    "a write that failed is the same failure ever after",
    DENO_CONN,
    "      if (this.#writeFailure !== undefined) throw this.#writeFailure;\n      while",
    "      while",
    "TCP: a chunk that loses its memory",
  ],
  [
    "no end is sent behind bytes that are missing",
    "RFC 9293 section 3.6",
    "    if (this.#writeFailure !== undefined) throw this.#writeFailure;\n    try {\n      // Where",
    "    try {\n      // Where",
    "an end before a reset",
  ],
  [
    "a late write goes nowhere, also before the end is out",
    "RFC 9293 section 3.6",
    '    if (this.#ending !== undefined) throw closedError("Writing");\n',
    "",
  ],
  [
    "nothing is written once it is closed, nor is nothing",
    DENO_CONN,
    '    if (this.#closed) throw closedError("The connection");\n',
    "",
    "idle connection",
  ],
  [
    "memory that is given up under a write is said to be that",
    "Linux EFAULT",
    "chunk.isShrunk ? chunk.shrunkError(at) : error;",
    "error;",
  ],
  [
    "memory that was taken away is an error, and no read of less",
    DENO_CONN,
    "    if (buffer.length < count) throw memoryGone();",
    "",
  ],
  [
    "memory that was taken away is no failure of the socket",
    DENO_CONN,
    "    if (buffer.length < length) throw memoryGone();\n",
    "",
  ],
  [
    "who gives no room is not told that it is the end",
    "the contract of read()",
    "into !== undefined && into.length > 0 ? into : new",
    "into !== undefined ? into : new",
    "TCP: concurrent reads",
  ],
  ["a socket lets the process end", "Deno.Conn.unref", "    (this.#conn as Deno.TcpConn).unref();\n", ""],
  ["a socket keeps the process", "Deno.Conn.ref", "    (this.#conn as Deno.TcpConn).ref();\n", ""],
];

const RECORD_READER: readonly Row[] = [
  [
    "reads at one time are served in order, each message once",
    "RFC 1961 section 5",
    "return this.#queue.run(() => this.#read(into));",
    "return this.#read(into);",
    "concurrent reads",
  ],
  [
    "what the memory given has no more room for is in memory of its own",
    "CWE-367",
    "length <= into.length ? into : new Uint8Array(length)",
    "into",
    "transferred during a read",
  ],
  [
    "messages that were only signed are copied out of the stream's memory",
    "CWE-416",
    "    return fits ? join([first], into) : first.slice();",
    "    return first;",
    "the reader's alone",
  ],
  [
    "a read below that throws leaves writing alone",
    DENO_CONN,
    "promised(() => this.#state.connection.read(room))",
    "this.#state.connection.read(room)",
    "that throws leaves writing",
  ],
  [
    "a failing read leaves writing alone",
    DENO_CONN,
    "      if (this.#state.endOf(undefined) === undefined) this.#failure = asError(error);\n",
    "",
    "a failed read leaves writing",
  ],
  [
    "a message that is not genuine ends writing too",
    "RFC 1961 section 5",
    "    this.#state.fail(failure);\n",
    "    this.#failure = failure;\n",
    "a forged message ends both",
  ],
];

const RECORD_WRITER: readonly Row[] = [
  [
    "sealing begins at once where nobody is ahead",
    DENO_CONN,
    "if (sealTurn !== undefined) await sealTurn;",
    "await sealTurn;",
    "seals before write",
  ],
  [
    "sealing keeps to the order of the calls",
    "RFC 1961 section 5",
    "if (sealTurn !== undefined) await sealTurn;",
    "",
    "one after another",
  ],
  [
    "nothing goes out behind a write that failed",
    "RFC 1961 section 5",
    "    // Frames behind a failed write would leave a gap.\n    this.#throwIfEnded();\n",
    "",
    "sends nothing behind a failed write",
  ],
  [
    "as much is sent as the error says",
    "CWE-252",
    "        await writing;\n        throw error;",
    "        throw error;",
    "the count in its error",
  ],
  [
    "no end is sent behind messages that are missing",
    "RFC 1961 section 5",
    "      this.#throwIfEnded();\n      await this.#state.connection.closeWrite();",
    "      await this.#state.connection.closeWrite();",
    "a failed read leaves writing",
  ],
  [
    "a failing write leaves reading alone",
    DENO_CONN,
    "    return this.#failure;\n  }\n}",
    "    this.#state.fail(this.#failure);\n    return this.#failure;\n  }\n}",
    "a failed read leaves writing",
  ],
  [
    "what cannot be sealed is no lie of the peer",
    "RFC 2743 section 1.2.1",
    "this.#failure = error instanceof GssError",
    "this.#failure = false",
    "cannot seal",
  ],
  [
    "a late write goes nowhere",
    DENO_CONN,
    '    if (this.#ending !== undefined) throw closedError("Writing");\n',
    "",
    "after closeWrite() fails",
  ],
];

const RECORD_LAYER: readonly Row[] = [
  ["ref() reaches the socket", "Deno.Conn.ref", "this.#state.connection.ref?.();", "", "reach the connection below"],
  [
    "unref() reaches the socket",
    "Deno.Conn.unref",
    "this.#state.connection.unref?.();",
    "",
    "reach the connection below",
  ],
];

const WEB_SOCKETS: readonly Row[] = [
  [
    "reads at one time are served in order",
    DENO_CONN,
    "return this.#reading.run(() => this.#read());",
    "return this.#read();",
    "serves overlapping reads",
  ],
  [
    "what was held is not read once it is closed",
    "the contract of read()",
    '      if (this.#closed) throw closedError("The connection");\n      const bytes',
    "      const bytes",
  ],
  [
    "behind a lie, or the end, nothing is taken in",
    "CWE-770",
    "    if (this.#failure !== undefined) return;\n    if (data",
    "    if (data",
    "after a protocol error",
  ],
  [
    "a late write is no byte on the wire",
    "RFC 6455 section 5.5.1",
    '    if (this.#ending !== undefined) throw closedError("Writing");\n',
    "",
  ],
  [
    "an end is sent once",
    "RFC 6455 section 5.5.1",
    "await (this.#ending ??= this.#writing.run(() => this.#sendEnd()));",
    "await (this.#ending = this.#writing.run(() => this.#sendEnd()));",
  ],
  [
    "an end waits for what is being written",
    "RFC 9293 section 3.6",
    "this.#ending ??= this.#writing.run(() => this.#sendEnd())",
    "this.#ending ??= this.#sendEnd()",
  ],
  [
    "a write that failed is the same failure ever after",
    DENO_CONN,
    "throw this.#writeFailure ??= this.#closed",
    "throw this.#closed",
    "loses its memory",
  ],
  [
    "closing ends what waits for the peer to read",
    "CWE-400",
    "    this.#moreCredit.resolve();\n    this.#wake();\n  }\n",
    "    this.#wake();\n  }\n",
  ],
  [
    "closing ends what waits for the socket to open",
    "CWE-400",
    "    this.#opened.reject(failure);\n",
    "",
    "before it is open",
  ],
  [
    "a cut is no end",
    "RFC 6455 section 7.1.5",
    'socket.onclose = () => this.#end(new SocksConnectionError("LOST", "WebSocket was closed without an end"));',
    "socket.onclose = () => {\n      this.#peerEnded = true;\n      this.#wake();\n    };",
    "a cut is LOST",
  ],
];

const STREAMS: readonly Row[] = [
  [
    "reads at one time are served in order, also where chunks are left out",
    "Streams Standard section 4",
    "return this.#reading.run(() => this.#read());",
    "return this.#read();",
    "copies chunks",
  ],
  [
    "closing ends a read that its source does not",
    "CWE-400",
    "await this.#untilClosed(this.#reader.read())",
    "await this.#reader.read()",
    "source and sink hang",
  ],
  [
    "closing ends a write that its sink does not",
    "CWE-400",
    "      await this.#untilClosed(call);",
    "      await call;",
    "source and sink hang",
  ],
  [
    "closing tells the sink, always",
    "Streams Standard section 5.4",
    "this.#writer.abort(reason).catch(() => {});",
    "if (this.#ending === undefined) this.#writer.abort(reason).catch(() => {});",
    "source and sink hang",
  ],
  [
    "closing tells the source",
    "Streams Standard section 4.2",
    "    this.#reader.cancel(reason).catch(() => {});\n",
    "",
    "source and sink hang",
  ],
  [
    "what is read is the reader's alone",
    "CWE-416",
    "return new Uint8Array(bytesOf(chunk));",
    "return bytesOf(chunk) as Bytes;",
    "copies chunks",
  ],
  [
    "empty chunks are left out",
    "the contract of read()",
    "if (bytes.length > 0) return bytes;",
    "return bytes;",
    "copies chunks",
  ],
  [
    "a chunk that is no bytes ends reading for good",
    "CWE-20",
    "    if (this.#readFailure !== undefined) throw this.#readFailure;\n",
    "",
    "copies chunks",
  ],
  [
    "what is written is a copy",
    "CWE-367",
    "chunk.from(at, Math.min(PIECE, chunk.length - at)).slice();",
    "chunk.from(at, Math.min(PIECE, chunk.length - at));",
  ],
  [
    "a late write fails as what it is",
    DENO_CONN,
    '    if (this.#ending !== undefined) throw closedError("Writing");\n',
    "",
  ],
  [
    "nothing is written once it is closed",
    DENO_CONN,
    "    if (this.#closed !== undefined) throw this.#closed;\n    if (this.#write",
    "    if (this.#write",
  ],
];

/** The rules. */
export const TRANSPORTS_MUTANTS: readonly Mutant[] = [
  ...rules("socks/stream/chunk.ts", [TABLE], CHUNKS),
  ...rules("socks/shell/deno_connection.ts", [FAILURES, TABLE], SOCKETS),
  ...rules("socks/stream/record_reader.ts", [FAILURES, TABLE, "tests/socks/auth/gssapi_test.ts"], RECORD_READER),
  ...rules("socks/stream/record_reader.ts", ["tests/socks/stream/short_messages_test.ts"], [
    [
      "memory of a message that was copied is given up at once",
      "docs/performance.md",
      "message.buffer !== this.#incoming.buffer) giveUp(message);",
      "message.buffer !== this.#incoming.buffer) return;",
      "gives up the memory",
    ],
    [
      "memory that an unknown context may keep is let be",
      "CWE-416",
      "if (isEventual(this.#state.context)) messages",
      "messages",
      "gives up the memory",
    ],
    [
      "the reader's own memory is let be",
      "CWE-416",
      "message.length >= LONG_MESSAGE && message.buffer !== this.#incoming.buffer",
      "message.length >= LONG_MESSAGE",
      "long messages that were only signed",
    ],
  ]),
  ...rules("socks/stream/record_writer.ts", [FAILURES, TABLE, "tests/socks/auth/gssapi_test.ts"], RECORD_WRITER),
  ...rules("socks/stream/record_layer.ts", [FAILURES, TABLE, "tests/socks/auth/gssapi_test.ts"], RECORD_LAYER),
  ...rules("socks/stream/record_state.ts", [FAILURES], [
    [
      "what failed to be read is the same failure ever after",
      DENO_CONN,
      "this.#failure ?? ownFailure ??",
      "this.#failure ??",
      "a failed read leaves writing",
    ],
  ]),
  ...rules("socks/stream/sealing.ts", [FAILURES], [
    [
      "a message that a context looks at again is there still",
      "CWE-367",
      "    if (!chunk.isSmall && chunk.isShrunk) throw chunk.shrunkError(at);\n",
      "",
      "shrinks during sealing",
    ],
    [
      "places among those who seal are given back",
      "CWE-400",
      "frames.catch(() => {}).then(() => SEALING.release());",
      "frames.catch(() => {});",
    ],
  ]),
  ...rules("socks/stream/sealing.ts", [SHORT], [
    [
      "a small chunk that was read is not missed",
      "CWE-367",
      "if (!chunk.isSmall && chunk.isShrunk)",
      "if (chunk.isShrunk)",
      "may be changed",
    ],
    [
      "a place is given back at once where sealing is done at once",
      "CWE-400",
      "    else SEALING.release();\n",
      "",
      "given back",
    ],
    [
      "a keystroke waits for no download",
      "CWE-400",
      "chunk.isSmall ? undefined : SEALING.acquire()",
      "SEALING.acquire()",
      "a small chunk is sealed while",
    ],
  ]),
  ...rules("socks/stream/record_writer.ts", [SHORT], [[
    "a small chunk that a context reads later is copied",
    "CWE-367",
    "!isAlone || !readsAtOnce(this.#state.context)",
    "!isAlone",
    "may be changed",
  ], [
    "a small chunk that waits is copied",
    "CWE-367",
    "!isAlone || !readsAtOnce(this.#state.context)",
    "!readsAtOnce(this.#state.context)",
    "that waits for a long one",
  ], [
    "no bytes are no write",
    "one call a message",
    "if (chunk.length > 0) await",
    "await",
    "for no bytes",
  ], [
    "a small chunk leaves in the call",
    "one call a message",
    "isAlone && chunk.isSmall ? this.#writeSmall(chunk)",
    "false ? this.#writeSmall(chunk)",
    "in the call",
  ], [
    "what is behind others waits for them",
    "RFC 1961 section 5",
    "isAlone && chunk.isSmall ? this.#writeSmall(chunk)",
    "chunk.isSmall ? this.#writeSmall(chunk)",
    "in the call",
  ]]),
  ...rules("socks/stream/web_socket_connection.ts", [FOREIGN, TABLE], WEB_SOCKETS),
  ...rules("socks/stream/streams_connection.ts", [FOREIGN, TABLE], STREAMS),
  ...rules("socks/server/relay/relay.ts", [RELAY], [
    [
      "bytes that are held up hold up no end",
      "CWE-400",
      "abortable(delay, this.#over?.signal)",
      "delay",
      "relay(): ends when one side fails while the gate delays bytes",
    ],
  ]),
  ...rules("socks/stream/drain.ts", [FAILURES], [
    [
      "an end that hangs holds up no refusal",
      "CWE-400",
      "abortable(connection.closeWrite(), deadline.signal)",
      "connection.closeWrite()",
      "drain()",
    ],
    [
      "a read that hangs holds up no refusal",
      "CWE-400",
      "abortable(connection.read(), deadline.signal)",
      "connection.read()",
      "drain()",
    ],
  ]),
  ...rules("socks/stream/web_socket.ts", ["tests/socks/stream/foreign_transports_test.ts"], [
    [
      "a dial that is given up leaves no socket",
      "CWE-400",
      "      connection.close();\n      signal",
      "      signal",
    ],
    [
      "a dial that is given up fails with the signal's reason",
      "One meaning of a signal",
      "      signal?.throwIfAborted();\n      const reason",
      "      const reason",
    ],
    [
      "a dial that does not open ends with its signal",
      "One meaning of a signal",
      "await abortable(connection.opened, signal)",
      "await connection.opened",
    ],
  ]),
  ...rules("socks/stream/web_socket_connection.ts", ["tests/socks/stream/foreign_transports_test.ts"], [
    [
      "a peer that sends more than it may is refused",
      "CWE-770",
      "this.#peerEnded || bytes.length > LARGEST || this.#held > WINDOW",
      "this.#peerEnded || bytes.length > LARGEST",
    ],
    [
      "no end is sent behind bytes that are missing",
      "RFC 9293 section 3.6",
      "    this.#mayGoOn();\n    this.#socket.send(EMPTY);",
      "    this.#socket.send(EMPTY);",
    ],
    ["the first failure stays", "the contract of read()", "this.#failure ??= failure;", "this.#failure = failure;"],
    [
      "await using closes",
      "Explicit resource management",
      "Promise<void> {\n    this.close();",
      "Promise<void> {",
    ],
    [
      "nothing comes behind an end",
      "RFC 6455 section 5.5.1",
      "this.#peerEnded || bytes.length > LARGEST || this.#held > WINDOW",
      "bytes.length > LARGEST || this.#held > WINDOW",
    ],
    [
      "no more is said to be read than was sent",
      "CWE-770",
      "count === undefined || this.#credit + Number(count) > WINDOW",
      "count === undefined",
    ],
    [
      "who waits for room waits for more of it",
      "CWE-835",
      "    this.#moreCredit = Promise.withResolvers<void>();\n  }",
      "  }",
    ],
    ["a peer is told that everything was read", "CWE-400", "        this.#tellEnd();\n", ""],
    [
      "a peer is told once that everything was read",
      "CWE-400",
      "!this.#toldEnd && this.#socket.readyState === WebSocket.OPEN",
      "this.#socket.readyState === WebSocket.OPEN",
    ],
    [
      "nothing is told over a socket that is closing",
      "RFC 6455 section 5.5.1",
      "!this.#toldEnd && this.#socket.readyState === WebSocket.OPEN",
      "!this.#toldEnd",
    ],
    [
      "a peer that has ended is given no more room",
      "RFC 6455 section 5.5.1",
      "this.#peerEnded || this.#consumed < (waits",
      "this.#consumed < (waits",
    ],
    ["a peer is given room before it has none", "CWE-400", "WINDOW / 4", "WINDOW"],
    ["what was said to be read is not said again", "CWE-770", "    this.#consumed = 0;\n", ""],
    ["no more is sent than there is room for", "CWE-770", "        this.#credit -= count;\n", ""],
  ]),
  ...rules("socks/stream/streams_connection.ts", ["tests/socks/stream/foreign_transports_test.ts"], [
    [
      "nothing is no chunk",
      "the contract of write()",
      "for (let at = 0; at < chunk.length;) {",
      "for (let at = 0; at <= chunk.length;) {",
    ],
    ["where a stream goes is told", "the contract of remote", "    this.remote = streams.remote;\n", ""],
  ]),
  ...rules("socks/stream/make_unless_aborted.ts", ["tests/socks/stream/make_unless_aborted_test.ts"], [
    [
      "a signal keeps nothing of what could not be made",
      "CWE-401",
      "catch((error) => {\n    listening[Symbol.dispose]();\n",
      "catch((error) => {\n",
      "makeUnlessAborted(): takes what is made in time, and gives up the rest once",
    ],
    [
      "a signal keeps nothing of what was made in time",
      "CWE-401",
      "making.then((made) => {\n    listening[Symbol.dispose]();\n",
      "making.then((made) => {\n",
      "in time",
    ],
  ]),
  ...rules("socks/stream/record_writer.ts", ["tests/socks/stream/streams_transport_test.ts"], [
    [
      "an end of writing that went well is none once it is closed",
      "the contract of close()",
      "    this.#throwIfEnded();\n    await (this.#ending",
      "    await (this.#ending",
      "closeWrite() fails after close()",
    ],
  ]),
  ...rules("socks/shell/deno_connection.ts", ["tests/socks/stream/streams_transport_test.ts"], [
    [
      "an end of writing that went well is none once it is closed",
      "the contract of close()",
      '    if (this.#closed) return Promise.reject(closedError("The connection"));\n',
      "",
      "closeWrite() fails after close()",
    ],
  ]),
];
