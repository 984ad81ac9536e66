/**
 * Associations and BIND whose surroundings change, or are of two families.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const SOCKETS = "tests/socks/shell/udp_test.ts";
const NAMES = "tests/socks/server/datagrams/lookup_cache_test.ts";
const REOPENING = "tests/socks/server/datagrams/reopening_socket_test.ts";
const ERRORS = "tests/socks/stream/datagram_error_test.ts";
const ENDPOINT = "tests/socks/server/datagrams/client_endpoint_test.ts";
const ASSOCIATE = "tests/socks/server/commands/associate_test.ts";
const ANNOUNCE = "tests/socks/server/targets/announce_test.ts";
const VERDICTS = "tests/socks/server/datagrams/judged_targets_test.ts";
const HEADERS = "tests/socks/wire/datagram_headers_test.ts";
const IDLE = "tests/socks/server/datagrams/idle_time_test.ts";
const SLAB = "tests/base/slab_test.ts";
const LISTEN = "tests/socks/server/targets/listen_test.ts";
const LOCAL = "tests/socks/client/local_address_test.ts";
const REAL = "tests/socks/server/datagrams/heals_test.ts";

const HEALS = "An association outlives its surroundings";
const SLOW = "One slow name does not stop an association";
const EYES = "RFC 8305 for datagrams";
const PLACE = "RFC 1928 section 7";
const ORDERED = "Datagrams keep their order as far as the network does";
const KEPT = "The rules are asked for every datagram, unless nothing has changed";
const FAMILY = "RFC 1928 section 6: BND is of the client's family";

/** Sockets. */
const ENDS: readonly Mutant[] = [
  ...rules("socks/shell/udp_node.ts", [SOCKETS], [
    ["a socket that cannot be bound is closed", HEALS, "    close(error);\n    throw error;", "    throw error;"],
    ["a failure that nobody waits for is handled", HEALS, "  bound.catch(() => {});\n", ""],
    ["whoever sends is told of the end of the socket", HEALS, "    for (const failed of unsent) failed(reason);\n", ""],
    [
      "an error of the socket is its end",
      HEALS,
      "(!isDatagramError(error) || ++failures >= MAX_ERRORS)",
      "++failures >= MAX_ERRORS",
      "node",
    ],
    [
      "errors without end are the end",
      HEALS,
      "(!isDatagramError(error) || ++failures >= MAX_ERRORS)",
      "!isDatagramError(error)",
      "node",
    ],
    [
      "a datagram makes good for errors",
      HEALS,
      '"message", (data, from) => {\n    failures = 0;',
      '"message", (data, from) => {',
    ],
    [
      "a socket that closes by itself has ended",
      HEALS,
      '  socket.on("close", () => end(new Error("Socket was closed")));\n',
      "",
    ],
    [
      "a send that throws is a send that failed",
      HEALS,
      "        settle(error);\n",
      "        throw new Error(String(error));\n",
    ],
    [
      "whoever closes is told of no end",
      HEALS,
      "  const end = (reason: unknown) => {\n    if (closed) return;\n",
      "  const end = (reason: unknown) => {\n",
    ],
  ]),
  ...rules("socks/shell/udp_deno.ts", [SOCKETS], [
    [
      "Deno's: a callee that throws is no error of the socket",
      HEALS,
      "if (!over.signal.aborted) deliver(onDatagram, bytes, { hostname, port });",
      "if (!over.signal.aborted) onDatagram(bytes, { hostname, port });",
    ],
    ["Deno's: what is broken is broken at once", HEALS, "        if (!isDatagramError(error)) break;\n", ""],
    [
      "Deno's: errors do not use up the processor",
      HEALS,
      "if (failures > FREE_ERRORS) await pause(ERROR_PAUSE, over.signal);",
      "",
    ],
    ["Deno's: the end is told", HEALS, "    close();\n    onEnd?.(failure);\n", "    close();\n"],
    ["Deno's: what has ended is closed", HEALS, "    close();\n    onEnd?.(failure);\n", "    onEnd?.(failure);\n"],
    [
      "Deno's: whoever closes is told of no end",
      HEALS,
      "    if (over.signal.aborted) return;\n    close();",
      "    close();",
    ],
  ]),
  ...rules("socks/stream/datagram_error.ts", [ERRORS], [
    ["what was refused is an error of a datagram", HEALS, '  "ECONNREFUSED",\n', ""],

    ["what is too large is an error of a datagram", HEALS, "  if (error instanceof RangeError) return true;\n", ""],
  ]),
  ...rules("socks/server/datagrams/reopening_socket.ts", [REOPENING], [
    [
      "a socket that could not be made is asked for again",
      HEALS,
      "    opening.then(done, done);\n",
      "",
    ],
    [
      "what waits for the socket goes first",
      ORDERED,
      "if (this.#socket === undefined || this.#opening !== undefined) {",
      "if (this.#socket === undefined) {",
      "sends what waited for it first",
    ],
    [
      "it is asked for once in a pause",
      HEALS,
      "if (now - this.#attempted < REOPEN_PAUSE) return",
      "if (false as boolean) return",
    ],
    ["two that want it have one made", HEALS, "    if (this.#opening !== undefined) return this.#opening;\n", ""],
    ["a broken socket is given up", HEALS, "      if (!isDatagramError(error)) this.#lost(socket, error);\n", ""],
    [
      "an error of a datagram leaves the socket",
      HEALS,
      "      if (!isDatagramError(error)) this.#lost",
      "      this.#lost",
    ],
    [
      "a socket that has ended is given up",
      HEALS,
      "      if (state.made !== undefined) this.#lost(state.made, reason);\n",
      "",
    ],
    [
      "one that ended before it was here is none",
      HEALS,
      "if (state.end !== undefined || this.#over.signal.aborted) {",
      "if (this.#over.signal.aborted) {",
    ],
    ["one that ended before it was here is closed", HEALS, "      made.close();\n", ""],
    ["an old socket says nothing of the new one", HEALS, "    if (this.#socket !== socket) return;\n", ""],
    ["a broken socket is closed", HEALS, "    try {\n      socket.close();", "    try {\n      void 0;"],
    ["the port is the same where it is free", HEALS, "const port = this.#local?.port ?? 0;", "const port = 0;"],
    [
      "another port where it is not",
      HEALS,
      "if (fixedPort || port === 0 || deadline.signal.aborted) throw error;",
      "throw error;",
    ],
    ["a port that was told is the only one", HEALS, "if (fixedPort || port === 0 ||", "if (port === 0 ||"],
    [
      "a socket that others send to comes back by itself",
      HEALS,
      "    if (this.#options.fixedPort) void this.#reopen();\n",
      "",
    ],
    [
      "and is asked for until it is there",
      HEALS,
      "    while (this.#socket === undefined && !signal.aborted) {",
      "    if (this.#socket === undefined && !signal.aborted) {",
    ],
    ["closing closes the socket", HEALS, "    this.#socket?.close();\n", ""],
  ]),
];

