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
    "}).catch((error) => this.destroy(asError(error)));",
    "}).catch(() => this.push(null));",
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
  [
    "what opens after destroy() is closed",
    NODE,
    "    this.#connection?.close();\n",
    "",
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
