/**
 * Failures that tests have the embedded KDC produce.
 *
 * @module
 */

/** Failures for tests to provoke; all off by default, and they may be changed while the KDC runs. */
export interface KdcFaults {
  /** How far the KDC's clock is ahead, in milliseconds. */
  clockOffset: number;
  /** Added to the version number that tickets name, so that services find no such key. */
  kvnoOffset: number;
  /** How many of the next requests get no reply. */
  dropReplies: number;
  /** Enctypes that the KDC pretends not to have. */
  unsupportedEnctypes: readonly number[];
  /** Replies larger than this are refused over UDP with `KRB_ERR_RESPONSE_TOO_BIG`, in bytes. */
  maxUdpReply: number;
  /** The code of a KRB-ERROR to answer every request with; 0 for none. */
  answerWithError: number;
}

/** Returns the faults of a KDC that works. */
export function noFaults(): KdcFaults {
  return {
    clockOffset: 0,
    kvnoOffset: 0,
    dropReplies: 0,
    unsupportedEnctypes: [],
    maxUdpReply: 4096,
    answerWithError: 0,
  };
}
