/**
 * Rules of HTTP requests that are forwarded, of ports with a fixed target, of a proxy's service name, and of tickets that are kept good,
 * each with the change that switches it off.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const FRONT = ["tests/socks/server/front/front_test.ts"];
const REFUSALS = ["tests/socks/server/front/http_refusals_test.ts"];
const FORWARD = ["tests/socks/server/front/http_forward_test.ts"];
const EXCHANGE = ["tests/socks/server/commands/http_exchange_test.ts"];
const FLOODS = ["tests/socks/server/commands/forward_test.ts"];
const FORWARDS = ["tests/proxy/forwards_test.ts"];
const SERVICE = ["tests/proxy/service_name_test.ts"];
const KEEPER = ["tests/kerberos/credentials/tickets/keeper_test.ts"];
const COMMAND = ["tests/cli/commands/bridge_test.ts"];
const BODY = "RFC 9112 section 6.3";
const CHUNKS = "RFC 9112 section 7.1";

const HEADS: readonly Mutant[] = [
  ...rules("socks/server/front/http_head.ts", FRONT, [
    ["long heads are served", "RFC 4559", "MAX_HEAD = 65_536;", "MAX_HEAD = 8_192;"],
    ["a head has a limit", "RFC 6585 section 5", "if (bytes.length > MAX_HEAD) throw", "if (false) throw"],
    ["a head that comes whole has the same", "RFC 6585 section 5", "end >= 0 && end < MAX_HEAD;", "end >= 0;"],
    [
      "a first line has a limit",
      "RFC 9112 section 3",
      "if (start === undefined && bytes.length > MAX_LINE) throw",
      "if (false) throw",
    ],
    [
      "a first line that comes whole has the same",
      "RFC 9112 section 3",
      "if (start === undefined && line.length > MAX_LINE) throw",
      "if (false) throw",
    ],
    ["empty lines come before a request", "RFC 9112 section 2.2", "emptyLinesFirst && isEmpty(line)", "false"],
  ]),
  ...rules("socks/server/front/http_head.ts", REFUSALS, [
    ["fields have a limit", "RFC 6585 section 5", "fields.length === MAX_FIELDS", "false"],
    ["a line ends with both characters", "RFC 9112 section 2.2", "if (line.at(-1) !== 0x0d) throw", "if (false) throw"],
    [
      "a name is a token up to the colon",
      "RFC 9112 section 5.1",
      "if (!TOKEN.test(name)) throw",
      "if (name === '') throw",
    ],
    [
      "a value has no control character",
      "RFC 9110 section 5.5",
      "if (NOT_IN_VALUES.test(value)) throw",
      "if (false) throw",
    ],
    ["a response begins at once", "RFC 9112 section 2.2", "emptyLinesFirst && isEmpty(line)", "isEmpty(line)"],
  ]),
  ...rules("socks/server/front/http_request.ts", FRONT, [
    ["version 1 only", "RFC 9110 section 15.6.6", 'if (major !== "1") {', "if (false) {"],
    ["port 0 is none", "RFC 9110 section 9.3.6", "if (target.port !== 0) return target;", "return target;"],
  ]),
  ...rules("socks/server/front/http_request.ts", REFUSALS, [
    ["http: alone is forwarded", "RFC 9112 section 3.2.2", 'if (scheme.toLowerCase() !== "http") {', "if (false) {"],
    ["a target has no fragment", "RFC 9112 section 3.2", "([^/?#]*)([^#]*)$/", "([^/?#]*)(.*)$/"],
    ["a target has no control characters", "RFC 9112 section 3", "([\\x21-\\x7e\\x80-\\xff]+) HTTP", "([^ ]+) HTTP"],
    ["one Host", "RFC 9112 section 3.2", "if (hosts.length > 1) throw", "if (false) throw"],
    ["a Host", "RFC 9112 section 3.2", "if (hosts.length === 0 && modern) throw", "if (false) throw"],
    [
      "a Host that is one",
      "RFC 9112 section 3.2",
      "if (hosts.length === 1 && !HOST.test(hosts[0]!)) throw",
      "if (false) throw",
    ],
    ["one way to say the length", BODY, "if (lengths.length > 0) throw badRequest", "if (false) throw badRequest"],
    ["no chunks in HTTP/1.0", "RFC 9112 section 6.1", "if (!modern) throw badRequest", "if (false) throw badRequest"],
    ["one length", BODY, "if (lengths.length > 1) throw badRequest", "if (false) throw badRequest"],
    [
      "a length is a number",
      "RFC 9110 section 8.6",
      "if (!/^\\d{1,15}$/.test(lengths[0]!)) throw badRequest",
      "if (false) throw badRequest",
    ],
    ["chunked is last", BODY, 'last !== "chunked" ||', ""],
    ["chunked once", "RFC 9112 section 6.1", '|| codings.includes("chunked")', ""],
    [
      "no other coding",
      "RFC 9112 section 6.1",
      "if (codings.length > 0) throw notImplemented",
      "if (false) throw notImplemented",
    ],
    ["no target has a user", "RFC 9110 section 4.2.4", 'if (text.includes("@")) throw', "if (false) throw"],
    ["blanks are blanks and tabs", "RFC 9110 section 5.6.3", "trimmed(coding)", "coding.trim()"],
    ["Max-Forwards of zero", "RFC 9110 section 7.6.2", "/^0+$/", "/^0$/"],
    ["Max-Forwards is an end", "RFC 9110 section 7.6.2", "  if (ends) throw", "  if (false) throw"],
    [
      "one expectation is known",
      "RFC 9110 section 10.1.1",
      '.some((value) => value.toLowerCase() !== "100-continue")',
      ".some(() => false)",
    ],
  ]),
];

const FIELDS: readonly Mutant[] = [
  ...rules("socks/server/front/http_request.ts", FORWARD, [
    ["Host is the target's", "RFC 9112 section 3.2.2", 'key !== "host" && ', ""],
    ["HTTP/1.0 expects nothing", "RFC 9110 section 10.1.1", '(modern || key !== "expect")', "true"],
    [
      "HTTP/1.0 has an end",
      "RFC 9112 section 9.3",
      'keepAlive: modern && !options.includes("close")',
      'keepAlive: !options.includes("close")',
    ],
    ["close is an end", "RFC 9112 section 9.3", 'keepAlive: modern && !options.includes("close")', "keepAlive: modern"],
    ["an upgrade is asked for twice", "RFC 9110 section 7.8", 'modern && options.includes("upgrade")', "modern"],
    [
      "OPTIONS of a server",
      "RFC 9112 section 3.2.4",
      'if (rest === "" && method === "OPTIONS") return',
      "if (false) return",
    ],
  ]),
  ...rules("socks/server/front/http_fields.ts", FORWARD, [
    ["credentials for the proxy stay with it", "RFC 9110 section 11.7.2", '  "proxy-authorization",\n', ""],
    ["TE is of a connection", "RFC 9110 section 7.6.1", '  "te",\n', ""],
    ["what Connection names is removed", "RFC 9110 section 7.6.1", " && !named.has(key)", ""],
    ["trailers route nothing", "RFC 9110 section 6.5.1", '  "host",\n', ""],
    [
      "trailers tell no length",
      "RFC 9110 section 6.5.1",
      "return endToEnd(fields).filter(({ key }) => !NOT",
      "return fields.filter(({ key }) => !NOT",
    ],
    ["a proxy tells of itself", "RFC 9110 section 7.6.3", '"Via: 1.1 gssocks\\r\\n"', '""'],
  ]),
];

const BODIES: readonly Mutant[] = [
  ...rules("socks/server/front/http_body.ts", REFUSALS, [
    ["lines between chunks end with both", CHUNKS, 'if (!this.#line.endsWith("\\r")) throw', "if (false) throw"],
    [
      "a chunk is as long as it says",
      CHUNKS,
      'if (line !== "") throw this.#refuse("a chunk',
      'if (false) throw this.#refuse("a chunk',
    ],
    [
      "a size is hexadecimal",
      CHUNKS,
      "/^([0-9A-Fa-f]{1,12})(?:[ \\t]*;",
      "/^ *[+]?(?:0x)?([0-9A-Fa-f]{1,12})(?:[ \\t]*;",
    ],
    ["a size has few digits", CHUNKS, "[0-9A-Fa-f]{1,12}", "[0-9A-Fa-f]+"],
    ["extensions have no control characters", "RFC 9112 section 7.1.1", ";[\\t\\x20-\\x7e\\x80-\\xff]*", ";[^]*"],
    [
      "a line between chunks has a limit",
      "RFC 9112 section 7.1.1",
      "if (this.#line.length > MAX_CHUNK_LINE) throw",
      "if (false) throw",
    ],
    ["extensions have a limit", "RFC 9112 section 7.1.1", "if (this.#extra > MAX_EXTRA) throw", "if (false) throw"],
    [
      "trailers have a limit",
      "RFC 9112 section 7.1.2",
      "if (this.#trailers.length === MAX_FIELDS) throw",
      "if (false) throw",
    ],
  ]),
  ...rules("socks/server/front/http_body.ts", FORWARD, [
    ["an empty chunk is the end", CHUNKS, "if (data.length === 0) return EMPTY;", ""],
  ]),
  ...rules("socks/server/front/http_response.ts", REFUSALS, [
    [
      "one way to say the length of a response",
      BODY,
      "if (lengths.length > 0) throw badResponse",
      "if (false) throw badResponse",
    ],
    [
      "no chunks in a response of HTTP/1.0",
      "RFC 9112 section 6.1",
      "if (!modern) throw badResponse",
      "if (false) throw badResponse",
    ],
    ["no coding that was not asked for", "RFC 9112 section 6.1", "if (codings.length > 1 || ", "if (false && "],
    ["one length of a response", BODY, "if (lengths.length > 1) throw badResponse", "if (false) throw badResponse"],
    [
      "the length of a response is a number",
      "RFC 9110 section 8.6",
      "if (!/^\\d{1,15}$/.test(lengths[0]!)) throw badResponse",
      "if (false) throw badResponse",
    ],
  ]),
  ...rules("socks/server/front/http_response.ts", FORWARD, [
    ["HEAD has no body", BODY, 'method === "HEAD" || status', "status"],
    ["204 has no body", BODY, "status === 204 || ", ""],
    ["204 tells no length", "RFC 9110 section 8.6", "status !== 204 && ", ""],
    ["304 has no body", BODY, " || status === 304;", ";"],
    [
      "a target may end its connection",
      "RFC 9112 section 9.3",
      '.some((name) => name.toLowerCase() === "close")',
      ".some(() => false)",
    ],
    ["HTTP/1.0 ends its connection", "RFC 9112 section 9.3", "keepAlive: modern && body", "keepAlive: body"],
  ]),
];

const EXCHANGES: readonly Mutant[] = [
  ...rules("socks/server/commands/http_exchange.ts", REFUSALS, [
    [
      "a body that is cut is no request",
      "RFC 9112 section 6.3",
      'if (bytes === null) throw badRequest("the client',
      'if (bytes === null) return lastChunk([]); if (false) throw badRequest("the client',
    ],
    ["what comes unasked answers nothing", "response splitting", "if (turn.done || !turn.headSent) {", "if (false) {"],
    ["a protocol changes where it was asked for", "RFC 9110 section 7.8", "|| !isAskedFor(response, turn.request)", ""],
  ]),
  ...rules("socks/server/front/http_response.ts", REFUSALS, [
    ["a change names its protocol", "RFC 9110 section 15.2.2", "chosen.length > 0 && ", ""],
    ["a change is to what was named", "RFC 9110 section 7.8", "chosen.every((name) =>", "chosen.some((name) =>"],
  ]),
  ...rules("socks/server/commands/http_exchange.ts", EXCHANGE, [
    [
      "what was not sent is sent again",
      "RFC 9112 section 9.3.1",
      "const repeatable = !headSent || (",
      "const repeatable = (",
    ],
    ["the relay's memory is not kept", "the house", "? bytes.slice() : bytes", "? bytes : bytes"],
  ]),
  ...rules("socks/server/commands/http_exchange.ts", FLOODS, [
    ["interim responses have a limit", "a flood", "if (++turn.interims > INTERIM) throw", "if (false) throw"],
    [
      "a wait leaves no trace",
      "bounded memory",
      "await this.#wait(reader.fill());",
      "await Promise.race([reader.fill(), this.#wait()]);",
    ],
  ]),
  ...rules("socks/server/front/http_reader.ts", EXCHANGE, [
    [
      "a read under way is handed on",
      "RFC 9112 section 9.3.2",
      "if (this.#filling === undefined) return withPrefix",
      "return withPrefix",
    ],
    ["a part of a head has the time of a head", "slow clients", "let begun = this.held > 0;", "let begun = false;"],
  ]),
  ...rules("socks/server/commands/http_exchange.ts", FORWARD, [
    ["another target has another connection", "rules judge targets", "target?.hostname !== before.hostname ||", ""],
    ["another port has another connection", "rules judge targets", "|| target?.port !== before.port", ""],
    [
      "what is sent for the first time is not sent again",
      "RFC 9112 section 9.3.1",
      "SAFE.includes(request.method)",
      "true",
    ],
    ["a kept connection may have ended", "RFC 9112 section 9.3.1", "reuses && untouched", "false"],
    [
      "HTTP/1.0 gets no chunks",
      "RFC 9112 section 7.1",
      '!request.modern ? { type: "close" }',
      'false ? { type: "close" }',
    ],
    [
      "HTTP/1.0 gets no interim response",
      "RFC 9110 section 15.2",
      "if (request.modern) await this.#write",
      "await this.#write",
    ],
    [
      "a body that still comes is no request",
      "RFC 9112 section 9.3",
      "turn.body.done && response.body",
      "response.body",
    ],
  ]),
  ...rules("socks/server/session_record.ts", FORWARD, [
    [
      "bytes count once",
      "several requests of a session",
      "    Object.assign(this.counts, { sent: 0, received: 0 });\n",
      "",
    ],
  ]),
];

const PORTS: readonly Mutant[] = [
  ...rules("proxy/bridge.ts", FORWARDS, [
    [
      "a forward is on loopback",
      "it asks nobody who he is",
      '...forwards.map((forward) => forward.hostname ?? "localhost")',
      "",
    ],
    ["a forward's listener is the bridge's", "it is closed", "...listeners, ...given", "...listeners"],
  ]),
  ...rules("proxy/forwards.ts", FORWARDS, [
    [
      "a forward's listener is on loopback too",
      "it asks nobody who he is",
      "parseIp(hostname) === undefined ? undefined : hostname",
      "undefined",
    ],
    ["no target has port 0", "RFC 1928 section 4", "if (target.port === 0) throw", "if (false) throw"],
    [
      "forwards open together",
      "a port that leads nowhere",
      "    for (const { listener } of open) listener.close();\n",
      "",
    ],
  ]),
  ...rules("proxy/running.ts", FORWARDS, [
    [
      "a forward has its target",
      "the port stands for it",
      "server.listen(listener, { target })",
      "server.listen(listener)",
    ],
  ]),
  ...rules("gss/names.ts", SERVICE, [
    ["a service has its own host", "RFC 2743 section 4.1", "found[2] ?? host", "host"],
    ["a service is one", "RFC 2743 section 4.1", "/^([^@/]+)(?:[@/]([^@/]+))?$/", "/^([^@/]+)(?:[@/]([^@/]+))?/"],
  ]),
  ...rules("socks/auth/gssapi/client.ts", SERVICE, [
    ["an unknown service is named", "the user's next step", 'error.code !== "KDC_ERR_S_PRINCIPAL_UNKNOWN"', "true"],
    ["a service is checked before it is used", "exit code 2", '  serviceAt(service, "localhost");\n', ""],
  ]),
];

const TICKETS: readonly Mutant[] = [
  ...rules("kerberos/credentials/tickets/keeper.ts", KEEPER, [
    ["half of the time", "the KDC may be down as long", "(endtime - starttime) / 2", "(endtime - starttime)"],
    ["what cannot last longer is not renewed", "RFC 4120 section 2.3", " && renewTill > endtime", ""],
    ["what is not renewable is not renewed", "RFC 4120 section 2.3", "(flags & TicketFlag.Renewable) !== 0 && ", ""],
    ["renewal may be off", "--no-renew", "if (this.#options.renew === false) return false;", ""],
    ["a delay is told once", "a log that is read", 'if (told?.type === "delayed") return;', ""],
    [
      "no ticket is told once",
      "a log that is read",
      'if (told?.type === "none" && told.error.message === error.message) return;',
      "",
    ],
    ["pauses grow", "a KDC that is down", "RETRY * 2 ** (this.#failures - 1)", "RETRY"],
    [
      "pauses have a limit",
      "a KDC that is down",
      "* 2 ** (this.#failures - 1), LONGEST_RETRY)",
      "* 2 ** (this.#failures - 1))",
    ],
    ["the KDC's clock counts", "RFC 4120 section 3.1.5", "/ 2 - (this.#now() + kdcOffset)", "/ 2 - this.#now()"],
    ["an observer ends nothing later", "the house", "if (told instanceof Promise) told.catch(() => {});", ""],
    [
      "an observer ends nothing",
      "the house",
      "    } catch {\n      // An observer",
      "    } catch (e) { throw e;\n      // An observer",
    ],
  ]),
  ...rules("cli/log/bridge_log.ts", COMMAND, [
    [
      "one reason is told once",
      "a log that is read",
      "if (event.error.message === problem) return void hidden++;",
      "",
      "warns without a ticket",
    ],
  ]),
  ...rules("cli/command/credentials.ts", COMMAND, [
    [
      "a wrong password is told at once",
      "the user waits",
      "if (settled || signal.aborted) throw error;",
      "",
      "starts while",
    ],
    [
      "a KDC that is down is waited for",
      "machines start in any order",
      "if (settled || signal.aborted) throw error;",
      "throw error;",
      "starts while",
    ],
  ]),
];

/** The rules. */
export const HTTP_MUTANTS: readonly Mutant[] = [...HEADS, ...FIELDS, ...BODIES, ...EXCHANGES, ...PORTS, ...TICKETS];
