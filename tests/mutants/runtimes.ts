/**
 * Rules of what each runtime gives, and of what is said where it gives nothing.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const NONE = ["tests/runtimes/none_test.ts"];
const SOCKETS = ["tests/socks/shell/node_platform_test.ts"];
const ALIKE = ["tests/alike/alike_test.ts"];
const STREAMS = ["tests/kerberos/reach/shell/node_sockets_test.ts"];
const FILES = ["tests/kerberos/credentials/shell/node_file_system_test.ts"];
const EDGE = ["tests/proxy/edge_test.ts"];
const TICKETS = ["tests/kerberos/tickets_from_test.ts"];
const PACKAGE = ["tests/runtimes/npm_test.ts"];
const SYSTEM_FILES = ["tests/socks/names/files_test.ts"];

const SAYS = "no runtime is named in an error";
const LISTENS = "the interface of listeners";
const LEAVES = "CWE-772";

/** Sentences where there is nothing. */
const SENTENCES: readonly Mutant[] = [
  ...rules("base/builtin.ts", NONE, [
    [
      "a module that is missing is an error with a sentence",
      SAYS,
      "  if (found === undefined) throw unsupported(what, instead);\n",
      "",
    ],
    ["the sentence says what to pass instead", SAYS, "means for it; ${instead}`", "means for it`"],
  ]),
  ...rules("kerberos/credentials/shell/default_file_system.ts", NONE, [
    [
      "files that are missing are an error with a sentence",
      SAYS,
      '    throw unsupported("use files", instead);\n',
      "    throw new ReferenceError(instead);\n",
    ],
  ]),
  ...rules("socks/shell/no_platform.ts", NONE, [
    [
      "a listener that cannot be is an error with a sentence",
      SAYS,
      '    throw unsupported("listen on TCP", LISTEN);\n',
      "    return undefined as never;\n",
    ],
    [
      "a resolver that is missing is an error with a sentence",
      SAYS,
      '  getAddresses: (name) => Promise.reject(unsupported(`look up ${name}`, "pass `resolve`")),',
      "  getAddresses: () => Promise.resolve([]),",
    ],
    [
      "datagrams that cannot be are an error with a sentence",
      SAYS,
      'Promise.reject(unsupported("bind a UDP socket", "use connect(): datagrams need a socket"))',
      "Promise.reject(new Error())",
    ],
  ]),
  ...rules("proxy/no_system.ts", EDGE, [
    ["the edge names the credentials that it needs", SAYS, "pass `credentials`, such as", "such as"],
    ["the edge names the keys that it needs", SAYS, '"pass `keytab`: Keytab.decode(bytes)"', '""'],
  ]),
  ...rules("proxy/edge_calls.ts", EDGE, [
    [
      "a server at the edge listens nowhere",
      "./edge",
      "serveOn(noSystem, { ...options, listeners: [] })",
      "serveOn(noSystem, { ...options })",
    ],
  ]),
];

/** Sockets of `node:net`. */
const NODE_SOCKETS: readonly Mutant[] = [
  ...rules("socks/shell/node_listener.ts", SOCKETS, [
    [
      "what keeps it from listening is told at once",
      LISTENS,
      "    throw systemError(failed);\n",
      "    throw new Error();\n",
    ],
    [
      "a name to listen at is refused",
      LISTENS,
      '    if (parseIp(hostname) === undefined) throw new TypeError("a name is not looked up here; write an address");\n',
      "",
    ],
    [
      "what a runtime cannot do with a port is refused",
      LISTENS,
      '    if (reusePort) throw new TypeError("reusePort is not possible in this runtime");\n',
      "",
    ],
    [
      "a client that nobody waits for is kept",
      LISTENS,
      "    if (next === undefined) accepted.push(connection);\n",
      "    if (next === undefined) connection.close();\n",
    ],
    [
      "clients that nobody takes are bounded",
      "CWE-770",
      "if (next === undefined && accepted.length >= BACKLOG) return void socket.destroy();",
      "",
      "clients that nobody takes",
    ],
    [
      "closing ends the call that waits",
      LISTENS,
      "      for (const { resolve } of waiting.splice(0)) resolve(undefined);\n",
      "",
    ],
    [
      "closing ends clients that nobody has taken",
      LEAVES,
      "      for (const connection of accepted.splice(0)) connection.close();\n",
      "",
    ],
  ]),
  ...rules("socks/shell/node_dial.ts", SOCKETS, [
    [
      "an error of the system becomes a reply",
      "RFC 1928 section 6",
      "    throw dialError(target, error);\n",
      "    throw error;\n",
    ],
    [
      "a dial ends with its signal",
      LEAVES,
      "    signal?.throwIfAborted();\n    throw dialError",
      "    throw dialError",
    ],
    [
      "a connection has its addresses",
      "RFC 1928 section 6",
      "    local: endpointOf(socket.localAddress, socket.localPort),\n",
      "",
    ],
  ]),
  ...rules("socks/shell/node_dial.ts", ALIKE, [
    [
      "an end is that of one direction",
      "RFC 9293 section 3.6",
      "  allowHalfOpen: true,\n  noDelay",
      "  allowHalfOpen: false as true,\n  noDelay",
      "over node:net",
    ],
  ]),
  ...rules("kerberos/reach/shell/node_sockets.ts", STREAMS, [
    [
      "a short read leaves the rest",
      "the interface of streams",
      "rest = rest.subarray(taken.length);",
      "rest = new Uint8Array(0);",
      "node:net",
    ],
    [
      "an end leaves the other direction open",
      "RFC 9293 section 3.6",
      "iterator({ destroyOnReturn: false })",
      "iterator()",
      "node:net",
    ],
    [
      "closing ends the accept that waits",
      LISTENS,
      "      for (const { reject } of waiting.splice(0)) reject(closedError());\n",
      "",
      "node:net",
    ],
  ]),
  ...rules("socks/shell/duplex.ts", PACKAGE, [
    [
      "a socket that is cut after its end is closed in Node",
      LEAVES,
      " && !isEnding",
      "",
      "work in node 22",
    ],
    [
      "a reset that Node 22 takes for an end is none",
      "RFC 9293 section 3.10.7.4",
      "if (chunk === null && !this.isEnd()) {",
      "if (false) {",
      "work in node 22",
    ],
  ]),
  ...rules("socks/shell/udp_node.ts", PACKAGE, [
    ["a socket for IPv4 is bound in Node", "node:dgram", "ipv6Only: isIpv6 }", "ipv6Only: true }", "work in node 22"],
  ]),
];

