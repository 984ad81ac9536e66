/**
 * The log of a program that goes on: events of its sessions, and what it says of itself. As JSON, every line is an object with
 * time, level and the id of this run; as text, what is about no session is a line for people.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import { randomBytes } from "../../base/runtime.ts";
import type { ServerEvent } from "../../socks/server/events.ts";
import type { CliIo } from "../terminal/io.ts";
import { eventPrinter, jsonLine, type LogFormat, type LogLevel } from "./event_log.ts";

/** Something that is about no session. */
export interface LogNote {
  /** How much it matters. @default {warning if the text begins with that word, and info otherwise} */
  readonly level?: LogLevel | undefined;
  /** Kind of what happened, for programs. */
  readonly event: string;
  /** The line for people. */
  readonly text: string;
  /** Further facts, for JSON only. */
  readonly facts?: Readonly<Record<string, unknown>> | undefined;
}

/** A log in one format. */
export class ProgramLog {
  readonly #format: LogFormat;
  readonly #io: Pick<CliIo, "err" | "log">;
  /** Id of this run: numbers of sessions begin again with each. */
  readonly run: string;
  /** Logs the event of a session. */
  readonly event: (event: ServerEvent) => void;

  /**
   * Creates a log.
   *
   * @param format Its format. With `none` events are not logged, and what is about no session is text.
   * @param io Where lines go.
   * @param run Id of this run.
   */
  constructor(format: LogFormat, io: Pick<CliIo, "err" | "log">, run: string = encodeHex(randomBytes(4))) {
    this.#format = format;
    this.#io = io;
    this.run = run;
    this.event = eventPrinter(format, io, run);
    io.log?.noteGaps?.((text) => this.#line({ level: "warning", event: "log-dropped", text }));
  }

  /** Logs what is about no session. */
  note(note: LogNote): void {
    this.#io.err(this.#line(note));
  }

  #line({ level, event, text, facts }: LogNote): string {
    const line = text.replace(/\n$/, "");
    if (this.#format !== "json") return `${line}\n`;
    const [, word, message] = /^(?:(Warning|Note|error): )?([^]*)$/.exec(line)!;
    return jsonLine(level ?? (word === "Warning" ? "warning" : "info"), this.run, { event, message, ...facts });
  }
}
