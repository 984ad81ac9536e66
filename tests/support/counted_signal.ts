/**
 * An abort signal whose listeners are counted.
 *
 * @module
 */

/** An abort controller that counts the listeners of its signal. */
export interface CountedController extends AbortController {
  /** Current number of listeners. */
  listeners(): number;
}

/** Creates a controller. Listeners through `AbortSignal.any` are not counted. */
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
