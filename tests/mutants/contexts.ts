/**
 * Rules of bytes and of whose memory they are in, of what contexts hold and give back, and of what nobody handles. Each with the
 * change that switches it off.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const BYTES = ["tests/base/bytes_test.ts"];
const MEMORY = ["tests/kerberos/mech/context_memory_test.ts"];
const OCTETS = ["tests/kerberos/bytes_test.ts"];
const DISPOSED = ["tests/proxy/contexts_disposed_test.ts"];
const UNHANDLED = ["tests/unhandled_test.ts"];

/** What a call takes from a caller, and when. */
const TAKEN = "memory is the caller's once the call is made";
/** What is no bytes. */
const WHOLE = "bytes are taken whole or not at all";

/** The rules. */
export const CONTEXTS_MUTANTS: readonly Mutant[] = [
  ...rules("base/bytes.ts", BYTES, [
    [
      "what is no buffer and no view is refused",
      WHOLE,
      "  if (!view && !isBuffer(source)) {",
      "  if (false) {",
    ],
    ["a view is taken whole", WHOLE, "source.byteOffset, source.byteLength)", "source.byteOffset)"],
    [
      "bytes in words are bytes",
      WHOLE,
      "new Uint8Array(source.buffer, source",
      "new Uint16Array(source.buffer, source",
    ],
    [
      "what is given is a plain Uint8Array",
      WHOLE,
      "(source.constructor as unknown) === Uint8Array",
      "source instanceof Uint8Array",
    ],
    ["what was transferred is refused", WHOLE, "source instanceof ArrayBuffer && source.detached", "false"],
    ["what was cut off is refused", WHOLE, "  if (isDetached(source)) {", "  if (false) {"],
    [
      "a view without bytes is looked at twice",
      WHOLE,
      "    if (typeOf.call(source) !== undefined) Uint8Array.prototype.at.call(source as Uint8Array, 0);\n",
      "",
    ],
    [
      "an empty view of data is no view that was cut off",
      WHOLE,
      "    if (typeOf.call(source) !== undefined) Uint8Array",
      "    Uint8Array",
    ],
    [
      "heirs of a buffer are none",
      WHOLE,
      "  return [bufferLength, sharedLength].some(",
      "  return source instanceof SharedArrayBuffer || [bufferLength, sharedLength].some(",
    ],
    [
      "a copy is a copy",
      TAKEN,
      "  return new Uint8Array(bytesOf(source, doing));",
      "  return bytesOf(source, doing) as Bytes;",
    ],
  ]),
  ...rules("kerberos/mech/context.ts", MEMORY, [
    [
      "a message that is no bytes is refused before a number is taken",
      WHOLE,
      'const text = bytesOf(message, "wrap");',
      "const text = message;",
      "refuses what is no bytes without",
    ],
    [
      "a token that is no bytes is refused",
      WHOLE,
      'bytesOf(token, "unwrap")',
      "token",
      "refuses what is no bytes without",
    ],
    [
      "what is signed apart is bytes",
      WHOLE,
      'asBytes(bytesOf(message, "sign"))',
      "message as Bytes",
      "refuses what is no bytes without",
    ],
    [
      "what was signed apart is bytes",
      WHOLE,
      'asBytes(bytesOf(message, "verify"))',
      "message as Bytes",
      "refuses what is no bytes without",
    ],
    [
      "memory to wrap into is bytes",
      WHOLE,
      'bytesOf(into, "wrap into")',
      "into",
      "refuses what is no bytes without",
    ],
    [
      "a number is taken when all is clear",
      "RFC 4121 section 4.2.6",
      "    if (token.length < length) {\n",
      "    if (token.length < length && this.#nextHeader(0)) {\n",
      "refuses what is no bytes without",
    ],
    [
      "who does not say whether to seal gets nothing in clear",
      "RFC 2743 section 2.3.3, conf_req_flag",
      '    if (typeof confidential !== "boolean") throw',
      "    if (false) throw",
      "refuses what is no bytes without",
    ],
    [
      "headroom is a number of bytes",
      WHOLE,
      "    if (!Number.isSafeInteger(headroom) || headroom < 0) {",
      "    if (false) {",
      "refuses what is no bytes without",
    ],
    [
      "what is signed is what is sent",
      TAKEN,
      "asBytes(token.subarray(start, end)), INNER",
      "asBytes(token.subarray(start, end - 1)), INNER",
      "wrap(): leaves memory to the caller",
    ],
    [
      "a message may lie where its header goes",
      TAKEN,
      "    const sealing = this.#keyToWrap",
      "    putWrapHeader(token, start - HEADER_LENGTH, header);\n    const sealing = this.#keyToWrap",
      "may lie in it",
    ],
    [
      "the header that is compared is the one that was read",
      TAKEN,
      "const outer = token.slice(0, HEADER_LENGTH);",
      "const outer = token;",
      "unwrap(): leaves memory to the caller",
    ],
    [
      "what is handed out is what was checked",
      TAKEN,
      "inPlace ? token.subarray(HEADER_LENGTH, end) : token.slice(HEADER_LENGTH, end)",
      "token.subarray(HEADER_LENGTH, end)",
      "unwrap(): leaves memory to the caller",
    ],
    [
      "in place nothing is copied",
      "the record layer's speed",
      "inPlace ? token.subarray(HEADER_LENGTH, end) : token.slice(HEADER_LENGTH, end)",
      "token.slice(HEADER_LENGTH, end)",
      "in place gives a view",
    ],
    [
      "a signature is bytes",
      WHOLE,
      'bytesOf(mic, "verify")',
      "mic",
      "reads all bytes of every kind of view, in all",
    ],
    [
      "limits of a context that is closed are none",
      "RFC 2743 section 2.2.7, GSS_S_NO_CONTEXT",
      "    this.#alive();\n    const overhead",
      "    const overhead",
      "dispose(): pending calls",
    ],
  ]),
  ...rules("kerberos/crypto/usage_key.ts", MEMORY, [
    [
      "a token that waits for keys waits as a copy",
      TAKEN,
      "keys instanceof Promise ? sealed.slice(from) : sealed.subarray(from)",
      "sealed.subarray(from)",
      "unwrap(): leaves memory to the caller",
    ],
  ]),
  ...rules("kerberos/crypto/usage_key.ts", OCTETS, [
    [
      "what waits for keys waits as a copy",
      TAKEN,
      "key instanceof Promise ? parts.map((part) => part.slice()) : parts",
      "parts",
      "works on the bytes as they were",
    ],
    [
      "a checksum is the one that was given",
      TAKEN,
      "computing instanceof Promise ? checksum.slice(at) : checksum.subarray(at)",
      "checksum.subarray(at)",
      "works on the bytes as they were",
    ],
  ]),
  ...rules("kerberos/crypto/aes_sha2.ts", MEMORY, [
    [
      "what is opened is what was checked",
      "RFC 8009 section 5",
      "tagging instanceof Promise ? ciphertext.slice() : ciphertext",
      "ciphertext",
      "unwrap(): leaves memory to the caller",
    ],
  ]),
  ...rules("kerberos/crypto/aes_sha1.ts", MEMORY, [
    [
      "the tag that is compared is the one that came",
      TAKEN,
      "decrypting instanceof Promise ? ciphertext.slice(-MAC) : ciphertext.subarray(-MAC)",
      "ciphertext.subarray(-MAC)",
      "unwrap(): leaves memory to the caller",
    ],
  ]),
  ...rules("kerberos/crypto/password.ts", OCTETS, [
    [
      "parameters are bytes",
      "RFC 3962 section 4",
      'bytesOf(options.s2kparams ?? EMPTY, "make a key by")',
      "options.s2kparams ?? EMPTY",
      "every function reads all bytes",
    ],
  ]),
  ...rules("kerberos/crypto/key.ts", OCTETS, [
    [
      "a key is made of bytes",
      WHOLE,
      'copyBytes(bytes, "make a key of")',
      "new Uint8Array(bytes)",
      "throws TypeError for what is no bytes",
    ],
    [
      "keys use bytes",
      WHOLE,
      'asBytes(bytesOf(part, "sign"))',
      "asBytes(part as Bytes)",
      "throws TypeError for what is no bytes",
    ],
    [
      "random bytes come of bytes",
      WHOLE,
      'bytesOf(input, "derive from")',
      "input",
      "throws TypeError for what is no bytes",
    ],
    [
      "a salt is bytes",
      "RFC 3962 section 4",
      'copyBytes(options.salt, "salt with")',
      "asBytes(options.salt)",
      "throws TypeError for what is no bytes",
    ],
    [
      "a password is a text",
      "RFC 3962 section 4",
      '    if (typeof password !== "string") throw',
      "    if (false) throw",
      "a password that is no text",
    ],
  ]),
  ...rules("kerberos/credentials/formats/keytab.ts", OCTETS, [
    ["a keytab is read out of bytes", WHOLE, 'asBytes(bytesOf(bytes, "read keytab out of"))', "asBytes(bytes)"],
  ]),
  ...rules("kerberos/credentials/formats/ccache.ts", OCTETS, [
    [
      "a cache is read out of bytes",
      WHOLE,
      'asBytes(bytesOf(bytes, "read credential cache out of"))',
      "asBytes(bytes)",
    ],
  ]),
  ...rules("kerberos/credential.ts", OCTETS, [
    [
      "a ticket is kept as it was given",
      TAKEN,
      "copyBytes(bytes, ",
      "((given: Uint8Array, _: string) => given as Bytes)(bytes, ",
    ],
  ]),
  ...rules("kerberos/kdc/handle.ts", OCTETS, [
    ["a KDC answers bytes", WHOLE, 'copyBytes(message, "answer")', "message as Bytes"],
  ]),
  ...rules("kerberos/exchange/kdc_reply.ts", OCTETS, [
    [
      "a KDC's reply is bytes",
      WHOLE,
      `copyBytes(reply, "read a KDC's reply out of")`,
      "reply",
      "throws TypeError for what is no bytes",
    ],
  ]),
  ...rules("gss/channel_bindings.ts", OCTETS, [
    [
      "a channel's data is bytes",
      "RFC 4121 section 4.1.1.2",
      'copyBytes(bindings.applicationData, "bind to")',
      "bindings.applicationData",
    ],
    [
      "a channel's address is bytes",
      "RFC 4121 section 4.1.1.2",
      'copyBytes(bindings.initiatorAddress ?? EMPTY, "bind to")',
      "bindings.initiatorAddress ?? EMPTY",
    ],
  ]),
  ...rules("kerberos/mech/credentials.ts", OCTETS, [
    [
      "no ticket is asked for a channel that is none",
      WHOLE,
      "    const { signal } = options;\n    const channelBindings = options.channelBindings && ownBindings(options.channelBindings);",
      "    const { signal, channelBindings } = options;",
      "bindings",
    ],
    [
      "an acceptor's channel is the one that was given",
      TAKEN,
      "    const channelBindings = options.channelBindings && ownBindings(options.channelBindings);\n    return",
      "    const { channelBindings } = options;\n    return",
      "bindings",
    ],
  ]),
  ...["kerberos/mech/initiator.ts", "kerberos/mech/acceptor.ts", "gss/spnego/initiator.ts", "gss/spnego/acceptor.ts"]
    .flatMap(
      (file) =>
        rules(file, OCTETS, [
          [
            "a step that has no bytes changes nothing",
            WHOLE,
            'given === undefined ? undefined : copyBytes(given, "step with")',
            "given as Bytes | undefined",
            "step(): reads its token",
          ],
        ]),
    ),
  ...rules("kerberos/mech/acceptor.ts", OCTETS, [
    [
      "a replay is known by the token that was given",
      "RFC 4120 section 3.2.3",
      'copyBytes(given, "step with")',
      "given as Bytes",
      "step(): reads its token",
    ],
  ]),
  ...rules("kerberos/ap/replay/memory.ts", OCTETS, [
    ["a tag is a text", "RFC 4120 section 3.2.3", '    if (typeof tag !== "string") throw', "    if (false) throw"],
  ]),
  ...rules("kerberos/ap/replay/shared.ts", OCTETS, [
    [
      "memory that nobody would share is refused",
      "RFC 4120 section 3.2.3",
      "    if (options.memory !== undefined && !(options.memory instanceof SharedArrayBuffer)) {",
      "    if (false) {",
    ],
  ]),
  ...rules("socks/auth/gssapi/client.ts", DISPOSED, [
    ["a client whose proxy is refused disposes its context", "nothing is left", "        context?.dispose();\n", ""],
  ]),
  ...rules("socks/auth/gssapi/server.ts", DISPOSED, [
    ["a server whose client is refused disposes its context", "nothing is left", "        context?.dispose();\n", ""],
  ]),
  ...rules("socks/auth/gssapi/channel.ts", DISPOSED, [
    ["at level none the context is over with the level", "RFC 1961 section 4", "    context.dispose();\n", ""],
  ]),
  ...rules("deno.json", UNHANDLED, [
    [
      "what nobody handles is counted",
      "CONTRIBUTING.md",
      " --preload=./tests/support/watch_unhandled.ts",
      "",
      "unhandled errors",
    ],
  ]),
  ...rules("tests/support/watch_unhandled.ts", UNHANDLED, [
    [
      "promises that nobody handles are counted",
      "CONTRIBUTING.md",
      'addEventListener("unhandledrejection", ',
      'addEventListener("never", ',
      "a promise in a test",
    ],
    [
      "errors that nobody catches are counted",
      "CONTRIBUTING.md",
      'addEventListener("error", (event)',
      'addEventListener("never", (event)',
      "an error of a timer",
    ],
    [
      "workers are watched",
      "CONTRIBUTING.md",
      "globalThis.Worker = WatchedWorker;",
      "void WatchedWorker;",
      "a worker whose errors",
    ],
    [
      "what a worker does not handle fails the suite",
      "CONTRIBUTING.md",
      "      reportError(new Error(`A worker",
      "      void (new Error(`A worker",
      "a worker whose errors",
    ],
    ["files say that they are watched", "CONTRIBUTING.md", 'note("watching");\n', "", "none is counted"],
  ]),
  ...rules("tests/support/process.ts", UNHANDLED, [
    [
      "programs are watched",
      "CONTRIBUTING.md",
      "  if (!options.mayThrow) noneUncaughtIn(result.stderr);\n",
      "",
      "a program whose end",
    ],
    [
      "programs beside a test are watched",
      "CONTRIBUTING.md",
      "    noneUncaughtIn(this.#output);\n",
      "",
      "a program during",
    ],
  ]),
  ...rules("tests/support/unhandled.ts", UNHANDLED, [
    [
      "what a program does not handle is counted",
      "CONTRIBUTING.md",
      "  for (const line of lines) note(`unhandled in a program: ${line}`);\n",
      "",
      "a program whose end",
    ],
    [
      "what a program does not handle fails the suite",
      "CONTRIBUTING.md",
      "  if (lines.length > 0) throw",
      "  if (false) throw",
      "a program whose end",
    ],
    [
      "colours hide nothing",
      "CONTRIBUTING.md",
      'output.replaceAll(COLOURS, "").match',
      "output.match",
      "in colour",
    ],
  ]),
  ...rules("kerberos/mech/context.ts", ["tests/kerberos/mech/context_memory_test.ts"], [
    [
      "services granted stay the ones that were",
      "RFC 2743 section 2.2.6",
      "Object.freeze({ ...init.flags })",
      "{ ...init.flags }",
      "flags and attributes cannot be changed",
    ],
    [
      "attributes stay the ones that were",
      "RFC 2743 section 2.2.6",
      "Object.freeze({ ...init.attributes })",
      "init.attributes",
      "flags and attributes cannot be changed",
    ],
  ]),
];
