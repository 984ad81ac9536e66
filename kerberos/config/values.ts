/**
 * Values in krb5.conf: booleans, numbers and durations.
 *
 * @module
 */
import { KerberosError } from "../errors.ts";
import { parseDeltat } from "./deltat.ts";

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
 * Reads a number in decimal digits, of 32 bits as MIT's `int`.
 *
 * @throws {KerberosError} `BAD_CONFIG`
 */
export function parseInteger(name: string, text: string): number {
  const number = /^\s*[+-]?\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (number >= -(2 ** 31) && number < 2 ** 31) return number;
  throw unreadable(name, text, "is not a number");
}

/**
 * Reads a size in bytes; a negative one stands for the default, as in MIT krb5.
 *
 * @throws {KerberosError} `BAD_CONFIG`
 */
export function parseSize(name: string, text: string, fallback: number): number {
  const size = parseInteger(name, text);
  return size < 0 ? fallback : size;
}

/**
 * Reads a switch that MIT has as a number: 0 is off, and any other number is on. The words of booleans are taken, too.
 *
 * @throws {KerberosError} `BAD_CONFIG`
 */
export function parseSwitch(name: string, text: string): boolean {
  return /^\s*[+-]?\d+$/.test(text) ? parseInteger(name, text) !== 0 : parseBoolean(name, text);
}

/**
 * Reads a duration that is not negative: how long something lasts, or how far clocks may differ. MIT's syntax has negative durations,
 * and with one of those every ticket would have expired.
 *
 * @returns Milliseconds.
 * @throws {KerberosError} `BAD_CONFIG`
 */
export function parseSpan(name: string, text: string): number {
  const seconds = parseDeltat(text);
  if (seconds === undefined) {
    throw unreadable(name, text, "is no duration, such as 36000 (seconds), 10h, 1d 12h, 8:30:00 or 1-08:30:00");
  }
  if (seconds >= 0) return 1000 * seconds;
  throw unreadable(name, text, "is negative");
}

function unreadable(name: string, text: string, problem: string): KerberosError {
  return new KerberosError("BAD_CONFIG", `Cannot read ${name}: ${JSON.stringify(text)} ${problem}`);
}
