/**
 * Durations as people write them in options, rules and the configuration file.
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
}

/** A number, of so few digits that every duration stays exact, and its unit. */
const SINGLE = /^(\d{1,11})(ms|s|m|h|d)?$/;

/**
 * Reads a duration.
 *
 * @returns Milliseconds, `Infinity` for `never`, or `undefined` if the text is not in the syntax.
 */
export function parseDuration(text: string, syntax: DurationSyntax = {}): number | undefined {
  const { bare, units = ["s", "m", "h", "d"], never = false } = syntax;
  if (text === "never") return never ? Infinity : undefined;
  const [, amount, unit = bare] = SINGLE.exec(text) ?? [];
  if (amount === undefined || unit === undefined || (unit !== bare && !units.includes(unit))) return undefined;
  return Number(amount) * UNITS[unit]!;
}
