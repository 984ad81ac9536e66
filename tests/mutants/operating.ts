/**
 * Rules of what an operator sees and does: metrics, status page, packaging.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const OURS = "operating, rules of ours";
const ENDING = ["tests/cli/monitor/end_session_test.ts"];
const POOL = ["tests/cli/server/workers_lost_test.ts"];
const PAGE = ["tests/cli/monitor/page_test.ts"];
const SYSTEMD = ["tests/cli/terminal/service_manager_test.ts"];
const MANUAL = ["tests/cli/commands/man_test.ts"];
const METRICS = ["tests/cli/monitor/metrics_test.ts"];

/** The rules. */
export const OPERATING_MUTANTS: readonly Mutant[] = [
  ...rules("cli/snapshot/histogram.ts", METRICS, [
    ["a time that is a bound is in that bound's bucket", "Prometheus: le", "seconds <= bound", "seconds < bound"],
    [
      "what is longer than all bounds is counted",
      OURS,
      "place < 0 ? this.#bounds.length : place",
      "Math.max(0, place)",
    ],
    ["histograms of threads are added", OURS, "total + counts[i]!, 0", "counts[i]!, 0"],
  ]),
  ...rules("cli/monitor/prometheus.ts", METRICS, [
    ["a bucket counts those below it too", "Prometheus: histogram", "below += count", "(below += count, count)"],
    ["the last bucket has no bound", "Prometheus: +Inf", 'bounds[i] ?? "+Inf"', "bounds[i] ?? 1e9"],
  ]),
  ...rules("cli/monitor/refusal_cause.ts", METRICS, [
    ["what Kerberos says counts before what SOCKS says", OURS, "cause instanceof GssError ?", "false ?"],
    ["a code without a cause has one all the same", OURS, '?? "other"', '?? "gone"'],
  ]),
  ...rules("cli/monitor/sum_counter.ts", METRICS, [
    ["BIND is one request", OURS, 'return event.command !== "bind";', "return true;"],
    ["a look-up is a request", OURS, 'return event.command === "resolve"', "return false"],
    ["users kept are bounded", OURS, "new LruMap<Sums>(MAX_USERS)", "new LruMap<Sums>(Infinity)"],
    ["rules for addresses are not taken for rules for requests", OURS, "identity !== undefined && error", "error"],
    ["of two rules that are alike the first counts", OURS, "      sums.delete(rule);", ""],
    ["rules count what is under way", OURS, "if (rule !== undefined) sums.set(", "if (false) sums.set("],
  ]),
  ...rules("cli/monitor/monitor.ts", METRICS, [
    ["what BIND waits for is no time to connect", OURS, 'if (event.command === "connect") this', "this"],
    ["every cause is there from the start", "Prometheus: existence of series", "REFUSAL_CAUSES.map(", "[].map("],
    ["requests are counted by their length", OURS, "this.#session.take(duration);", ""],
    ["logins are counted by their length", OURS, "this.#handshake.take(event.duration);", ""],
  ]),
  ...rules("socks/server/session_record.ts", ["tests/socks/server/session_record_test.ts"], [
    ["a login tells how long it took", OURS, "protection, duration: this.duration }", "protection, duration: 0 }"],
    ["a request is measured from where it was read", OURS, "this.duration - this.#readAt", "this.duration"],
    ["a session under way tells its rule", OURS, "{ rule: this.#rule }", "{}"],
  ]),
  ...rules("cli/snapshot/sums.ts", METRICS, [
    ["a user of several threads is one", OURS, "addSums(users.get(one.user) ?? NO_SUMS, one)", "one"],
    ["a rule of several threads is one", OURS, "...addSums(own, more) }", "...own }"],
    [
      "rules of several threads are found by their text",
      "CWE-407",
      "const more = added.get(own.rule) ?? NO_SUMS;",
      "const more = others.flat().filter(({ rule }) => rule === own.rule).reduce<Sums>(addSums, NO_SUMS);",
      "long lists",
    ],
    ["of two rules that are alike the first counts for all threads", OURS, "    added.delete(own.rule);\n", ""],
  ]),
  ...rules("cli/monitor/end_session.ts", ENDING, [
    ["a session is ended with a token only", OURS, "if (who === undefined) {", "if (false) {"],
    [
      "a token counts whole",
      OURS,
      "wanted.length === given.length && timingSafeEqual(wanted, given)",
      "token.startsWith(String.fromCharCode(...given.subarray(0, -1)))",
    ],
    ["a short token is refused", OURS, "if (token.length < LEAST)", "if (false)"],
    ["a file without a token is refused", OURS, "if (tokens.length === 0)", "if (false)"],
    ["a name stands once among the tokens", OURS, "if (tokens.some((one) => one.name === name))", "if (false)"],
    ["a token is one person's", OURS, "if (tokens.some((one) => one.token === token))", "if (false)"],
    [
      "a token in the place of the name is not told",
      "CWE-532",
      "the token in line ${i + 1} has",
      "the token of ${name} has",
    ],
    ["a page of another origin ends no session", "CSRF", '(headers.get("origin") ?? origin) !== origin ||', ""],
    [
      "what a browser calls another site ends no session",
      "CSRF; Fetch Metadata",
      ' || foreign(headers.get("sec-fetch-site"))',
      "",
    ],
    [
      "the log says who tried to end a session in vain",
      OURS,
      'note({ event: "end-refused"',
      'void ({ event: "end-refused"',
    ],
    ["the log says who ended a session", OURS, 'note({\n    event: "ended"', 'void ({\n    event: "ended"'],
  ]),
  ...rules("cli/monitor/admin.ts", ENDING, [
    ["no other site shows the page in a frame", "CSP Level 3: frame-ancestors", "frame-ancestors 'none'; ", ""],
    ["a form of the page without its script sends no token", "CSP Level 3: form-action", "form-action 'none'; ", ""],
    ["a session is ended by POST only", "RFC 9110 section 9.2.1", 'if (request.method !== "POST")', "if (false)"],
    [
      "sessions are ended where that is set up only",
      OURS,
      "session !== undefined && ending !== undefined",
      "session !== undefined",
    ],
    [
      "who may not end sessions is told how",
      "RFC 9110",
      'status === 401 ? { "www-authenticate"',
      'false ? { "www-authenticate"',
    ],
  ]),
  ...rules("cli/monitor/http_port.ts", ENDING, [
    [
      "headers that say who asks are handed on",
      OURS,
      'const HEADERS: readonly string[] = ["authorization", ',
      "const HEADERS: readonly string[] = [",
    ],
    [
      "the origin of a page is handed on",
      "CSRF",
      '"origin", "sec-fetch-site"]',
      '"sec-fetch-site"]',
      "through the port",
    ],
    [
      "what a browser says of a site is handed on",
      "CSRF; Fetch Metadata",
      '"origin", "sec-fetch-site"]',
      '"origin"]',
      "through the port",
    ],
  ]),
  ...rules("cli/config/serve_arguments.ts", ENDING, [
    ["the option for the admin port leaves who may end sessions", OURS, "...adminOf(written.admin, given.admin),", ""],
  ]),
  ...rules("cli/server/worker_slot.ts", POOL, [
    ["a worker ends its own sessions only", OURS, "Number.isInteger(place) && own >= 1", "own >= 1"],
    ["a worker ends no session of a lost one", OURS, "own >= 1 && own <= GENERATION", "true"],
  ]),
  ...rules("cli/server/worker_pool.ts", POOL, [
    ["a session is ended where one worker has it", OURS, "all.some((answer) =>", "all.every((answer) =>"],
  ]),
  ...rules("socks/server/sessions.ts", ["tests/socks/server/end_session_test.ts"], [
    ["the session that is named is ended, and no other", OURS, "if (record.session !== session) continue;", ""],
    [
      "the reason of an end is told",
      OURS,
      "      record.clock.abort(reason);",
      "      record.clock.abort(new Error());",
    ],
  ]),
  ...rules("page/table.ts", PAGE, [
    [
      "a table is sorted by what is pressed",
      OURS,
      "this.#sorted = { column, down: first };",
      "this.#sorted = undefined;",
      "sorts",
    ],
    ["numbers are sorted with the greatest first", OURS, 'this.#columns[column]!.kind === "number"', "false", "sorts"],
    [
      "a third press gives back the order",
      OURS,
      "down === first ? { column, down: !first } : undefined",
      "{ column, down: !down }",
      "sorts",
    ],
    ["a filter finds second lines", OURS, "`${text}\\n${below}`", "`${text}`", "sorts"],
    ["a filter does not ask for case", OURS, "text.trim().toLowerCase()", "text.trim()", "sorts"],
    ["a row that is no more goes", OURS, "      row.remove();", "", "sorts"],
    [
      "a table without rows says so",
      OURS,
      "this.#empty.hidden = rows.length > 0;",
      "this.#empty.hidden = true;",
      "sorts",
    ],
    [
      "rows become blocks where there is no room",
      OURS,
      'classList.toggle("blocks", width.matches)',
      'classList.toggle("blocks", false)',
      "widths",
    ],
  ]),
  ...rules("page/end_button.ts", PAGE, [
    ["one press ends nothing", OURS, "if (armed === undefined) {", "if (false) {", "two presses"],
    ["sessions are ended by who has typed something only", OURS, 'this.#token.value !== ""', "true", "two presses"],
  ]),
  ...rules("page/page.css", PAGE, [
    [
      "the page has colours for the dark",
      OURS,
      "(prefers-color-scheme: dark)",
      "(prefers-color-scheme: none)",
      "widths",
    ],
    ["no card is alone", OURS, "repeat(4, 1fr)", "repeat(3, 1fr)", "widths"],
  ]),
  ...rules("page/text.ts", PAGE, [
    ["an address is not told twice", OURS, "address === target ?", "false ?", "as text"],
    ["long times are told in days", OURS, "seconds < 48 * 3600", "true", "as text"],
  ]),
  ...rules("cli/terminal/service_manager.ts", SYSTEMD, [
    [
      "nobody is told where nobody asks",
      "sd_notify(3)",
      'socket === undefined || socket === ""',
      "socket === undefined",
      "nobody asks",
    ],
    [
      "why systemd is not told is said",
      "sd_notify(3)",
      "    onTrouble(unheard(error));\n    return undefined;",
      "    return undefined;",
      "nobody asks",
    ],
    ["the socket's file goes at once", OURS, "  Deno.removeSync(path);", "", "1 thread"],
    ["systemd hears that the server lives", "sd_notify(3): WATCHDOG=1", "if (watchdog > 0)", "if (false)", "1 thread"],
  ]),
  ...rules("cli/server/managed.ts", SYSTEMD, [
    [
      "systemd hears of a reload",
      "sd_notify(3): RELOADING=1",
      'manager.tell("reloading", "Reading the configuration again");',
      "",
      "permission to write",
    ],
    [
      "systemd hears when a reload is over",
      "sd_notify(3): READY=1",
      '          manager.tell("ready", SERVING);',
      "",
      "permission to write",
    ],
    [
      "systemd hears of the stop",
      "sd_notify(3): STOPPING=1",
      'manager.tell("stopping", "Letting sessions end")',
      "undefined",
      "permission to write",
    ],
    [
      "permission to write to systemd's socket is kept",
      OURS,
      'names.filter((name) => name !== "write")',
      "names",
      "permission to write",
    ],
  ]),
  ...rules("cli/commands/serve.ts", SYSTEMD, [
    ["systemd hears when clients are served", "sd_notify(3): READY=1", "  tellReady(manager);", "", "1 thread"],
  ]),
  ...rules("cli/command/manual.ts", MANUAL, [
    [
      "a hyphen of an option can be typed",
      "man(7)",
      '"\\\\e").replaceAll("-", "\\\\-")',
      '"\\\\e")',
      "those that are packaged",
    ],
    [
      "what would be a request at the start of a line is text",
      "man(7)",
      '.replace(/^[.\']/, "\\\\&$&")',
      "",
      "begins a line",
    ],
    ["a backslash is text", "man(7)", '.replaceAll("\\\\", "\\\\e")', "", "begins a line"],
    [
      "a page has the options of every command",
      OURS,
      "{ ...options, ...COMMON }).map",
      "options).map",
      "those that are packaged",
    ],
    ["examples keep their lines", OURS, '".nf", ...indented', "...indented", "begins a line"],
  ]),
  ...rules("proxy/telemetry.ts", ["tests/cli/monitor/monitor_test.ts"], [
    ["telemetry has the time of logins", OURS, "instruments.handshake.record(", "void (", "telemetry"],
    ["telemetry has the time to reach a target", OURS, "instruments.connect.record(", "void (", "telemetry"],
  ]),
];
