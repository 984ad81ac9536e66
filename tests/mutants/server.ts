/**
 * Ends of sessions and servers, each rule with the change that switches it off: nothing waits for ever, and nothing is left.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const END = "tests/socks/server/server_end_test.ts";
const LEAVES = "tests/proxy/serve_leaves_nothing_test.ts";
const MOVED = "tests/proxy/moved_options_test.ts";
const REFUSAL = "tests/socks/auth/refusal_test.ts";
const GONE = "tests/socks/server/commands/bind_gone_test.ts";

const TCP = "over TCP";
const STUCK = "over stuck";
const STREAMS = "over streams";
const SIGNAL = "RFC 1928 section 4: a session ends with its signal";
const LATE = "what comes too late is closed";
const EXACT = "options are what they say";

/** The rules. */
export const SERVER_MUTANTS: readonly Mutant[] = [
  ...rules("socks/server/session.ts", [END], [
    [
      "a method that is deaf ends with the session",
      SIGNAL,
      "return await makeUnlessAborted(reading, end.over, (late) => late.channel.connection.close());",
      "return await reading();",
      TCP,
    ],
    ["a channel that comes late is closed", LATE, "if (end.over.aborted) {", "if (false) {", TCP],
    [
      "a ledger that is deaf ends with the session",
      SIGNAL,
      "await abortable(entering, deadline);",
      "await entering;",
      TCP,
    ],
  ]),
  ...rules("socks/server/session.ts", [REFUSAL], [
    [
      "a method that listens gives back what it holds before the session is over",
      SIGNAL,
      "if (clock.signal.aborted) await yieldMicrotasks();",
      "",
      "a pending step",
    ],
  ]),
  ...rules("socks/server/commands/open_in_time.ts", [END], [
    [
      "a target that is opened by somebody deaf ends with the session",
      SIGNAL,
      "return await makeUnlessAborted(opening, deadline, ({ connection }) => connection.close());",
      "return await opening();",
      TCP,
    ],
    [
      "a target that is opened late is closed",
      LATE,
      "deadline, ({ connection }) => connection.close());\n  } catch",
      "deadline, () => {});\n  } catch",
      TCP,
    ],
  ]),
  ...rules("socks/server/commands/success.ts", [END], [
    [
      "a success is not told behind the end",
      "events",
      "    if (deadline.aborted) return;\n    if (event",
      "    if (event",
      "replySuccess(): reports no success after the end",
    ],

    [
      "a session is told of one end",
      "events",
      "    if (!sent) throw error;",
      "    throw error;",
      "replySuccess(): takes an end after the reply as the end of the session",
    ],

    [
      "a client that takes no reply has a time for it",
      SIGNAL,
      "    await abortable(sending, deadline);",
      "    await sending;",
      STREAMS,
    ],
  ]),
  ...rules("socks/server/commands/bind.ts", [END], [
    [
      "somebody deaf who waits for a connection ends with the session",
      SIGNAL,
      "came = await makeUnlessAborted(() => listening.accept(), deadline, ({ connection }) => connection.close());",
      "came = await listening.accept();",
      TCP,
    ],
    [
      "a connection that BIND gets late is closed",
      LATE,
      "deadline, ({ connection }) => connection.close());\n  } catch",
      "deadline, () => {});\n  } catch",
      TCP,
    ],
    ["a listener that BIND gets late is closed", LATE, "      (late) => late.close(),\n", "      () => {},\n", TCP],
    [
      "a listener goes with the wait",
      LATE,
      "    closeQuietly(pending);\n    return void await",
      "    return void await",
      TCP,
    ],
  ]),
  ...rules("socks/server/client_watch.ts", [GONE], [
    [
      "a client that goes while BIND waits ends the wait",
      "RFC 1928 section 4",
      "    else this.#attempt.abort(reason);\n",
      "",
    ],
  ]),
  ...rules("socks/server/session.ts", [GONE], [
    [
      "what a client says while BIND waits is carried",
      "RFC 1928 section 4",
      "client: { ...received, rest: watch.rest },",
      "client: received,",
    ],
  ]),
  ...rules("socks/stream/end_watcher.ts", ["tests/socks/server/client_watch_test.ts"], [
    [
      "what comes behind a handshake's message is not handed on in two pieces",
      "servers that read once",
      "protected memory(_held: number): Bytes | undefined {\n    return undefined;",
      "protected memory(_held: number): Bytes | undefined {\n    return new Uint8Array(256);",
      "in one piece",
    ],
  ]),
  ...rules("socks/stream/end_watcher.ts", [GONE], [
    [
      "what is read ahead is bounded",
      "nothing a stranger sends costs more",
      "    watch.held += bytes.buffer.byteLength;\n",
      "",
    ],
    ["an end that is read ahead is told", "contract", "return this.#ended(turn, undefined);", "return;"],
    ["a failure that is read ahead is told", "contract", ", (failure) => this.#ended(turn, failure));", ", () => {});"],
    [
      "what is read ahead is given out first",
      "contract",
      "this.#reads.shift() ?? this.below.read(into)",
      "this.below.read(into)",
    ],
  ]),
  ...rules("socks/server/server.ts", [LEAVES], [
    [
      "a server's signal is one",
      EXACT,
      "checkSignal(options.signal)",
      "options.signal",
      "serve(): names an invalid time, limit or port, and changes nothing",
    ],
  ]),
  ...rules("socks/shell/tls_sockets.ts", [LEAVES], [
    [
      "a server for TLS lets the process end",
      "Deno.HttpServer",
      "    unref: () => listener.unref?.(),\n",
      "",
      "unref(): lets the process end with a listener for TLS",
    ],
  ]),
  ...rules("socks/server/commands/resolve.ts", [END], [
    [
      "a look-up that is deaf ends with the session",
      SIGNAL,
      "await abortable(resolve({ ...request, signal }, lookup), signal);",
      "await resolve({ ...request, signal }, lookup);",
      TCP,
    ],
  ]),
  ...rules("socks/server/datagrams/reopening_socket.ts", [END], [
    [
      "an association's socket that comes late is closed",
      LATE,
      "() => bind({ hostname, port, onDatagram, onEnd }),\n      signal,\n      (late) => late.close(),",
      "() => bind({ hostname, port, onDatagram, onEnd }),\n      signal,\n      () => {},",
      TCP,
    ],
  ]),
  ...rules("socks/server/commands/associate.ts", [END, "tests/socks/server/commands/associate_test.ts"], [
    [
      "setting an association up has a time",
      SIGNAL,
      'stepDeadline(context, "association is not set up")',
      'stepDeadline({ ...context, timeouts: { ...context.timeouts, connect: Infinity } }, "")',
      TCP,
    ],
    [
      "the time to set an association up is over with that",
      SIGNAL,
      "    opening.limit(Infinity, NO_LIMIT);\n",
      "    opening.limit(0, () => new Error());\n",
      "association: outlives the time limit of its setup, not its session",
    ],
    [
      "an association ends with its session, whatever carries it",
      SIGNAL,
      "await abortable(client.rest.read(), clock.signal)",
      "await client.rest.read()",
      STUCK,
    ],
    [
      "an association's time is one",
      EXACT,
      'if (options.idleTimeout !== undefined) duration("idleTimeout", options.idleTimeout);',
      "",
      "AssociateCommand: checks its options",
    ],
    [
      "an association's limit is one",
      EXACT,
      '    checkLimit("maxAssociations", options.maxAssociations);\n',
      "",
      "AssociateCommand: checks its options",
    ],
  ]),
  ...rules("socks/server/datagrams/client_side.ts", [END], [
    [
      "an association's side that comes late is closed",
      LATE,
      "() => open({ ...request, signal }, listener),\n      signal,\n      (late) => late.close(),",
      "() => open({ ...request, signal }, listener),\n      signal,\n      () => {},",
      TCP,
    ],
  ]),
  ...rules("socks/server/relay/relay.ts", [END], [
    [
      "a relay ends with its session, whatever carries it",
      SIGNAL,
      "this.#listening = onAbort(clock, (error) => this.#fail(error));",
      "",
      STUCK,
    ],
    [
      "a relay does not wait for ever for calls of what is closed",
      SIGNAL,
      "void untilSettled([settled]).then(",
      "void settled.then(",
      STUCK,
    ],
  ]),
  ...rules("socks/stream/drain.ts", [END], [
    [
      "a client that takes no refusal has a time for it",
      SIGNAL,
      "await abortable(tell(), deadline.signal);",
      "await tell();",
      STREAMS,
    ],
  ]),
  ...rules("socks/server/targets/happy_eyeballs.ts", [END], [
    [
      "a dialer that is deaf ends with the signal",
      SIGNAL,
      "await makeUnlessAborted(() => only!(signal), signal, closeTarget)",
      "await only!(signal)",
      "openDirectly(): ends with its signal although resolver and dialer ignore it",
    ],
    [
      "what a dialer makes late is closed",
      LATE,
      "only!(signal), signal, closeTarget)",
      "only!(signal), signal, () => {})",
      "openDirectly(): ends with its signal although resolver and dialer ignore it",
    ],
  ]),
  ...rules("socks/server/targets/judged.ts", [END], [
    [
      "a resolver that is deaf ends with the signal",
      SIGNAL,
      "return resolvedOf(await abortable(resolve(hostname, { signal, user: identity.name, source }), signal));",
      "return resolvedOf(await resolve(hostname, { signal }));",
      "openDirectly(): ends with its signal although resolver and dialer ignore it",
    ],
  ]),
  ...rules("socks/stream/settling.ts", [END], [
    [
      "calls that do not end are not waited for",
      SIGNAL,
      "await abortable(Promise.allSettled(calls), deadline.signal).catch(() => {});",
      "await Promise.allSettled(calls);",
      STUCK,
    ],
  ]),
  ...rules("socks/stream/make_unless_aborted.ts", ["tests/socks/stream/make_unless_aborted_test.ts"], [
    [
      "what is aborted by the call that makes it is late",
      LATE,
      "const listening = onAbort(ender, ",
      "const listening = onAbort(ender.aborted ? undefined : ender, ",
      "makeUnlessAborted()",
    ],
    ["nothing is begun behind the end", LATE, "  ender.throwIfAborted();\n", "", "makeUnlessAborted()"],
    [
      "what is made late is given up",
      LATE,
      "    if (isLate) discard(made);\n    else taken",
      "    taken",
      "makeUnlessAborted()",
    ],
  ]),
  ...rules("socks/server/server.ts", [LEAVES], [
    [
      "nobody waits for the signal of a server that has ended",
      LATE,
      "    this.#signal?.[Symbol.dispose]();\n",
      "",
      "nothing waits for its signal",
    ],
    [
      "a server that has ended is not changed",
      EXACT,
      "    if (this.#sessions.cut.aborted) return;\n",
      "",
      "update(): has no effect after the end",
    ],
    [
      "a shutdown's time is one",
      EXACT,
      'duration("deadline", options.deadline ?? Infinity)',
      "(options.deadline ?? Infinity)",
      "serve(): names an invalid time, limit or port, and changes nothing",
    ],
    [
      "a listener that is deaf is not waited for",
      SIGNAL,
      "connection = await makeUnlessAborted(accept, signal, (late) => late && void this.serve(late, options));",
      "connection = await accept();",
      "serve(): ends although a listener ignores its end or always fails",
    ],
    [
      "what a listener brings late is not left alone",
      LATE,
      "(late) => late && void this.serve(late, options)",
      "() => {}",
      "serve(): closes a connection accepted after the end",
    ],
    [
      "a listener that fails for ever is left",
      SIGNAL,
      "          if (signal.aborted) return;\n",
      "",
      "serve(): ends although a listener ignores its end or always fails",
    ],
    [
      "a port is free when the server has ended",
      LATE,
      "        await untilSettled([accepting]);\n",
      "",
      "nothing waits for its signal",
    ],
  ]),
  ...rules("socks/server/options.ts", [LEAVES], [
    [
      "a limit is one",
      EXACT,
      "  checkLimits(options.limits ?? {});\n",
      "",
      "serve(): names an invalid time, limit or port, and changes nothing",
    ],
  ]),
  ...rules("socks/server/limits/timeouts.ts", [LEAVES], [
    [
      "a time is one",
      EXACT,
      "if (timeouts[name] !== undefined) duration(`timeouts.${name}`, timeouts[name]);",
      "",
      "serve(): names an invalid time, limit or port, and changes nothing",
    ],
  ]),
  ...rules("socks/server/server.ts", [LEAVES], [
    [
      "nobody is accepted from the call on that stops a server",
      LATE,
      "    for (const listener of this.#listeners) closeQuietly(listener);\n",
      "",
      "serve(): ends although a listener ignores its end or always fails",
    ],
  ]),
  ...rules("socks/server/limits/limits.ts", [LEAVES], [
    [
      "a limit is no less than nothing, and a number",
      EXACT,
      '(typeof limit === "number" && limit >= 0)',
      '(typeof limit === "number")',
      "serve(): names an invalid time, limit or port, and changes nothing",
    ],
  ]),
  ...rules("socks/shell/deno_listener.ts", [LEAVES], [
    [
      "a listener keeps the process where it is told to",
      "Deno.HttpServer",
      "ref: () => listener.ref(),",
      "ref: () => {},",
      "unref()",
    ],

    [
      "a listener lets the process end where it is told to",
      "Deno.HttpServer",
      "unref: () => listener.unref(),",
      "unref: () => {},",
      "unref()",
    ],
  ]),
  ...rules("proxy/running.ts", [LEAVES], [
    [
      "listeners of a server that cannot start are closed",
      LATE,
      "    for (const listener of listeners) listener.close();\n    throw error;",
      "    throw error;",
      "serve(): closes its listeners at its end and at a failed start",
    ],
    [
      "nobody waits for the signal of a server that cannot start",
      LATE,
      "    void server[Symbol.asyncDispose]();\n",
      "",
      "serve(): a failed start leaves no listener, port or signal handler",
    ],
    [
      "listeners are given, or a place",
      EXACT,
      "if (places.length === 0 && balanced === undefined) return listeners;",
      "return listeners;",
      "serve(): refuses listeners together with a place to listen",
    ],
    [
      "a port is one",
      EXACT,
      "if (!Number.isInteger(port) || port < 0 || port > 65_535) {",
      "if (false) {",
      "serve(): names an invalid time, limit or port, and changes nothing",
    ],
    [
      "a time for datagrams is one",
      EXACT,
      'if (idleTimeout !== undefined) duration("datagrams.idleTimeout", idleTimeout);',
      "",
      "serve(): names an invalid time, limit or port, and changes nothing",
    ],
  ]),
  ...rules("proxy/serving.ts", [LEAVES], [
    [
      "listeners go with a server that cannot start",
      LATE,
      "return withListeners(options, () => startServer(system, options));",
      "return startServer(system, options);",
      "serve(): closes its listeners at its end and at a failed start",
    ],
  ]),
  ...rules("socks/server/moved_options.ts", [MOVED], [
    [
      "an option at its old place is refused",
      EXACT,
      'if (found !== "") throw',
      "if (false) throw",
      "names the new place",
    ],
    [
      "an old name in its group is refused",
      EXACT,
      "member !== name && inGroup?.[name] !== undefined",
      "false",
      "names the new place",
    ],
    ["a group is an object", EXACT, "value !== null && !Array.isArray(value)", "true", "group that is not"],
  ]),
  ...rules("proxy/moved_options.ts", [MOVED], [
    [
      "addresses of egress have a new place",
      EXACT,
      "if (Array.isArray(",
      "if (false && Array.isArray(",
      "names the new place",
    ],
    [
      "a list of a group is a list",
      EXACT,
      "&& !Array.isArray(value)) throw",
      "&& false) throw",
      "where a group has a list",
    ],
    ["a bridge refuses what only serve() has", EXACT, "if (value !== undefined) {", "if (false) {", "only serve()"],
  ]),
  ...rules("socks/server/options.ts", [MOVED], [
    ["SocksServer has no options at old places", EXACT, "  checkMoved(options, MOVED_OPTIONS);\n", "", "SocksServer"],
  ]),
  ...rules("proxy/server_options.ts", [LEAVES], [
    [
      "what is said of datagrams is asked for",
      EXACT,
      "  checkAssociations(datagrams);\n",
      "",
      "serve(): names an invalid time, limit or port, and changes nothing",
    ],
    [
      "a limit of destinations is one",
      EXACT,
      '  checkLimit("datagrams.maxDestinations", datagrams.maxDestinations);\n',
      "",
      "serve(): names an invalid time, limit or port, and changes nothing",
    ],
  ]),
  ...rules("proxy/bridge.ts", [LEAVES], [
    [
      "listeners go with a bridge that cannot start",
      LATE,
      "return withListeners({ listeners: [...listeners, ...given] }, () => startBridge(options));",
      "return startBridge(options);",
      "serve(): closes its listeners at its end and at a failed start",
    ],
    [
      "what is said of a bridge's datagrams is asked for",
      EXACT,
      "  checkAssociations(options.datagrams);\n",
      "",
      "serve(): names an invalid time, limit or port, and changes nothing",
    ],
  ]),
  ...rules("socks/server/server.ts", ["tests/proxy/serve_leaves_nothing_test.ts"], [
    [
      "a server whose signal is aborted already has ended",
      SIGNAL,
      "onAbort(checkSignal(options.signal), (reason) => this.#abort(reason));",
      "checkSignal(options.signal)?.aborted ? undefined : onAbort(options.signal, (reason) => this.#abort(reason));",
      "aborted already",
    ],
    [
      "a listener that fails is not asked again at once",
      "CWE-835",
      "          await this.#sessions.freed(ACCEPT_PAUSE, signal);\n",
      "",
      "serve(): pauses after a failed accept",
    ],
    [
      "a rate that is changed counts from then on",
      "CONTRIBUTING.md",
      "else this.#accepts.change(perSecond);",
      "",
      "rate of accepting",
    ],
    [
      "a client that is not accepted yet holds no end up",
      SIGNAL,
      "if (owed > 0) await pause(owed, signal);",
      "if (owed > 0) await pause(owed);",
      "rate of accepting",
    ],
    [
      "a listener of a server that has ended is closed",
      SIGNAL,
      "      closeQuietly(listener);\n      // The port",
      "      // The port",
      "aborted already",
    ],
  ]),
  ...rules("socks/stream/drain.ts", ["tests/socks/stream/transport_failures_test.ts"], [
    ["a client that is refused is read no more than a little", "CWE-400", "left > 0;", "left > -Infinity;", "drain()"],
  ]),
];
