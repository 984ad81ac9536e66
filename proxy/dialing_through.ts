/**
 * Dialers that go through a proxy, on any machine.
 *
 * @module
 */
import { duration } from "../base/deadline.ts";
import { connectThrough } from "../socks/client/connect.ts";
import type { Dialer } from "../socks/stream/connection.ts";
import { type ProxyOptions, upstreamOf } from "./proxy_options.ts";
import type { ProxySystem } from "./system.ts";

/** Options of {@linkcode dialThrough}. */
export type DialThroughOptions = ProxyOptions & {
  /**
   * Time for each dial until the target is reached, in milliseconds; `Infinity` for no limit except the signal of the dial.
   *
   * @default {60000}
   */
  readonly timeout?: number | undefined;
};

/** A dialer that goes through a proxy; see `dialThrough`. */
export function dialThroughOn(system: ProxySystem, options: DialThroughOptions): Dialer {
  const upstream = upstreamOf(system, options);
  const { timeout = 60_000 } = options;
  const milliseconds = duration("timeout", timeout);
  return async (target, { signal } = {}) =>
    (await connectThrough({ ...upstream, target, timeout: milliseconds, signal })).connection;
}