/** Names. */
const WAYS: readonly Mutant[] = [
  ...rules("socks/server/datagrams/address_choice.ts", [NAMES], [
    ["families by turns", EYES, "interleaved(addresses).slice(0, MOST)", "addresses.slice(0, MOST)"],
    ["so many addresses are tried", "CWE-770", ".slice(0, MOST)", ""],
    [
      "an address that is silent is moved on from",
      EYES,
      "    return this.#now() - this.#since < time;",
      "    return true;",
    ],
    ["an address has its time", EYES, "    return this.#now() - this.#since < time;", "    return false;"],
    ["each round has twice the time", EYES, "PATIENCE * 2 ** Math.floor(this.#moves / count)", "PATIENCE"],
    [
      "no round is longer than a minute",
      EYES,
      "Math.min(PATIENCE * 2 ** Math.floor(this.#moves / count), LONGEST)",
      "PATIENCE * 2 ** Math.floor(this.#moves / count)",
    ],
    [
      "one that answered stays",
      EYES,
      "if (!this.#answered) this.#since ??=",
      "this.#since ??=",
    ],
    ["the first to answer is the one", EYES, "    if (this.#answered) return;\n", ""],
    ["the one that answered is the one", EYES, "    this.#answered = true;\n", ""],
    [
      "where one could be sent to, the next go too",
      EYES,
      "    if (address !== this.#current) {\n      this.#current = address;\n",
      "    if (address !== this.#current) {\n",
    ],
    ["the first unanswered datagram counts", EYES, "this.#since ??= this.#now();", "this.#since = this.#now();"],
  ]),
  ...rules("socks/server/datagrams/lookup_cache.ts", [NAMES], [
    ["so few wait for a name", SLOW, "      if (known.waiting >= WAITING) throw", "      if (false as boolean) throw"],
    ["so few names are looked up", SLOW, "if (this.#lookups >= LOOKUPS) throw", "if (false as boolean) throw"],
    ["a look-up that is over makes room", SLOW, "      this.#lookups--;\n", ""],
    [
      "a look-up has its time",
      SLOW,
      "      milliseconds,\n      signal,\n",
      "      milliseconds: Infinity,\n      signal,\n",
    ],
    ["a look-up ends with the association", SLOW, "      milliseconds,\n      signal,\n", "      milliseconds,\n"],
    ["whoever waits says so", SLOW, "      known.waiting++;\n      onWait();\n", "      known.waiting++;\n"],
    ["whoever waits first says so", SLOW, "    onWait();\n    const found", "    const found"],
    [
      "a name that was not found is left alone for a while",
      SLOW,
      "this.#options.now() - failedAt >= NOT_FOUND",
      "true",
    ],
    [
      "and then asked for again",
      SLOW,
      "failedAt !== undefined && this.#options.now() - failedAt >= NOT_FOUND",
      "false",
    ],
    [
      "a name that is used stays known",
      "A second look-up may bring another answer",
      "      this.#entries.set(name, known);\n",
      "",
    ],
  ]),
  ...rules("socks/server/datagrams/direct.ts", [NAMES], [
    [
      "what cannot be sent to one address goes to the next",
      EYES,
      "        failure = error;\n",
      "        throw error;\n",
    ],
    ["one datagram goes to one address", EYES, "        return choice.sent(address);", "        choice.sent(address);"],
    [
      "what is too large goes nowhere",
      EYES,
      "if (error instanceof RangeError || this.#over.signal.aborted) throw error;",
      "if (this.#over.signal.aborted) throw error;",
    ],
    ["an answer chooses its address", EYES, "    peer.choice?.answered(address);\n", ""],
    [
      "nobody answers to whom nothing could be sent",
      PLACE,
      "      this.#peers.delete(peer);\n",
      "",
    ],
    ["a way to a name is kept", EYES, "    this.#choices.set(to.hostname, choice);\n", ""],
    [
      "a link-local target is refused",
      "RFC 4007 section 6",
      "    if (isLinkLocal(address.hostname)) {",
      "    if (false as boolean) {",
    ],
    [
      "a client that moved is judged by where it is",
      PLACE,
      "    this.#request = request;\n    return true;",
      "    return true;",
    ],
    [
      "a client moves where it may send from",
      PLACE,
      "    if (!this.#options.rules().judgeCommand(request).allowed) return false;\n",
      "",
    ],
    [
      "a time that is none is refused",
      SLOW,
      '  if (options.lookupTimeout !== undefined) duration("lookupTimeout", options.lookupTimeout);\n',
      "",
    ],
  ]),
];

