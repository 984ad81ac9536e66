/**
 * Rules of what programs at a bridge, and clients, are told, and of where a bridge listens, each with the change that switches it off.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const BRIDGE = ["tests/proxy/bridge_test.ts"];
const LOCALHOST = ["tests/socks/stream/localhost_test.ts"];
const ERRORS = ["tests/socks/client/proxy_errors_test.ts"];
const ZONES = "RFC 4007 section 11";

/** The rules. */
export const BRIDGE_MUTANTS: readonly Mutant[] = [
  ...rules("socks/server/front/http.ts", BRIDGE, [
    [
      "reasons are told to those alone who may know them",
      "what a server knows of its surroundings",
      "if (!options.accepts.tellReasons || error",
      "if (error",
    ],
  ]),
  ...rules("socks/server/front/http_reason.ts", BRIDGE, [
    [
      "a reason is one line",
      "RFC 9110 section 5.5",
      "return printable(shortened(",
      "return ((x: string) => x)(shortened(",
    ],
    [
      "a reason has an end",
      "a header field that is short",
      "shortened(reasonText(error))",
      "shownReason(error)",
    ],
    ["details are a string", "RFC 8941 section 3.3.3", '.replace(/["\\\\]/g, "\\\\$&")', ""],
    ["details are ASCII", "RFC 8941 section 3.3.3", '.replace(/[^\\x20-\\x7e]/gu, "?")', ""],
  ]),
  ...rules("proxy/bridge.ts", BRIDGE, [
    ["programs at a bridge read the reason", "they wait for it", "tellReasons: true", "tellReasons: false"],
    [
      "a listener of a bridge is on loopback",
      "it asks nobody who he is",
      "listeners?.map(({ addr }) => addr.hostname).filter((host) => parseIp(host) !== undefined) ?? [hostname]",
      "listeners === undefined ? [hostname] : []",
    ],
  ]),
  ...rules("cli/commands/bridge.ts", BRIDGE, [
    [
      "a bridge has the idle time that it is told",
      "its command line",
      'idle: timeout("idle-timeout"),\n',
      "",
      "silent for longer",
    ],
  ]),
  ...rules("cli/command/options.ts", BRIDGE, [
    [
      "a time is one",
      "units of the configuration",
      "if (milliseconds !== undefined) return milliseconds;",
      "if (true) return milliseconds!;",
    ],
  ]),
  ...rules("cli/monitor/admin.ts", ["tests/cli/monitor/monitor_test.ts"], [
    [
      "the admin port is where the machine has localhost",
      "a machine without IPv4",
      "if (isLoopback(where.hostname)) return where;",
      'if (isLoopback(where.hostname)) return { ...where, hostname: "127.0.0.1" };',
      "loopback addresses only",
    ],
  ]),
  ...rules("cli/commands/kdc.ts", ["tests/interop/ipv6_only_test.ts"], [
    [
      "a KDC is where the machine has localhost",
      "a machine without IPv4",
      "isLocalhost(listen.hostname) ? ownLoopback(listenTcp) : listen.hostname",
      "listen.hostname",
    ],
  ]),
  ...rules("cli/commands/demo.ts", ["tests/interop/ipv6_only_test.ts"], [
    ["a demonstration needs no IPv4", "a machine without IPv4", "ownLoopback(listenTcp)", '"127.0.0.1"'],
  ]),
  ...rules("socks/stream/localhost.ts", LOCALHOST, [
    [
      "localhost is all of its addresses",
      "RFC 6761 section 6.3",
      "joined(listenAtExisting(port, listenAt))",
      "joined(listenAtExisting(port, listenAt, 1))",
    ],
    ["both addresses have one port", "clients know one", "port: open[0]?.addr.port ?? port", "port"],
    [
      "another port is looked for",
      "it may be taken in one family",
      "port !== 0 || tries === TRIES",
      "true || tries === TRIES",
    ],
    ["a port that was asked for is the one", "clients know it", "port !== 0 || tries === TRIES", "tries === TRIES"],
    ["the search has an end", "all may be taken", "tries === TRIES ||", "tries === 100 ||"],
    ["a machine may have one family alone", "IPv6-only hosts", '"EADDRNOTAVAIL", "EAFNOSUPPORT"', '"NONE"'],
    [
      "one that is taken is not passed over",
      "its clients would come to somebody else",
      'if (!hasCode(error, "EADDRNOTAVAIL", "EAFNOSUPPORT")) throw error;',
      "",
    ],
    [
      "what is open is closed where the rest fails",
      "its port is taken else",
      "    for (const listener of open) listener.close();\n    throw error;",
      "    throw error;",
    ],
    [
      "nobody who has come is lost",
      "he waits for the turn of the other",
      "turns[from] ??= listener.accept()",
      "turns[from] = listener.accept()",
    ],
    ["nobody comes twice", "each turn is for one", "      turns[turn.from] = undefined;\n", ""],
    [
      "whoever is accepted late is let go",
      "nobody else knows of him",
      '"connection" in late ? late.connection?.close() : undefined',
      "late",
    ],
    [
      "all are closed together",
      "a port is let go",
      "for (const listener of listeners) listener.close();\n      //",
      "listeners[0]!.close();\n      //",
    ],
  ]),
  ...rules("socks/wire/address.ts", LOCALHOST, [
    [
      "a zone is taken in the form of URLs too",
      "RFC 6874 section 2",
      'parts.zone.replace(/^25(?=.)/, "")',
      "parts.zone",
    ],
    ["a zone stays", ZONES, '`${hostname}%${parts.zone.replace(/^25(?=.)/, "")}`', "hostname"],
  ]),
  ...rules("socks/client/proxy_errors.ts", ["tests/proxy/bridge_test.ts"], [
    [
      "a proxy that takes no method is named",
      "there may be several",
      'error.message.replace("Proxy", () => `Proxy ${formatEndpoint(proxy)}`)',
      "error.message",
      "bridge: names a proxy that is silent or takes no method",
    ],
    [
      "a session's time that is over names the proxy",
      "there may be several",
      'reason.code !== "IDLE_TIMEOUT"',
      'reason.code === "HANDSHAKE_TIMEOUT"',
      "bridge: names a proxy that is silent or takes no method",
    ],
  ]),
  ...rules("socks/server/commands/open_in_time.ts", ["tests/proxy/bridge_test.ts"], [
    [
      "whoever opens may say what took so long",
      "there may be several",
      "throw failure instanceof SocksTimeoutError && failure.cause === error ? failure : error;",
      "throw error;",
      "bridge: names a proxy that is silent or takes no method",
    ],
  ]),
  ...rules("socks/client/proxy_errors.ts", ERRORS, [
    [
      "the proxy is named that breaks the protocol",
      "there may be several",
      "error instanceof SocksProtocolError && !error.message",
      "false && !(error as Error).message",
      "client calls: name a proxy that breaks the protocol later",
    ],
    ["silence is told from slowness", "TLS says nothing first", 'progress === "answered"', "true", "how far"],
  ]),
  ...rules("socks/client/other_protocol.ts", ERRORS, [
    [
      "a first line has an end",
      "it may go on for ever",
      "while (line.length < FIRST_LINE &&",
      "while (",
      "no more of a first line",
    ],
    [
      "a first line is waited for",
      "it says more than a byte",
      "while (line.length < FIRST_LINE && !line.includes(0x0a)) {",
      "while (false) {",
      "client calls: name the protocol of a server that is no SOCKS5 proxy",
    ],
    ["a line that is whole is all", "nothing may follow", " && !line.includes(0x0a)", "", "no more of a first line"],
    [
      "a line that fails is not the failure",
      "what came tells enough",
      "  } catch {\n    // The bytes so far are enough.\n  }",
      "  } finally {\n    // none\n  }",
      "never ends",
    ],
    [
      "what others say is shown as it can be",
      "terminals",
      "return `it speaks HTTP: ${printable(shortened(status, 80))}",
      "return `it speaks HTTP: ${shortened(status, 80)}",
      "client calls: name the protocol of a server that is no SOCKS5 proxy",
    ],
    [
      "a portal is told from a proxy",
      "a login is to be made",
      "/^(?:30[1278]|511)/.test(status)",
      "false",
      "client calls: name the protocol of a server that is no SOCKS5 proxy",
    ],
    [
      "SSH is named",
      "its port is another one",
      'line.startsWith("SSH-")',
      "false",
      "client calls: name the protocol of a server that is no SOCKS5 proxy",
    ],
    [
      "SOCKS4 is named",
      "its answers begin with 0, some with 4",
      "(first === 0 || first === 4) && second >= 0x5a",
      "first === 0 && second >= 0x5a",
      "client calls: name the protocol of a server that is no SOCKS5 proxy",
    ],
  ]),
  ...rules("cli/command/command.ts", ERRORS, [
    [
      "something else than a proxy is out of reach",
      "exit code 4",
      '["BAD_VERSION", "UNEXPECTED_END"].includes(error.code)',
      "false",
      "client calls: name the protocol of a server that is no SOCKS5 proxy",
    ],
  ]),
];
