/**
 * Rules of the sockets and agents for Node's libraries.
 *
 * @module
 */
import { type Mutant, type Row, rules } from "./mutant.ts";

const NODE = "net.Socket";

const SOCKET: readonly Row[] = [
  [
    "a socket that opens later keeps its options",
    NODE,
    "if (this.#noDelay !== undefined) connection",
    "if (false) connection",
    "reach the connection",
  ],
  ["a socket says when it is open", NODE, '      this.emit("connect");\n', "", "opens later"],
  [
    "connect() calls back once the socket is open",
    NODE,
    'this.once("connect", callback as () => void);',
    ";",
    "opens later",
  ],
  ["connect() of an open socket calls back too", NODE, "else queueMicrotask(() => callback());", "", "opens later"],
  [
    "the peer's end is an end",
    NODE,
    "if (count === null) return void this.push(null);",
    "if (count === null) return;",
    "carries bytes",
  ],
  [
    "a failure is an error, not an end",
    NODE,
    "}, (error) => this.destroy(asError(error)));",
    "}, () => this.push(null));",
    "never an end",
  ],
  [
    "this side's end reaches the peer",
    NODE,
    "this.#connection!.closeWrite().then(() => done(),",
    "Promise.resolve().then(() => done(),",
    "carries bytes",
  ],
  [
    "writes that waited are sent in order, all of them",
    NODE,
    "chunks.map(({ chunk }) => chunk)",
    "chunks.slice(0, 1).map(({ chunk }) => chunk)",
    "carries bytes",
  ],
  ["destroy() closes the connection", NODE, "    this.#connection?.close();\n", "", "reach the connection"],
  [
    "destroy() waits for no connection",
    NODE,
    "    super.destroy(error);\n    this.#opened?.();",
    "    super.destroy(error);",
    "over at once",
  ],
  ["nor does it in the first turn", NODE, "if (this.destroyed) this.#opened();", "", "over at once"],
  [
    "small pieces do not keep the memory of whole reads",
    "bounded memory",
    "if (count <= READ_SIZE / 2) return",
    "if (false) return",
    "a reader that stops",
  ],
  [
    "memory that was given away is not used again",
    "data stays as it was",
    "      this.#memory = EMPTY;\n",
    "",
    "large reads",
  ],
  [
    "a listener that throws is not a failure of the stream",
    NODE,
    "}, (error) => this.destroy(asError(error)));",
    "}).catch((error) => this.destroy(asError(error)));",
    "a listener or a callback",
  ],
  [
    "a callback that throws is not a failure of the stream",
    NODE,
    "this.bytesWritten += count;\n      done();\n    }, (error)",
    "this.bytesWritten += count;\n      done();\n    }).catch((error)",
    "a listener or a callback",
  ],
  [
    "what opens after destroy() is closed",
    NODE,
    "if (this.destroyed) return connection.close();",
    "if (this.destroyed) return;",
    "before it is open",
  ],
  ["silence is told", NODE, 'onAbort(this.#idle.signal, () => this.emit("timeout"));', "", "emits timeout"],
  ["destroySoon() closes", NODE, 'else this.once("finish", () => this.destroy());', "", "emits timeout"],
];

const AGENTS: readonly Row[] = [
  [
    "the target's certificate is checked",
    "RFC 9110 section 4.3.4",
    "    ...tls,\n",
    "    ...tls,\n    rejectUnauthorized: false,\n",
    "verifies the target's",
  ],
  ["a connector answers once", "undici", "      settle = () => {};\n", "", "says why it cannot"],
  [
    "a connector says why it cannot",
    "undici",
    'socket.once("error", (error: Error) => settle(error, null));',
    'socket.once("error", () => {});',
    "says why it cannot",
  ],
];

/** See {@linkcode ALL_MUTANTS}. */
export const NODE_MUTANTS: readonly Mutant[] = [
  ...rules("proxy/shell/node_socket.ts", ["tests/proxy/node_test.ts"], SOCKET),
  ...rules("proxy/shell/node_socket.ts", ["tests/interop/drivers_test.ts"], [
    [
      "a socket over TLS says so",
      "first minutes with npm:ldapts",
      "if (connection.tls) this",
      "if (connection.alpnProtocol !== undefined) this",
      "ldaps",
    ],
  ]),
  ...rules("proxy/shell/node_socket.ts", ["tests/proxy/node_test.ts"], [
    [
      "a socket without TLS does not say that it has it",
      "first minutes with npm:ldapts",
      "if (connection.tls) this",
      "if (true) this",
      "carries bytes",
    ],
  ]),
  ...rules("proxy/shell/node_agents.ts", ["tests/proxy/node_test.ts"], AGENTS),
];