/** Files by `node:fs`. */
const NODE_FILES: readonly Mutant[] = [
  ...rules("kerberos/credentials/shell/node_file_system.ts", FILES, [
    ["a lock is one holder's in a process", "CWE-362", "      if (locked.has(name)) return false;\n", "", "node:fs"],
    ["a lock ends with its file", "CWE-667", "    if (lock !== undefined) locked.delete(lock);\n", "", "node:fs"],
    ["a new file is new", "CWE-377", "O_RDWR | O_CREAT | O_EXCL", "O_RDWR | O_CREAT", "node:fs"],
    [
      "each read goes on where the one before ended",
      "the interface of files",
      "      at += bytesRead;\n",
      "",
      "node:fs",
    ],
    [
      "each write goes on where the one before ended",
      "the interface of files",
      "      at += bytesWritten;\n",
      "",
      "node:fs",
    ],
    [
      "a folder is its owner's",
      "CWE-732",
      "sync().mkdirSync(path, { mode })",
      "sync().mkdirSync(path, { mode: 0o777 })",
      "node:fs",
    ],
  ]),
  ...rules("kerberos/credentials/shell/reason.ts", FILES, [
    [
      "an error of Node has the system's words alone",
      "users",
      "  return node === null ?",
      "  return true ?",
      "systemWords",
    ],
  ]),
  ...rules("socks/shell/node_names.ts", SYSTEM_FILES, [
    [
      "a file that is missing is empty in Node",
      "hosts(5)",
      'return found === undefined ? "" : versionText',
      "return versionText",
      "node:fs",
    ],
  ]),
];

/** Tickets without a machine. */
const WITHOUT_MACHINE: readonly Mutant[] = [
  ...rules("kerberos/tickets_from.ts", TICKETS, [
    [
      "tickets need a secret or a cache",
      "the interface",
      "  if (client === undefined && ccache === undefined) {\n",
      "  if (false as boolean) {\n",
    ],
    [
      "a keytab is taken as bytes",
      "the interface",
      "keytab instanceof Uint8Array ? Keytab.decode(keytab) : keytab",
      "keytab as Keytab",
    ],
    [
      "a cache is taken as bytes",
      "the interface",
      "ccache === undefined ? undefined : decodeCcache(ccache)",
      "undefined",
    ],
    [
      "two secrets are refused",
      "the interface",
      "  if (password !== undefined && keytab !== undefined) {\n",
      "  if (false as boolean) {\n",
    ],
  ]),
];

/** The starter of the program in the npm package. */
const STARTER: readonly Mutant[] = rules("packaging/npm/gssocks.mjs", ["tests/runtimes/program_test.ts"], [
  [
    "signals go to the program itself",
    LEAVES,
    'createRequire(import.meta.url)("deno/install_api.cjs").runInstall()',
    'createRequire(import.meta.url).resolve("deno/bin.cjs")',
  ],
  ["a signal ends the program", LEAVES, 'for (const signal of ["SIGTERM", "SIGHUP"])', "for (const signal of [])"],
  ["Control-C comes to the program once", "two signals end it at once", "void (typed || child.", "void (child."],
  ["who asks without a terminal is heard", LEAVES, "void (typed || child.", "void (true || child."],
]);

/** The npm package. */
const NPM: readonly Mutant[] = [
  ...rules("packaging/npm/build.ts", PACKAGE, [
    [
      "a bundle for workers has no core that they do not compile",
      "workerd",
      "default: `./${file}.none.js`",
      "default: `./${file}.js`",
      "bundled for a neutral platform",
    ],
  ]),
];

/** Rules of runtimes. */
export const RUNTIMES_MUTANTS: readonly Mutant[] = [
  ...SENTENCES,
  ...NODE_SOCKETS,
  ...NODE_FILES,
  ...WITHOUT_MACHINE,
  ...STARTER,
  ...NPM,
];
