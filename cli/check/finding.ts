/**
 * What a check of the configuration finds, and how it is shown.
 *
 * @module
 */
import { errorLine } from "../command/command.ts";
import type { CliIo } from "../terminal/io.ts";

/** How good a finding is: `error` is one with which the server cannot start. */
type FindingLevel = "good" | "warning" | "error";

/** One thing that was looked at. */
export interface Finding {
  /** How good it is. */
  readonly level: FindingLevel;
  /** Setting that it is about. */
  readonly what: string;
  /** What was found, and what to do where it is not good. */
  readonly text: string;
  /** Facts for programs. */
  readonly facts?: Readonly<Record<string, unknown>> | undefined;
}

/** A finding that something is as it should be. */
export function good(what: string, text: string, facts?: Finding["facts"]): Finding {
  return { level: "good", what, text, facts };
}

/** A finding of something with which the server starts, and yet does not do what is meant. */
export function warning(what: string, text: string, facts?: Finding["facts"]): Finding {
  return { level: "warning", what, text, facts };
}

/** A finding with which the server cannot start. */
function failure(what: string, thrown: unknown, facts?: Finding["facts"]): Finding {
  const text = errorLine(thrown);
  const head = `${what}: `;
  return { level: "error", what, text: text.startsWith(head) ? text.slice(head.length) : text, facts };
}

/** Returns what `look` finds; what it throws is a finding too. */
export async function found(what: string, look: () => Finding[] | Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (error) {
    return [failure(what, error)];
  }
}

const HEADS: Readonly<Record<FindingLevel, string>> = { good: "", warning: "Warning: ", error: "Error: " };

/** Prints findings: what is good to standard output, the rest to standard error. As JSON all of it is one value. */
export function printFindings(findings: readonly Finding[], io: CliIo, json: boolean): void {
  const count = (level: FindingLevel) => findings.filter((finding) => finding.level === level).length;
  const [errors, warnings] = [count("error"), count("warning")];
  if (json) {
    const shown = findings.map(({ level, what, text, facts }) => ({ level, setting: what, message: text, ...facts }));
    io.out(`${JSON.stringify({ good: errors === 0, errors, warnings, findings: shown }, null, 2)}\n`);
    return;
  }
  for (const { level, what, text } of findings) {
    (level === "good" ? io.out : io.err)(`${HEADS[level]}${what}: ${text}\n`);
  }
  const many = (number: number, word: string) => `${number} ${word}${number === 1 ? "" : "s"}`;
  if (errors > 0) io.err(`The server cannot start: ${many(errors, "error")}\n`);
  else io.out(`The configuration is good${warnings === 0 ? "" : `, with ${many(warnings, "warning")}`}.\n`);
}
