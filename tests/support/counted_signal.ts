/**
 * A signal whose listeners are counted.
 *
 * @module
 */

/** A controller, and how many listen to its signal. */
export interface CountedController extends AbortController {
  /** Listeners that are there now. */
  listeners(): number;
}

/** Makes one. What listens through `AbortSignal.any` is not seen. */
export function countedController(): CountedController {
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = new Set<unknown>();
  const { addEventListener, removeEventListener } = signal;
  Object.assign(signal, {
    addEventListener(...args: Parameters<typeof addEventListener>): void {
      listeners.add(args[1]);
      addEventListener.apply(signal, args);
    },
    removeEventListener(...args: Parameters<typeof removeEventListener>): void {
      listeners.delete(args[1]);
      removeEventListener.apply(signal, args);
    },
  });
  return Object.assign(controller, { listeners: () => listeners.size });
}
