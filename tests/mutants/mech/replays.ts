/**
 * Replay caches.
 *
 * @module
 */
import { type Mutant, rules } from "../mutant.ts";

const ACCEPTOR = "tests/kerberos/mech/acceptor_test.ts";
const MEMORY = "tests/kerberos/ap/replay/memory_test.ts";
const REPLAYS = "tests/kerberos/mech/acceptor_replays_test.ts";
const SHARED = "tests/kerberos/ap/replay/shared_test.ts";
const START_TIME = "tests/kerberos/ap/replay/start_time_test.ts";
const WORKERS = "tests/cli/server/workers_test.ts";

/** The rules. */
export const REPLAYS_MUTANTS: readonly Mutant[] = [
  ...rules("kerberos/ap/replay/memory.ts", [MEMORY], [
    ["a cache has room", "RFC 4120 section 3.2.3", "if (!(this.#capacity >= 1)) {", "if (false) {"],
    [
      "what was forgotten for want of room is told",
      "RFC 4120 section 3.2.3, lost authenticators",
      "      this.#forgotten = Math.max(this.#forgotten, slot!.last);\n",
      "",
    ],
    ["the last of a slot counts", "RFC 4120 section 3.2.3", "slot.last = Math.max(slot.last, now);", ""],
    [
      "a replay in memory is known",
      "RFC 4120 section 3.2.3",
      "if (until !== undefined && until >= now) return false;",
      "",
    ],
    [
      "a full replay cache refuses",
      "RFC 4120 section 3.2.3",
      '    if (full()) throw new Error("Cannot detect replays: the replay cache is full");\n',
      "",
    ],
    [
      "an entry that expires far off keeps no others",
      "bounded memory",
      "for (const slot of this.#slots.keys()) if (slot < present) this.#forgetSlot(slot);",
      "for (const slot of this.#slots.keys()) {\n        if (slot >= present) break;\n        this.#forgetSlot(slot);\n      }",
    ],
    [
      "slots pass one by one",
      "bounded memory",
      "for (let slot = this.#oldest; slot < present; slot++) this.#forgetSlot(slot);",
      "",
    ],
    ["slots that have not passed stay", "RFC 4120 section 3.2.3", "slot < present; slot++", "slot <= present; slot++"],
    [
      "room is made to the millisecond",
      "bounded memory",
      "    if (full() || this.#isShareUsed(client)) this.#forgetExpired(now);\n",
      "",
    ],
    [
      "what is in force stays when room is short",
      "RFC 4120 section 3.2.3",
      "      if (expiresAt >= now) continue;\n",
      "",
    ],
    [
      "a slot before the oldest one is looked at",
      "bounded memory after the clock was set back",
      "this.#oldest = Math.min(this.#oldest, number);",
      "if (this.#oldest === Infinity) this.#oldest = number;",
    ],
  ]),
  ...rules("kerberos/ap/replay/shared.ts", [SHARED], [
    ["a shared cache has room", "RFC 4120 section 3.2.3", "if (!(this.#buckets >= 1)) {", "if (false) {"],
    ["threads ask and remember in one step", "RFC 4120 section 3.2.3", "    this.#lock(bucket);\n", ""],
    [
      "a lock that is not given back is not waited for for ever",
      "liveness of all other threads",
      "tries < TRIES && waits < WAITS; tries++",
      "tries < 1_200; tries++",
    ],
    [
      "it is waited for once",
      "liveness of all other threads",
      "    Atomics.compareExchange(this.#words, bucket, HELD, GIVEN_UP);\n",
      "",
    ],
    ["a thread in the lock is waited for", "no refusal without need", "const WAITS = 20;", "const WAITS = 0;"],
    [
      "a lock is not taken over",
      "RFC 4120 section 3.2.3",
      '    throw new Error("Cannot detect replays: a thread keeps a part of the replay cache locked; restart all threads");\n',
      "",
    ],
  ]),
  ...rules("kerberos/ap/replay/memory.ts", [REPLAYS], [
    [
      "what was forgotten while the clock was ahead is told",
      "RFC 4120 section 3.2.3, lost authenticators",
      "    this.#forgotten = Math.max(this.#forgotten, slot.last);\n",
      "",
    ],
  ]),
  ...rules("kerberos/ap/replay/shared.ts", [REPLAYS], [
    [
      "what was forgotten in shared memory while the clock was ahead is told",
      "RFC 4120 section 3.2.3, lost authenticators",
      "if (taken !== 0) this.#noteForgotten(taken - terms.kept);",
      "",
    ],
    ["what keeps nobody out is no more than it is", "RFC 4120 section 3.2.3", "taken - terms.kept", "taken"],
  ]),
  ...rules("kerberos/mech/credentials.ts", [ACCEPTOR], [
    ["a skew is finite", "RFC 4120 section 3.2.3", "!Number.isFinite(clockskew) || ", ""],
    ["a skew is not negative", "RFC 4120 section 3.2.3", " || clockskew < 0", ""],
  ]),
  ...rules("kerberos/config/values.ts", ["tests/kerberos/config/config_test.ts"], [
    ["no span of krb5.conf is negative", "krb5.conf, clockskew", "if (seconds >= 0) return", "return"],
  ]),
  ...rules("kerberos/ap/replay/memory.ts", [START_TIME, REPLAYS], [
    [
      "a cache in memory says when it was made",
      "RFC 4120 section 3.2.3, lost authenticators",
      "return Math.max(Math.ceil(this.#started.wallTime), this.#forgotten);",
      "return this.#forgotten;",
    ],
  ]),
  ...rules("kerberos/ap/replay/shared.ts", [START_TIME], [
    [
      "shared memory says when it was first used",
      "RFC 4120 section 3.2.3, lost authenticators",
      "Atomics.compareExchange(this.#words, BEGUN, 0, present) || present;",
      "Atomics.store(this.#words, BEGUN, present);",
    ],
  ]),
  ...rules("kerberos/ap/replay/shared.ts", [WORKERS], [
    [
      "a full shared cache refuses",
      "RFC 4120 section 3.2.3",
      '    if (room === undefined) throw new Error("Cannot detect replays: the replay cache is full");\n',
      "    room ??= first;\n",
    ],
    [
      "a replay in shared memory is known",
      "RFC 4120 section 3.2.3",
      "} else if (tag.every((word, i) => words[slot + i] === word)) return false;\n",
      "}\n",
    ],
  ]),
];
