/**
 * How far a KDC's clock is ahead of ours, as its answers show it (RFC 4120 section 3.1.5).
 *
 * @module
 */
import type { Runtime } from "../../base/runtime.ts";
import { KdcError } from "../errors.ts";
import type { KrbError } from "../messages/error.ts";
import { ErrorCode } from "../registry/errors.ts";

/** A difference below this is attributed to the time that the reply took, in milliseconds. */
const CLOCK_TOLERANCE = 5_000;

/** Returns how far the clock of the KDC that refuses is ahead of ours, in milliseconds. */
export function clockOffset(refusal: KrbError, runtime: Runtime): number {
  return refusal.stime + refusal.susec / 1000 - runtime.now();
}

/** Returns the offset, or 0 if it is too small to tell from the time that the reply took. */
export function significantOffset(offset: number): number {
  return Math.abs(offset) < CLOCK_TOLERANCE ? 0 : offset;
}

/** Whether a KDC refuses because of the time. Its refusal has the time of its own clock. */
export function isClockRefusal(error: unknown): error is KdcError {
  const { KRB_AP_ERR_SKEW, KRB_AP_ERR_TKT_NYV, KRB_AP_ERR_TKT_EXPIRED } = ErrorCode;
  return error instanceof KdcError &&
    [KRB_AP_ERR_SKEW, KRB_AP_ERR_TKT_NYV, KRB_AP_ERR_TKT_EXPIRED].some((code) => code === error.errorCode);
}
