/**
 * Times as MIT's programs print them, in the time zone of this machine.
 *
 * @module
 */

/** Columns of a time. */
export const LOCAL_TIME_WIDTH = 19;

/**
 * Returns a time such as `11/26/2026 09:05:00` (month, day, year), in the zone that `TZ` or the machine says.
 *
 * @param milliseconds Since the epoch.
 */
export function localTime(milliseconds: number): string {
  const time = new Date(milliseconds);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = [two(time.getMonth() + 1), two(time.getDate()), String(time.getFullYear()).padStart(4, "0")].join("/");
  return `${day} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":")}`;
}
