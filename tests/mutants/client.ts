/**
 * Rules of what users of the client hold: options, signals and times, datagrams, BIND, and what is said of a proxy that is not there.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const [DEAF, SIGNAL, OPTIONS, PROXY, DATAGRAMS] = ["late_callbacks", "signals", "options", "proxy_errors", "datagrams"]
  .map((
    name,
  ) => `tests/socks/client/${name}_test.ts`) as [string, string, string, string, string];
const SURFACE = "tests/surface_test.ts";
const BIND = "tests/socks/server/commands/bind_test.ts";
const EYEBALLS = "tests/socks/server/targets/happy_eyeballs_test.ts";
const [ONE_SIGNAL, ONE_TIME] = ["One meaning of a signal", "One meaning of a time"];
const [KINDS, SAID] = ["Bytes of whatever carries them", "What is wrong is said before anything is done"];
const PLACES = "Proxy and target are told apart";

/** Signals and times. */
const ENDS: readonly Mutant[] = [
  ...rules("socks/client/request.ts", [DEAF], [
    [
      "a dialer that is deaf holds no call up",
      ONE_SIGNAL,
      "await makeUnlessAborted(() => dial(proxy, { signal }), signal, (late) => late.close())",
      "await dial(proxy, { signal })",
    ],
    [
      "a connection that is dialled too late is closed",
      ONE_SIGNAL,
      "signal, (late) => late.close());",
      "signal, () => {});",
    ],
    [
      "a method that is deaf holds no call up",
      ONE_SIGNAL,
      "await makeUnlessAborted(negotiating, signal, (late) => late.connection.close())",
      "await negotiating()",
    ],
    [
      "a channel that is made too late is closed",
      ONE_SIGNAL,
      "  onChannel(connection);\n  try {\n    signal.throwIfAborted();\n",
      "  try {\n",
    ],
    [
      "a connection that may not be closed twice hides no reason",
      ONE_SIGNAL,
      "    closeQuietly(dialled);\n",
      "    dialled.close();\n",
    ],
  ]),
  ...rules("socks/client/connect.ts", [SIGNAL], [
    [
      "connectThrough()'s signal ends the connection",
      ONE_SIGNAL,
      "connection: withSignal(connection, signal)",
      "connection",
    ],
  ]),
  ...rules("socks/client/request.ts", [OPTIONS], [
    ["a call has a minute", ONE_TIME, "timeout = 60_000", "timeout = Infinity"],
    ["a time is one", ONE_TIME, 'const milliseconds = duration("timeout", timeout);', "const milliseconds = timeout;"],
    ["a signal is one", SAID, "const signal = checkSignal(options.signal);", "const { signal } = options;"],
    [
      "a proxy is an endpoint",
      SAID,
      'const proxy = checkEndpoint("proxy", options.proxy);',
      "const { proxy } = options;",
    ],
    ["a dialer is a function", SAID, '  checkFunction("dial", options.dial);\n', ""],
    ["methods are methods", SAID, '  for (const method of auth) checkFunction("auth", method?.authenticate);\n', ""],
    ["there is a method", SAID, "!Array.isArray(auth) || auth.length === 0", "!Array.isArray(auth)"],
    ["methods are a list", SAID, "!Array.isArray(auth) || auth.length === 0", "auth.length === 0"],
    ["a dialer makes a connection", SAID, '  checkFunction("dial, which made no connection", dialled?.read);\n', ""],
    ["a target is an endpoint", SAID, '{ command, ...checkEndpoint("target", target) }', "{ command, ...target }"],
  ]),
  ...rules("socks/client/resolve.ts", [OPTIONS], [
    [
      "a host to look up is text",
      SAID,
      'hostName(checkHost("hostname", options.hostname))',
      "hostName(options.hostname)",
    ],
  ]),
  ...rules("base/deadline.ts", ["tests/base/deadline_test.ts"], [
    [
      "what was waited for leaves no listener",
      "CWE-401",
      ".finally(() => listening[Symbol.dispose]())",
      "",
    ],
    [
      "a deadline that was ended keeps no timer",
      "CWE-401",
      "    this.#stopTimer();\n    if (this.#aborted !== undefined) return;",
      "    if (this.#aborted !== undefined) return;",
    ],
    [
      "a deadline that is disposed of keeps no timer",
      "CWE-401",
      "    this.#stopTimer();\n    this.#listening",
      "    this.#listening",
    ],
    [
      "a deadline that is disposed of keeps no listener",
      "CWE-401",
      "    this.#listening?.[Symbol.dispose]();\n",
      "",
    ],
    ["a deadline that has ended starts no time", "CWE-401", "|| this.aborted || ", "|| "],
    [
      "0 is at once",
      ONE_TIME,
      "this.#milliseconds > LONGEST || ",
      "this.#milliseconds > LONGEST || this.#milliseconds === 0 || ",
    ],
    ["a time that no timer counts is none", "HTML 8.6", "this.#milliseconds > LONGEST || ", ""],
    [
      "a limit starts its time",
      ONE_TIME,
      "    this.#reason = reason;\n    this.restart();\n  }\n\n  abort",
      "    this.#reason = reason;\n  }\n\n  abort",
    ],
    [
      "a time that is started anew is one",
      ONE_TIME,
      "    this.#timer?.stop(this);\n    this.#timer = undefined",
      "    this.#timer = undefined",
    ],
    [
      "a pause ends with its signal",
      ONE_SIGNAL,
      'milliseconds, signal, reason: () => new Error("pause',
      'milliseconds, reason: () => new Error("pause',
    ],
  ]),
  ...rules("base/deadline.ts", [OPTIONS], [
    [
      "a time is a number, and not less than none",
      ONE_TIME,
      'if (typeof milliseconds === "number" && milliseconds >= 0)',
      'if (typeof milliseconds === "number")',
    ],
    [
      "a time is no text",
      ONE_TIME,
      'if (typeof milliseconds === "number" && milliseconds >= 0)',
      "if (milliseconds >= 0)",
    ],
  ]),
  ...rules("proxy/dialing_through.ts", [OPTIONS], [
    [
      "a dial through a proxy has a minute",
      ONE_TIME,
      "const { timeout = 60_000 } = options;",
      "const { timeout = Infinity } = options;",
    ],
    [
      "a dial's time is one",
      ONE_TIME,
      'const milliseconds = duration("timeout", timeout);',
      "const milliseconds = timeout;",
      "client calls: refuse an invalid time before anything is dialled",
    ],
  ]),
  ...rules("proxy/kdc_through.ts", [DEAF], [
    [
      "a dialer that is deaf holds no message to a KDC up",
      ONE_SIGNAL,
      "await makeUnlessAborted(() => dial(address, { signal }), signal, (late) => late.close())",
      "await dial(address, { signal })",
    ],
    ["a connection to a KDC that comes too late is closed", ONE_SIGNAL, "(late) => late.close()", "() => {}"],
  ]),
  ...rules("socks/server/targets/happy_eyeballs.ts", [EYEBALLS], [
    [
      "one attempt that is deaf holds nobody up",
      ONE_SIGNAL,
      "await makeUnlessAborted(() => only!(signal), signal, closeTarget)",
      "await only!(signal)",
    ],
    [
      "several attempts that are deaf hold nobody up",
      ONE_SIGNAL,
      "  end(reason: unknown): void {\n    this.#won.reject(reason);\n",
      "  end(reason: unknown): void {\n",
    ],
    [
      "the signal of the attempt that is taken is left alone",
      ONE_SIGNAL,
      "if (controller !== used) controller",
      "controller",
    ],
    [
      "the other attempts are given up",
      "RFC 8305 section 5",
      "if (controller !== used) controller.abort(reason);",
      "if (controller === used) controller.abort(reason);",
    ],
  ]),
];

