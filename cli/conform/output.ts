/**
 * How `gssocks conform` shows what it finds, and what it ends with.
 *
 * @module
 */
import type { CheckResult } from "../../conform/check.ts";
import { jsonOf, type Report, resultText, summaryText, tapOf } from "../../conform/report.ts";
import { exclude, type OptionSpec, type ParsedArguments } from "../command/command.ts";
import type { CliIo } from "../terminal/io.ts";

/** Options of the output. */
export const OUTPUT_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  json: { help: "Show the results as JSON" },
  tap: { help: "Show the results as TAP 14" },
  verbose: { short: "v", help: "As text, show passed and skipped checks too" },
};

/** Exit codes: 2 is for wrong arguments, as everywhere. */
export const CONFORM_CODES: Readonly<Record<Report["verdict"], number>> = { ok: 0, failed: 1, "not run": 3 };

/** Shows results as they come, where the format has them one by one. */
export function onResult(args: ParsedArguments, io: CliIo): ((result: CheckResult) => void) | undefined {
  exclude(args, "json", "tap");
  exclude(args, "verbose", "json", "tap");
  if (args.has("json") || args.has("tap")) return undefined;
  return (result) => {
    const quiet = result.outcome === "skip" || (result.outcome === "pass" && result.severity !== "note");
    if (!quiet || args.has("verbose")) io.out(resultText(result));
  };
}

/** Shows the whole report, and returns the exit code. */
export function showReport(args: ParsedArguments, io: CliIo, report: Report): number {
  io.out(args.has("json") ? jsonOf(report) : args.has("tap") ? tapOf(report) : summaryText(report));
  return CONFORM_CODES[report.verdict];
}
