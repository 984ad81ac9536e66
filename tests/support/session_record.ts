/**
 * Records of sessions whose time a test decides.
 *
 * @module
 */
import type { Deadline } from "../../base/deadline.ts";
import type { ServerEvent } from "../../socks/server/events.ts";
import { SessionRecord } from "../../socks/server/session_record.ts";
import { pipe } from "./pipe.ts";

/** Returns a record with a clock of the test's, whose session has always lasted the same time. */
export function recordWith(
  clock: Deadline,
  duration: number,
  observe: (event: ServerEvent) => void = () => {},
): SessionRecord {
  const record = new SessionRecord(1, pipe()[0], {
    options: { onEvent: observe },
    onError: () => {},
    onFailure: () => {},
  });
  record.clock[Symbol.dispose]();
  return Object.defineProperties(record, { clock: { value: clock }, duration: { value: duration } });
}