/** Associations and their datagrams. */
const ASSOCIATIONS: readonly Mutant[] = [
  ...rules("socks/client/associate.ts", [DATAGRAMS], [
    [
      "datagrams are nothing for who cannot tell what came twice",
      "RFC 1961 section 5",
      "if (codec === undefined) {",
      "if (false as boolean && codec === undefined) {",
    ],
    [
      "a relay without an address is said to be that",
      SAID,
      "if (address === undefined) throw new SocksProtocolError",
      "if (false as boolean) throw new SocksProtocolError",
    ],
    [
      "why an association cannot be made is told",
      SAID,
      "    throw error;\n  }\n}\n\n/** The address of the relay",
      "    throw attempt.reason;\n  }\n}\n\n/** The address of the relay",
    ],
  ]),
  ...rules("socks/client/datagrams.ts", [DATAGRAMS], [
    ["who this side is is told", "RFC 1961", "    this.identity = granted.identity;\n", ""],
    [
      "protection takes room too",
      "RFC 1928 section 7",
      "this.#codec.roomIn?.(this.#limit) ?? this.#limit",
      "this.#limit",
    ],
    [
      "the header takes room too",
      "RFC 1928 section 7",
      "room - maxHeader(",
      "room - 0 * maxHeader(",
    ],
    [
      "a socket that has failed already makes no association",
      ONE_SIGNAL,
      "      datagrams.#inbox.throwIfEnded();\n",
      "",
    ],
    ["the socket goes with the attempt", ONE_SIGNAL, "      socket.close();\n      throw error;", "      throw error;"],
  ]),
  ...rules("socks/wire/datagram.ts", [DATAGRAMS], [
    [
      "a name has the room of the longest",
      "RFC 1928 section 7",
      "isName(address) ? LONGEST_NAME_HEADER :",
      "false ? LONGEST_NAME_HEADER :",
    ],
  ]),
  ...rules("socks/stream/datagram_codec.ts", ["tests/socks/stream/datagram_codec_test.ts"], [
    [
      "there is room for either kind where a policy decides",
      "RFC 1961 section 5",
      'level === "selective" ? [true, false]',
      'level === "selective" ? [false]',
    ],
    [
      "the frame takes room",
      "RFC 1961 section 5",
      "Math.min(size - FRAME_HEADER, MAX_TOKEN)",
      "Math.min(size, MAX_TOKEN)",
    ],
  ]),
  ...rules("socks/client/datagrams.ts", [DEAF], [
    [
      "an association that is made once the signal is aborted is none",
      ONE_SIGNAL,
      "      attempt.throwIfAborted();\n      datagrams.#inbox.throwIfEnded();\n    } catch (error) {\n      socket.close();\n      throw error;\n    }\n    datagrams.#listening = onAbort(signal,",
      "      datagrams.#inbox.throwIfEnded();\n    } catch (error) {\n      socket.close();\n      throw error;\n    }\n    datagrams.#listening = onAbort(signal?.aborted ? undefined : signal,",
    ],
  ]),
  ...rules("socks/client/local_address.ts", [DEAF], [
    [
      "a socket that is deaf holds no association up",
      ONE_SIGNAL,
      "makeUnlessAborted(() => binding(hostname), attempt, (late) => late.close())",
      "binding(hostname)",
    ],
    [
      "a socket that comes too late is closed",
      ONE_SIGNAL,
      "(late) => late.close()",
      "() => {}",
    ],
  ]),
  ...rules("socks/client/associate.ts", [DEAF], [
    [
      "a look-up that is deaf holds no association up",
      ONE_SIGNAL,
      "await makeUnlessAborted(() => resolve(host, { signal }), signal, () => {})",
      "await resolve(host, { signal })",
    ],
    [
      "what is asked for a relay goes with its association",
      ONE_SIGNAL,
      "  } catch (error) {\n    closeQuietly(granted.connection);\n",
      "  } catch (error) {\n",
    ],
  ]),
  ...rules("socks/client/datagrams.ts", [SIGNAL], [
    [
      "who sends behind the end is told of that",
      ONE_SIGNAL,
      "    this.#inbox.throwIfEnded();\n    await this.#unlessEnded",
      "    await this.#unlessEnded",
    ],
    [
      "a signal ends the association",
      ONE_SIGNAL,
      'datagrams.#listening = onAbort(signal, (reason) => datagrams.#end(reason, "discard"));',
      'datagrams.#listening = onAbort(undefined, (reason) => datagrams.#end(reason, "discard"));',
    ],
    [
      "a signal keeps nothing of an association that has ended",
      ONE_SIGNAL,
      "    this.#listening?.[Symbol.dispose]();\n",
      "",
    ],
    [
      "the end of the proxy is the association's",
      "RFC 1928 section 7",
      'this.#end(lost("the proxy has ended it"), "keep")',
      "void 0",
    ],
  ]),
  ...rules("socks/client/datagrams.ts", [DATAGRAMS], [
    [
      "an association lets the process end: its connection",
      "Deno.DatagramConn",
      "    this.#granted.connection.unref?.();\n",
      "",
    ],

    ["what has no bytes is refused", KINDS, "const bytes = bytesOf(data);", "const bytes = data as Uint8Array;"],
    ["a datagram's target is an endpoint", SAID, 'checkEndpoint("to", to)', "to"],
    ["what is too large is refused before it is sealed", KINDS, "    this.#checkSize(datagram.length, length);\n", ""],
    [
      "what is too large once it is sealed is refused",
      KINDS,
      "    this.#checkSize(sealed.length, length);\n",
      "",
      "at every level",
    ],
    [
      "over IPv6 a datagram may have more",
      "RFC 768, RFC 8200 section 3",
      'this.relay.hostname.includes(":") ? MAX_DATAGRAM_6 : MAX_DATAGRAM',
      "MAX_DATAGRAM",
    ],
    [
      "over IPv4 a datagram has what its header counts",
      "RFC 791 section 3.1",
      'this.relay.hostname.includes(":") ? MAX_DATAGRAM_6 : MAX_DATAGRAM',
      "MAX_DATAGRAM_6",
    ],
    [
      "a datagram that is being sent fails with the end",
      ONE_SIGNAL,
      "    for (const fail of this.#calls) fail(failure);\n",
      "",
    ],
    [
      "what has ended sends nothing that was being sealed",
      ONE_SIGNAL,
      "    this.#inbox.throwIfEnded();\n    return this.#socket!.send",
      "    return this.#socket!.send",
    ],
    [
      "what is received is the receiver's alone",
      "Deno.DatagramConn",
      "data.buffer === buffer ? new Uint8Array(data) : data",
      "data",
    ],
    [
      "a loop ends without a word where this side closed",
      "Deno.DatagramConn",
      "        if (this.#closedHere) return;\n",
      "",
    ],
    ["a loop throws what the association was lost by", ONE_SIGNAL, "if (this.#closedHere) return;", "return;"],
    [
      "what was lost before was not closed here",
      ONE_SIGNAL,
      "this.#closedHere ||= !this.#inbox.ended;",
      "this.#closedHere = true;",
    ],
    [
      "what was closed here is not received any more",
      ONE_SIGNAL,
      '"Association is closed"), "discard")',
      '"Association is closed"), "keep")',
    ],
    [
      "a socket that fails ends the association",
      ONE_SIGNAL,
      'datagrams.#end(lost("its socket has failed", cause), "keep")',
      "void cause",
    ],
    ["the end closes the socket", ONE_SIGNAL, "    closeQuietly(this.#socket);\n", ""],
    [
      "the end closes the connection",
      "RFC 1928 section 7",
      "    closeQuietly(this.#socket);\n    closeQuietly(this.#granted.connection);\n",
      "    closeQuietly(this.#socket);\n",
    ],
    [
      "a signal of receive() is one",
      SAID,
      "this.#inbox.next(checkSignal(options.signal))",
      "this.#inbox.next(options.signal)",
    ],
    ["an association lets the process end: its socket", "Deno.DatagramConn", "    this.#socket?.unref?.();\n", ""],
  ]),
  ...rules("socks/client/associate.ts", [OPTIONS], [
    ["what makes sockets is a function", SAID, '  checkFunction("bind", bind);\n', ""],
    ["what looks up is a function", SAID, '  checkFunction("resolve", resolve);\n', ""],
  ]),
  ...rules("socks/client/inbox.ts", [DATAGRAMS], [
    ["no more waits than there is room for", "CWE-770", "this.#items.length + this.#reserved >= CAPACITY", "false"],
    [
      "what is being opened counts",
      "CWE-770",
      "this.#items.length + this.#reserved >= CAPACITY",
      "this.#items.length >= CAPACITY",
    ],
    [
      "what is not to be had gives its place back",
      "CWE-770",
      "  release(): void {\n    this.#reserved--;\n",
      "  release(): void {\n",
    ],
    [
      "what comes after the end is nobody's",
      ONE_SIGNAL,
      "    if (this.ended) return;\n    const receiver",
      "    const receiver",
    ],
    ["receivers are served in their order", "Deno.DatagramConn", "this.#receivers.shift()", "this.#receivers.pop()"],
    [
      "who gives up takes nothing",
      ONE_SIGNAL,
      "        this.#receivers.splice(this.#receivers.indexOf(receiver), 1);\n",
      "",
    ],
    ["who has given up is told so", ONE_SIGNAL, "      signal?.throwIfAborted();\n", ""],
    [
      "a signal of receive() keeps nothing of it",
      ONE_SIGNAL,
      "        take(item): void {\n          listening[Symbol.dispose]();\n",
      "        take(item): void {\n",
    ],
    ["at once takes away what has come", ONE_SIGNAL, '    if (remaining === "discard") this.#items.length = 0;\n', ""],
    ["the first end is the one for good", ONE_SIGNAL, "    if (this.#failure !== undefined) return false;\n", ""],
  ]),
  ...rules("socks/stream/datagram_socket.ts", [DATAGRAMS], [
    [
      "what is too large is one error",
      KINDS,
      'if ((cause as { code?: unknown }).code !== "EMSGSIZE") return cause;',
      "return cause;",
      "both kinds",
    ],
  ]),
  ...rules("socks/shell/udp_node.ts", [DATAGRAMS], [
    [
      "a socket of node:dgram lets the process end",
      "Deno.DatagramConn",
      "      send(new Uint8Array(0), local).catch(() => wakes--);\n",
      "",
      "both kinds",
    ],
  ]),
  ...rules("socks/shell/udp_deno.ts", [DATAGRAMS], [
    [
      "a socket of Deno's lets the process end",
      "Deno.DatagramConn",
      "unref: () => socket.unref(),",
      "unref() {},",
      "both kinds",
    ],
  ]),
  ...rules("socks/server/targets/upstream.ts", ["tests/socks/server/datagrams/udp_test.ts"], [
    [
      "the end of an upstream's association is the client's",
      "RFC 1928 section 7",
      "listener.onEnd(new SocksProtocolError(",
      "void (new SocksProtocolError(",
      "bridge: seals datagrams of programs without Kerberos",
    ],
  ]),
];

