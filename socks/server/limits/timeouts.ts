/**
 * Time limits of a session.
 *
 * @module
 */
import { duration } from "../../../base/deadline.ts";

/** Time limits of the steps of a session, in milliseconds; `Infinity` for no limit. */
export interface Timeouts {
  /** Time for greeting, authentication and request. @default {10000} */
  readonly handshake?: number | undefined;
  /**
   * Time to reach a target, for a target to connect after BIND, for a look-up, and to set up an association.
   *
   * @default {30000}
   */
  readonly connect?: number | undefined;
  /**
   * Time without a byte in either direction after which a connection is closed. The default is the shortest time that RFC 5382 (REQ-5)
   * allows a NAT: 2 hours and 4 minutes.
   *
   * @default {7440000}
   */
  readonly idle?: number | undefined;
  /** The same once one side has ended, if that is shorter. @default {600000} */
  readonly halfClose?: number | undefined;
}

/** Timeouts with every value present. */
export type AllTimeouts = Readonly<Record<keyof Timeouts, number>>;

const DEFAULT_TIMEOUTS: AllTimeouts = {
  handshake: 10_000,
  connect: 30_000,
  idle: (2 * 60 + 4) * 60_000,
  halfClose: 10 * 60_000,
};

/** Returns the timeouts given, with the defaults for the others. */
export function timeoutsOf({ timeouts = {} }: { readonly timeouts?: Timeouts | undefined }): AllTimeouts {
  return {
    handshake: timeouts.handshake ?? DEFAULT_TIMEOUTS.handshake,
    connect: timeouts.connect ?? DEFAULT_TIMEOUTS.connect,
    idle: timeouts.idle ?? DEFAULT_TIMEOUTS.idle,
    halfClose: timeouts.halfClose ?? DEFAULT_TIMEOUTS.halfClose,
  };
}

/**
 * Checks the timeouts of a caller.
 *
 * @throws {TypeError} When a timeout is not a time in milliseconds.
 */
export function checkTimeouts(timeouts: Timeouts): void {
  for (const name of Object.keys(DEFAULT_TIMEOUTS) as (keyof Timeouts)[]) {
    if (timeouts[name] !== undefined) duration(`timeouts.${name}`, timeouts[name]);
  }
}
