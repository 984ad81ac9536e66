/**
 * Clients that go before they are answered, what is beside a server, shares, guesses: each rule with the change that switches it off.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const GONE = "tests/socks/server/client_watch_test.ts";
const HALF = "tests/socks/server/half_closed_client_test.ts";
const HEALTH = "tests/proxy/server_health_test.ts";
const SHARES = "tests/proxy/shares_test.ts";
const GUESSES = "tests/socks/auth/guesses_test.ts";

const WATCH = "RFC 1928 section 4: nothing is done for who has gone";
const READS = "RFC 1928 section 6: who asks is answered";
const SAY = "who watches has no say";
const SHARE = "CWE-770";
const CLOCK = "a clock that nobody sets";

/** The rules. */
export const SESSION_MUTANTS: readonly Mutant[] = [
  ...rules("socks/server/session.ts", [GONE], [
    [
      "a session is over when its last step is",
      "design",
      "    else last((failure) =>",
      "    else void this.#finish(), last((failure) =>",
      "ClientWatch: forwards early bytes and the end behind them",
    ],
    [
      "the watch is over with the answer",
      WATCH,
      "answering: watch.stop,",
      "answering: () => {},",
      "ClientWatch: stops before the last reply",
    ],
    [
      "a request ends with its client",
      WATCH,
      "    attempt,\n    clock,",
      "    attempt: clock,\n    clock,",
      "open",
    ],
    [
      "a client that goes while it says who it is ends its session",
      WATCH,
      "onGone: (reason: Error) => clock.abort(reason),",
      "onGone: () => {},",
      "password: has no session for a client that goes before the check",
    ],
  ]),
  ...rules("socks/server/client_watch.ts", [GONE], [
    [
      "a client is watched from its request on",
      WATCH,
      "    else this.#attempt.abort(reason);\n",
      "",
      "ClientWatch: ends the dial when a client goes, in each protocol",
    ],
    ["an end is one after a moment", WATCH, "this.#attempt.limit(END_GRACE, () => reason);", "{}", "look-up"],
    [
      "an end is none at once",
      WATCH,
      "this.#attempt.limit(END_GRACE, () => reason);",
      "this.#attempt.abort(reason);",
      "ClientWatch: answers a client that has ended its side, within a moment",
    ],
    [
      "the moment is over with the answer",
      WATCH,
      "    this.#attempt.limit(Infinity, NO_LIMIT);",
      "",
      "ClientWatch: stops before the last reply",
    ],
    [
      "nothing is read ahead behind the answer",
      WATCH,
      "    this.#ahead[Symbol.dispose]();\n",
      "",
      "ClientWatch: stops before the last reply",
    ],
    [
      "only a tunnel carries what came early",
      WATCH,
      'WHILE[command], command === "connect");',
      "WHILE[command], false);",
      "ClientWatch: forwards early bytes and the end behind them",
    ],
  ]),
  ...rules("socks/server/client_watch.ts", [HALF], [
    [
      "who has ended and reads is waited for",
      READS,
      "&& this.#canProbe) return this.#probe(true);",
      "&& this.#canProbe) {}",
      "half-closed client: ",
    ],
    [
      "who has ended and left is looked for",
      WATCH,
      "return this.#probe(true);",
      "return;",
      "half-closed client: is given up when it has left, over each transport",
    ],
    [
      "an answer is begun, or nobody refuses it",
      WATCH,
      "if (begins) await this.#client.begin();",
      "",
      "half-closed client: is given up when it has left, over each transport",
    ],
    [
      "what was begun may be refused later",
      WATCH,
      "await probe(this.#client.accepted);",
      "",
      "half-closed client: is given up when it has left, over each transport",
    ],
    [
      "who is answered at once is told in one piece",
      READS,
      "    this.#probing?.abort();\n",
      "",
      "half-closed client: gets no early byte unless it has ended and waits",
    ],
    [
      "an answer is begun for those alone who have ended",
      READS,
      "this.#canProbe && this.#probe(false)",
      "this.#canProbe && this.#probe(true)",
      "half-closed client: gets no early byte unless it has ended and waits",
    ],
    [
      "who sends without end is looked after",
      WATCH,
      "() => this.#canProbe && this.#probe(false)",
      "() => {}",
      "half-closed client: is probed while early bytes fill the buffer",
    ],
  ]),
  ...rules("socks/stream/end_watcher.ts", [HALF], [
    [
      "who holds all that it may says so",
      "contract",
      "if (watch.held >= MOST) return watch.onFull();",
      "if (watch.held >= MOST) return;",
      "EndWatcher: reports once that it is full",
    ],
  ]),
  ...rules("socks/server/front/reply_writer.ts", [HALF], [
    [
      "an answer goes on where it was begun",
      READS,
      "this.#begun ? reply.subarray(1) : reply;",
      "reply;",
      "over each transport",
    ],

    ["an answer is begun once", READS, "    if (this.#begun) return;\n", "", "over each transport"],
  ]),
  ...rules("socks/stream/client_end.ts", [GONE], [
    [
      "a failure is an end whatever came before",
      WATCH,
      "if (failure === undefined && hasUnread && mayEnd)",
      "if (failure === undefined || hasUnread)",
      "a client that goes: dial",
    ],
    [
      "an end behind bytes is none",
      WATCH,
      "if (failure === undefined && hasUnread && mayEnd) return undefined;",
      "",
      "ClientWatch: forwards early bytes and the end behind them",
    ],
  ]),
  ...rules("socks/stream/end_watcher.ts", [GONE], [
    [
      "who stopped to read ahead reads no more",
      "contract",
      "    this.#watch = undefined;\n",
      "",
      "EndWatcher: continues the pending read for a second watch",
    ],
    [
      "a read that is left of an earlier watch counts once",
      "contract",
      "if (turn !== this.#turn || watch === undefined) return;",
      "if (watch === undefined) return;",
      "EndWatcher: continues the pending read for a second watch",
    ],
    [
      "a read that is left is gone on with",
      "contract",
      "if (watch.seen === this.#reads.length) this.#reads",
      "this.#reads",
      "EndWatcher: continues the pending read for a second watch",
    ],
    [
      "an earlier watch is told nothing",
      "contract",
      "if (turn === this.#turn) watch?.onEnd(",
      "watch?.onEnd(",
      "EndWatcher: continues the pending read for a second watch",
    ],
    [
      "bytes in front of an end are told",
      "contract",
      "hasUnread: watch.held > 0",
      "hasUnread: false",
      "EndWatcher: continues the pending read for a second watch",
    ],
    [
      "what comes early is bounded",
      SHARE,
      "if (watch.held >= MOST) return watch.onFull();",
      "",
      "EndWatcher: keeps few early bytes, in order",
    ],
  ]),
  ...rules("socks/auth/password.ts", [GONE], [
    [
      "a client is watched while its password is checked",
      WATCH,
      "if (reason !== undefined) onGone(reason);",
      "",
      "password: has no session for a client that goes before the check",
    ],
  ]),
  ...rules("socks/auth/password.ts", [GUESSES], [
    [
      "a check knows where the client comes from",
      SHARE,
      "exactText(password) }, { signal, source })",
      "exactText(password) }, { signal })",
      "too many",
    ],
    ["a limit is no wrong password", "events", "if (cause instanceof SocksLimitError) throw cause;", "", "too many"],
  ]),
  ...rules("socks/auth/gssapi/frames.ts", [GONE], [
    [
      "a client is watched while its token is looked at",
      WATCH,
      "onAbort(grace.signal, () => onGone(reason));",
      "",
      "ClientWatch: ends the dial at each level, and before the token is read",
    ],
    [
      "who has ended behind his token is answered",
      WATCH,
      "failure === undefined ? END_GRACE : 0",
      "0",
      "ClientWatch: answers a client that ends its side behind its token",
    ],
  ]),
  ...rules("socks/server/session_record.ts", [HEALTH], [
    [
      "an address that is none ends nothing",
      SAY,
      'return typeof remote?.hostname === "string" ? remote : undefined;',
      "return remote;",
      "serve(): a failure in any call of the caller's objects is one refusal",
    ],
  ]),
  ...rules("socks/server/session.ts", [HEALTH], [
    [
      "a method that gives no channel is one refusal",
      "events",
      "closeQuietly(channel?.connection);",
      "channel?.connection.close();",
      "serve(): a failure in any call of the caller's objects is one refusal",
    ],
  ]),
  ...rules("socks/server/health.ts", [HEALTH], [
    [
      "what a watcher throws is counted and no more",
      SAY,
      "  } catch (thrown) {\n    onFailure(thrown);",
      "  } catch (thrown) {\n    throw thrown;",
      "observer that throws changes",
    ],
    [
      "what a watcher rejects with is counted and no more",
      SAY,
      "Promise.resolve(given).catch(onFailure);",
      "Promise.resolve(given);",
      "observer that rejects changes",
    ],
    [
      "what has no text is an error",
      SAY,
      'return new Error("A value without a text was thrown");',
      'throw new Error("A value without a text was thrown");',
      "no text",
    ],
    ["a trouble is told once a minute", "logs", "now - kept.reported < MINUTE", "false", "once a minute"],
    [
      "a trouble is told again after a minute",
      "logs",
      "    kept.reported = now;",
      "    kept.reported = Infinity;",
      "once a minute",
    ],
    [
      "a trouble is recent for a minute",
      "health",
      "recent: now - time <= MINUTE",
      "recent: time >= 0",
      "once a minute",
    ],
    ["an accept that fails makes it degraded", "health", "troubles.accept.recent || ", "", "accept that fails"],
    [
      "descriptors that run short make it degraded",
      "health",
      "degraded: troubles.accept.recent || troubles.descriptors.recent",
      "degraded: troubles.accept.recent",
      "descriptors are short",
    ],
    ["a shortage is one by any cause", "health", "    cause = cause.cause;", "    break;", "any cause"],
    [
      "of several errors one is enough",
      "health",
      "if (cause instanceof AggregateError && ",
      "if (false && ",
      "any cause",
    ],
  ]),
  ...rules("socks/server/server.ts", [HEALTH], [
    ["who is told of trouble has no say", SAY, "onTrouble && ((trouble) => onTrouble(trouble))", "undefined", "ledger"],
    ["an accept that fails is counted", "health", '          this.#note("accept", error);\n', "", "accept that fails"],
    ["the end of a server is no failure", "health", "          if (signal.aborted) return;\n", "", "accept that fails"],
    [
      "descriptors that run short at an accept are counted",
      "health",
      "          this.#sessions.makeRoom(error);\n",
      "",
      "accept that fails",
    ],
  ]),
  ...rules("socks/server/sessions.ts", [HEALTH], [
    [
      "a ledger that fails ends nothing",
      SAY,
      'notify(() => ledger.leave(user), (thrown) => this.#onTrouble("ledger", thrown));',
      "ledger.leave(user);",
      "user ledger: a failure at the end of a session refuses no client, and is reported",
    ],

    [
      "who has just come is not made room of",
      "health",
      "first === undefined || first.record.duration < age",
      "first === undefined",
      "descriptors are short",
    ],

    [
      "descriptors that run short at a target are counted",
      "health",
      "      onError: (error) => this.makeRoom(error),",
      "      onError: () => {},",
      "descriptors are short",
    ],
  ]),
  ...rules("socks/server/session_record.ts", [HEALTH], [
    [
      "an observer is called as one",
      SAY,
      "notify(() => onEvent({ ...event, session, client }), onFailure);",
      "onEvent({ ...event, session, client });",
      "observer that throws changes",
    ],
  ]),
  ...rules("socks/server/sessions.ts", [HEALTH], [
    [
      "a session that ends lets an accept be tried",
      "health",
      "await abortable(this.#freed.promise, wait.signal)",
      "await abortable(new Promise(() => {}), wait.signal)",
      "at once",
    ],

    ["only a shortage makes room", "health", "    if (!isShortage(error)) return;\n", "", "accept that fails"],
  ]),
  ...rules("socks/server/session.ts", [HEALTH], [
    [
      "a connection that cannot be closed behind its relay is one refusal",
      SAY,
      "void this.#finish() : this.#failed(failure.error)",
      "void this.#finish() : void this.#finish()",
      "serve(): a failure in any call of the caller's objects is one refusal",
    ],
    [
      "a connection that cannot be closed is one refusal",
      SAY,
      "    closeQuietly(this.#accepted);",
      "    this.#accepted.close();",
      "serve(): a failure in any call of the caller's objects is one refusal",
    ],
  ]),
  ...rules("socks/server/commands/relay_to_end.ts", [HEALTH], [
    [
      "a target that cannot be closed is one end",
      SAY,
      "    closeQuietly(target);\n",
      "    target.close();\n",
      "serve(): a failure in any call of the caller's objects is one refusal",
    ],
  ]),
  ...rules("socks/server/session_record.ts", [HEALTH], [
    [
      "an address that cannot be had is none",
      SAY,
      "  } catch {\n    return undefined;",
      "  } catch (error) {\n    throw error;",
      "serve(): a failure in any call of the caller's objects is one refusal",
    ],
  ]),
  ...rules("socks/server/limits/limits.ts", [SHARES], [
    [
      "a source has a share by default",
      SHARE,
      "given.sessionsPerSource ?? part(4)",
      "given.sessionsPerSource ?? Infinity",
      "by default",
    ],
    [
      "a network has a share by default",
      SHARE,
      "given.sessionsPerNetwork ?? part(2)",
      "given.sessionsPerNetwork ?? Infinity",
      "by default",
    ],
    [
      "a user has a share by default",
      SHARE,
      "given.sessionsPerUser ?? part(10)",
      "given.sessionsPerUser ?? Infinity",
      "by default",
    ],
    [
      "a small server is not cut up",
      SHARE,
      "Math.max(LEAST_SHARE, Math.ceil(sessions / parts))",
      "Math.ceil(sessions / parts)",
      "follow the number",
    ],
  ]),
  ...rules("socks/wire/networks.ts", [SHARES], [
    [
      "a network is a /24 or a /48",
      SHARE,
      "return blockName(client, [3, 6]);",
      "return blockName(client, [4, 8]);",
      "a /24",
    ],
  ]),
  ...rules("socks/server/limits/limits.ts", ["tests/proxy/serve_leaves_nothing_test.ts"], [
    [
      "a limit of a network is one",
      "options are what they say",
      '  "sessionsPerNetwork",\n',
      "",
      "serve(): names an invalid time, limit or port, and changes nothing",
    ],
  ]),
  ...rules("socks/server/limits/source_limits.ts", [SHARES], [
    [
      "a network gives back what it had",
      SHARE,
      "      this.#networks.leave(network);\n    };",
      "    };",
      "shares: a network is a /24 or a /48, and is freed",
    ],

    [
      "sessions of a network are counted",
      SHARE,
      "if (!this.#networks.enter(network, sessionsPerNetwork)) {",
      "if (false) {",
      "by default",
    ],
  ]),
  ...rules("socks/server/sessions.ts", [SHARES], [
    [
      "a rate sees no clock that is set",
      CLOCK,
      "rates.push(new Rate(bandwidthPerSession, monotonicNow));",
      "rates.push(new Rate(bandwidthPerSession, systemRuntime.now));",
      "rates and times of sessions: ignore changes of the wall clock",
    ],
  ]),
  ...rules("socks/server/limits/timeouts.ts", [SHARES], [
    [
      "a half-closed relay has a time by default",
      "dead peers",
      "timeouts.halfClose ?? DEFAULT_TIMEOUTS.halfClose",
      "timeouts.halfClose ?? Infinity",
      "relay: default timeouts are 2:04 h, and 10 min after one side has ended",
    ],

    [
      "a relay has an idle time by default",
      "RFC 5382 REQ-5",
      "timeouts.idle ?? DEFAULT_TIMEOUTS.idle",
      "timeouts.idle ?? Infinity",
      "relay: default timeouts are 2:04 h, and 10 min after one side has ended",
    ],
  ]),
  ...rules("socks/server/limits/half_open.ts", [SHARES], [
    [
      "whoever has the most makes room",
      SHARE,
      "if (own.size > (most?.size ?? 0)) most = own;",
      "most ??= own;",
      "half-open limit: the source with the most of them makes room",
    ],
    [
      "one that has gone is forgotten once",
      "contract",
      "if (own === undefined || !own.delete(session)) return;",
      "if (own === undefined) return;\n    own.delete(session);",
      "half-open limit: the source with the most of them makes room",
    ],
  ]),
  ...rules("socks/server/session_record.ts", [SHARES], [
    [
      "a session's time sees no clock that is set",
      CLOCK,
      "return monotonicNow() - this.#began;",
      "return systemRuntime.now() - this.startedAt;",
      "rates and times of sessions: ignore changes of the wall clock",
    ],

    [
      "an end tells the session's own time",
      CLOCK,
      "duration: this.duration - this.#requestedAt, ...rest",
      "duration: this.#startedAt, ...rest",
      "time is monotonic",
    ],
  ]),
  ...rules("socks/server/ticket_expiry.ts", [SHARES], [
    [
      "a ticket expires by the wall clock as it is then",
      "RFC 4120 section 3.2.3",
      "left > 0 && !over.signal.aborted; left = expiresAt - now()",
      "left > 0 && !over.signal.aborted; left = 0",
      "is monotonic",
    ],
  ]),
  ...rules("socks/server/options.ts", [SHARES], [
    [
      "a protocol is one that there is",
      "options",
      '  checkNames("protocols", protocols, OTHER_PROTOCOLS);\n',
      "",
      "serve(): refuses unknown names of commands and protocols, and changes nothing",
    ],
    [
      "a policy is one that there is",
      "options",
      'if (ticketExpiry !== undefined) checkNames("ticketExpiry", [ticketExpiry], EXPIRIES);',
      "",
      "serve(): refuses unknown names of commands and protocols, and changes nothing",
    ],
    [
      "a method is one",
      "options",
      'typeof method?.accept !== "function" || ',
      "",
      "serve(): refuses unknown names of commands and protocols, and changes nothing",
    ],
    [
      "a method's code is one",
      "RFC 1928 section 3",
      "!Number.isInteger(method.code) || method.code < 0 || method.code > 254",
      "false",
      "serve(): refuses unknown names of commands and protocols, and changes nothing",
    ],
  ]),
  ...rules("proxy/server_options.ts", [SHARES], [
    [
      "a command is one that there is",
      "options",
      '  checkNames("commands", commands, COMMAND_NAMES);\n',
      "",
      "serve(): refuses unknown names of commands and protocols, and changes nothing",
    ],
  ]),
  ...rules("socks/auth/gssapi/server.ts", [SHARES], [
    [
      "a level is one that there is",
      "options",
      '  checkNames("protection", levels, PROTECTION_LEVELS);\n',
      "",
      "serve(): refuses unknown names of commands and protocols, and changes nothing",
    ],
  ]),
  ...rules("proxy/bridge.ts", [SHARES], [
    [
      "one source may have all of a bridge",
      "RFC 1122 section 3.2.1.3",
      "sessionsPerSource = Infinity",
      "sessionsPerSource",
      "bridge: one address may have all sessions",
    ],
    [
      "one network may have all of a bridge",
      "RFC 1122 section 3.2.1.3",
      "sessionsPerNetwork = Infinity",
      "sessionsPerNetwork",
      "bridge: one address may have all sessions",
    ],
  ]),
  ...rules("cli/config/setting_kinds.ts", [SHARES], [
    [
      "a word switches a share off",
      "options",
      'value === "any" ? Infinity : value',
      "value as number",
      "shares: are set and switched off by file and command line",
    ],
  ]),
  ...rules("cli/config/serve_options.ts", [SHARES], [
    [
      "a configuration has limits",
      "options",
      "    limits: config.limits,\n",
      "",
      "shares: are set and switched off by file and command line",
    ],
  ]),
  ...rules("cli/passwords/passwords.ts", [GUESSES], [
    [
      "guesses of one place are so many",
      SHARE,
      "if (!this.#counts.enter(source, GUESSES_PER_SOURCE)) {",
      "this.#counts.enter(source, Infinity);\n      if (false) {",
      "limited per source",
    ],
    ["a guess that is over counts no more", SHARE, "        this.#counts.leave(source);\n", "", "limited per source"],
    [
      "a guess is told where it comes from",
      SHARE,
      "hashed, { signal, source }",
      "hashed, { signal }",
      "limited per source",
    ],
    [
      "a guess that nobody waits for is given up",
      SHARE,
      'guess.given.abort(new Error("No client waits for the answer"));',
      "",
      "limited per source",
    ],
    [
      "a guess that somebody waits for is not given up",
      "contract",
      "if (--guess.waiting === 0) {",
      "if (--guess.waiting >= 0) {",
      "equal pending",
    ],
    [
      "the same guess is made once",
      SHARE,
      "    if (guess === undefined) {",
      "    if (true) {",
      "equal pending",
    ],
    [
      "who comes after one that was given up begins anew",
      "contract",
      "        this.#forget(name, guess.given);\n        guess",
      "        guess",
      "equal pending",
    ],
    [
      "guesses wait behind those from the same place",
      SHARE,
      "SEMAPHORE.acquire({ owner: source, signal })",
      "SEMAPHORE.acquire({ signal })",
      "same source only",
    ],
    [
      "a guess leaves the queue with its client",
      SHARE,
      "SEMAPHORE.acquire({ owner: source, signal })",
      "SEMAPHORE.acquire({ owner: source })",
      "leave the queue",
    ],
    [
      "who has gone makes no guess",
      SHARE,
      "    signal?.throwIfAborted();\n    let guess",
      "    let guess",
      "equal pending",
    ],
    ["a file of many kinds of hashes is refused", SHARE, "  checkCosts(users, source);\n", "", "many kinds"],
    [
      "a file of every cost is none of them",
      SHARE,
      "<= MAX_COST * dearest) return;",
      "<= dearest) return;",
      "many kinds",
    ],
  ]),
];
