/**
 * Writes to standard output and standard error, to the last byte.
 *
 * @module
 */

/** Writes all of the bytes; waits while a pipe that does not block is full. */
export function writeAll(to: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    try {
      at += to.writeSync(bytes.subarray(at));
    } catch (error) {
      // Another program that has this pipe too has said that it does not block; there is nothing to do until it has room.
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE);
    }
  }
}

/** Milliseconds between two attempts to write to a pipe that is full and does not block. */
const FULL_PIPE = 10;
