/**
 * Durations of krb5.conf, in MIT's grammar: `36000`, `10h`, `1d 12h`, `8:30`, `8:30:15`, `1-8:30:15`.
 *
 * @module
 */

const MAX = 2 ** 31 - 1;
const MIN = -(2 ** 31);

const BLANKS = String.raw`[ \t\n\v\f\r]*`;
const NUMBER = String.raw`-?\d+`;

/** Days, hours, minutes and seconds, in this order, each with its unit; a blank at the end only if no seconds stand there. */
const UNITS = new RegExp(
  `^(?:${BLANKS}(${NUMBER})d)?(?:${BLANKS}(${NUMBER})h)?(?:${BLANKS}(${NUMBER})m)?(?:${BLANKS}(${NUMBER})s|${BLANKS})$`,
);
/** `h:m`, `h:m:s` and `d-h:m:s`; what follows the first number has two digits at most. */
const CLOCK = new RegExp(`^${BLANKS}(${NUMBER})(?:-(\\d\\d?):(\\d\\d?):(\\d\\d?)|:(\\d\\d?)(?::(\\d\\d?))?)$`);
const SECONDS = new RegExp(`^${BLANKS}(${NUMBER})$`);
/** The rest of a unit that is written out at the end, which MIT passes over. */
const WRITTEN_OUT = /(?<=\d)(d)ays?$|(?<=\d)(h)(?:ours?|rs?)$|(?<=\d)(m)in(?:ute)?s?$|(?<=\d)(s)ec(?:ond)?s?$/;

/**
 * Reads a duration.
 *
 * @returns Seconds, in 32 bits as in MIT krb5; `undefined` if the text is not in the grammar.
 */
export function parseDeltat(text: string): number | undefined {
  const short = text.replace(WRITTEN_OUT, "$1$2$3$4");
  const [seconds] = SECONDS.exec(short)?.slice(1) ?? [];
  if (seconds !== undefined) return total("0", "0", "0", seconds);
  const clock = CLOCK.exec(short);
  if (clock !== null) {
    const [, first, hours, minutes, second, minutesOnly, secondsOnly] = clock;
    return hours === undefined
      ? total("0", first!, minutesOnly!, secondsOnly ?? "0")
      : total(first!, hours, minutes!, second!);
  }
  const units = UNITS.exec(short)?.slice(1);
  if (units === undefined || units.every((amount) => amount === undefined)) return undefined;
  const [days = "0", hours = "0", minutes = "0", rest = "0"] = units;
  return total(days, hours, minutes, rest);
}

/** The sum; `undefined` if a part of it has more than 32 bits. MIT adds from the right, so that a sum on the way may be too large. */
function total(
  ...amounts: readonly [days: string, hours: string, minutes: string, seconds: string]
): number | undefined {
  const factors = [86_400, 3_600, 60, 1];
  let sum = 0;
  for (let i = amounts.length - 1; i >= 0; i--) {
    const amount = Number(amounts[i]) * factors[i]!;
    sum += amount;
    if (Math.abs(Number(amounts[i])) > MAX || !fits(amount) || !fits(sum)) return undefined;
  }
  return sum;
}

function fits(seconds: number): boolean {
  return seconds >= MIN && seconds <= MAX;
}