/** BIND. */
const BINDS: readonly Mutant[] = [
  ...rules("socks/client/proxy_errors.ts", [PROXY], [
    [
      "a refusal names no address that is none",
      PLACES,
      'isForAny ? "any peer" : formatEndpoint(request)',
      "formatEndpoint(request)",
      "client calls: a refusal names no unspecified address",
    ],
  ]),
  ...rules("socks/shell/udp_system.ts", ["tests/socks/client/datagrams_test.ts"], [
    [
      "datagrams leave a new socket in their order",
      "RFC 1928 section 7",
      "if (begun && waiting === 0) return socket.send(bytes, to);",
      "if (true) return socket.send(bytes, to);",
      "bindUdp(): both kinds of sockets send in order from the first datagram",
    ],
    [
      "a datagram that comes later overtakes none that waits",
      "RFC 1928 section 7",
      "if (begun && waiting === 0)",
      "if (begun)",
      "bindUdp(): both kinds of sockets send in order from the first datagram",
    ],
  ]),
  ...rules("socks/client/bind.ts", [DEAF], [
    [
      "a bind that is granted once the signal is aborted is given up",
      ONE_SIGNAL,
      "    if (options.signal?.aborted) granted.connection.close();\n",
      "",
    ],
    [
      "a bind that is granted once the signal is aborted is none",
      ONE_SIGNAL,
      "    options.signal?.throwIfAborted();\n    return new ProxyBind",
      "    return new ProxyBind",
    ],
    [
      "accept() ends with a signal that is aborted already",
      ONE_SIGNAL,
      "using _ = onAbort(deadline.signal, (reason) => this.#end(reason));",
      'deadline.signal.addEventListener("abort", () => this.#end(deadline.signal.reason));',
    ],
    [
      "a connection that comes with the end of its signal is none",
      ONE_SIGNAL,
      '    this.#over.signal.throwIfAborted();\n    this.#state = "accepted";',
      '    this.#state = "accepted";',
    ],
    [
      "a bind is closed once",
      "Connections of others may not be closed twice",
      'if (this.#over.signal.aborted || this.#state === "accepted") return;',
      'if (this.#state === "accepted") return;',
    ],
  ]),
  ...rules("socks/client/bind.ts", [SIGNAL], [
    [
      "a signal ends the bind that waits for nobody",
      ONE_SIGNAL,
      "onAbort(signal, (reason) => this.#end(reason));\n    this.#accepted",
      "onAbort(undefined, (reason) => this.#end(reason));\n    this.#accepted",
    ],
    [
      "a bind's own signal is enough",
      ONE_SIGNAL,
      "if (one === undefined || other === undefined) return",
      "if (one === undefined) return",
    ],
    [
      "accept()'s own signal is enough",
      ONE_SIGNAL,
      "if (one === undefined || other === undefined) return",
      "if (other === undefined) return",
    ],
    [
      "a bind's signal keeps nothing of it once it is accepted",
      ONE_SIGNAL,
      "    this.#listening[Symbol.dispose]();\n    return accepted;",
      "    return accepted;",
    ],
    [
      "a bind that is disposed of is over",
      "Explicit resource management",
      "    [Symbol.asyncDispose](): Promise<void> {\n      pending.close();\n",
      "    [Symbol.asyncDispose](): Promise<void> {\n",
    ],
    [
      "a signal keeps nothing of a bind that has ended",
      ONE_SIGNAL,
      "    this.#listening[Symbol.dispose]();\n    this.#over",
      "    this.#over",
    ],
    ["a bind's signal ends what it accepts", ONE_SIGNAL, "eitherOf(signal, how.signal)", "how.signal"],
    ["accept()'s signal ends what it accepts", ONE_SIGNAL, "eitherOf(signal, how.signal)", "signal"],
    [
      "a proxy that goes ends the bind that waits for nobody",
      ONE_SIGNAL,
      "    this.#accepted.catch((error) => this.#end(error));\n",
      "    this.#accepted.catch(() => {});\n",
    ],
    [
      "a bind that has ended says why",
      ONE_SIGNAL,
      "    this.#over.signal.throwIfAborted();\n    if (this.#state",
      "    if (this.#state",
    ],
    [
      "the end of a bind closes its connection",
      "RFC 1928 section 4",
      "    this.#over.abort(reason);\n    closeQuietly(this.#granted.connection);\n",
      "    this.#over.abort(reason);\n",
    ],
  ]),
  ...rules("socks/client/bind.ts", [BIND], [
    ["a proxy gives one connection", "RFC 1928 section 4", 'if (this.#state !== "listening") {', "if (false) {"],
    [
      "what was sent early is not lost",
      "RFC 1928 section 4",
      "connection: withPrefix(connection, handshake.trailingData())",
      "connection",
    ],
    [
      "what is accepted is the one that came",
      "RFC 1928 section 4",
      "new SocksConnection(made, accepted.bound,",
      "new SocksConnection(made, pending.bound,",
    ],
    [
      "what is accepted says where the proxy listened",
      "RFC 1928 section 4",
      "{ ...accepted, bound: pending.bound }",
      "accepted",
    ],
    ["a bind lets the process end", "Deno.Listener", "    this.#granted.connection.unref?.();\n", ""],
  ]),
  ...rules("socks/client/bind.ts", [OPTIONS], [
    [
      "accept()'s time is one",
      ONE_TIME,
      '    const milliseconds = duration("timeout", timeout);\n',
      "    const milliseconds = timeout;\n",
    ],
    ["accept()'s signal is one", SAID, "    checkSignal(signal);\n", ""],
    [
      "who is expected is an endpoint",
      SAID,
      'const expected = checkEndpoint("expected", options.expected);',
      "const { expected } = options;",
    ],
  ]),
];

