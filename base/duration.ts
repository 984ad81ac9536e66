/**
 * Durations as people write them in options, rules, the configuration file and krb5.conf.
 *
 * @module
 */

/** Milliseconds of each unit. */
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Options of {@linkcode parseDuration}. */
export interface DurationSyntax {
  /** Unit of a number without one. @default {none: such a number is refused} */
  readonly bare?: "ms" | "s" | undefined;
  /** Units accepted. @default {["s", "m", "h", "d"]} */
  readonly units?: readonly string[] | undefined;
  /** Whether `never` is accepted. @default {false} */
  readonly never?: boolean | undefined;
  /** Whether MIT's forms are accepted too: `1d 12h`, `8:30`, `8:30:15`, with white space and signs. @default {false} */
  readonly mit?: boolean | undefined;
}

/** Digits that a number may have at most, so that every sum stays exact. */
const NUMBER = String.raw`\d{1,11}`;
const SINGLE = new RegExp(`^(${NUMBER})(ms|s|m|h|d)?$`);
const CLOCK = /^(\d{1,10}):(\d{1,2})(?::(\d{1,2}))?$/;
const PARTS = new RegExp(["d", "h", "m", "s"].map((unit) => String.raw`\s*(?:(-?${NUMBER})\s*${unit})?`).join(""));
const MIT = new RegExp(`^${PARTS.source}$`);

/**
 * Reads a duration.
 *
 * @returns Milliseconds, `Infinity` for `never`, or `undefined` if the text is not in the syntax.
 */
export function parseDuration(text: string, syntax: DurationSyntax = {}): number | undefined {
  const { bare, units = ["s", "m", "h", "d"], never = false, mit = false } = syntax;
  if (text === "never") return never ? Infinity : undefined;
  const trimmed = mit ? text.trim() : text;
  const [, amount, unit = bare] = SINGLE.exec(trimmed) ?? [];
  if (amount !== undefined) {
    const known = unit !== undefined && (unit === bare || units.includes(unit));
    return known ? Number(amount) * UNITS[unit]! : undefined;
  }
  return mit && trimmed !== "" ? parseMit(trimmed) : undefined;
}

/** Durations of krb5.conf that are more than one number and one unit. */
function parseMit(text: string): number | undefined {
  const [, hours, minutes, seconds = "0"] = CLOCK.exec(text) ?? [];
  if (hours !== undefined) return 1_000 * (3_600 * Number(hours) + 60 * Number(minutes) + Number(seconds));
  const [found, ...amounts] = MIT.exec(text) ?? [];
  if (found === undefined) return undefined;
  return ["d", "h", "m", "s"].reduce((sum, unit, i) => sum + Number(amounts[i] ?? 0) * UNITS[unit]!, 0);
}
