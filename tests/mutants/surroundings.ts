/**
 * Rules of what is beside the sessions: log, faults, ports, workers, the keytab's file, clocks, restarts.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const DESIGN = "design";
const LOG = "a log is an observer";
const CLI = "tests/cli/";
const QUEUE: readonly string[] = [`${CLI}log/log_queue_test.ts`];
const GUARD: readonly string[] = [`${CLI}log/guard_test.ts`];
const PORT: readonly string[] = [`${CLI}monitor/http_port_test.ts`];
const TEAM: readonly string[] = [`${CLI}server/workers_lost_test.ts`];
const CLOCK: readonly string[] = [`${CLI}monitor/clock_test.ts`];
const AROUND: readonly string[] = [`${CLI}surroundings_test.ts`];
const KEYTAB: readonly string[] = ["tests/kerberos/credentials/keytabs/reloading_keytab_test.ts"];
const ROTATION: readonly string[] = ["tests/proxy/keytab_rotation_test.ts"];
const RELOADS: readonly string[] = ["tests/cli/server/serve_reload_test.ts"];

/** The list. */
export const SURROUNDINGS_MUTANTS: readonly Mutant[] = [
  ...rules("cli/log/log_queue.ts", QUEUE, [
    ["lines that wait have an end", LOG, "this.#lines + lines > this.#maxLines / share", "false"],
    ["bytes that wait have an end", LOG, "this.#bytes + bytes.length > this.#maxBytes / share ||", ""],
    ["what is dropped is counted", LOG, "this.#dropped += lines;", ""],
    ["the log is told of a gap", LOG, "if (this.#untold === 0) return;", "if (this.#untold >= 0) return;"],
    ["a gap at the end is told", LOG, "if (this.#waiting.length === 0) this.#tellGap();", ""],
    ["a log that is behind has one gap", LOG, "this.#untold > 0 ? 2 : 1", "1"],
    ["one write is under way at a time", LOG, "this.#running ??= this.#run()", "this.#running = this.#run()"],
    ["a failed write is tried again", LOG, "if (signal.aborted && !full) return false;", "if (!full) return false;"],
    ["the end tries a failed write once", LOG, "if (signal.aborted && !full) return false;", ""],
    ["a full pipe is asked again soon", "O_NONBLOCK", "full ? FULL_PIPE : this.#retry", "this.#retry"],
    ["room is had again behind a write", LOG, "this.#bytes -= bytes.length;", ""],
    ["a text of several lines counts as so many", LOG, 'text.endsWith("\\n") ? 0 : 1', "1"],
  ]),
  ...rules("cli/log/log_queue.ts", AROUND, [
    [
      "the end of the process waits for its log for a while only",
      LOG,
      'milliseconds, reason: () => new Error("The log is not read")',
      'milliseconds: 20_000, reason: () => new Error("The log is not read")',
      "log: a full pipe delays neither sessions nor the end",
    ],
  ]),
  ...rules("cli/main.ts", AROUND, [
    [
      "what goes on writes to the queue",
      LOG,
      "command.goesOn ? terminal.log : undefined",
      "undefined",
      "errors: are written at once by commands that end, and to the log by the others",
    ],
    [
      "what ends writes at once",
      DESIGN,
      "command.goesOn ? terminal.log : undefined",
      "terminal.log",
      "errors: are written at once by commands that end, and to the log by the others",
    ],
    [
      "the queue is emptied at the end",
      LOG,
      "await log?.close(LOG_TIME);",
      "",
      "errors: are written at once by commands that end, and to the log by the others",
    ],
  ]),
  ...rules("cli/process_io.ts", AROUND, [
    [
      "output that nobody reads ends a command without a word",
      "SIGPIPE",
      "throw outputError(error);",
      "throw error;",
      "output: a closed pipe ends a command without a word, as SIGPIPE would",
    ],
    [
      "output that cannot be written is one",
      "ENOSPC",
      "throw outputError(error);",
      "",
      "output: a closed pipe ends a command without a word, as SIGPIPE would",
    ],
    [
      "the log of a process is a queue",
      LOG,
      "    log: new LogQueue(Deno.stderr),\n",
      "",
      "log: a full pipe delays neither sessions nor the end",
    ],
    [
      "the process hands its faults on",
      DESIGN,
      "    onFault: (callback) => guard(globalThis, callback),\n",
      "",
      "faults: an unhandled error is logged and counted, and ends no session",
    ],
  ]),
  ...rules("cli/log/guard.ts", GUARD, [
    [
      "an error ends nothing",
      DESIGN,
      "    event.preventDefault();\n    const { error, message }",
      "    const { error, message }",
    ],
    [
      "a rejection ends nothing",
      DESIGN,
      "    event.preventDefault();\n    callback((event as",
      "    callback((event as",
    ],
    ["the guard can be taken away", DESIGN, 'scope.removeEventListener("error", onError);', ""],
    ["few faults are told in a minute", DESIGN, "if (this.#logged === LOGGED) {", "if (false) {"],
    ["faults are told again after a minute", DESIGN, "if (now - this.#begun >= MINUTE) {", "if (this.#begun < 0) {"],
    ["a fault is one line", "CWE-117", "return printable(", "return ("],
  ]),
  ...rules("cli/server/server_run.ts", AROUND, [
    [
      "one who watches does not end the others",
      DESIGN,
      "this.faults.take(error, name);",
      "throw error;",
      "telemetry, monitor and log",
    ],
    [
      "the guard begins when the server listens",
      DESIGN,
      "this.#unguard = io.onFault?.(this.faults.take);",
      "",
      "faults: an unhandled error is logged and counted, and ends no session",
    ],
    [
      "faults are counted in metrics",
      DESIGN,
      "faults: () => this.faults.count,",
      "",
      "faults: an unhandled error is logged and counted, and ends no session",
    ],
    ["want of descriptors shows in health", DESIGN, "health: () => this.#server.health(),", "", "no descriptors"],
    [
      "want of descriptors is said",
      DESIGN,
      '        this.#log.note({ event: "trouble", text:',
      '        void ({ event: "trouble", text:',
      "no descriptors",
    ],
  ]),
  ...rules("cli/server/server_run.ts", ROTATION, [
    [
      "a keytab that was read again is said",
      DESIGN,
      "this.#log.note(keytabNote(news))",
      "void news",
      "serve: logs that it has read its keytab again",
    ],
  ]),
  ...rules("cli/server/server_run.ts", RELOADS, [
    [
      "a reload takes a renewed certificate",
      DESIGN,
      "if (isTls(listener)) listener.update(identity);",
      "",
      "renewed certificate",
    ],
    [
      "a pair that does not fit is looked at before anything changes",
      DESIGN,
      "const identity = tlsIdentity(config);",
      "const identity = undefined;",
      "renewed certificate",
    ],
  ]),
  ...rules("cli/commands/bridge.ts", AROUND, [
    [
      "a bridge has a guard",
      DESIGN,
      'io.onFault?.(new Faults((text) => program.note({ level: "error", event: "fault", text })).take)',
      "undefined",
      "faults: an unhandled error is logged and counted, and ends no session",
    ],
  ]),
  ...rules("cli/server/server_run.ts", RELOADS, [
    [
      "a reload without a certificate leaves the one that there is",
      DESIGN,
      "if (identity !== undefined) {",
      "{",
      "without the certificate",
    ],
  ]),
  ...rules("cli/server/reload.ts", RELOADS, [
    [
      "a successor starts with what counts at the start",
      DESIGN,
      "SETTINGS_AT_START.map((name) => [name, start[name]])",
      "[]",
      "successor of a worker",
    ],
  ]),
  ...rules("cli/main.ts", ["tests/cli/surroundings_test.ts"], [
    ["who is told while it is loaded is not ended", DESIGN, "name !== RELOADS", "true", "while it is loaded"],
    ["who is told while it is loaded is heard", DESIGN, "if (asked) callback();", "", "while it is loaded"],
    [
      "other commands end with their terminal",
      DESIGN,
      "name !== RELOADS || terminal",
      "terminal",
      "while it is loaded",
    ],
  ]),
  ...rules("cli/server/permissions.ts", ["tests/cli/config/config_test.ts"], [
    [
      "a successor may write where the first one did",
      DESIGN,
      'if (!again && shared?.kv === undefined) names.push("write");',
      'names.push("write");',
      "stay for a socket file",
    ],
    [
      "a database may be read and opened anew",
      DESIGN,
      "if (!files && workers === 1 && shared?.kv === undefined)",
      "if (!files && workers === 1)",
      "stay for a socket file",
    ],
  ]),
  ...rules("cli/server/permissions.ts", RELOADS, [
    ["certificates that are named can be read again", DESIGN, "||\n    tls !== undefined;", ";", "renewed certificate"],
  ]),
  ...rules("cli/monitor/http_port.ts", PORT, [
    ["heads have an end", "CWE-400", "if (head.length > MAX_HEAD) return undefined;", ""],
    ["a head of the length allowed is taken, and none that is longer", DESIGN, "from + end.index <= MAX_HEAD", "true"],
    ["an end in two pieces is one", DESIGN, "Math.max(0, head.length - 3)", "head.length"],
    [
      "a connection has so much time",
      "CWE-400",
      "using _cutting = onAbort(deadline.signal, () => connection.close());",
      "",
    ],
    [
      "an answer has so much time",
      DESIGN,
      "await abortable(this.#answer(request, connection.remote), deadline.signal)",
      "await this.#answer(request, connection.remote)",
    ],
    [
      "so many at a time",
      "CWE-400",
      "if (this.#open.size >= maxConnections) this.#makeRoom();",
      "",
    ],
    [
      "who waits for his answer makes room too",
      "CWE-400",
      "this.#open.delete(connection!);\n    giveUp!();",
      "connection!.close();",
      "closes the oldest of too many that wait",
    ],
    ["an accept that failed is tried again", DESIGN, "await pause(retry, signal);", "break;"],
    ["a port says once that it cannot accept", DESIGN, "if (this.#working === working) return;", ""],
    ["a request names one host", "RFC 9112 section 3.2", "if (hosts.length > 1) return", "if (false) return"],
    ["a host that is none is refused", "RFC 9112 section 3.2", '/[^\\w.:[\\]-]/.test(hosts[0] ?? "")', "false"],
    ["HEAD has no body", "RFC 9110 section 9.3.2", 'request.method === "HEAD");', "false);"],
    [
      "an answer is not lost to what he still sends",
      DESIGN,
      "await drain(connection, { signal: deadline.signal });",
      "",
    ],
    ["an answer that fails is a fault", DESIGN, "this.#options.onFault(error);", ""],
  ]),
  ...rules("cli/monitor/health.ts", PORT, [
    [
      "a store that is lost where it is to refuse is failing",
      DESIGN,
      'if (lost && shared.onLoss === "refuse") return',
      "if (false) return",
    ],
    ["want of descriptors is degraded", DESIGN, "lost || degraded ?", "lost ?"],
    ["draining is said before all else", DESIGN, "if (draining) return", "if (draining && !lost) return"],
    [
      "no other path is answered",
      DESIGN,
      'if (pathname !== "/" && pathname !== "/healthz") return answer(404, "no");',
      "",
    ],
    [
      "who cannot say how he stands is failing",
      DESIGN,
      'take().then(healthOf, (): Health => ({ status: "failing", ready: false }))',
      "take().then(healthOf)",
    ],
  ]),
  ...rules("cli/monitor/cached.ts", PORT, [
    ["a snapshot is not made for everybody", DESIGN, "if (made !== undefined && now() < until) return made;", ""],
    ["a snapshot is not made twice at one time", DESIGN, "until = Infinity;", ""],
    [
      "what is told is no older than a second",
      DESIGN,
      "Math.min(OLDEST, SHARE * (ended - began))",
      "SHARE * (ended - began)",
    ],
    ["what throws at once fails", DESIGN, "Promise.try(make)", "make()"],
    ["what failed is made anew", DESIGN, "until = -Infinity;\n      throw", "throw"],
  ]),
  ...rules("cli/server/worker.ts", ["tests/cli/server/workers_test.ts"], [
    [
      "sessions have the numbers of the log where they are shown",
      DESIGN,
      "session: globalSessionNumber(row.session, slot)",
      "session: row.session",
    ],
  ]),
  ...rules("cli/snapshot/snapshot.ts", TEAM, [
    ["nothing of a lost thread is recent", DESIGN, "{ count, recent: false }", "snapshot.troubles[kind]!"],
    [
      "a lost thread is in no state",
      DESIGN,
      "    degraded: false,\n    draining: false,\n    shared: undefined,\n",
      "",
    ],
  ]),
  ...rules("cli/monitor/admin.ts", PORT, [
    [
      "a server that cannot say how it is, is failing and no fault",
      DESIGN,
      "take().then(health, () =>",
      "take().then(health).then((response) => response, (error) => { throw error; }).finally(() =>",
    ],
  ]),
  ...rules("cli/server/worker_pool.ts", TEAM, [
    [
      "a worker that is lost is replaced",
      DESIGN,
      "if (this.#begun && !this.#stopping.signal.aborted) return void this.#replace(slot);",
      "",
    ],
    [
      "one that starts is not asked",
      DESIGN,
      "=> listening && worker !== undefined)",
      "=> worker !== undefined)",
    ],
    [
      "one that has ended is not asked",
      DESIGN,
      "=> listening && worker !== undefined)",
      "=> worker === worker && listening)",
    ],
    [
      "one that says nothing is not waited for",
      DESIGN,
      "onAbort(signal, () => take());",
      "",
    ],
    [
      "one that says nothing is missing",
      DESIGN,
      "others.length + 1 < listening.length || ",
      "",
    ],
    ["what was counted stays counted", DESIGN, "    this.#keepCounts(slot);\n", ""],
    ["a worker that cannot start ends all", DESIGN, "if (!this.#stopping.signal.aborted) this.stop();", ""],
    [
      "no worker is made for a team that stops",
      DESIGN,
      "if (!signal.aborted) this.#startAgain(slot);",
      "this.#startAgain(slot);",
    ],
    ["one that cannot be made is tried again", DESIGN, "void this.#replace(slot);\n    }", "}"],
    [
      "nobody waits for the snapshot of one that is lost",
      DESIGN,
      "if (asked.worker === worker) asked.take();",
      "void asked;",
    ],
    ["a server that lacks a worker is degraded", DESIGN, "degraded: merged.degraded || missing,", ""],

    ["what one that has gone says is nobody's", DESIGN, "if (slot.worker !== worker) return;", ""],
  ]),
  ...rules("cli/server/worker_slot.ts", TEAM, [
    ["successors number their sessions otherwise", DESIGN, "(generation * GENERATION", "(0"],
  ]),
  ...rules("cli/monitor/monitor.ts", CLOCK, [
    [
      "uptime is by a clock that nobody sets",
      DESIGN,
      "uptime: monotonic - this.#began,",
      "uptime: now - this.#startedAt,",
    ],
    [
      "the graph is by a clock that nobody sets",
      DESIGN,
      "return Math.floor((monotonic - this.#began) / 1_000);",
      "return Math.floor(this.#now() / 1_000) + 0 * monotonic;",
    ],
    ["a rate is of a second", DESIGN, "?.bytes ?? 0)) / seconds);", "?.bytes ?? 0)));"],
    ["two looks in a second are one point", DESIGN, "if (last?.second === second) Object", "if (false) Object"],
    ["a sample that fails ends no watching", DESIGN, "sources.onFault?.(error);", "throw error;"],
    ["an age is by a clock that nobody sets", DESIGN, "      duration,\n", "      duration: 0,\n"],
  ]),
  ...rules("kerberos/credentials/keytabs/reloading_keytab.ts", KEYTAB, [
    ["a file is looked at once a second", "CWE-400", "if (now - this.#lastRead < this.#every) return false;", ""],
    ["one look at a time", "CWE-400", "if (this.#reading === undefined) {", "{"],
    [
      "keys of a file that has changed are taken",
      "RFC 4120 section 5.2.9",
      "this.#held = withKeys(this.path, decodeKeytabFile(this.path, file));",
      "withKeys(this.path, decodeKeytabFile(this.path, file));",
    ],
    [
      "a file that could not be used is read again",
      DESIGN,
      "this.#read(this.path, this.#held.mark)",
      "this.#read(this.path, undefined)",
    ],
    ["what is wrong is told once", DESIGN, "if (error !== undefined && error.message === this.#reported) return;", ""],
    ["a disk that does not answer is not waited for", DESIGN, "milliseconds: this.#timeout,", "milliseconds: 60_000,"],
    [
      "who is told has no say",
      DESIGN,
      "    try {\n      this.#onNews({ path: this.path, error });\n    } catch {\n      // A listener has no influence on the keys.\n    }",
      "    this.#onNews({ path: this.path, error });",
    ],
  ]),
  ...rules("kerberos/ap/verify.ts", ROTATION, [
    [
      "a key that is missing is looked for",
      DESIGN,
      "if (opened === undefined && await keys.renewed?.()) {",
      "if (false) {",
    ],
    ["new keys are the ones that are tried", DESIGN, "    candidates = keys.candidates(wanted);\n", ""],
  ]),
];
