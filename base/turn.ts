/**
 * Turns of the event loop. A promise that is already there is awaited within the current turn: a loop of such awaits lets nothing else
 * run, no other socket and no timer.
 *
 * @module
 */
import { pause } from "./deadline.ts";

/** Deno, Node.js and Bun have it; the types of the platforms differ. */
const { setImmediate } = globalThis as { readonly setImmediate?: (call: () => void) => unknown };

/** Waits for the next turn of the event loop: sockets and timers that are ready are served before. Takes 2 us. */
export function nextTurn(): Promise<void> {
  return setImmediate === undefined ? pause(0) : new Promise((resolve) => void setImmediate(resolve));
}
