/**
 * Counts of the datagrams of an association.
 *
 * @module
 */
import { SocksLimitError, SocksReplyError } from "../../errors.ts";

/** Datagrams that were dropped, by reason. */
export interface DroppedDatagrams {
  /** Not from the client that asked for the association. */
  wrongSource: number;
  /** Not a genuine protected message, or one that came before. */
  notGenuine: number;
  /** Without a header that can be decoded. */
  malformed: number;
  /** A fragment (RFC 1928 section 7 lets a relay drop those). */
  fragment: number;
  /** Denied by the rules. */
  denied: number;
  /** From a sender to which the client has sent nothing. */
  unsolicited: number;
  /** Above the limit on datagrams at one time, or on bytes in a second. */
  overload: number;
  /** Too large for a datagram once it has its header and its protection. */
  tooLarge: number;
  /** Not sent, because sending failed. */
  unreachable: number;
}

/** Datagrams of an association. */
export interface DatagramCounts {
  /** Datagrams to targets. */
  sent: number;
  /** Datagrams to the client. */
  received: number;
  /** How often the client, proven by its keys, came from another address or port than before. */
  moved: number;
  /** Datagrams that were dropped. */
  readonly dropped: DroppedDatagrams;
}

/** Returns counts of zero. */
export function noDatagrams(): DatagramCounts {
  const dropped = {
    wrongSource: 0,
    notGenuine: 0,
    malformed: 0,
    fragment: 0,
    denied: 0,
    unsolicited: 0,
    overload: 0,
    tooLarge: 0,
    unreachable: 0,
  };
  return { sent: 0, received: 0, moved: 0, dropped };
}

/** Returns why a datagram was not sent to its target. */
export function dropReason(error: unknown): keyof DroppedDatagrams {
  if (error instanceof SocksReplyError && error.code === "NOT_ALLOWED") return "denied";
  if (error instanceof SocksLimitError) return "overload";
  return error instanceof RangeError ? "tooLarge" : "unreachable";
}
