/**
 * How names are looked up, and what is judged on the way.
 *
 * @module
 */
import { type Mutant, rules } from "../mutant.ts";
import { SSRF } from "./shared.ts";

const MESSAGE = "tests/socks/names/dns_message_test.ts";
const FILES = "tests/socks/names/files_test.ts";
const LOOK_UPS = "tests/socks/names/look_ups_test.ts";
const SYSTEM = "tests/socks/shell/system_resolver_test.ts";
const JUDGED = "tests/socks/server/targets/judged_test.ts";

const SHARE = "slow name servers";
const DNS = "RFC 1035 section 4.1";
const POISON = "RFC 5452 section 9.1";
const CONF = "resolv.conf(5)";
const DEAD = "a dead name server";

/** The rules. */
export const RESOLVER: readonly Mutant[] = [
  ...rules("socks/names/dns_message.ts", [MESSAGE], [
    ["an answer has the question's number", POISON, "this.#view.getUint16(0) !== id || ", ""],
    ["an answer is one", DNS, "(flags & 0xf800) !== 0x8000", "(flags & 0x7800) !== 0"],
    ["an answer is to a query", DNS, "(flags & 0xf800) !== 0x8000", "(flags & 0x8000) !== 0x8000"],
    ["an answer has one question", DNS, "this.#view.getUint16(4) !== 1 || ", ""],
    [
      "an answer is about the name",
      POISON,
      " || this.#name() !== name.toLowerCase()",
      " || this.#name() === undefined",
    ],
    ["an answer is about the kind", POISON, "this.#uint16() !== type || ", "this.#uint16() < 0 || "],
    ["an answer is about the Internet", POISON, "|| this.#uint16() !== INTERNET", "|| this.#uint16() < 0"],
    ["what is cut has no records", "RFC 2181 section 9", "truncated ? 0 : ", ""],
    ["a record is within the message", DNS, "if (end > this.#view.byteLength) throw", "if (false) throw"],
    ["a record of another class is none", DNS, "recordClass === INTERNET ? this", "true ? this"],
    ["an address has its length", DNS, "if (length !== wanted) throw", "if (false) throw"],
    ["pointers lead back", "RFC 1035 section 4.1.4", "if (target >= at) throw", "if (target === at) throw"],
    ["pointers cost", "CVE-2000-0333", "        bytes++;\n", ""],
    [
      "labels of other kinds are refused",
      "RFC 6891 section 5",
      "} else if (length > 63) throw",
      "} else if (false) throw",
    ],
    ["names have 255 bytes", "RFC 1035 section 2.3.4", "if (bytes > 255) throw", "if (false) throw"],
    ["names are in lower case", "RFC 4343", "String.fromCharCode(byte).toLowerCase()", "String.fromCharCode(byte)"],
    ["a dot in a label is no dot", "CVE-2021-22931", "/[a-z0-9_-]/.test(character)", "/[a-z0-9_.-]/.test(character)"],
    [
      "CNAMEs end",
      "RFC 1034 section 3.6.2",
      "if (names.length === MAX_CNAMES) return undefined;",
      "if (names.length === 64) return undefined;",
    ],
    ["each CNAME is told", SSRF, "names.push(last = next);", "last = next;"],
    ["records of others count for nothing", POISON, " && record.owner === last", ""],
  ]),
  ...rules("socks/names/hosts_file.ts", [FILES], [
    ["comments are none", "hosts(5)", 'line.split("#", 1)[0]!.trim()', "line.trim()"],
    ["comments end with their line", "hosts(5)", 'line.split("#", 1)[0]!', 'line.replace(/#.*/, "")'],
    ["the first name of a line is told", SSRF, "entry.names.push(names[0]!)", "void 0"],
    ["lines that cannot be read are passed over", "hosts(5)", "bytes === undefined || names", "names"],
    [
      "all lines count",
      "hosts(5)",
      "let entry = byName.get(name);",
      "let entry = undefined as { addresses: string[]; names: string[] } | undefined;",
    ],
  ]),
  ...rules("socks/names/resolv_conf.ts", [FILES], [
    ["LOCALDOMAIN counts more than the file", CONF, "localDomain === undefined ? []", "true ? []"],
    ["RES_OPTIONS count", CONF, "`options ${line(options)}`,", "`options`,"],
    ["without a list the domain of the host is one", CONF, 'host.includes(".") ?', "false ?"],
    [
      "a server at all addresses is one at loopback",
      CONF,
      "hostname: reachableAddress(values[0])",
      "hostname: values[0]",
    ],
    ["three servers", CONF, " && servers.length < MAX_SERVERS", ""],
    ["servers are addresses", CONF, " && isServer(values[0])", ""],
    [
      "the last list counts",
      CONF,
      'else if (key === "search" || key === "domain") search =',
      'else if (search.length === 0 && (key === "search" || key === "domain")) search =',
    ],
    ["a domain is one", CONF, 'key === "domain" ? values.slice(0, 1) : values', "values"],
    ["lists are bounded", "amplification", "texts.slice(0, MAX_DOMAINS)", "texts"],
    ["numbers are bounded", CONF, "Math.min(Math.max(Number(found), least), most)", "Number(found)"],
    ["a name of few dots is looked up below first", CONF, ">= ndots ?", ">= 0 ?"],
    ["what does not fit is not asked for", DNS, ".filter(({ length }) => length <= 253)", ""],
    [
      "other sources of names are the C library's",
      "nsswitch.conf(5)",
      '.join(" ") === "files dns"',
      '.join(" ").startsWith("files")',
    ],
  ]),
  ...rules("socks/names/address_order.ts", [FILES], [
    [
      "what leads nowhere is last",
      "RFC 6724 section 6, rule 1",
      "Number(b.isReachable) - Number(a.isReachable) || ",
      "",
    ],
    ["IPv6 first", "RFC 6724 section 6, rule 6", " || b.precedence - a.precedence", ""],
  ]),
  ...rules("socks/shell/system_file.ts", [FILES], [
    ["a file that is as it was is not read", "cost", "if (version === before?.version) return before;", ""],
    ["so much of a file is read", "memory", "Math.min(MAX_LENGTH, ", "Math.max(0, "],
  ]),
  ...rules("socks/shell/deno_names.ts", [FILES], [
    ["no file is an empty one", "hosts(5)", 'if (error instanceof Deno.errors.NotFound) return "";', ""],
  ]),
  ...rules("socks/names/rechecked_value.ts", [FILES], [
    ["a file is looked at once a second", "cost", "if (now - this.#checked < INTERVAL) return", "if (false) return"],
  ]),
  ...rules("socks/names/look_ups.ts", [LOOK_UPS], [
    ["one has a part of the places", SHARE, ", { perOwner: limits.perOwner }", ""],
    ["so many at one time", SHARE, "new Semaphore(limits.places,", "new Semaphore(1_000,"],
    ["queues are bounded", SHARE, "if (queued >= this.#limits.waiting)", "if (queued >= 50)"],
    [
      "queues are each one's own",
      SHARE,
      "const queued = this.#queuedOf.get(owner) ?? 0;",
      "const queued = this.#semaphore.waiting - 1;",
    ],
    [
      "the same is looked up once",
      SHARE,
      "if (equal !== undefined) return await this.#join(equal",
      "if (false) return await this.#join(equal!",
    ],
    [
      "who waits for the same is called",
      SHARE,
      "for (const caller of queued ?? [])",
      "for (const caller of [] as AbortController[])",
    ],
    ["a look-up ends with the last who waits", SHARE, "running.controller.abort(new Error(", "void (new Error("],
    [
      "what has ended is nobody's answer",
      SHARE,
      "        this.#forget(running);\n        running.controller",
      "        running.controller",
    ],
    [
      "a place is given back",
      SHARE,
      "      this.#forget(running);\n      this.#semaphore.release(owner);",
      "      this.#forget(running);",
    ],
    [
      "what cannot be ended is joined",
      SHARE,
      "if (running.callers === 0 && this.#limits.abortable) {",
      "if (running.callers === 0) {",
    ],
    [
      "who goes leaves the queue",
      SHARE,
      "using _ = onAbort(signal, (reason) => leave.abort(reason));",
      "using _ = onAbort(undefined, (reason) => leave.abort(reason));",
    ],
  ]),
  ...rules("socks/names/resolver.ts", [LOOK_UPS], [
    [
      "a user is one wherever he is",
      SHARE,
      'if (user !== "") return `user ${user}`;',
      'if (user !== "") return `user ${user} ${source}`;',
    ],
    ["a network of IPv6 is one", SHARE, "sourceName({ hostname: source, port: 0 }) ?? source", "source"],
  ]),
  ...rules("socks/names/dns_queries.ts", [SYSTEM], [
    ["an answer comes from the server", POISON, "sender.port === server.port && ", ""],
    ["what is cut comes over TCP", "RFC 7766 section 5", "if (!answer.truncated) return answer;", "return answer;"],
    ["over TCP where it is to be", CONF, "if (!tcp) {", "if (true) {"],
  ]),
  ...rules("socks/names/stub_resolver.ts", [SYSTEM], [
    [
      "the way through the search list is told",
      SSRF,
      "candidate === name ? found.names : [candidate, ...found.names]",
      "found.names",
    ],
    ["the search list is followed", CONF, "of candidates(name, conf)", "of [name]"],
    ["servers are asked in turn", CONF, "if (!isSilent) break;", "break;"],
    ["who cannot say is not asked again", CONF, "    if (!isSilent) break;\n", ""],
    ["servers take turns in being first", CONF, "rotate ? nextServer++ % servers.length : 0", "0"],
    [
      "a name that is not there is not asked for in the other family",
      "RFC 8020",
      'limit.limit(OTHER_FAMILY, () => new Error("There is no such name"));',
      "void 0;",
    ],
    [
      "one family does not wait for ever for the other",
      "RFC 8305 section 3",
      "if (!isFailure(outcome)) limit.limit(OTHER_FAMILY,",
      "if (!isFailure(outcome)) limit.limit(Infinity,",
    ],
    [
      "NXDOMAIN for one family does not end the other at once",
      "RFC 4074 section 4.2",
      'limit.limit(OTHER_FAMILY, () => new Error("There is no such name"));',
      'limit.abort(new Error("There is no such name"));',
    ],
    ["a server that is silent has less time", DEAD, "isShort ? Math.min(timeout, SHORT_TIMEOUT) : timeout", "timeout"],
    ["the last server has its time", DEAD, "i < servers.length - 1 && silentServers", "silentServers"],
    ["a server that answers is not silent", DEAD, "    report(true);\n", ""],
    ["a server that is not waited for is silent, too", DEAD, "    report(false);\n", ""],
    ["NXDOMAIN is told", "RFC 1035 section 4.1.1", 'if (code === RCODE.NXDOMAIN) return "NXDOMAIN";', ""],
    ["REFUSED is told", "RFC 1035 section 4.1.1", 'if (code === RCODE.REFUSED) return "REFUSED";', ""],
    ["SERVFAIL is told", "RFC 1035 section 4.1.1", 'if (code !== RCODE.NOERROR) return "SERVFAIL";', ""],
    ["NODATA is told", "RFC 2308 section 2.2", 'return path.values.length === 0 ? "NODATA" : path;', "return path;"],
    ["no IPv6 where there is to be none", CONF, "lookUp.conf.noIpv6 ?", "false ?"],
  ]),
  ...rules("socks/names/silent_servers.ts", [SYSTEM], [
    ["who answers others is not silent", DEAD, " && answers === before", ""],
    ["who had no time is not silent", DEAD, "this.#now() - since >= SHORT_TIMEOUT", "true"],
    ["who answers again is not silent", DEAD, "        this.#silent.delete(key);\n", ""],
  ]),
  ...rules("socks/names/system_resolver.ts", [SYSTEM], [
    ["a dot at the end keeps the search list away", CONF, "isFull && all !== undefined ?", "false ?"],

    [
      "localhost is not asked for",
      "RFC 6761 section 6.3",
      "if (isLocalhost(name)) return",
      "if (false) return",
    ],

    [
      "threads are counted until they are free",
      SHARE,
      "waiting: 1_024, abortable: false }",
      "waiting: 1_024, abortable: true }",
    ],
  ]),
  ...rules("socks/names/timed_resolver.ts", [SYSTEM], [
    [
      "a look-up has a time of its own",
      "names that are slow",
      "using deadline = startDeadline({ milliseconds, signal",
      "using deadline = startDeadline({ milliseconds: Infinity, signal",
    ],
  ]),
  ...rules("socks/names/system_resolver.ts", [SYSTEM], [
    ["an address is its own", "getaddrinfo", "if (parseIp(name) !== undefined) return {", "if (false) return {"],
    ["the hosts file is first", "hosts(5)", "if (known !== undefined) return sorted(known);", ""],
    ["threads are few", SHARE, "const THREADS = { places: 6,", "const THREADS = { places: 60,"],
    [
      "threads of one are fewer",
      SHARE,
      "const THREADS = { places: 6, perOwner: 2,",
      "const THREADS = { places: 6, perOwner: 6,",
    ],
    [
      "sockets of one are a part",
      SHARE,
      "const SOCKETS = { places: 512, perOwner: 128,",
      "const SOCKETS = { places: 512, perOwner: 512,",
    ],
    ["the C library follows no search list for names with dots", SSRF, "? `${name}.` : name", "? name : name"],
  ]),
  ...rules("proxy/server_options.ts", [SYSTEM], [
    [
      "a look-up has a third of the time",
      "names that are slow",
      "Math.min(LOOKUP_TIME, Math.ceil(timeoutsOf(options).connect / 3))",
      "LOOKUP_TIME",
    ],
  ]),
  ...rules("proxy/serving.ts", ["tests/interop/resolver_test.ts"], [
    [
      "the system's files are read while they may be",
      "permissions",
      "if (options.resolve === undefined) system.readNames();",
      "",
    ],
  ]),
  ...rules("socks/names/resolver.ts", [JUDGED], [
    ["what a resolver gives is looked at", "platform", "if (isTexts(addresses) && isTexts(names)) return", "return"],
  ]),
  ...rules("socks/names/timed_resolver.ts", [JUDGED], [
    ["a resolver need not give a promise", "platform", "async () => await resolve(name, {", "() => resolve(name, {"],
  ]),
  ...rules("socks/server/targets/judged.ts", [JUDGED], [
    ["names on the way are judged", SSRF, "if (!there.allowed) {", "if (false) {"],
    [
      "so many addresses of a name",
      "scanning",
      "if (addresses.length <= MOST_ADDRESSES) return addresses;",
      "if (addresses.length > 0) return addresses;",
    ],
    [
      "both families are among them",
      "RFC 8305 section 4",
      "Math.max(half, MOST_ADDRESSES - (addresses.length - ipv6))",
      "MOST_ADDRESSES",
    ],
    ["look-ups are on somebody's behalf", SHARE, "{ signal, user: identity.name, source }", "{ signal }"],
  ]),
  ...rules("socks/server/targets/look_up.ts", [JUDGED], [
    ["look-ups of addresses are on somebody's behalf", SHARE, "{ signal, user: identity.name, source }", "{ signal }"],
  ]),
  ...rules("socks/rules/rule_set.ts", [JUDGED], [
    [
      "what a rule denies by address it does not deny by name",
      "RuleSet",
      'action === "allow" || type === "domain"',
      "true",
    ],
    ["what no rule speaks of does not matter", "RuleSet", "    return NO_RULE_DENIES;", "    return NO_RULE_ALLOWS;"],
  ]),
];
