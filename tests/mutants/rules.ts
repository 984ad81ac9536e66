/**
 * Rules of this area, each with the change that switches it off: how many addresses a request tries, what rules see of NAT64, which
 * blocks name nothing, the address in events, what the system says of a connection that fails, and addresses to go out from.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const INTERLEAVED = "tests/base/interleaved_test.ts";
const MANY = "tests/socks/server/targets/many_addresses_test.ts";
const NAT64 = "tests/socks/names/nat64_test.ts";
const UDP = "tests/socks/server/datagrams/nat64_test.ts";
const SERVE_NAT64 = "tests/proxy/serve_nat64_test.ts";
const RULES = "tests/socks/rules/rules_test.ts";
const DIAL = "tests/socks/stream/dial_errors_test.ts";
const EGRESS = "tests/proxy/egress_test.ts";
const EVENTS = "tests/socks/server/address_events_test.ts";
const EYEBALLS = "RFC 8305 section 5";
const EMBEDDED = "RFC 6052 section 2.2";
const FOUND = "RFC 7050 section 3";
const SSRF = "server-side request forgery";

/** The rules. */
export const RULES_MUTANTS: readonly Mutant[] = [
  ...rules("base/interleaved.ts", [INTERLEAVED], [
    ["families alternate", "RFC 8305 section 4", "return mixed;", "return [...items];"],
    ["the order inside a family stays", "RFC 8305 section 4", "else same.push(item);", "else same.unshift(item);"],
  ]),
  ...rules("socks/server/targets/happy_eyeballs.ts", [MANY], [
    ["so many attempts at one time", EYEBALLS, "atOnce = 4,", "atOnce = 8,", "two hundred"],
    [
      "attempts wait for a place",
      EYEBALLS,
      "race.pending.length >= atOnce",
      "false",
      "firstToConnect(): gives up the oldest attempt for the next",
    ],
    [
      "the oldest makes room",
      EYEBALLS,
      "oldest!.controller.abort(deadline.signal.reason);",
      "",
      "firstToConnect(): gives up the oldest attempt for the next",
    ],
    [
      "patience with the oldest",
      EYEBALLS,
      "oldest!.since + patience - monotonicNow()",
      "0",
      "firstToConnect(): gives up the oldest attempt for the next",
    ],
    [
      "a place is free when its socket is gone",
      EYEBALLS,
      "await untilSettled([oldest!.trying]);",
      "",
      "firstToConnect(): counts an attempt until it has ended",
    ],
    [
      "one that ends makes room at once",
      EYEBALLS,
      "begun.ended = true);",
      "{});",
      "firstToConnect(): leaves the last attempts to the caller",
    ],
    [
      "an unreachable family says least",
      EYEBALLS,
      "!isNoRoute(reason)",
      "true",
      "firstToConnect(): prefers a failure to a missing route",
    ],
  ]),
  ...rules("socks/server/targets/direct.ts", [MANY, NAT64], [
    [
      "families are interleaved",
      EYEBALLS,
      "({ address }) => parseIp(address)?.length,",
      "() => 4,",
      "openDirectly(): tries sixteen addresses, families alternating",
    ],
    [
      "IPv4 is reached through NAT64 where no way leads",
      "RFC 8305 section 7.1",
      "if (others.length === 0) throw error;",
      "throw error;",
      "openDirectly(): reaches an IPv4 address without a route under a prefix, and judges the IPv4 address",
    ],
    [
      "NAT64 is for what has no way",
      "RFC 8305 section 7.1",
      'error.code !== "NETWORK_UNREACHABLE"',
      "false",
      "refuses",
    ],
    [
      "the address dialled is told",
      "security audit",
      "port: 0 }, address };",
      "port: 0 } };",
      "openDirectly(): reaches an IPv4 address without a route under a prefix, and judges the IPv4 address",
    ],
  ]),
  ...rules("socks/server/targets/judged.ts", [NAT64], [
    [
      "an IPv6 address waits for the first look for prefixes",
      FOUND,
      "if (pending !== undefined && addresses.some(",
      "if (false && addresses.some(",
      "Nat64Prefixes: requests for an IPv6 address wait a little for the first look-up",
    ],
    [
      "IPv4 waits for no prefix",
      FOUND,
      'addresses.some((address) => address.includes(":"))',
      "true",
      "Nat64Prefixes: requests for an IPv6 address wait a little for the first look-up",
    ],
  ]),
  ...rules("socks/rules/nat64.ts", [NAT64], [
    ["byte 8 is left out", EMBEDDED, "first + i >= U && bits < 96", "false"],
    ["six lengths", EMBEDDED, "if (!LENGTHS.includes(prefix.bits))", "if (false)"],
    ["byte 8 of a prefix is zero", EMBEDDED, "network[U] === 0 && ", ""],
    ["prefixes are where translators are", EMBEDDED, "&& HOMES.some((home) => inCidr(network, home))", ""],
    ["the longest prefix counts", EMBEDDED, ".sort((a, b) => b.bits - a.bits)", ".sort((a, b) => a.bits - b.bits)"],
    ["bits that mean nothing are none of ours", EMBEDDED, "byte === address[i]) ?", "byte === byte || i > 99) ?"],
    ["each prefix is found once", FOUND, "sameBlock(other, prefix)) === i", "sameBlock(other, prefix)) >= 0"],
    ["a prefix that is found can be one", FOUND, "known && isUsable(prefix)", "known"],
  ]),
  ...rules("socks/rules/special_ranges.ts", [NAT64, RULES], [
    [
      "special addresses behind a prefix are special",
      SSRF,
      "const forms = sent === undefined ?",
      "const forms = true ?",
    ],
    [
      "a prefix of one's own is no special place",
      EMBEDDED,
      "if (sent !== undefined) return undefined;",
      "",
    ],
    [
      "a rule for a prefix opens nothing special behind it",
      SSRF,
      "return block.bits >= 8 * first! + NAMING;",
      "return true;",
    ],
    [
      "what stands behind the IPv4 address names nothing",
      EMBEDDED,
      "address.length === block.network.length ? prefixesOf(address, nat64) : [];",
      "address.length === block.network.length && translated(address, nat64) ? prefixesOf(address, nat64) : [];",
    ],
    ["a large block names nothing", SSRF, "if (isBroad(block)) return false;", ""],
    ["a block is large below /8", SSRF, "const NAMING = 8;", "const NAMING = 4;"],
    ["a special range is named by its own block", "RFC 4193", "isWithin(block, special)", "false"],
  ]),
  ...rules("socks/rules/embedded_ipv4.ts", [NAT64, RULES], [
    [
      "a prefix that is told is not guessed at",
      EMBEDDED,
      "if (translated(address, nat64) !== undefined) return sent;",
      "",
    ],
    ["all prefixes that an address has are denied", EMBEDDED, "take(address)), ...sent];", "take(address))];"],
  ]),
  ...rules("socks/rules/rule_set.ts", [NAT64, RULES], [
    ["prefixes count in rules", EMBEDDED, "[...this.nat64.prefixes, WELL_KNOWN_PREFIX]", "[WELL_KNOWN_PREFIX]"],
    [
      "an allow holds under 64:ff9b::/96",
      "RFC 6052 section 2.1",
      "[...this.nat64.prefixes, WELL_KNOWN_PREFIX]",
      "[...this.nat64.prefixes]",
    ],
    [
      "nobody connects to no address",
      SSRF,
      ".every((byte) => byte === 0)) return UNSPECIFIED_ADDRESS;",
      ".every(() => false)) return UNSPECIFIED_ADDRESS;",
    ],
    ["no address in disguise either", SSRF, "if (reachedAddress(bytes, asked.prefixes).every", "if (bytes.every"],
  ]),
  ...rules("socks/rules/destination.ts", [NAT64, RULES], [
    ["only what allows can allow much", "warnings are true", 'return action === "allow" &&\n    dest', "return dest"],
  ]),
  ...rules("socks/names/nat64_prefixes.ts", [NAT64, SERVE_NAT64], [
    ["nothing is looked for unasked", FOUND, "if (!this.#discovers ||", "if ("],
    ["an answer is fresh for ten minutes", FOUND, "wait = REFRESH;", ""],
    ["a failure is tried again", FOUND, "let wait = RETRY;", "let wait = Infinity;"],
    ["a silent look-up is given up", FOUND, "milliseconds: timeout,", "milliseconds: Infinity,"],
    ["one look-up for all who ask", FOUND, "this.#next = Infinity;\n    let wait", "let wait"],
    ["what is the same is told once", "logs", "if (same && this.#announced) return;", ""],
    [
      "who watches ends nothing",
      "observers",
      "} catch {\n      // An exception",
      "} finally {\n      // An exception",
    ],
    [
      "nothing is taken behind the end",
      "life time",
      "if (this.#over.signal.aborted) return;\n    this.#next",
      "this.#next",
    ],
    ["what was found before counts", "reload", "this.#discovers ? found : []", "[]"],
    ["private addresses go under no prefix of everybody's", "RFC 6052 section 3.1", "isPublic ||", "true ||"],
    [
      "the first look is not waited for for long",
      FOUND,
      "waitAtMost(looking, patience,",
      "waitAtMost(looking, Infinity,",
    ],
  ]),
  ...rules("proxy/serving.ts", [SERVE_NAT64], [
    [
      "looking ends with the server",
      "life time",
      "    ended = true;\n    nat64[Symbol.dispose]();",
      "    ended = true;",
    ],
    ["looking begins with the server", FOUND, "  nat64.start();\n  let ended", "  let ended"],
    ["an ended server looks for nothing", "life time", "if (!ended) nat64.start();", "nat64.start();"],
    [
      "an update hands on what was found",
      "reload",
      "nat64Of(system, changed, nat64.found)",
      "nat64Of(system, changed)",
    ],
  ]),
  ...rules("proxy/server_options.ts", [EGRESS], [
    [
      "addresses to go out from are tried",
      "configuration",
      "if (addresses !== undefined) checkOwnAddresses(addresses, system.sockets.listen);",
      "",
    ],
  ]),
  ...rules("socks/stream/own_addresses.ts", [EGRESS], [
    [
      "a socket that tries an address is closed",
      "leaks",
      "listen({ hostname: address, port: 0 }).close();",
      "listen({ hostname: address, port: 0 });",
    ],
    ["who may not bind may connect", "permissions", 'cause.name === "NotCapable") continue;', "false) continue;"],
  ]),
  ...rules("cli/server/warnings.ts", [SERVE_NAT64], [
    [
      "rules by name that are not asked are told",
      SSRF,
      "...asksServers ? [] : namesOnly(rules),",
      "",
      "what a name becomes",
    ],
  ]),
  ...rules("socks/server/datagrams/nat64.ts", [UDP], [
    [
      "translators are faced from egress",
      "a machine with several addresses",
      'addressFor("::", egress) ?? "::"',
      '"::"',
    ],
    [
      "datagrams go through NAT64 where no way leads",
      "RFC 8305 section 7.1",
      "if (hostname === undefined || ",
      "if (true || ",
    ],
    ["and for no other reason", "RFC 8305 section 7.1", " || !maySayNoRoute(to, error)", ""],
    [
      "answers come from the IPv4 address",
      EMBEDDED,
      "options.onDatagram(bytes, this.#source(from))",
      "options.onDatagram(bytes, from)",
    ],
    ["both sockets are closed", "leaks", "this.#translating?.then((other) => other.close(), () => {});", ""],
  ]),
  ...rules("cli/check/check.ts", [EGRESS, SERVE_NAT64], [
    ["--check tries addresses to go out from", "configuration", "checkEgress(config);", "", "--check"],
    [
      "--check warns",
      "configuration",
      "    ...warnings(options).map(asFinding),\n",
      "",
      "--check",
    ],
  ]),
  ...rules("cli/config/settings.ts", [SERVE_NAT64], [
    ["--check reads prefixes", "configuration", "|| parseNat64Prefix(prefix)", "|| true"],
  ]),
  ...rules("cli/config/serve_options.ts", [SERVE_NAT64], [
    ["prefixes of the file are the server's", "configuration", "egress: config.egress,", "", "/^serve: .*NAT64/"],
  ]),
  ...rules("cli/server/warnings.ts", [SERVE_NAT64], [
    ["the start warns of rules that cover much", "configuration", "...muchAllowed(rules),", "", "count as"],
  ]),
  ...rules("socks/stream/dial_error.ts", [DIAL], [
    [
      "no network is a ruleset",
      "RFC 1928 section 6",
      'EACCES: ["HOST_UNREACHABLE", FORBIDDEN]',
      'EACCES: ["NOT_ALLOWED"]',
    ],
    [
      "a machine short of descriptors says so",
      "RFC 1928 section 6",
      'EMFILE: ["OUT_OF_RESOURCES", EXHAUSTED]',
      'EMFILE: ["GENERAL_FAILURE"]',
    ],
    ["a host that is down is unreachable", "RFC 1928 section 6", 'EHOSTDOWN: ["HOST_UNREACHABLE"],', ""],
    ["a network that is down is unreachable", "RFC 1928 section 6", 'ENETDOWN: ["NETWORK_UNREACHABLE"],', ""],
    ["errors without a name are known by number", "RFC 1928 section 6", '64: "ENONET", 112: "EHOSTDOWN"', ""],
    ["Deno's permissions are rules", "RFC 1928 section 6", 'error.name === "NotCapable") return', "false) return"],
    [
      "names of errors are no properties",
      "JavaScript",
      'return Object.hasOwn(ROWS, errno ?? "") ?',
      'return (errno ?? "") in ROWS ?',
    ],
  ]),
  ...rules("socks/server/commands/connect.ts", [EVENTS], [
    [
      "the session knows its address",
      "security audit",
      '{ type: "connected", bound, address, through });',
      '{ type: "connected", bound, through });',
    ],
  ]),
  ...rules("socks/server/commands/bind.ts", [EVENTS], [
    [
      "BIND's connection has an address",
      "security audit",
      "target: peer, address: peer, bound: pending.bound",
      "target: peer, bound: pending.bound",
    ],
  ]),
  ...rules("cli/log/event_log.ts", [EVENTS], [
    [
      "the log has the address",
      "security audit",
      "${atAddress(event.target, event.address)}",
      "",
    ],
    ["records have the address", "security audit", "record.address = formatEndpoint(event.address);", "record;"],
    ["an address is not logged twice", "security audit", "text === formatEndpoint(target)", "false"],
  ]),
  ...rules("proxy/telemetry.ts", [EVENTS], [
    ["spans have the address", "security audit", 'attributes["socks.address"] =', 'attributes["socks.other"] ='],
  ]),
  ...rules("cli/monitor/monitor.ts", [EVENTS], [
    [
      "the status page has the address",
      "security audit",
      'address: address === undefined ? "" : formatEndpoint(address),',
      'address: "",',
    ],
  ]),
];
