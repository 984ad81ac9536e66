/**
 * Rules of what goes on, or not, between the two ends of a relay, and of what is said of a cut.
 *
 * @module
 */
import { type Mutant, type Row, rules } from "./mutant.ts";

const LIFE = "tests/socks/server/relay/life_test.ts";
const WRITTEN = "tests/socks/stream/written_test.ts";
const FOREIGN = "tests/socks/stream/foreign_transports_test.ts";
const PLATFORM = "tests/socks/shell/platform_errors_test.ts";

const IDLE = "idleTimeout: bytes that leave";
const GONE = "RFC 9293 section 3.10.7.4";
const CUT = "RFC 9293 section 3.10.5";
const MEMORY = "CWE-770";
const UNHANDLED = "CWE-248";

const CLOCK: readonly Row[] = [
  [
    "bytes that leave are no silence",
    IDLE,
    "|| this.#left() !== this.#written) this.transferred();",
    ") this.transferred();",
  ],
  [
    "the gate's pause is no silence",
    "idleTimeout: the gate",
    "if (this.#delayed > 0 || this.#left()",
    "if (this.#left()",
  ],
  [
    "the time begins behind the gate's pause",
    "idleTimeout: the gate",
    "      this.#delayed--;\n",
    "",
  ],
  [
    "what has left before is no news",
    IDLE,
    "    this.#written = this.#left();\n  }\n\n  /** Waits for the gate",
    "  }\n\n  /** Waits for the gate",
  ],
  ["both ends are looked at", IDLE, "(one.written ?? 0) + (other.written ?? 0)", "one.written ?? 0"],
  [
    "one side's end gives the other its own time",
    "halfCloseTimeout",
    "    this.#limit = milliseconds;\n",
    "",
  ],
];

const PROBES: readonly Row[] = [
  [
    "a client is asked for behind a target that takes nothing",
    GONE,
    "else probe(this.#client).catch(this.#options.lost);",
    "",
  ],
  [
    "a client's failed read is told behind a target that takes nothing",
    GONE,
    "else if (this.#failure !== undefined) this.#options.lost(this.#failure.error);\n",
    "\n",
  ],
  [
    "what a client has sent goes on to a target that takes it",
    GONE,
    "else if (written !== this.#written) this.#written = written;\n",
    "\n",
  ],
  ["nobody is asked for while bytes go", "performance", "this.#paused = false;\n  }", "}"],
];

const RELAYS: readonly Row[] = [
  [
    "the end of a write is no silence",
    IDLE,
    "to.write(bytes).then(() => this.#idleClock.transferred());",
    "to.write(bytes);",
  ],
  [
    "bytes that come are no silence",
    IDLE,
    "        if (bytes === null) break;\n        this.#idleClock.transferred();",
    "        if (bytes === null) break;",
  ],
  ["a client held up by the gate is asked for", GONE, "          this.#unread(key);\n", ""],
  ["who sends and is not read is watched", GONE, "        this.#unread(key, reading);\n", ""],
  [
    "a target is let be",
    GONE,
    'if (key !== "sent" || this.#isOver) return;',
    'if (key === "sent" || this.#isOver) return;',
  ],
];

const MEMORIES: readonly Row[] = [
  ["large reads are for who has carried much", MEMORY, "if (proven && this.#used", "if (this.#used"],
  ["large reads have their part", MEMORY, "this.#used + LARGE <= this.#mostLarge", "true"],
  ["no more than there is", MEMORY, "if (this.#used + MEDIUM <= this.#most) return", "if (true as boolean) return"],
  ["what is given back is free", MEMORY, "    this.#used -= length;\n", ""],
  ["what somebody may still have is not used again", "CWE-416", "    if (!reusable) return;\n", ""],
  [
    "a relay's end gives all of it back",
    MEMORY,
    "this.#memory.release(buffer, length, false);",
    "void [buffer, length];",
  ],
  ["nothing is given back twice", "CWE-415", "    this.#taken?.delete(buffer);\n", ""],
  ["a small buffer is used again", MEMORY, "      this.#spare = buffer;\n", ""],
  ["nobody has a small buffer twice", "CWE-416", "    this.#spare = undefined;\n", ""],
  ["a small buffer of another size is let go", MEMORY, "spare?.length === size ? spare : undefined", "spare"],
];