/** What is given, and what is said. */
const SAYS: readonly Mutant[] = [
  ...rules("socks/argument_checks.ts", [OPTIONS], [
    ["a host is text", SAID, 'if (typeof hostname === "string") return hostname;', "return hostname;"],
    ["a port is a number", SAID, 'if (typeof port !== "number") {', "if (false) {"],
    ["a port is one that there is", SAID, "Number.isInteger(port) && port >= 0 && port <= 65_535", "true"],
    ["an endpoint is an object", SAID, 'if (typeof endpoint !== "object" || endpoint === null) {', "if (false) {"],
    ["a function is one", SAID, 'if (typeof value === "function") return value;', "return value;"],
    [
      "a signal is none or one",
      SAID,
      "if (signal === undefined || signal instanceof AbortSignal) return signal;",
      "return signal;",
    ],
  ]),
  ...rules("proxy/calls.ts", [OPTIONS], [
    ["a target's port is one", SAID, 'port: checkPort("port", port)', "port"],
    ["a target's host is text", SAID, 'hostName(checkHost("hostname", hostname))', "hostName(hostname)"],
  ]),
  ...rules("proxy/proxy_options.ts", [OPTIONS], [
    [
      "what would be passed over is refused",
      SAID,
      "if (idle.length === 0) return options.auth;",
      "return options.auth;",
    ],
    ["what is off may be said", SAID, " && given[name] !== false", ""],
    [
      "a level is one",
      SAID,
      "    throw new TypeError(`Cannot use ${name}: it is one of",
      "    void (`Cannot use ${name}: it is one of",
    ],
    ["no less is asked for than is accepted", SAID, "if (!isAtLeast(protection, minimumProtection)) {", "if (false) {"],
    ["a password has no place in a proxy's URL", "CWE-532", 'if (text.includes("@")) {', "if (false) {"],
    ["a proxy is one of SOCKS5", SAID, 'if (scheme !== "socks5" && scheme !== "socks5h") {', "if (false) {"],
    [
      "a URL's name is read",
      "RFC 3986 section 2.1",
      "parseLocalEndpointText(decodedHost(",
      "parseLocalEndpointText((",
      "URL of SOCKS5",
    ],
    ["a URL may end in a slash", "RFC 3986 section 3.3", '.replace(/\\/$/, "")', "", "URL of SOCKS5"],
  ]),
  ...rules("kerberos/system.ts", [OPTIONS], [
    [
      "a keytab may be told by its file",
      "serve()",
      'typeof keytab === "string" ? keytabFileKey(keytab, client) : keytabKey(keys, client)',
      "keytabKey(keytab as Keytab, client)",
    ],
  ]),
  ...rules("socks/client/request.ts", [PROXY], [
    [
      "a proxy that cannot be reached is no target",
      PLACES,
      "    throw proxyUnreachable(proxy, error);\n",
      "    throw error;\n",
    ],
    [
      "a signal's reason is said as it is",
      ONE_SIGNAL,
      '    if (signal.aborted) throw timeoutWithProgress(signal.reason, proxy, "dialling");\n    throw proxyUnreachable',
      "    throw proxyUnreachable",
    ],
  ]),
  ...rules("socks/client/proxy_errors.ts", [PROXY], [
    [
      "what is wrong with the way there is said as it is",
      PLACES,
      "  if (error instanceof SocksError && !(error instanceof SocksReplyError)) return error;\n",
      "",
    ],
    [
      "what is wrong with what was given is said as it is",
      PLACES,
      "  if (error instanceof TypeError || error instanceof RangeError) return error;\n",
      "",
    ],

    [
      "a transport that fails is told in one class",
      "One class of errors",
      "  if (!isSystemError(error)) return error;\n",
      "  return error;\n",
    ],
  ]),
  ...rules("socks/client/other_protocol.ts", [PROXY], [
    ["HTTP is named", PLACES, '"HTTP/".startsWith(line.slice(0, 5))', "false"],
    ["HTTP is not told from one letter of many", PLACES, "line.slice(0, 5)", "line.slice(0, 1)"],
    ["TLS is named", "RFC 8446 section 5.1", "(first === 21 || first === 22) && second === 3", "false"],
    [
      "TLS is not told from its type alone",
      "RFC 8446 section 5.1",
      "(first === 21 || first === 22) && second === 3",
      "first === 21 || first === 22",
    ],
  ]),
  ...rules("cli/command/command.ts", [PROXY], [
    [
      "a proxy that cannot be reached is exit code 4",
      PLACES,
      "  if (error instanceof SocksProxyError) return ExitCode.Unreachable;\n",
      "",
    ],
    [
      "an option has its name of the command line",
      SAID,
      'text.replace("(minimumProtection)", "(--minimum-protection)")',
      "text",
    ],
  ]),
  ...rules("proxy/running.ts", [SURFACE], [
    [
      "options take undefined",
      "exactOptionalPropertyTypes",
      "readonly maxAssociations?: number | undefined;",
      "readonly maxAssociations?: number;",
      "exactOptionalPropertyTypes",
    ],
  ]),
  ...rules("mod.ts", [SURFACE], [
    [
      "the front door has the types of its signatures",
      "deno doc --lint",
      'export { type ConnectionListener } from "./socks/stream/listener.ts";\n',
      "",
      "exports all types",
    ],
  ]),
];

/** All of them. */
export const CLIENT_MUTANTS: readonly Mutant[] = [...ENDS, ...ASSOCIATIONS, ...BINDS, ...SAYS];
