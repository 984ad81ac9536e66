/**
 * What callers give: options are asked for what they must be before anything is dialled or sent, since plain JavaScript has no types
 * that would say so.
 *
 * @module
 */
import type { Endpoint } from "./wire/address.ts";

/**
 * A host as text. Whether a host can be called that is another question.
 *
 * @param name Name of the option.
 * @throws {TypeError} When it is no text.
 */
export function checkHost(name: string, hostname: string): string {
  if (typeof hostname === "string") return hostname;
  throw new TypeError(`Cannot use ${name}: a host name or an address is wanted, not ${what(hostname)}`);
}

/**
 * A port.
 *
 * @param name Name of the option.
 * @throws {TypeError} When it is no number.
 * @throws {RangeError} When it is none from 0 to 65535.
 */
export function checkPort(name: string, port: number): number {
  if (typeof port !== "number") {
    throw new TypeError(`Cannot use ${name}: a number from 0 to 65535 is wanted, not ${what(port)}`);
  }
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new RangeError(`Cannot use ${name}: ${port} is no port, which are 0 to 65535`);
}

/**
 * An endpoint, as it is now.
 *
 * @param name Name of the option.
 * @throws {TypeError} When it is none.
 * @throws {RangeError} When its port is none.
 */
export function checkEndpoint(name: string, endpoint: Endpoint): Endpoint {
  if (typeof endpoint !== "object" || endpoint === null) {
    throw new TypeError(`Cannot use ${name}: { hostname, port } is wanted, not ${what(endpoint)}`);
  }
  const { hostname, port } = endpoint;
  return { hostname: checkHost(`${name}.hostname`, hostname), port: checkPort(`${name}.port`, port) };
}

/**
 * A function.
 *
 * @param name Name of the option.
 * @throws {TypeError} When it is none.
 */
export function checkFunction<T>(name: string, value: T): T {
  if (typeof value === "function") return value;
  throw new TypeError(`Cannot use ${name}: a function is wanted, not ${what(value)}`);
}

/**
 * A signal, or none.
 *
 * @throws {TypeError} When it is something else.
 */
export function checkSignal(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw new TypeError(`Cannot use signal: an AbortSignal is wanted, not ${what(signal)}`);
}

/** For messages: a value may be anything, a secret too, and its kind says enough. */
function what(value: unknown): string {
  return value === undefined || value === null ? String(value) : `a value of type ${typeof value}`;
}

/**
 * Checks names that a caller gave against those that there are.
 *
 * @throws {TypeError} With the name of the option, and what there is.
 */
export function checkNames(option: string, given: readonly unknown[], known: readonly unknown[]): void {
  if (!Array.isArray(given)) throw new TypeError(`Cannot use ${option}: it is no list`);
  for (const name of given) {
    if (known.includes(name)) continue;
    const found = typeof name === "string" ? JSON.stringify(name) : `a value of type ${typeof name}`;
    throw new TypeError(`Cannot use ${option}: ${found} is none of ${known.join(", ")}`);
  }
}
