/**
 * Values in krb5.conf: booleans, counts, durations and lists of enctypes.
 *
 * @module
 */
import { parseDuration as parseMilliseconds } from "../../base/duration.ts";
import { enctypeByName } from "../crypto/enctypes.ts";
import { KerberosError } from "../errors.ts";

/**
 * Reads a boolean.
 *
 * @throws {KerberosError} `BAD_CONFIG`
 */
export function parseBoolean(name: string, text: string): boolean {
  if (/^(y|yes|true|t|1|on)$/i.test(text)) return true;
  if (/^(n|no|false|f|nil|0|off|fallback)$/i.test(text)) return false;
  throw unreadable(name, text, "is neither true nor false");
}

/**
 * Reads a count.
 *
 * @throws {KerberosError} `BAD_CONFIG`
 */
export function parseCount(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw unreadable(name, text, "is not a count");
}

/**
 * Reads a number of levels, where -1 stands for none.
 *
 * @throws {KerberosError} `BAD_CONFIG`
 */
export function parseDepth(name: string, text: string): number {
  return text === "-1" ? -1 : parseCount(name, text);
}

/**
 * Reads a duration that is not negative: how long something lasts, or how far clocks may differ. MIT's syntax has negative durations,
 * and with one of those every ticket would have expired.
 *
 * @returns Milliseconds.
 * @throws {KerberosError} `BAD_CONFIG`
 */
export function parseSpan(name: string, text: string): number {
  const seconds = parseDuration(text);
  if (seconds >= 0) return 1000 * seconds;
  throw unreadable(name, text, "is negative");
}

/**
 * Reads a duration in MIT's syntax (`36000`, `10h`, `1d 12h`, `8:30`, `8:30:15`).
 *
 * @returns Seconds, in 32 bits as in MIT krb5.
 * @throws {KerberosError} `BAD_CONFIG`
 */
export function parseDuration(text: string): number {
  const milliseconds = parseMilliseconds(text, { bare: "s", mit: true });
  const seconds = milliseconds === undefined ? NaN : milliseconds / 1000;
  if (seconds >= -(2 ** 31) && seconds <= 2 ** 31 - 1) return seconds;
  throw new KerberosError("BAD_CONFIG", `Cannot read duration ${JSON.stringify(text)}`);
}

/**
 * Reads a list of enctypes in MIT's syntax: names, `aes` for all of AES, `DEFAULT`, a minus in front to leave one out. Names of
 * enctypes that this library does not have are ignored.
 *
 * @throws {KerberosError} `BAD_CONFIG` if no enctype is left.
 */
export function parseEnctypes(text: string | undefined, fallback: readonly number[]): readonly number[] {
  if (text === undefined) return fallback;
  let list: number[] = [];
  for (const item of text.split(/[\s,]+/).filter((word) => word !== "")) {
    const [, sign, name] = /^([+-]?)(.*)$/.exec(item)!;
    const named = enctypesNamed(name!.toLowerCase(), fallback);
    if (sign === "-") list = list.filter((enctype) => !named.includes(enctype));
    else list.push(...named.filter((enctype) => !list.includes(enctype)));
  }
  if (list.length > 0) return list;
  throw new KerberosError("BAD_CONFIG", `Cannot use enctypes ${JSON.stringify(text)}: none of them is supported`);
}

function enctypesNamed(name: string, fallback: readonly number[]): readonly number[] {
  if (name === "default") return fallback;
  if (name === "aes") return [18, 17, 20, 19];
  const enctype = enctypeByName(name);
  return enctype === undefined ? [] : [enctype];
}

function unreadable(name: string, text: string, problem: string): KerberosError {
  return new KerberosError("BAD_CONFIG", `Cannot read ${name}: ${JSON.stringify(text)} ${problem}`);
}
