/**
 * Messages, and what is answered to those that cannot be read.
 *
 * @module
 */
import { type Mutant, rules } from "../mutant.ts";
import { ANSWERS, FRONT, HANDSHAKE, SERVER, WIRE } from "./shared.ts";

/** The rules. */
export const MESSAGES: readonly Mutant[] = [
  ...rules("socks/wire/messages.ts", [WIRE], [
    [
      "a refusal is told by two bytes",
      "RFC 1928 section 6",
      'if (reply !== 0) return { value: { reply, hostname: "0.0.0.0", port: 0 }, length: bytes.length };',
      "",
    ],
    [
      "a broken success is no refusal",
      "RFC 1928 section 6",
      "if (!(cause instanceof SocksReplyError)) throw cause;",
      "throw cause;",
    ],
    ["no zone is told", "RFC 4007 section 11", 'hostname: hostname.replace(/%[^%]*$/, ""), port', "hostname, port"],
    [
      "RSV is 0 when sent",
      "RFC 1928 section 6",
      "Uint8Array.of(VERSION, reply, 0)",
      "Uint8Array.of(VERSION, reply, 1)",
    ],
    [
      "1 to 255 methods are offered",
      "RFC 1928 section 3",
      "if (methods.length < 1 || methods.length > 255) throw",
      "if (false) throw",
    ],
  ]),
  ...rules("socks/wire/decoded.ts", [WIRE], [
    [
      "a message of another version is refused",
      "RFC 1928 section 3, RFC 1961 section 3.4",
      "if (version !== undefined && version !== expected) {",
      "if (false) {",
    ],
  ]),
  ...rules("socks/wire/password.ts", [WIRE], [
    [
      "a name and a password have 1 to 255 bytes",
      "RFC 1929 section 2",
      "if (part.length < 1 || part.length > 255) {",
      "if (false) {",
    ],
    [
      "every status but 0 is a refusal",
      "RFC 1929 section 2",
      "{ value: bytes[1] === 0, length: 2 }",
      "{ value: bytes[1] !== 1, length: 2 }",
    ],
  ]),
  ...rules("socks/wire/socks4.ts", [FRONT], [
    [
      "names have 255 bytes at most",
      "SOCKS 4A",
      "if (end > start + MAX_NAME || (end < 0 && bytes.length > start + MAX_NAME)) {",
      "if (false) {",
    ],
    ["0.0.0.x names a host", "SOCKS 4A", "address[2] === 0 && address[3] !== 0", "false"],
  ]),
  ...rules("socks/wire/socks4.ts", [ANSWERS], [
    [
      "an IPv6 address has no place in a reply",
      "SOCKS 4",
      "bytes?.length === 4 ? bytes : new Uint8Array(4)",
      "bytes ?? new Uint8Array(4)",
    ],
  ]),
  ...rules("socks/wire/datagram.ts", [WIRE], [
    ["a header is whole", "RFC 1928 section 7", "if (address === undefined) {", "if (false) {"],
  ]),
  ...rules("socks/wire/gssapi.ts", [WIRE], [
    [
      "frames have version 1",
      "RFC 1961 section 3.4",
      '  checkVersion(version, VERSION, "GSS-API frame");\n',
      "",
    ],
    [
      "message types are 1 to 3",
      "RFC 1961 section 3.4",
      "if (type !== undefined && (type < 1 || type > 3)) {",
      "if (false) {",
    ],
    ["a token has 65,535 bytes at most", "RFC 1961 section 3.4", "if (length > MAX_TOKEN) throw", "if (false) throw"],
    ["nothing follows a refusal", "RFC 1961 section 3.8", "if (type === FrameType.Abort) return", "if (false) return"],
  ]),
  ...rules("socks/wire/frame_splitter.ts", [WIRE], [
    [
      "bytes of the next frame are kept",
      "frames split and coalesced",
      "larger.set(this.#bytes.subarray(this.#start, this.#end));",
      "",
    ],
    [
      "pieces in other memory are copied",
      "frames split and coalesced",
      "if (!inPlace) this.room",
      "if (false) this.room",
    ],
  ]),
  ...rules("socks/wire/receive_buffer.ts", [WIRE], [
    ["what is not whole has a limit", "linear time", "if (this.length >= this.#limit) {", "if (false) {"],
    [
      "pieces are put together in linear time",
      "linear time",
      "Math.min(2 * needed, this.#limit)",
      "needed",
    ],
    ["no room is kept for more than the limit", "half-open clients", "Math.min(2 * needed, this.#limit)", "2 * needed"],
    [
      "what has no place within the limit finds one",
      "half-open clients",
      "Math.max(needed, Math.min(2 * needed, this.#limit))",
      "Math.min(2 * needed, this.#limit)",
    ],
  ]),
  ...rules("socks/stream/message_reader.ts", [WIRE], [
    ["a long message is not read in short pieces", "linear time", "if (bytes.length >= SHORT) this.#room = LONG;", ""],
    ["a short message is read with little room", "half-open clients", "  #room = SHORT;", "  #room = LONG;"],
    ["a long message is read in pieces", "half-open clients", "read(new Uint8Array(this.#room))", "read()"],
  ]),
  ...rules("socks/handshake.ts", [HANDSHAKE], [
    [
      "a method that was not offered",
      "RFC 1928 section 3",
      "else if (!this.#offered.includes(message.method)) throw",
      "else if (false) throw",
    ],
    ["X'FF' ends it", "RFC 1928 section 3", 'if (trigger === "refusal" && this.#role === "client") {', "if (false) {"],
    [
      "an error closes it for good",
      "rule 4",
      '    this.#state = "closed";\n  }\n',
      "  }\n",
    ],
    [
      "what is out of turn is not sent",
      "RFC 1928 section 3",
      "if (RECEIVES[this.#role].includes(message.type) || !(message.type in TRANSITIONS[this.#state])) {",
      "if (false) {",
    ],
    [
      "a failed request closes it",
      "RFC 1928 section 6",
      'if (message.reply.reply !== 0) trigger = "failure";\n      else if',
      "if",
    ],
    [
      "BIND has two replies",
      "RFC 1928 section 6",
      "this.#command === Command.Bind && this.#state",
      "false && this.#state",
    ],
  ]),
  ...rules("socks/handshake.ts", [ANSWERS], [
    ["a broken request has an answer", "RFC 1928 section 6", "this.#refusal = encodeReply(", "void encodeReply("],
    ["the answer is taken once", "RFC 1928 section 6", "    this.#refusal = undefined;\n", ""],
    [
      "a client gets no answer for a broken reply",
      "RFC 1928 section 6",
      'this.#role === "server" && this.#state === "authenticated" && ',
      'this.#state !== "requested" && ',
    ],
    [
      "whoever has begun no request gets no answer",
      "RFC 1928 section 6",
      ' && this.#state === "authenticated" && this.#buffer.length > 0',
      ' && this.#state === "authenticated"',
    ],
  ]),
];