/** Verdicts that are kept, and headers. */
const MEMORY: readonly Mutant[] = [
  ...rules("socks/server/datagrams/periods.ts", [VERDICTS], [
    ["rules that ask for the time are asked each time", KEPT, "rules.isTimeless && ", ""],
    ["prefixes that are looked up are not decided on", KEPT, " && pending === undefined", ""],
    ["new rules judge anew", KEPT, "last?.rules === rules &&", "last !== undefined &&"],
    ["whoever has moved is judged anew", KEPT, " && last.request === request", ""],
    ["other prefixes judge anew", KEPT, " && last.prefixes === prefixes", ""],
    ["what has not changed goes on", KEPT, "return goesOn ? last : ", "return "],
  ]),
  ...rules("socks/rules/rule_set.ts", [VERDICTS], [
    [
      "the age of a ticket is a matter of time",
      KEPT,
      "this.#rules.every(({ maxTicketAge }) => maxTicketAge === undefined)",
      "true",
    ],
  ]),
  ...rules("base/lru_map.ts", ["tests/base/lru_map_test.ts"], [
    [
      "what is used again is forgotten last",
      "CWE-400",
      "if (key !== this.#newest) this.#entries.delete(key);",
      "",
    ],
    [
      "only what was used last has its place already",
      "CWE-400",
      "    this.#newest = key;\n",
      "    this.#newest ??= key;\n",
    ],
  ]),
  ...rules("socks/server/datagrams/judged_targets.ts", [VERDICTS], [
    [
      "a verdict ends with its period",
      KEPT,
      "kept?.period !== period ||",
      "kept === undefined ||",
    ],
    [
      "a verdict ends with the look-up of its name",
      KEPT,
      "kept.found === this.#lookups.known(target.hostname)",
      "true",
    ],
    ["a verdict is kept", KEPT, "this.#kept.set(key, { period, found, allowed });", "void allowed;"],
    ["what is being judged goes first", ORDERED, " || this.#judging.has(key)", ""],
    ["what was judged is known", ORDERED, "      else this.#judging.delete(key);\n", ""],
    [
      "all that are being judged go first",
      ORDERED,
      "if (others > 0) this.#judging.set(key, others);\n      else this",
      "this",
    ],
    ["a look-up is kept with its verdict", KEPT, "found = await this.#lookups.find", "await this.#lookups.find"],
    [
      "an address needs no look-up",
      KEPT,
      "found !== undefined || parseIp(hostname) !== undefined",
      "found !== undefined",
    ],
  ]),
  ...rules("socks/server/datagrams/lookup_cache.ts", [VERDICTS], [
    [
      "a name whose verdict is used stays known",
      KEPT,
      "    this.#entries.set(name, entry);\n    return entry.result;",
      "    return entry.result;",
    ],
  ]),
  ...rules("socks/server/datagrams/direct.ts", [VERDICTS], [
    [
      "an answer is judged anew when a target is",
      KEPT,
      "peer.allowed?.period !== period || ",
      "peer.allowed === undefined || ",
    ],
    ["each port that answers is judged", KEPT, " || peer.allowed.from.port !== port", ""],
    [
      "a verdict on an answer is kept",
      KEPT,
      "isSame ? known : { hostname, choice }",
      "{ hostname, choice }",
      "both directions",
    ],
  ]),
  ...rules("socks/server/datagrams/idle_time.ts", [IDLE], [
    ["an association that is used is not idle", PLACE, "    this.#last = this.#now();\n", ""],
    ["and has the rest of its time", PLACE, "    this.#wait(left);\n", "    this.#wait(this.#limit);\n"],
    ["a timer that is up looks again", PLACE, "    this.#wait(left);\n", ""],
  ]),
  ...rules("socks/server/commands/associate.ts", ["tests/socks/server/datagrams/udp_test.ts"], [
    ["an association has an idle time", PLACE, "    idle.start();\n", "", "its idle time"],
  ]),
  ...rules("socks/wire/datagram_headers.ts", [HEADERS], [
    [
      "another header is another target",
      PLACE,
      "    for (let i = ADDRESS; i < header.length; i++) if (bytes[i] !== header[i]) return false;\n",
      "",
    ],
    ["a fragment of a header that came before is one", PLACE, "fragment: bytes[2]!", "fragment: this.#header[2]!"],
    [
      "a header is kept by itself",
      "CWE-416",
      "bytes.slice(0, bytes.length - data.length)",
      "bytes.subarray(0, bytes.length - data.length)",
    ],
    [
      "another port is another sender",
      PLACE,
      "this.#endpoint?.port !== port || this.#endpoint.hostname !== hostname",
      "this.#endpoint?.hostname !== hostname",
    ],
    [
      "another address is another sender",
      PLACE,
      "this.#endpoint?.port !== port || this.#endpoint.hostname !== hostname",
      "this.#endpoint?.port !== port",
    ],
    ["each datagram has memory of its own", "CWE-416", "    slab.take(datagram.length);\n", ""],
  ]),
  ...rules("base/slab.ts", [SLAB], [
    ["what is full gives no more", "CWE-787", "this.#at + size > this.#bytes.length", "this.#at > this.#bytes.length"],
    ["what is taken is not given out again", "CWE-416", "    this.#at += length;\n", ""],
    ["a new piece is used from its beginning", "CWE-770", "      this.#at = 0;\n", ""],
    ["large parts fit too", "CWE-787", "Math.max(SIZE, size)", "SIZE"],
  ]),
  ...rules("base/last_call.ts", [SLAB], [
    [
      "another argument has another result",
      "A result is of its argument",
      "last === undefined || last.argument !== argument",
      "last === undefined",
    ],
  ]),
];