const WEB_SOCKETS: readonly Row[] = [
  [
    "a message that is larger than any is refused",
    MEMORY,
    "this.#peerEnded || bytes.length > LARGEST ||",
    "this.#peerEnded ||",
    "a message that is too long",
  ],
  [
    "a peer that waits is told early",
    "idleTimeout",
    "(waits ? STARVING : WINDOW / 4)",
    "WINDOW / 4",
    "a peer without credit",
  ],
  [
    "what the socket still holds has not left",
    IDLE,
    " - (this.#socket.bufferedAmount ?? 0)",
    "",
    "counts bytes that left",
  ],
  ["what the peer has read counts", IDLE, "    this.#taken += Number(count);\n", "", "counts bytes that left"],
];

const PIECES: readonly Row[] = [
  ["a stream is given a piece at a time", IDLE, "Math.min(PIECE, chunk.length - at)", "chunk.length - at"],
];

/** The list. */
export const WIRE_MUTANTS: readonly Mutant[] = [
  ...rules("socks/server/relay/idle_clock.ts", [LIFE], CLOCK),
  ...rules("socks/server/relay/client_probe.ts", [LIFE], PROBES),
  ...rules("socks/server/relay/relay.ts", [LIFE], RELAYS),
  ...rules("socks/server/relay/relay.ts", ["tests/socks/server/relay/relay_test.ts"], [
    [
      "one side that fails to close keeps the other from nothing",
      UNHANDLED,
      "      } finally {\n        // Closing a caller's",
      "      } catch (error) {\n        throw error; // Closing a caller's",
      "although closing the client throws",
    ],
    [
      "a download that is always ready leaves others their turn",
      "docs/performance.md",
      "if (inTurn >= BYTES_A_TURN) {",
      "if (inTurn < 0) {",
      "lets timers and other sockets have their turn",
    ],
  ]),
  ...rules("socks/server/relay/memory.ts", [LIFE], MEMORIES),
  ...rules("socks/stream/read_size.ts", [LIFE], [
    [
      "reads of some bytes have room for more",
      "docs/performance.md",
      "const SMALL = 1_024;",
      "const SMALL = 64;",
      "grow with the bytes",
    ],
    [
      "a read is judged by the buffer that it had",
      "docs/performance.md",
      "Math.min(room, this.next) / 16",
      "this.next / 16",
      "keep their size",
    ],
  ]),
  ...rules("socks/server/relay/relay.ts", [LIFE], [
    [
      "a short request is not handed on in two pieces",
      "servers that read once",
      "if (bytes.length === SHORT_READ) [",
      "if (bytes.length < 0) [",
      "in one piece",
    ],
  ]),
  ...rules("socks/server/front/options.ts", ["tests/socks/auth/toy_method_test.ts"], [
    [
      "a method around another one has a signal to pass on",
      "design",
      "    get signal(): AbortSignal {\n      return clock.signal;\n    },\n",
      "",
      "one around another",
    ],
  ]),
  ...rules("socks/server/relay/cut_message.ts", [LIFE], [
    [
      "a message that ends where the read does goes on at once",
      "servers that read once",
      "Promise.race([ahead, nextTurn()])",
      "ahead",
      "in one piece",
    ],
    [
      "bytes in front of a failure go on",
      "servers that read once",
      ".catch(() => undefined)",
      "",
      "in front of a failure",
    ],
    [
      "an end behind a message is no part of it",
      "RFC 9293 section 3.6",
      "return rest ? ",
      "return rest !== undefined ? ",
      "in front of a failure",
    ],
  ]),
  ...rules("socks/shell/deno_connection.ts", ["tests/socks/shell/deno_connection_test.ts"], [
    [
      "an end leaves reading open while the peer may send",
      "RFC 9293 section 3.6",
      "if (this.#hasEnded) this.#conn",
      "if (this.#conn !== undefined) this.#conn",
      "leaves reading open",
    ],
    [
      "an end stays an end behind this side's",
      "RFC 9293 section 3.6",
      "(error) => this.#hasEnded && !this.#closed ? null : this",
      "(error) => this",
      "reading stays at the end",
    ],
    [
      "an end fails no read that is under way",
      "RFC 9293 section 3.6",
      "(error) => this.#hasEnded && !this.#closed ? null : this",
      "(error) => this",
      "under way",
    ],
    [
      "what is cut has no end",
      "RFC 9293 section 3.10.5",
      '    if (this.#hasLastBytes) throw this.#readFailure ??= closedError("The connection");\n',
      "",
      "last bytes of a cut",
    ],
    [
      "what is closed has no end",
      "RFC 9293 section 3.6",
      "(error) => this.#hasEnded && !this.#closed ?",
      "(error) => this.#hasEnded ?",
      "reading stays at the end",
    ],
  ]),
  ...rules("socks/rules/users.ts", ["tests/socks/rules/accounts_test.ts"], [
    [
      "users of one name and of two accounts are two",
      "CWE-863",
      "name, account !== undefined, sid, realm,",
      "name, realm,",
      "userKey(): is the SID",
    ],
    [
      "users of two principal names are two",
      "CWE-863",
      "stored, dnsDomain, upn]);",
      "stored, dnsDomain]);",
      "one thing is another",
    ],
    [
      "users of two domains are two",
      "CWE-863",
      "stored, dnsDomain, upn]);",
      "stored, upn]);",
      "one thing is another",
    ],
    [
      "users of two stored names are two",
      "CWE-863",
      "realm, stored, dnsDomain",
      "realm, dnsDomain",
      "one thing is another",
    ],
    [
      "users of two realms are two",
      "CWE-863",
      "sid, realm, stored",
      "sid, stored",
      "one thing is another",
    ],
    [
      "users of two spellings are two",
      "CWE-863",
      '"gssapi", name, account !==',
      '"gssapi", account !==',
      "one thing is another",
    ],
    [
      "users of one name and of two methods are two",
      "CWE-863",
      'JSON.stringify([method === "gssapi", name,',
      "JSON.stringify([name,",
      "userKey(): is the SID",
    ],
  ]),
  ...rules("base/deadline.ts", ["tests/base/deadline_test.ts"], [
    [
      "a signal that is made late is aborted too",
      "docs/performance.md",
      "      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);\n",
      "",
      "asked for after the end",
    ],
  ]),
  ...rules("socks/stream/web_socket_connection.ts", [FOREIGN], WEB_SOCKETS),
  ...rules("socks/stream/origin.ts", [FOREIGN], [
    [
      "a page of another origin is refused",
      "RFC 6455 section 10.2",
      "return origin === null || allowed.includes(origin);",
      "return true;",
      "pages of other origins",
    ],
    [
      "a program names no origin",
      "RFC 6455 section 10.2",
      "return origin === null || allowed",
      "return allowed",
      "pages of other origins",
    ],
    ["what is no origin is refused", "RFC 6454 section 6.1", "\\sA-Z]+$/", "\\sA-Z]+/", "pages of other origins"],
  ]),
  ...rules("socks/stream/web_socket_connection.ts", [PLATFORM], [
    [
      "a message that is no bytes is none, and no end",
      UNHANDLED,
      "if (!(data instanceof ArrayBuffer)) {",
      "if (false as boolean) {",
      "WebSocket",
    ],
  ]),
  ...rules("socks/shell/duplex.ts", [WRITTEN], [
    ...PIECES,
    ["a cut is a reset, where a stream can", CUT, "if (this.#cut && this.stream", "if (false && this.stream"],
    ["what is closed is no cut", CUT, "if (this.#cut && this.stream", "if (this.stream"],
  ]),
  ...rules("socks/stream/streams_connection.ts", [WRITTEN], PIECES),
  ...rules("socks/shell/deno_connection.ts", ["tests/socks/stream/cut_test.ts"], [
    [
      "a cut goes behind what is under way",
      CUT,
      "await abortable(this.#conn.write(unfinished), deadline",
      "await abortable(this.write(unfinished), deadline",
      "during a write",
    ],
    [
      "a cut waits for room",
      CUT,
      "if (!this.#hasLastBytes) this.#conn[Symbol.dispose]();",
      "this.#conn[Symbol.dispose]();",
      "unfinished frame",
    ],
    [
      "nothing goes behind a cut",
      CUT,
      '        if (this.#hasLastBytes) throw closedError("The connection");\n        const',
      "        const",
      "unfinished frame",
    ],
    [
      "what is cut reads nothing more",
      CUT,
      "    if (this.#hasLastBytes) return this.#lost(buffer, length, undefined);\n",
      "",
      "unfinished frame",
    ],
    [
      "a cut does not wait for ever",
      CUT,
      "write(unfinished), deadline.signal).catch",
      "write(unfinished), undefined).catch",
      "a bounded time",
    ],
  ]),
  ...rules("socks/shell/deno_connection.ts", [WRITTEN], [
    ["a socket tells how far it is", IDLE, "        this.#written += count;\n", "", "what a peer takes"],
  ]),
  ...rules("socks/shell/deno_connection.ts", [LIFE], [
    ["a reset that nobody reads is told", GONE, "      await this.#conn.write(NOTHING);\n", "", "reset"],
    [
      "what a probe was told is no end for who reads",
      GONE,
      "      this.#noteReset(error);\n      throw",
      "      throw",
      "probe(): reports an unread reset, and costs a living peer nothing",
    ],
    [
      "a side that has ended is asked nothing",
      GONE,
      "this.#closed || this.#ending !== undefined ||",
      "this.#closed ||",
      "probe(): reports an unread reset, and costs a living peer nothing",
    ],
  ]),
  ...rules("socks/shell/deno_listener.ts", [PLATFORM], [
    [
      "a client that is gone again holds up no other",
      "CWE-400",
      "if (!isClientGone(error)) throw error;",
      "throw error;",
      "client delays no other",
    ],
  ]),
  ...rules("socks/stream/record_layer.ts", [WRITTEN], [
    ["messages leave with what is under them", IDLE, "return this.#state.connection.written;", "return undefined;"],
  ]),
  ...rules("socks/shell/tls_connection.ts", [WRITTEN], [
    ["records leave with what is under them", IDLE, "return this.#connection.written;", "return 0;"],
    ["a cut goes through TLS", CUT, "if (this.cut) abort(this.#connection);\n    else ", ""],
  ]),
  ...rules("socks/stream/wrap_connection.ts", [WRITTEN], [
    [
      "what is around a connection probes it",
      GONE,
      "    return probe(this.below);",
      "    return Promise.resolve();",
      "wrappers: pass",
    ],
    [
      "what is around a connection tells what has left",
      IDLE,
      "return this.below.written;",
      "return undefined;",
      "wrappers: pass",
    ],
  ]),
  ...rules("socks/stream/user_connection.ts", ["tests/socks/shell/platform_errors_test.ts"], [
    [
      "a signal that cuts what cannot be closed ends nothing else",
      CUT,
      "    this.#end(reason, (connection) => abortQuietly(connection, unfinished));",
      "    this.#end(reason, (connection) => connection.abort?.(unfinished));",
      "ends nothing else",
    ],
  ]),
  ...rules("socks/client/bind.ts", ["tests/socks/shell/platform_errors_test.ts"], [
    [
      "a listener that cannot be closed ends nothing else",
      CUT,
      "    this.#over.abort(reason);\n    closeQuietly(this.#granted.connection);\n",
      "    this.#over.abort(reason);\n    this.#granted.connection.close();\n",
      "ends nothing else",
    ],
  ]),
  ...rules("socks/stream/user_connection.ts", ["tests/socks/stream/cut_test.ts"], [
    [
      "what a signal ends is cut",
      CUT,
      "weak.deref()?.abort(signal",
      "weak.deref()?.close(signal",
      "a collected connection is cut",
    ],
    [
      "what a signal has ended before is cut",
      CUT,
      "signal?.aborted) this.abort(",
      "signal?.aborted) this.close(",
      "a collected connection is cut",
    ],
    [
      "what cannot be read is cut",
      CUT,
      "this.#release(abortQuietly);",
      "this.#release();",
      "a collected connection is cut",
    ],
    [
      "what a user closes is no cut",
      CUT,
      "this.#end(reason, (connection) => connection.close());",
      "this.#end(reason, abortQuietly);",
      "a collected connection is cut",
    ],
  ]),
  ...rules("socks/stream/web_streams.ts", ["tests/socks/stream/cut_test.ts"], [
    [
      "an aborted stream is a cut",
      CUT,
      'connection.abort(streamClosedError("aborted"',
      'connection.close(streamClosedError("aborted"',
      "a collected connection is cut",
    ],
  ]),
  ...rules("socks/shell/node_dial.ts", [WRITTEN], [
    [
      "the system looks for peers that are gone after a minute",
      "RFC 9293 section 3.8.4",
      "KEEP_ALIVE = 60_000",
      "KEEP_ALIVE = 0",
      "minute",
    ],
  ]),
  ...rules("socks/shell/carrier.ts", [PLATFORM], [
    [
      "an error of the stream under TLS ends no process",
      UNHANDLED,
      'this.stream.on("error", () => {});',
      "",
      "NodeTlsConnection: survives an error of its stream that has no other listener",
    ],
  ]),
  ...rules("base/shared_timers.ts", ["tests/base/shared_timers_test.ts"], [
    [
      "timers of one length share one",
      "design",
      "if (this.#timer === undefined) this.#set(at, this.#milliseconds);",
      "this.#set(at, this.#milliseconds);",
    ],
    ["who waits keeps the timer that all share", "design", " || this.#due.size > 0) return;", ") return;"],
    ["the last one takes the timer along", "design", "    clearTimeout(this.#timer);\n", ""],
    ["a length that nobody waits for is forgotten", "design", "    LISTS.delete(this.#milliseconds);\n", ""],
    ["nobody is called before its time", "design", "      if (entry[1] > now) break;\n", ""],
    ["a timer that is early is up nevertheless", "design", "Math.max(monotonicNow(), this.#at)", "monotonicNow()"],
    [
      "who was stopped or started anew by another one is not called",
      "design",
      "      if (this.#due.get(timed) !== at) continue;\n",
      "",
    ],
    [
      "the next one is waited for as long as is left",
      "design",
      "next[1] - monotonicNow())",
      "this.#milliseconds)",
    ],
    [
      "those that wait keep the system's timer",
      "design",
      "if (next !== undefined) this.#set",
      "if (next === undefined) this.#set",
    ],
    [
      "timers of another length have one of their own",
      "design",
      "LISTS.set(milliseconds, list = new TimerList(milliseconds));",
      "LISTS.set(0, list = LISTS.get(0) ?? new TimerList(milliseconds));",
    ],
  ]),
  ...rules("base/deadline.ts", [PLATFORM], [
    [
      "what a timer throws is its reason",
      UNHANDLED,
      "      this.abort(error);\n",
      "      throw error;\n",
      "startDeadline(): a reason that cannot be made aborts with the error",
    ],
  ]),
];
