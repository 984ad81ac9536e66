/**
 * The one form of hosts.
 *
 * @module
 */
import { type Mutant, rules } from "../mutant.ts";
import { FORM, HOSTS, SSRF, UTS46, WIRE } from "./shared.ts";

/** The rules. */
export const HOST_NAMES: readonly Mutant[] = [
  ...rules("socks/wire/host_name.ts", [FORM], [
    ["names are mapped", UTS46, "return new URL(`http://${text}/`).hostname;", "return text.toLowerCase();"],
    [
      "the full stop at the end is dropped",
      "RFC 1034 section 3.1",
      'mappedName(text).replace(/\\.$/, "")',
      "mappedName(text)",
    ],
    [
      "what a URL reads otherwise is no name",
      "WHATWG URL section 3.5",
      "if (FORBIDDEN.test(text)) throw",
      "if (false) throw",
    ],
    ["other characters are in no name", "RFC 1123 section 2.1", "if (!NAME.test(mapped)) throw", "if (false) throw"],
    ["A-labels are looked into", UTS46, "(?:^|\\.)xn--|(?:^|\\.)(?:\\d", "(?:^|\\.)(?:\\d"],
    ["numbers are addresses or nothing", "WHATWG URL section 3.5", "xn--|(?:^|\\.)(?:\\d+|0x[0-9a-f]*)$/", "xn--/"],
    [
      "a name has 253 bytes",
      "RFC 1035 section 2.3.4",
      "if (mapped.length > LONGEST_NAME || LONG_LABEL",
      "if (LONG_LABEL",
    ],
    ["a label has 63 bytes", "RFC 1035 section 2.3.4", "LONGEST_NAME || LONG_LABEL.test(mapped)", "LONGEST_NAME"],
    [
      "plain names are measured too",
      "RFC 1035 section 2.3.4",
      " && !LONG_LABEL.test(text)) return text;",
      ") return text;",
    ],
    ["a spelling has a limit", "linear time", "if (text.length > LONGEST_SPELLING) throw", "if (false) throw"],
    ["brackets are taken off", "RFC 3986 section 3.2.2", "/^\\[([^\\]]*:[^\\]]*)\\]$/.exec(text)?.[1] ?? text", "text"],
    ["no IPv4 address is in brackets", "RFC 3986 section 3.2.2", "([^\\]]*:[^\\]]*)\\]$/", "([^\\]]*)\\]$/"],
    [
      "a zone is told as one",
      "RFC 4007 section 6",
      "if (/^\\[?[0-9a-f:.]*:[0-9a-f:.]*%/i.test(text)) {",
      "if (false) {",
    ],
    [
      "a mapped address is the IPv4 address",
      SSRF,
      "if (address !== undefined) return formatIp(unmapped(address));",
      "if (address !== undefined) return formatIp(address);",
    ],
    [
      "errors show nothing a terminal acts upon",
      "log injection",
      "return `\\\\u{${character.codePointAt(0)!.toString(16)}}`;",
      "return character;",
    ],
    [
      "this machine's own endpoints keep a zone",
      "RFC 4007 section 11",
      "%[^%]+$/i.test(endpoint.hostname) ? endpoint : normal",
      "%[^%]+$/i.test(endpoint.hostname) ? normalEndpoint(endpoint) : normal",
    ],
  ]),
  ...rules("socks/wire/host_name.ts", [HOSTS], [
    ["names below localhost are it", "RFC 6761 section 6.3", ' || hostname.endsWith(".localhost")', ""],
  ]),
  ...rules("socks/wire/ip.ts", [WIRE], [
    [
      "a part of a dotted quad is at most 255",
      "RFC 6943 section 3.1.1",
      "25[0-5]|2[0-4]\\\\d|",
      "2\\\\d\\\\d|",
    ],
    [
      "no octal in a dotted quad",
      "RFC 6943 section 3.1.1",
      "1\\\\d\\\\d|[1-9]?\\\\d)",
      "[01]?\\\\d?\\\\d)",
    ],
    ["one :: in an address", "RFC 4291 section 2.2", "if (halves.length > 2) return undefined;", ""],
    [
      "only ::ffff:0:0/96 is mapped",
      "RFC 4291 section 2.5.5.2",
      "bytes.length === 16 && MAPPED.every((byte, i) => bytes[i] === byte)",
      "bytes.length === 16",
    ],
  ]),
  ...rules("socks/wire/address.ts", [WIRE], [
    ["hosts go out in their form", UTS46, "hostname = hostName(endpoint.hostname);", "{ hostname } = endpoint;"],
    [
      "a mapped address is read as IPv4",
      SSRF,
      "readName(host) : formatIp(unmapped(host))",
      "readName(host) : formatIp(host)",
    ],
    [
      "address types that there are not",
      "RFC 1928 section 5",
      'new SocksReplyError("ADDRESS_TYPE_NOT_SUPPORTED"',
      'new SocksReplyError("GENERAL_FAILURE"',
    ],
    [
      "names are UTF-8",
      "RFC 3629 section 3",
      "hostName(exactText(bytes))",
      'hostName(new TextDecoder("latin1").decode(bytes))',
    ],
    ["an address sent as a name is one", SSRF, "return hostName(exactText", "return String(exactText"],
    [
      "texts of endpoints are in the form",
      UTS46,
      "hostname: hostName(parts.bracketed ? `[${parts.host}]` : parts.host)",
      "hostname: parts.host",
    ],
    ["a port is a port", "RFC 1928 section 4", "!Number.isInteger(port) || port < 0 || port > 65_535", "false"],
  ]),
];
