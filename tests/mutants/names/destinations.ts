/**
 * Who may go where, and what is dialled.
 *
 * @module
 */
import { type Mutant, rules } from "../mutant.ts";
import { ANSWERS, HOSTS, PROPERTIES, RULES, SERVER, SSRF, UTS46 } from "./shared.ts";

/** The rules. */
export const DESTINATIONS: readonly Mutant[] = [
  ...rules("socks/rules/rule_set.ts", [RULES], [
    [
      "a name is looked up only where an address could fit",
      "RuleSet",
      'if (rule.destinations.some(({ type }) => type === "address")) return UNDECIDED;',
      "",
    ],
    [
      "names of queries are in the form (address)",
      UTS46,
      "    const asked = this.#addressQuery(hostname, bytes);\n    // A connection",
      "    const asked = this.#addressQuery(query.hostname, bytes);\n    // A system",
    ],
  ]),
  ...rules("socks/rules/destination.ts", [RULES], [
    [
      "allow * opens no special address",
      SSRF,
      'const mustName = action === "allow" && special !== undefined;',
      "const mustName = false;",
    ],
    [
      "only a rule that names the address opens it",
      SSRF,
      "return !mustName && matchesName(destination, hostname);",
      "return matchesName(destination, hostname);",
    ],
    [
      "a domain begins at a dot",
      "RuleSet",
      'return text.startsWith(".") ? `.${hostName(text.slice(1))}` : hostName(text);',
      'return hostName(text.replace(/^\\./, ""));',
    ],
    [
      "an address is denied in every disguise",
      SSRF,
      'action === "deny" ? embeddedIpv4(address, prefixes) : [',
      "false ? [] : [",
    ],
    [
      "no disguise opens an address",
      SSRF,
      'action === "deny" ? embeddedIpv4(address, prefixes) : [',
      "true ? embeddedIpv4(address, prefixes) : [",
    ],
    [
      "a name is the whole name",
      "RuleSet",
      "exact ? hostname === suffix : hostname",
      "exact ? hostname.endsWith(suffix) : hostname",
    ],
  ]),
  ...rules("socks/rules/verdict.ts", [RULES], [
    [
      "what fits no rule is denied",
      "deny by default",
      "const NO_RULE_ALLOWS: Verdict = { allowed: false,",
      "const NO_RULE_ALLOWS: Verdict = { allowed: true,",
    ],
  ]),
  ...rules("socks/rules/rule_set.ts", [HOSTS], [
    [
      "names of queries are in the form (name)",
      UTS46,
      "matchesName(place, hostname))) return verdictOf(rule, i + 1);\n      // The address",
      "matchesName(place, query.hostname))) return verdictOf(rule, i + 1);\n      // The address",
    ],
    [
      "what is no host is denied",
      "deny by default",
      "return { allowed: false, reason: error.message };",
      "return hostname;",
    ],
    ["names of rules are in the form", UTS46, "Object.freeze(rules.map(withNormalNames))", "Object.freeze([...rules])"],
  ]),
  ...rules("socks/rules/destination.ts", [PROPERTIES], [
    [
      "who comes from nowhere is denied by any source",
      "deny by default",
      'bytes === undefined ? action === "deny" : inBlocks(action, sources',
      "bytes === undefined ? false : inBlocks(action, sources",
    ],
    [
      "who comes from nowhere is allowed by none",
      "deny by default",
      'bytes === undefined ? action === "deny" : inBlocks(action, sources',
      "bytes === undefined ? true : inBlocks(action, sources",
    ],
  ]),
  ...rules("socks/rules/parse_rule.ts", [RULES], [
    [
      "what is no condition is refused",
      "CVE-2024-54662",
      "else throw fail(unknownCondition(",
      "else void fail(unknownCondition(",
    ],
  ]),
  ...rules("socks/rules/rule_fields.ts", [RULES], [
    ["localhost is the loopback addresses", "RFC 6761 section 6.3", 'if (suffix === "localhost") {', "if (false) {"],
    ["ports are in order", "no slip is a rule", "first <= last && last <= 65_535", "last <= 65_535"],
  ]),
  ...rules("socks/rules/rule_fields.ts", [HOSTS], [
    [
      "localhost in every spelling",
      "RFC 6761 section 6.3",
      'if (suffix === "localhost") {',
      'if (text === "localhost") {',
    ],
    [
      "addresses are written as such",
      "no slip is a rule",
      "if (parseIp(host) !== undefined) {",
      "if (false as boolean) {",
    ],

    ["errors are TypeErrors", "documented", "cause instanceof RangeError ? new TypeError", "false ? new TypeError"],
  ]),
  ...rules("socks/wire/cidr.ts", [HOSTS], [
    [
      "blocks of mapped addresses are of IPv4",
      SSRF,
      "if (block === undefined || block.bits < 96) return block;",
      "return block;",
    ],
  ]),
  ...rules("socks/rules/rule_fields.ts", [PROPERTIES], [
    ["a rule that can fit nobody is refused", "CVE-2024-54662", "  checkConditions(rule);\n", ""],
  ]),
  ...rules("socks/wire/cidr.ts", [RULES], [
    [
      "no bits behind those that count",
      "no slip is a rule",
      "if (network.some((byte, i) => (byte & ~mask(bits, i)) !== 0)) {",
      "if (false) {",
    ],
    ["bits end with the address", "no slip is a rule", "if (bits > 8 * network.length) throw", "if (false) throw"],
  ]),
  ...rules("socks/rules/special_ranges.ts", [RULES], [
    ["metadata services", SSRF, '"100.100.100.200",', ""],
    ["metadata services outside private blocks", SSRF, '"168.63.129.16",', ""],
    ["loopback", "RFC 6890", '["loopback", ["127.0.0.0/8", "::1"]],', '["loopback", ["127.0.0.1", "::1"]],'],
    ["private", "RFC 1918", '"172.16.0.0/12", ', ""],
    ["unique local", "RFC 4193", ', "fc00::/7"', ""],
    ["link-local", "RFC 3927", '["169.254.0.0/16", "fe80::/10"]', '["fe80::/10"]'],
    ["shared", "RFC 6598", '["shared (CGNAT)", ["100.64.0.0/10"]],', ""],
    ["this network", "RFC 6890", '["0.0.0.0/8", "::"]', '["::"]'],
    ["multicast", "RFC 5771", '["224.0.0.0/4", ', "["],
    ["reserved", "RFC 1112 section 4", '"240.0.0.0/4",', ""],
    [
      "only global unicast is public",
      "RFC 4291 section 2.4",
      '&& !inCidr(address, GLOBAL_UNICAST) ? "reserved"',
      '&& false ? "reserved"',
    ],
  ]),
  ...rules("socks/rules/embedded_ipv4.ts", [RULES], [
    [
      "IPv4-compatible addresses are looked into",
      SSRF,
      '  [parseCidr("::/96")!, (bytes) => bytes.subarray(12)],\n',
      "",
    ],
    [
      "translated addresses are looked into",
      "RFC 2765",
      '  [parseCidr("::ffff:0:0:0/96")!, (bytes) => bytes.subarray(12)],\n',
      "",
    ],
    ["NAT64 is looked into", "RFC 6052", "  [WELL_KNOWN_PREFIX, (bytes) => bytes.subarray(12)],\n", ""],
    ["6to4 is looked into", "RFC 3056", '  [parseCidr("2002::/16")!, (bytes) => bytes.subarray(2, 6)],\n', ""],
    [
      "Teredo's server is looked into",
      "RFC 4380",
      '  [parseCidr("2001::/32")!, (bytes) => bytes.subarray(4, 8)],\n',
      "",
    ],
    [
      "Teredo's client is looked into",
      "RFC 4380",
      '  [parseCidr("2001::/32")!, (bytes) => bytes.slice(12).map((byte) => byte ^ 0xff)],\n',
      "",
    ],
  ]),
  ...rules("socks/rules/client_rules.ts", [PROPERTIES], [
    [
      "who fits no client rule is denied",
      "deny by default",
      '{ allowed: false, reason: "no client rule allows it" }',
      '{ allowed: true, reason: "" }',
    ],
    [
      "conditions that are not known yet are refused",
      "CVE-2024-54662",
      'if (block === undefined && part.trim() !== "*") {',
      "if (false) {",
    ],
    ["clients are denied in every disguise", SSRF, '...(action === "deny" ? embeddedIpv4(bytes) : [])', ""],
  ]),
  ...rules("socks/server/targets/judged.ts", [SERVER], [
    ["each address is judged", SSRF, "judged.filter(({ verdict }) => verdict.allowed);", "judged;"],
    [
      "a denied name is not looked up",
      SSRF,
      "  if (!verdict.allowed) throw notAllowed(request, verdict.reason, verdict);\n  return verdict;",
      "  return verdict;",
    ],
  ]),
  ...rules("socks/server/targets/judged.ts", [HOSTS], [
    [
      "localhost is judged before it is looked up",
      "RFC 6761 section 6.3",
      "  if (isLocalhost(hostname)) passed(request, rules, { addresses: LOOPBACK_ADDRESSES, names: [] });\n",
      "",
    ],
    [
      "localhost is loopback",
      "RFC 6761 section 6.3",
      " || isLocalhost(hostname);",
      ";",
    ],
    ["hosts are judged in their form", UTS46, "const request = normalEndpoint(received);", "const request = received;"],
    [
      "what goes through an upstream is a connection",
      "upstream",
      'if (request.command !== "connect" && upstreamed !== undefined) {',
      "if (false) {",
    ],
    [
      "a name without an address is no success",
      "RFC 1928 section 6",
      'if (addresses.length === 0) throw new SocksReplyError("HOST_UNREACHABLE"',
      'if (addresses.length === 0) throw new SocksReplyError("GENERAL_FAILURE"',
    ],
  ]),
  ...rules("socks/server/targets/direct.ts", [HOSTS], [
    [
      "literal addresses are judged before an upstream gets them",
      SSRF,
      " && !isKnownHost(hostname)) {",
      ") {",
    ],
    [
      "the judged address goes to the upstream",
      SSRF,
      "{ ...request, hostname: address, signal }",
      "{ ...request, signal }",
    ],
    ["hosts are judged in their form", UTS46, "const request = normalEndpoint(received);", "const request = received;"],
    [
      "an upstream is one that is named",
      "upstream",
      "Object.hasOwn(upstreams, name) ? upstreams[name] : undefined",
      "Object.values(upstreams)[0]",
    ],
  ]),
  ...rules("socks/server/targets/direct.ts", [SERVER], [
    [
      "the judged address is dialled",
      SSRF,
      "await reach({ hostname: address, port }, signal",
      "await reach({ hostname, port }, signal",
    ],
  ]),
  ...rules("socks/server/targets/look_up.ts", [HOSTS], [
    [
      "an address that is denied is not told",
      SSRF,
      "await judgedAddresses(request, { rules: rules(), resolve });",
      "(await resolve(hostname, { signal })).map((address) => ({ address }));",
    ],

    ["names that are found are in the form", UTS46, "return foundName(hostname, name);", "return name;"],
  ]),
  ...rules("socks/client/request.ts", [ANSWERS], [
    [
      "a client hangs up when it is refused",
      "RFC 1928 section 3",
      "  } catch (error) {\n    close();\n",
      "  } catch (error) {\n",
    ],
  ]),
  ...rules("socks/client/request.ts", [HOSTS], [
    [
      "a proxy is named in its form",
      UTS46,
      "const proxy = reachableEndpoint(options.proxy);",
      "const { proxy } = options;",
    ],
    [
      "targets are in the form before anything is sent",
      "CVE-2023-38545",
      "const normal = normalEndpoint(request);",
      "const normal = request;",
    ],
  ]),
  ...rules("socks/client/resolve.ts", [HOSTS], [
    [
      "lookups are in the form before anything is sent",
      "CVE-2023-38545",
      'const hostname = hostName(checkHost("hostname", options.hostname));',
      "const { hostname } = options;",
    ],
  ]),
  ...rules("proxy/calls.ts", [HOSTS], [
    [
      "a target is told in its form",
      UTS46,
      'hostname: hostName(checkHost("hostname", hostname))',
      "hostname",
    ],
  ]),
  ...rules("socks/shell/tls_over.ts", ["tests/proxy/transports_test.ts"], [
    [
      "a certificate is for the name in its form",
      "RFC 6066 section 3",
      "const hostname = hostName(options.hostname);",
      "const { hostname } = options;",
      "TLS inside SOCKS",
    ],
  ]),
];
