/**
 * Checks of arguments before anything is dialled or sent, for programs that are not type-checked.
 *
 * @module
 */
import type { Endpoint } from "./wire/address.ts";

/**
 * Returns a host if it is text. Whether it is a valid host is checked elsewhere.
 *
 * @param name Name of the option.
 * @throws {TypeError} When it is not a string.
 */
export function checkHost(name: string, hostname: string): string {
  if (typeof hostname === "string") return hostname;
  throw new TypeError(`Cannot use ${name}: it must be a host name or an address, not ${kindOf(hostname)}`);
}

/**
 * Returns a valid port.
 *
 * @param name Name of the option.
 * @throws {TypeError} When it is not a number.
 * @throws {RangeError} When it is not from 0 to 65535.
 */
export function checkPort(name: string, port: number): number {
  if (typeof port !== "number") {
    throw new TypeError(`Cannot use ${name}: it must be a number from 0 to 65535, not ${kindOf(port)}`);
  }
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new RangeError(`Cannot use ${name}: ${port} is not a port from 0 to 65535`);
}

/**
 * Returns a copy of an endpoint.
 *
 * @param name Name of the option.
 * @throws {TypeError} When it is not an endpoint.
 * @throws {RangeError} When its port is not valid.
 */
export function checkEndpoint(name: string, endpoint: Endpoint): Endpoint {
  if (typeof endpoint !== "object" || endpoint === null) {
    throw new TypeError(`Cannot use ${name}: it must be { hostname, port }, not ${kindOf(endpoint)}`);
  }
  const { hostname, port } = endpoint;
  return { hostname: checkHost(`${name}.hostname`, hostname), port: checkPort(`${name}.port`, port) };
}

/**
 * Returns a function.
 *
 * @param name Name of the option.
 * @throws {TypeError} When it is not a function.
 */
export function checkFunction<T>(name: string, value: T): T {
  if (typeof value === "function") return value;
  throw new TypeError(`Cannot use ${name}: it must be a function, not ${kindOf(value)}`);
}

/**
 * Returns a signal, or `undefined`.
 *
 * @throws {TypeError} When it is anything else.
 */
export function checkSignal(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw new TypeError(`Cannot use signal: it must be an AbortSignal, not ${kindOf(signal)}`);
}

/** Returns the kind of a value for a message; the value itself may be a secret. */
function kindOf(value: unknown): string {
  return value === undefined || value === null ? String(value) : `a value of type ${typeof value}`;
}

/**
 * Checks that all names of a list are known.
 *
 * @throws {TypeError} With the name of the option, and the known names.
 */
export function checkNames(option: string, given: readonly unknown[], known: readonly unknown[]): void {
  if (!Array.isArray(given)) throw new TypeError(`Cannot use ${option}: it must be a list`);
  for (const name of given) {
    if (known.includes(name)) continue;
    const found = typeof name === "string" ? JSON.stringify(name) : `a value of type ${typeof name}`;
    throw new TypeError(`Cannot use ${option}: ${found} is not one of ${known.join(", ")}`);
  }
}