/** The rules. */
export const FRONTS: readonly Mutant[] = [
  ...rules("socks/server/front/unauthenticated.ts", [FRONT], [
    [
      "who names nobody comes in where none may",
      "deny by default",
      "options.accepts.auth.find(({ code }) => code === Method.None)",
      "options.accepts.auth[0]",
    ],
  ]),
  ...rules("socks/server/front/read_request.ts", [FRONT], [
    ["HTTP only where it is served", "deny by default", 'protocols.includes("http") ? read', "true ? read"],

    ["SOCKS 4 only where it is served", "deny by default", 'protocols.includes("socks4") ? read', "true ? read"],

    ["methods of HTTP in any case", "RFC 9110 section 9.1", "byte & ~0x20", "byte"],
  ]),
  ...rules("socks/server/front/socks4.ts", [ANSWERS], [
    ["who is cut off is told", "SOCKS 4", "    options.end.refusal = () => reject(client);\n", ""],
    ["who is served hears nothing of a cut", "SOCKS 4", "    options.end.refusal = undefined;\n", ""],
    [
      "whoever is refused or unreadable is told",
      "SOCKS 4",
      "    await reject(client);\n    throw error;",
      "    throw error;",
    ],
    [
      "version 4 has its own commands",
      "SOCKS 4",
      "COMMANDS.includes(command) ? commandOf(command)",
      "true ? commandOf(command)",
    ],
    ["a protocol that is off has an answer", "SOCKS 4", "  await reject(client);\n  throw new", "  throw new"],
  ]),
  ...rules("socks/server/front/socks5.ts", [ANSWERS], [
    ["who is cut off is told", "RFC 1928 section 6", "      handshake.abandon();\n", ""],
    [
      "an unreadable request is answered",
      "RFC 1928 section 6",
      "    await tell().catch(() => {});\n",
      "",
    ],
    [
      "no acceptable method is told",
      "RFC 1928 section 3",
      "method?.code ?? Method.NoneAcceptable",
      "method?.code ?? Method.None",
    ],
    [
      "only methods offered are chosen",
      "RFC 1928 section 3",
      "auth.filter(({ code }) => offered.includes(code))",
      "auth",
    ],
  ]),
  ...rules("socks/server/front/socks5.ts", [SERVER], [
    [
      "none before GSS-API unless told otherwise",
      "preferGssapi",
      "preferGssapi ? Method.Gssapi : Method.None",
      "Method.None",
    ],
  ]),
  ...rules("socks/server/front/http.ts", [FRONT], [
    [
      "whoever is unreadable gets a status",
      "RFC 9110 section 15.5.1",
      "    await answerProblem(client, error, options);\n",
      "",
    ],
    ["what denies is told as 403", "RFC 9110 section 15.5.4", 'NOT_ALLOWED: "403 Forbidden",', ""],
    [
      "a protocol that is off has an answer",
      "RFC 9110 section 15.6.2",
      '  await answer(client, "501 Not Implemented", "This proxy accepts SOCKS, not HTTP.\\n");\n',
      "",
    ],
  ]),
  ...rules("socks/server/front/http.ts", [ANSWERS], [
    [
      "who is cut off is told",
      "RFC 9110 section 15.5.9",
      "    options.end.refusal = () => answer(client, cutStatus(options.clock.signal));\n",
      "",
    ],
    ["who is served hears nothing of a cut", "RFC 9110 section 9.3.6", "    options.end.refusal = undefined;\n", ""],
    ["the status says who was late", "RFC 9110 section 15.5.9", "reason instanceof SocksTimeoutError ? ", "true ? "],
  ]),
];
