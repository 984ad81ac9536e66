/**
 * Rules of TLS, and of the connections over Node's streams, each with the change that switches it off.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const TLS = ["tests/socks/shell/tls_test.ts"];
const DUPLEX = ["tests/socks/shell/duplex_test.ts", ...TLS];
const PROXY = ["tests/proxy/tls_proxy_test.ts"];
const CUT = "RFC 8446 section 6.1";
const CONTRACT = "CONTRIBUTING.md";

/** The rules. */
export const TLS_MUTANTS: readonly Mutant[] = [
  ...rules("socks/shell/duplex.ts", TLS, [
    [
      "a TLS stream that ends without a close_notify is no end",
      CUT,
      "if (this.#ended && this.stream.readableLength === 0) return null;",
      "if ((this.#ended || this.missing() !== undefined) && this.stream.readableLength === 0) return null;",
      "close_notify and nothing else",
    ],
    [
      "what came before a cut is read",
      CUT,
      "      const chunk: Uint8Array | null = this.stream.read();\n      this.taken();\n",
      "      if (this.missing() !== undefined) throw this.missing();\n" +
      "      const chunk: Uint8Array | null = this.stream.read();\n      this.taken();\n",
      "close_notify and nothing else",
    ],
    [
      "a connection that was closed gives nothing that came before",
      CONTRACT,
      "      if (closed !== undefined) throw closed;\n",
      "",
      "returns no bytes after close()",
    ],
    [
      "what is under way when writing fails does not succeed",
      CONTRACT,
      "    for (const settle of this.#pendingWrites) settle(this.#writeFailure);\n",
      "",
      "fails later writes",
    ],
    [
      "a write after the end of writing fails and leaves reading alone",
      CONTRACT,
      '    if (this.#closed === undefined && this.#ending !== undefined) throw closedError("Writing");\n',
      "",
      "in either order",
    ],
  ]),
  ...rules("socks/shell/duplex.ts", DUPLEX, [
    [
      "a cut closes what Node cannot reset",
      CONTRACT,
      "    this.stream.destroy();\n  }\n",
      "  }\n",
      "that cannot be reset",
    ],
    [
      "reads are served in the order of the calls",
      CONTRACT,
      "return this.#readsInOrder.run(() => this.#next());",
      "return this.#next();",
      "DuplexConnection: the first read gets the bytes, also if another one starts in between",
    ],
    [
      "a chunk's memory is shared with nobody",
      CONTRACT,
      "return alone ? new Uint8Array(buffer) : new Uint8Array(chunk);",
      "return alone ? new Uint8Array(buffer) : chunk as Bytes;",
      "memory of its own",
    ],
    [
      "a chunk that is taken away while it is written is an error",
      CONTRACT,
      "    if (!chunk.isShrunk) return;\n",
      "    if (chunk.length >= 0) return;\n",
      "DuplexConnection: a chunk transferred during a write is an error and ends writing",
    ],
    [
      "behind a chunk of which a part was sent nothing goes",
      CONTRACT,
      "    this.failWrites(new TypeError(",
      "    throw (new TypeError(",
      "DuplexConnection: a chunk transferred during a write is an error and ends writing",
    ],
    [
      "a small chunk is read before write() returns",
      CONTRACT,
      "const chunk = new Chunk(bytes, true);",
      "const chunk = new Chunk(bytes, false);",
      "before write() returns",
    ],
    [
      "an end behind a failure is none",
      CUT,
      "if (chunk === null && this.#readFailure === undefined) this.#ended = true;",
      "if (chunk === null) this.#ended = true;",
      "DuplexConnection: an end before a failure is an end, one after it is none",
    ],
    [
      "an end before a failure is one",
      CUT,
      "      if (this.#ended && this.stream.readableLength === 0) return null;\n      this.#readFailure ??= this.missing();\n" +
      "      if (this.#readFailure !== undefined) throw this.#readFailure;\n",
      "      this.#readFailure ??= this.missing();\n" +
      "      if (this.#readFailure !== undefined) throw this.#readFailure;\n" +
      "      if (this.#ended && this.stream.readableLength === 0) return null;\n",
      "DuplexConnection: an end before a failure is an end, one after it is none",
    ],
  ]),
  ...rules("socks/shell/carrier.ts", TLS, [
    [
      "the end of what carries TLS is not told to TLS as its own",
      CUT,
      "      this.#end = {};\n",
      "      this.#end = {};\n      this.stream.push(null);\n",
      "a hundred complete streams",
    ],
    [
      "a reader that takes nothing is sent no more than a little",
      "CWE-770",
      "if (!this.#waiting || this.full()) return;",
      "if (!this.#waiting) return;",
      "takes nothing",
    ],
    [
      "what cannot be sent is told",
      CONTRACT,
      "      this.onWriteFailure(this.#writeFailure);\n",
      "",
      "fails later writes",
    ],
    [
      "an end of writing waits until its close_notify is sent",
      CUT,
      "const TURNS = 16;",
      "const TURNS = 0;",
      "send a close_notify",
    ],
  ]),
  ...rules("socks/shell/carrier.ts", DUPLEX, [
    [
      "what came and is not passed on is not written over",
      CONTRACT,
      "        if (this.stream.readableLength > 0) this.#buffer = undefined;\n",
      "",
      "CarrierStream: does not overwrite bytes that the stream still holds",
    ],
    [
      "an end is told behind what came before",
      CUT,
      "return this.stream.readableLength === 0 ? this.#end : undefined;",
      "return this.#end;",
      "CarrierStream: does not overwrite bytes that the stream still holds",
    ],
  ]),
  ...rules("socks/shell/tls_connection.ts", DUPLEX, [
    [
      "an alert behind what came is none of the handshake",
      "RFC 8446 section 6.2",
      "  if (received > 0) return error;\n  return new",
      "  return new",
      "NodeTlsConnection: an error says which side caused it",
    ],
    [
      "what is no error of TLS stays what it is",
      "RFC 8446 section 6.2",
      ' || !code.startsWith("ERR_SSL_")) return error;',
      ") return error;",
      "NodeTlsConnection: an error says which side caused it",
    ],
    [
      "an error without a code stays what it is",
      "RFC 8446 section 6.2",
      'if (typeof code !== "string" || !code.',
      "if (!(code as string).",
      "NodeTlsConnection: an error says which side caused it",
    ],
  ]),
  ...rules("socks/shell/tls_connection.ts", TLS, [
    [
      "a reset is told as what it is",
      CONTRACT,
      "return end.error ?? new SocksTlsError",
      "return new SocksTlsError",
      "close_notify and nothing else",
    ],
    [
      "closing sends a close_notify",
      CUT,
      "    if (!this.#socket.writableEnded) this.#socket.end();\n    else if",
      "    if",
      "send a close_notify",
    ],
    [
      "closing in the middle of a record waits for nobody",
      CONTRACT,
      "if (!canNotify || this.#socket.writableLength > 0) return this.#closeBoth();",
      "if (!canNotify) return this.#closeBoth();",
      "fails pending and later calls",
    ],
    [
      "a close_notify that is not taken keeps nothing open for long",
      CONTRACT,
      "await abortable(this.#carrier.flushed(), deadline.signal).catch(() => {});",
      "await this.#carrier.flushed();",
      "does not take delays the end",
    ],
    [
      "an end of writing ends it underneath, too",
      CUT,
      "    await this.#connection.closeWrite();\n",
      "",
      "send a close_notify",
    ],
    [
      "an end of writing waits for the handshake",
      "RFC 8446 section 6.1",
      "    if (!this.#secure) await this.#handshake.promise;\n",
      "",
      "takes effect after it",
    ],
    [
      "an end underneath ends the handshake",
      CONTRACT,
      "if (!this.#secure) socket.destroy(",
      "if (false) socket.destroy(",
      "a failed handshake",
    ],
    [
      "a record that is not genuine is told as such",
      "RFC 8446 section 5.2",
      '  if (!error.message.startsWith("received fatal alert")) {\n',
      "  if (false) {\n",
      "a forged record",
    ],
    [
      "an alert for a certificate that is missing is one of the handshake",
      "RFC 8446 section 6.2",
      "  if (received > 0) return error;\n",
      "  return error;\n",
      "certificate to a server that requests it",
    ],
  ]),
  ...rules("socks/shell/tls_over.ts", TLS, [
    [
      "a certificate goes with its key",
      CONTRACT,
      "  if ((cert === undefined) !== (key === undefined)) {\n",
      "  if (false) {\n",
      "dialTls(), tlsOver(): refuse an invalid certificate or key before anything is sent",
    ],
    [
      "authorities that are none are refused",
      CONTRACT,
      '  for (const text of caCerts ?? []) checkPem("caCerts", text, "CERTIFICATE");\n',
      "",
      "dialTls(), tlsOver(): refuse an invalid certificate or key before anything is sent",
    ],
    [
      "a certificate to show that is none is refused",
      CONTRACT,
      '  if (cert !== undefined) checkPem("cert", cert, "CERTIFICATE");\n',
      "",
      "dialTls(), tlsOver(): refuse an invalid certificate or key before anything is sent",
    ],
    [
      "a key that is none is refused",
      CONTRACT,
      '  if (key !== undefined) checkPem("key", key, "PRIVATE KEY");\n',
      "",
      "dialTls(), tlsOver(): refuse an invalid certificate or key before anything is sent",
    ],
    [
      "a handshake that is given up ends",
      CONTRACT,
      "await abortable(secured.promise, signal);",
      "await secured.promise;",
      "a failed handshake",
    ],
  ]),
  ...rules("socks/shell/tls_sockets.ts", TLS, [
    [
      "a listener's certificate and key are of one another",
      CONTRACT,
      "  checkIdentity(options);\n",
      "",
      "closes a client that does not finish",
    ],
  ]),
  ...rules("socks/shell/tls_sockets.ts", PROXY, [
    [
      "a certificate to show and its key are of one another",
      CONTRACT,
      "  if (cert !== undefined && key !== undefined) checkIdentity({ cert, key });\n",
      "",
      "asks for a certificate",
    ],
    [
      "a TLS handshake with a proxy that is given up ends",
      CONTRACT,
      "{ hostname: target.hostname, caCerts, cert, key, signal }",
      "{ hostname: target.hostname, caCerts, cert, key }",
      "dialTls(): a missing or failed handshake leaves no socket",
    ],
  ]),
  ...rules("proxy/calls.ts", PROXY, [
    [
      "the protocol agreed upon is told",
      "RFC 7301 section 3.2",
      "{ ...made, connection, alpnProtocol, tls: true }",
      "{ ...made, connection, tls: true }",
      "which protocol it speaks",
    ],
    [
      "the time of connectTls holds until TLS stands",
      CONTRACT,
      "cert, key, signal: attempt };",
      "cert, key, signal };",
      "connectTls(): timeout and signal include the TLS handshake, and leave nothing",
    ],
    [
      "the signal of connectTls holds until TLS stands",
      CONTRACT,
      "cert, key, signal: attempt };",
      "cert, key };",
      "connectTls(): timeout and signal include the TLS handshake, and leave nothing",
    ],
  ]),
];
