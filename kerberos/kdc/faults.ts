/**
 * Failures that tests have the embedded KDC produce.
 *
 * @module
 */

/** Failures for tests; all off by default. They may be changed while the KDC runs. */
export interface KdcFaults {
  /** How far the KDC's clock is ahead, in milliseconds. */
  clockOffset: number;
  /**
   * Added to the key version number in tickets for services, which are sealed with a key that no keytab has: the service's key was changed
   * at the KDC.
   */
  kvnoOffset: number;
  /** Number of requests that get no reply. */
  dropReplies: number;
  /** Enctypes that the KDC does not offer although it has keys of them. */
  unsupportedEnctypes: readonly number[];
  /** Longest reply over UDP, in bytes; a longer one becomes `KRB_ERR_RESPONSE_TOO_BIG`. */
  maxUdpReply: number;
  /** Code of a KRB-ERROR that answers every request; 0 for none. */
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
