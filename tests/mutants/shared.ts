/**
 * What several machines share, and balancers in front of them.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const WATCHED = "tests/proxy/shared/watched_test.ts";
const STORES = "tests/proxy/shared/stores_test.ts";
const SENTINELS = "tests/proxy/shared/sentinels_test.ts";
const PLACES = "tests/proxy/shared/redis_places_test.ts";
const FAULTS = "tests/interop/redis_faults_test.ts";
const SENTINEL = "tests/interop/sentinel_test.ts";
const MEMORY_REPLAYS = "tests/kerberos/ap/replay/memory_test.ts";
const SHARED_REPLAYS = "tests/kerberos/ap/replay/shared_test.ts";
const START_TIME = "tests/kerberos/ap/replay/start_time_test.ts";
const PROXY = "tests/socks/stream/proxy_protocol_test.ts";
const HAPROXY = "tests/interop/haproxy_test.ts";
const CONFIG = "tests/cli/config/config_test.ts";

const LOSS = "a store that is lost costs nobody any time";
const KNOWN = "RFC 4120 section 3.2.3, lost authenticators";
const SPEC = "HAProxy, doc/proxy-protocol.txt section";

/** The rules. */
export const SHARED_MUTANTS: readonly Mutant[] = [
  ...rules("proxy/shared/watched.ts", [WATCHED], [
    [
      "a store that takes nothing is down",
      LOSS,
      "      this.#change(false, reasonOf(error));\n    }\n  }",
      "    }\n  }",
      "WatchedStore: is down after a failed probe, and up after the next good one",
    ],
    [
      "a question of our own has a time",
      LOSS,
      "await abortable(looking, signal);",
      "await looking;",
      "WatchedStore: is down after a failed probe, and up after the next good one",
    ],
    [
      "who comes while it is lost does not wait",
      LOSS,
      "if (!this.#up) throw new Error(this.#reason);",
      "",
      "WatchedStore: is not asked while it is known to be lost",
    ],
    [
      "who waits when the loss is known waits no longer",
      LOSS,
      "      signal: this.#lost.signal,\n",
      "",
      "WatchedStore: a wait for an answer ends when the loss is known",
    ],
    [
      "a question that is not answered makes it down",
      LOSS,
      "if (deadline.signal.aborted) this.#change(false, reasonOf(error));",
      "",
      "WatchedStore: one question without an answer in time is a loss",
    ],
    [
      "an answer that says no has it looked at",
      LOSS,
      "      this.#hurry.abort();\n",
      "",
      "WatchedStore: an answer that is an error starts a probe at once",
    ],
    [
      "a change is told once",
      "one line for each change",
      "if (this.closing.signal.aborted || this.#up === up) {",
      "if (this.closing.signal.aborted) {",
      "WatchedStore: is down after a failed probe, and up after the next good one",
    ],
    [
      "an observer ends nothing",
      "observers",
      "    } catch {\n      // An observer ends nothing.\n    }",
      "    } finally {\n      // An observer ends nothing.\n    }",
      "observer",
    ],
    [
      "allow lets in",
      "onLoss",
      'if (this.onLoss === "allow") {',
      "if (false) {",
      "WatchedStore: is not asked while it is known to be lost",
    ],
    [
      "who was let in without the store is missing there",
      KNOWN,
      "      this.#gap = true;\n",
      "",
      "SharedReplays: an acceptance without the store begins a new era",
    ],
    [
      "that is over when it has been told",
      KNOWN,
      "if (gap) this.#gap = false;",
      "",
      "SharedReplays: an acceptance without the store begins a new era",
    ],
    [
      "sessions are told to a store that is back",
      "limits over machines",
      "    if (up) this.#onBack();\n",
      "",
      "SharedLedger: enters its sessions again into a store that is back",
    ],
    [
      "a policy is one of two",
      "options",
      'if (onLoss !== "refuse" && onLoss !== "allow") throw',
      "if (false) throw",
      "shareThrough(): refuses an invalid policy or time",
    ],
  ]),
  ...rules("proxy/shared/replays.ts", [WATCHED], [
    [
      "what is from before the store is refused",
      KNOWN,
      "    this.#mustBeKnown(madeAt);\n",
      "",
      "SharedReplays: refuse authenticators from before a new era",
    ],
    [
      "and what is from later is not",
      "no refusal without need",
      "madeAt >= knowsSince - ROUNDED",
      "false",
      "SharedReplays: refuse authenticators from before a new era",
    ],
  ]),
  ...rules("proxy/shared/replays.ts", [STORES], [
    [
      "a replay at another machine is known",
      "RFC 4120 section 3.2.3",
      "if (!await this.#store.ask((driver) => driver.remember(tag, milliseconds))) return false;",
      "await this.#store.ask((driver) => driver.remember(tag, milliseconds));",
      "memory: an authenticator",
    ],
  ]),
  ...rules("proxy/shared/ledger.ts", [WATCHED], [
    [
      "who was refused is not counted",
      "limits over machines",
      "        this.#own.leave(user);\n        // It may",
      "        // It may",
      "not counted",
    ],
    [
      "sessions are renewed",
      "limits over machines",
      "      await this.#renew();\n",
      "",
      "SharedLedger: renews all sessions at once, after a third of the lease",
    ],
  ]),
  ...rules("proxy/shared/ledger.ts", [STORES], [
    [
      "sessions elsewhere count",
      "limits over machines",
      "const entered = await this.#store.ask((driver) => driver.enter(session, limit, this.#lease));",
      "await this.#store.ask((driver) => driver.enter(session, limit, this.#lease));\n      const entered = true;",
      "memory: a user has",
    ],
  ]),
  ...rules("proxy/shared/kv_driver.ts", [STORES], [
    [
      "Deno KV remembers in one step",
      "RFC 4120 section 3.2.3",
      "atomic.check({ key, versionstamp: null }).set(key, 1,",
      "atomic.set(key, 1,",
      "Deno KV: passes the suite of stores",
    ],
    [
      "a limit counts in Deno KV",
      "limits over machines",
      "if (count >= limit) return undefined;",
      "",
      "Deno KV: passes the suite of stores",
    ],
    [
      "sessions in Deno KV are changed in one step",
      "limits over machines",
      "atomic.check({ key, versionstamp }).set(key, left, options)",
      "atomic.set(key, left, options)",
      "Deno KV: passes the suite of stores",
    ],
    [
      "sessions in Deno KV run out",
      "limits over machines",
      ".filter(([, { until }]) => until > now)",
      "",
      "Deno KV: passes the suite of stores",
    ],
    [
      "a file in another's place is opened",
      KNOWN,
      "if (this.#opened === undefined || !await this.#isThere()) await this.open();",
      "if (this.#opened === undefined) await this.open();",
      "Deno KV: a lost file begins a new era, and accepts nothing meanwhile",
    ],
    [
      "what went into a file that is gone is not remembered",
      KNOWN,
      "    if (!await this.#isThere()) throw new",
      "    if (false) throw new",
      "Deno KV: a lost file begins a new era, and accepts nothing meanwhile",
    ],
    [
      "a file that cannot be told is gone",
      KNOWN,
      "mark !== undefined && mark",
      "mark",
      "Deno KV: a lost file begins a new era, and accepts nothing meanwhile",
    ],
    [
      "one that is closed meanwhile stays closed",
      LOSS,
      "if (this.#closed) return opened.close();",
      "",
      "Deno KV: a lost file begins a new era, and accepts nothing meanwhile",
    ],
  ]),
  ...rules("proxy/shared/watched.ts", [FAULTS], [
    [
      "a connection made anew has time for two answers",
      LOSS,
      "const CONNECTING = 2;",
      "const CONNECTING = 1.5;",
      "nine tenths",
    ],
  ]),
  ...rules("proxy/shared/redis_driver.ts", [FAULTS], [
    [
      "a connection that owes answers is given up",
      LOSS,
      "++this.#owed >= OWED",
      "++this.#owed < 0",
      "without any packet",
    ],
    [
      "why it could not be connected to is said",
      LOSS,
      "if (opened !== undefined && this.#master",
      "if (client !== undefined && this.#master",
      "is not there is reported",
    ],
    [
      "a cluster is named for what it is",
      "errors say what to do",
      "throw CLUSTER.test(error.message)",
      "throw false",
      "cluster member is refused",
    ],
    [
      "keys of all kinds are written at each look",
      LOSS,
      'const keys = [`${this.#prefix}known`, `${this.#prefix}replay:`, this.#user("")];',
      "const keys = Array(3).fill(`{${this.#prefix}}known`).map((key, i) => key + i);",
      "cluster member is refused",
    ],
    ["replicas are waited for", KNOWN, "if (this.#replicas === 0) return", "if (true) return", "as many replicas"],
    [
      "as many as is wanted",
      KNOWN,
      "if (count >= this.#replicas) return [written];",
      "return [written];",
      "as many replicas",
    ],
    [
      "who takes nothing is looked for again",
      LOSS,
      "if (!signal.aborted && this.#master === master) this.#drop();",
      "",
      "of several addresses",
    ],
    [
      "all users are renewed in one go",
      "600 users at 50 ms",
      "      asked.push(client.eval(RENEW, { keys, arguments: [String(lease), ...words] }));",
      "      for (const key of keys) {\n" +
      "        const before = asked.at(-1);\n" +
      "        const one = [String(lease), ...words.slice(2 * keys.indexOf(key), 2 * keys.indexOf(key) + 2)];\n" +
      "        asked.push((before ?? Promise.resolve()).then(() => client.eval(RENEW, { keys: [key], arguments: one })));\n" +
      "      }",
      "600 users",
    ],
  ]),
  ...rules("proxy/shared/redis_scripts.ts", [FAULTS], [
    [
      "another server is another era",
      KNOWN,
      "if held[1] ~= id or since == nil",
      "if since == nil",
      "of several addresses",
    ],
    [
      "a server that does not say which one it is, is not used",
      KNOWN,
      "if not id then return",
      "if not id then id = '' end if false then return",
      "refuses a kind",
    ],
    ["authenticators can be written", LOSS, "redis.call('SET', KEYS[2], '1', 'PX', 1000)\n", "", "refuses a kind"],
    ["sessions can be written", LOSS, "redis.call('ZADD', KEYS[3], 1, '')\n", "", "refuses a kind"],
    ["sessions can be taken out", LOSS, "redis.call('ZREM', KEYS[3], '')\n", "", "refuses a kind"],
    ["who went without it is told to the others", KNOWN, " or ARGV[1] == '1' then", " then", "without any packet"],
    [
      "sessions run out in Redis",
      "limits over machines",
      "redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)\n",
      "",
      "Redis: sessions count",
    ],
  ]),
  ...rules("proxy/shared/redis_driver.ts", [SENTINEL], [
    [
      "another master that the sentinels name is taken",
      "Redis Sentinel",
      "if (this.#master !== undefined && named !== undefined && !same(named, this.#master.address)) this.#drop();",
      "",
      "that the sentinels name counts",
    ],
  ]),
  ...rules("proxy/shared/sentinels.ts", [SENTINELS], [
    ["what is no address has no say", "Redis Sentinel", "if (host && port &&", "if (true ||"],
    [
      "most of them are right",
      "Redis Sentinel",
      "sort((a, b) => b.count - a.count)",
      "sort(() => 0)",
    ],
    [
      "one that answers nonsense is asked anew",
      "Redis Sentinel",
      "if (client !== undefined) closeRedis(client);",
      "if (client !== undefined) this.#clients.set(sentinel, client);",
      "Sentinels: ignore a sentinel with a wrong address, and ask it again",
    ],
  ]),
  ...rules("proxy/shared/redis_places.ts", [PLACES], [
    [
      "what is wrong is not repeated",
      "no secret in an error",
      "${problem}; ${WANTED}",
      "${problem}; ${WANTED} ${new Error().stack && 's3cret'}",
    ],
    ["sentinels have a master", "Redis Sentinel", 'if (master === "" || more.length > 0) throw', "if (false) throw"],
    [
      "a port is one",
      "options",
      " || parts.port < 1) {",
      ") {",
    ],
    ["one address has one host", "options", "if (addresses.length !== 1) throw", "if (false) throw"],
  ]),
  ...rules("kerberos/ap/replay/memory.ts", [MEMORY_REPLAYS], [
    [
      "one client has its share",
      "bounded for one client",
      "    if (this.#isShareUsed(client)) throw shareUsedError();\n",
      "",
    ],
    [
      "a share is given back",
      "bounded for one client",
      "    if (left === 0) this.#held.delete(client);\n    else this.#held.set(client, left);\n",
      "",
    ],
  ]),
  ...rules("kerberos/ap/replay/share.ts", [MEMORY_REPLAYS], [
    ["an eighth is everybody's", "bounded for one client", "Math.max(Math.floor(capacity / SHARE), free)", "free"],
  ]),
  ...rules("kerberos/ap/replay/start_time.ts", [START_TIME], [
    [
      "when it was made is by a clock that nobody sets",
      "RFC 4120 section 3.2.3",
      "return this.#now() - (this.#elapsed() - this.#from);",
      "return this.#from;",
    ],
  ]),
  ...rules("kerberos/ap/replay/shared.ts", [SHARED_REPLAYS], [
    [
      "one client has half of a place",
      "bounded for one client",
      "    if (terms.client !== 0 && isShareUsed(held, SLOTS, free)) throw shareUsedError();\n",
      "",
    ],
  ]),
  ...rules("socks/wire/proxy_header.ts", [PROXY], [
    ["a line ends with CR and LF", `${SPEC} 2.1`, "if (bytes[end - 1] !== 0x0d) throw", "if (false) throw"],
    ["a line has an end", `${SPEC} 2.1`, "if (bytes.length >= LONGEST_LINE) throw", "if (false) throw"],
    [
      "an address is of the family",
      `${SPEC} 2.1`,
      "parseIp(address)?.length !== size",
      "parseIp(address) === undefined",
    ],
    ["a port is one", `${SPEC} 2.1`, "if (Number(number) > 65_535) throw", "if (false) throw"],
    ["the version is 2", `${SPEC} 2.2`, "if (version !== 2) throw", "if (false) throw"],
    ["a command is one of two", `${SPEC} 2.2`, "if (command !== LOCAL && command !== PROXY) throw", "if (false) throw"],
    [
      "LOCAL is the balancer's own",
      `${SPEC} 2.2`,
      'if (command === LOCAL) return { value: { type: "local" }, length };',
      "",
    ],
    [
      "family and protocol are known ones",
      `${SPEC} 2.2`,
      "if (family > UNIX || protocol > 2) throw",
      "if (false) throw",
    ],
    ["addresses are there", `${SPEC} 2.2`, "if (length < extensions) throw", "if (false) throw"],
    ["a header has a limit", "bounded memory", "if (length > LONGEST_HEADER) {", "if (false) {"],
    ["an extension is within it", `${SPEC} 2.2`, "if (!(end <= header.length)) throw", "if (false) throw"],
    ["a checksum is right", `${SPEC} 2.2.3`, "if (crc32c(header, value) !== found) throw", "if (false) throw"],
    ["a checksum has four bytes", `${SPEC} 2.2.3`, "if (end - value !== 4) throw", "if (false) throw"],
    [
      "datagrams and sockets in the file system have no address here",
      `${SPEC} 2.2`,
      "if (family === UNIX || protocol !== STREAM) return",
      "if (false) return",
    ],
  ]),
  ...rules("socks/stream/proxy_protocol.ts", [PROXY], [
    [
      "only balancers are believed",
      `${SPEC} 2`,
      "if (this.#isBalancer(connection)) void",
      "if (true) void",
      "from other peers",
    ],
    [
      "balancers are named",
      `${SPEC} 2`,
      "if (!Array.isArray(from) || from.length === 0) {",
      "if (!Array.isArray(from)) {",
      "blocks only",
    ],
    [
      "a header has a time",
      "liveness",
      "onAbort(deadline.signal, () => closeQuietly(connection));",
      "",
      "slow header",
    ],
    [
      "there is a number of them",
      "bounded memory",
      "if (this.#waiting.size > this.#maxWaiting) this.#cancelOldest();",
      "",
      "oldest is closed",
    ],
    [
      "a slow one holds up nobody",
      "liveness",
      "void this.#readHeader(connection);",
      "await this.#readHeader(connection);",
      "slow header",
    ],
    [
      "the balancer is told apart",
      "UDP behind a balancer",
      "    relayedBy: remote,\n",
      "    relayedBy: undefined,\n",
      "address from the header",
    ],
    [
      "one that comes behind the end is closed",
      "nothing is left",
      "if (this.#closed) return connection.close();",
      "",
      "address from the header",
    ],
    [
      "who waits ends with the listener",
      "nothing is left",
      'for (const { cancel } of [...this.#waiting]) cancel(new Error("The listener is closed"));',
      "",
      "only on request",
    ],
    [
      "nobody is accepted unasked",
      "backpressure",
      "while (this.#pending.length > 0) {",
      "for (;;) {",
      "only on request",
    ],
  ]),
  ...rules("proxy/running.ts", [HAPROXY], [
    [
      "a server listens with it",
      `${SPEC} 2`,
      "const how = { reusePort, proxyProtocol: balanced };",
      "const how = { reusePort };",
      "precedes TLS",
    ],
  ]),
  ...rules("cli/config/listeners.ts", [HAPROXY], [
    [
      "the command line too",
      `${SPEC} 2`,
      "proxyProtocol: from && { from, timeout: timeouts?.handshake },",
      "proxyProtocol: undefined,",
      "gssocks serve",
    ],
  ]),
  ...rules("cli/config/shared_store.ts", [CONFIG], [
    [
      "one store is named",
      "options",
      "if ((redis === undefined) === (kv === undefined)) throw",
      "if (false) throw",
      "through one store",
    ],
    ["nothing is said in vain", "options", "if (idle.length > 0) throw", "if (false) throw", "through one store"],
  ]),
];