/** Clients. */
const CLIENTS: readonly Mutant[] = [
  ...rules("socks/server/datagrams/client_endpoint.ts", [ENDPOINT], [
    [
      "without keys nobody moves",
      PLACE,
      "return proves && this.#endpoint !== undefined",
      "return this.#endpoint !== undefined",
    ],
    ["who has been nowhere has not moved", PLACE, "return proves && this.#endpoint !== undefined", "return proves"],
    [
      "another port is somebody else while the known one speaks",
      PLACE,
      "(!isHere || now() - this.#heard >= QUIET)",
      "true",
    ],
    ["a port that is quiet gives way", HEALS, "(!isHere || now() - this.#heard >= QUIET)", "!isHere"],
    [
      "a port that speaks is not quiet",
      PLACE,
      "      if (this.#options.proves) this.#heard = this.#options.now();\n",
      "",
    ],
    ["a client moves where it may", PLACE, "|| (!isHere && !this.#options.mayMove(address))", ""],
    ["strangers have so many tries", "CWE-400", "return this.#attempts.tryTake(1);", "return true;"],
    [
      "a client that moved is there",
      HEALS,
      "    [this.#address, this.#endpoint] = [address, { hostname: address, port: from.port }];\n",
      "",
    ],
  ]),
  ...rules("socks/server/commands/associate.ts", [ASSOCIATE, ENDPOINT], [
    ["what is announced is asked for", FAMILY, "    checkAnnounce(options.announce);\n", ""],
  ]),
  ...rules("socks/server/datagrams/client_side.ts", [ASSOCIATE, ENDPOINT], [
    [
      "the socket that faces the client comes back by itself",
      HEALS,
      "new ReopeningSocket({ bind, hostname, onDatagram, fixedPort: true })",
      "new ReopeningSocket({ bind, hostname, onDatagram })",
    ],
  ]),
  ...rules("socks/server/datagrams/counts.ts", [ASSOCIATE, ENDPOINT], [
    [
      "too large is too large",
      HEALS,
      'return error instanceof RangeError ? "tooLarge" : "unreachable";\n}',
      'return "unreachable";\n}',
    ],
  ]),
  ...rules("socks/server/datagrams/client_side.ts", [ASSOCIATE, ENDPOINT], [
    ["moves are counted", PLACE, 'if (place === "moved" && !this.#ended) this.#options.counts.moved++;', ""],

    ["with keys a client moves", HEALS, 'proves: request.protection !== "none"', "proves: false"],

    ["only keys move a client", PLACE, 'proves: request.protection !== "none"', "proves: true", "behind a balancer"],
  ]),
  ...rules("socks/server/datagrams/counts.ts", [ASSOCIATE, ENDPOINT], [
    ["too many for a name is too many", SLOW, '  if (error instanceof SocksLimitError) return "overload";\n', ""],
  ]),
  ...rules("socks/server/datagrams/client_side.ts", [ASSOCIATE, ENDPOINT], [
    ["a place is given back once", "CWE-770", "    this.#leave = undefined;\n", ""],

    ["so many at one time", "CWE-770", '    if (this.#taking >= IN_FLIGHT) return this.#drop("overload");\n', ""],

    [
      "what waits for a name takes nobody's place",
      SLOW,
      "this.#egress!.send(data, endpoint, { onWait: () => place.leave() })",
      "this.#egress!.send(data, endpoint)",
    ],

    ["so many to the client at one time", "CWE-770", "this.#delivering >= IN_FLIGHT || ", ""],
    [
      "an answer that was sent gives its place back",
      "CWE-770",
      "const delivered = () => {\n      this.#delivering--;\n",
      "const delivered = () => {\n",
    ],
    [
      "an answer that was not sent gives its place back",
      "CWE-770",
      "const failed = (error: unknown) => {\n      this.#delivering--;\n",
      "const failed = (error: unknown) => {\n",
    ],
    [
      "a datagram that is not genuine gives its place back",
      "CWE-770",
      '        place.leave();\n        this.#drop("notGenuine");\n',
      '        this.#drop("notGenuine");\n',
    ],
    [
      "a datagram that is dropped gives its place back",
      "CWE-770",
      "if (datagram === undefined) place.leave();",
      "if (datagram === undefined) return;",
    ],

    [
      "rules hold where one moves to",
      PLACE,
      "return this.#egress?.moved?.(to) ?? true;",
      "return this.#egress?.moved?.(to) || true;",
    ],

    [
      "rules for clients hold where one moves to",
      PLACE,
      "    if (this.#options.mayMoveTo?.(to) === false) return false;\n",
      "",
    ],
  ]),
  ...rules("socks/server/targets/announce.ts", [ANNOUNCE, ASSOCIATE], [
    [
      "one host of each kind",
      FAMILY,
      "    if (kinds.filter((other) => other === kind).length < 2) continue;",
      "    if (true as boolean) continue;",
    ],
    ["something is announced", FAMILY, "!Array.isArray(hosts) || hosts.length === 0", "!Array.isArray(hosts)"],
    ["each is told its own family", FAMILY, "hosts.find((host) => kindOf(host) === kind)", "hosts[0]"],
    ["a name is for both", FAMILY, ' ?? hosts.find((host) => kindOf(host) === "name")', ""],
    [
      "link-local without its interface is refused",
      "RFC 4007 section 6",
      "if (isLinkLocal(here) && !hasZone) throw",
      "if (false as boolean) throw",
    ],
    [
      "link-local is bound with its interface",
      "RFC 4007 section 6",
      "bind: hasZone ? local.hostname : here,",
      "bind: here,",
    ],
    [
      "behind a balancer the client is whom it names",
      "PROXY protocol",
      "  if (relayedBy !== undefined) return",
      "  if (false as boolean) return",
    ],
    [
      "a balancer that does not name the client relays no datagrams",
      "PROXY protocol",
      "if (remote === undefined || formatEndpoint(remote) === by) {",
      "if (remote === undefined) {",
    ],
    [
      "behind a balancer there must be an address of the client's family",
      FAMILY,
      "(anyOfFamily(here) === bind ? here : undefined)",
      "here",
    ],
    [
      "behind a balancer link-local is refused",
      "RFC 4007 section 6",
      "  if (isLinkLocal(client)) throw unknownInterface(client);\n",
      "",
    ],
  ]),
  ...rules("socks/server/targets/listen.ts", [LISTEN], [
    ["BIND checks what is announced", FAMILY, "  checkAnnounce(announce);\n", ""],

    [
      "BIND at a link-local address needs the interface",
      "RFC 4007 section 6",
      "  if (!isLinkLocal(here)) return here;\n",
      "  return here;\n",
    ],

    ["a zone is nobody else's", "RFC 4007 section 6", "?? withoutZone(hostname), port }", "?? hostname, port }"],

    [
      "BIND tells what is announced for the family",
      FAMILY,
      "hostname: announcedFor(announce, hostname) ?? withoutZone(hostname)",
      "hostname: withoutZone(hostname)",
    ],

    [
      "nobody of one family comes to the other",
      FAMILY,
      "  if (anyOfFamily(wanted!) !== anyOfFamily(here)) return anyOfFamily(wanted!);\n",
      "",
    ],

    [
      "BIND listens in the family of whoever is expected",
      FAMILY,
      "const wanted = expected ?? here;",
      "const wanted = here;",
    ],

    [
      "BIND listens where egress says",
      "RFC 1928 section 6",
      "(wanted === undefined ? undefined : addressFor(wanted, egress))",
      "undefined",
    ],
  ]),
  ...rules("socks/client/local_address.ts", [LOCAL], [
    [
      "an address that is not here is none",
      HEALS,
      "    return await bind(unspecified);\n  }\n}",
      "    throw new Error(unspecified);\n  }\n}",
    ],
    [
      "a tunnel that begins here leads nowhere else",
      PLACE,
      '  if ((specialKind(here) === "loopback") !== (specialKind(there) === "loopback")) return undefined;\n',
      "",
    ],
    ["an address of one family reaches none of the other", PLACE, "here.length !== there?.length || ", ""],
    [
      "a zone of this side's is kept",
      "RFC 4007 section 6",
      'return local.hostname.includes("%") ? local.hostname : address;',
      "return address;",
    ],
  ]),
  ...rules("proxy/server_options.ts", [REAL], [
    [
      "rules for clients hold for moves",
      PLACE,
      "        mayMoveTo: (address) => clients?.judge(address).allowed ?? true,\n",
      "",
      "association: follows a client that proves its keys to another address",
    ],

    [
      "BIND is told egress",
      "RFC 1928 section 6",
      "listen: system.sockets.listen, egress: addresses, announce",
      "listen: system.sockets.listen, announce",
      "BIND: listens",
    ],
  ]),
  ...rules("proxy/running.ts", [REAL], [
    [
      "what is announced is checked at the start",
      FAMILY,
      "  checkAnnounce(announce);\n",
      "",
      "announce: tells each client an address of its family",
    ],
  ]),
  ...rules("socks/client/local_address.ts", [REAL], [
    [
      "datagrams go out where the connection does",
      PLACE,
      "  if (source === undefined) return await bind(unspecified);",
      "  if (true as boolean) return await bind(unspecified);",
      "UDP egress: sends from the address of egress",
    ],
  ]),
];

/** All of them. */
export const UDP_MUTANTS: readonly Mutant[] = [...ENDS, ...WAYS, ...MEMORY, ...CLIENTS];
