/**
 * How the room of a replay cache is shared among clients.
 *
 * @module
 */

/** Each client may use one part in `SHARE` of a cache that has room for at least `SHARED_OUT` authenticators. */
const [SHARE, SHARED_OUT] = [8, 16];

/** Whether a client with `held` entries has used up its share: an eighth of the capacity, or more while as much is free. */
export function isShareUsed(held: number, capacity: number, free: number): boolean {
  return capacity >= SHARED_OUT && held >= Math.max(Math.floor(capacity / SHARE), free);
}

/** The error for a client whose share is used up. */
export function shareUsedError(): Error {
  return new Error(
    "Cannot detect replays: the client has used up its share of the replay cache with authenticators that are still in force",
  );
}
