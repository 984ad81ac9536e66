/**
 * The results of a run as text, as JSON and as TAP (version 14 of testanything.org).
 *
 * @module
 */
import type { CheckResult } from "./check.ts";
import { countOutcomes, verdictOf } from "./run.ts";

/** What a run found. */
export interface Report {
  /** What was tested, for a reader. */
  readonly peer: string;
  /** Results in the order of the checks. */
  readonly results: readonly CheckResult[];
  /**
   * `ok` when no rule that must hold was broken, `failed` when one was, `not run` when one could not be judged because of an error, or
   * there was nothing to judge.
   */
  readonly verdict: "ok" | "failed" | "not run";
}

/** Makes the report of results. */
export function reportOf(peer: string, results: readonly CheckResult[]): Report {
  return { peer, results, verdict: verdictOf(results) };
}

/**
 * One result as text: a line, and under a failure what was expected and what came.
 *
 * @example
 * ```ts
 * import { resultText } from "@gssocks/gssocks/conform";
 *
 * const rule = { id: "hello.split", clause: "RFC 1928 section 3", severity: "must", title: "reads it" } as const;
 * if (!resultText({ ...rule, outcome: "pass" }).startsWith("pass  must    hello.split")) throw new Error("another text");
 * ```
 */
export function resultText(result: CheckResult): string {
  const { id, clause, severity, title, outcome, expected, got, detail } = result;
  const mark = outcome === "fail" ? "FAIL" : outcome === "error" ? "ERROR" : outcome;
  const line = `${mark.padEnd(5)} ${severity.padEnd(6)}  ${id.padEnd(28)} ${title} (${clause})\n`;
  const below = [
    ...(expected === undefined ? [] : [`expected: ${expected}`, `got:      ${got}`]),
    ...(detail === undefined ? [] : [detail]),
  ];
  return line + below.map((text) => `${" ".repeat(14)}${text}\n`).join("");
}

/**
 * The sum of a report, in a line.
 *
 * @example
 * ```ts
 * import { summaryText } from "@gssocks/gssocks/conform";
 *
 * const text = summaryText({ peer: "proxy localhost:1080", results: [], verdict: "not run" });
 * if (!text.includes("0 passed")) throw new Error("another text");
 * ```
 */
export function summaryText({ peer, results, verdict }: Report): string {
  const { pass, fail, skip, error } = countOutcomes(results);
  const musts = results.filter(({ severity, outcome }) => severity === "must" && outcome === "fail").length;
  const means = {
    ok: "no rule that must hold is broken",
    failed: `${musts} of the rules that must hold ${musts === 1 ? "is" : "are"} broken`,
    "not run": "not all rules could be judged",
  }[verdict];
  return `${peer}: ${pass} passed, ${fail} failed, ${skip} skipped, ${error} with an error: ${means}\n`;
}

/**
 * A report as TAP. A check that should hold, or is a note, fails as TODO, which does not fail the run.
 *
 * @example
 * ```ts
 * import { tapOf } from "@gssocks/gssocks/conform";
 *
 * const rule = { id: "hello.split", clause: "RFC 1928 section 3", severity: "must", title: "reads it" } as const;
 * const text = tapOf({ peer: "proxy", results: [{ ...rule, outcome: "pass" }], verdict: "ok" });
 * if (!text.includes("1..1\nok 1 - hello.split")) throw new Error("another text");
 * ```
 */
export function tapOf({ results }: Report): string {
  const points = results.map((result, i) => {
    const { id, clause, severity, title, outcome, expected, got, detail } = result;
    const ok = outcome === "pass" || outcome === "skip";
    const directive = outcome === "skip"
      ? ` # SKIP ${escaped(detail ?? "")}`
      : !ok && severity !== "must"
      ? ` # TODO ${severity}`
      : "";
    const facts = { clause, severity, ...(ok ? {} : { expected, got, detail }) };
    const yaml = Object.entries(facts).filter(([, value]) => value !== undefined).map(([key, value]) =>
      `  ${key}: ${JSON.stringify(value)}\n`
    );
    return `${ok ? "ok" : "not ok"} ${i + 1} - ${id}: ${escaped(title)}${directive}\n  ---\n${yaml.join("")}  ...\n`;
  });
  return `TAP version 14\n1..${results.length}\n${points.join("")}`;
}

function escaped(text: string): string {
  return text.replaceAll(/[\\#]/g, "\\$&").replaceAll("\n", " ");
}

/**
 * A report as JSON, with its counts.
 *
 * @example
 * ```ts
 * import { jsonOf } from "@gssocks/gssocks/conform";
 *
 * const { counts } = JSON.parse(jsonOf({ peer: "proxy", results: [], verdict: "not run" }));
 * if (counts.pass !== 0) throw new Error("another count");
 * ```
 */
export function jsonOf({ peer, results, verdict }: Report): string {
  return `${JSON.stringify({ peer, verdict, counts: countOutcomes(results), results }, null, 2)}\n`;
}
