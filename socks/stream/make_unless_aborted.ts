/**
 * Waits for something that another function opens (a connection, a listener, a socket), until a signal is aborted.
 *
 * @module
 */
import { type Ender, onAbort } from "../../base/deadline.ts";

/**
 * Calls `make` and waits for its result until the signal is aborted, whether `make` heeds the signal or not. Waiting for a deadline
 * makes no signal.
 *
 * @param discard Called with a result that comes after the abort: nothing else can release it.
 * @throws {Error} The signal's reason. If the signal is already aborted, `make` is not called.
 */
export async function makeUnlessAborted<T>(
  make: () => Promise<T>,
  ender: Ender,
  discard: (late: T) => void,
): Promise<T> {
  ender.throwIfAborted();
  const making = make();
  const taken = Promise.withResolvers<T>();
  let isLate = false;
  // `make` itself may have aborted the signal; it is late then.
  const listening = onAbort(ender, (reason) => {
    isLate = true;
    taken.reject(reason);
  });
  making.then((made) => {
    listening[Symbol.dispose]();
    // One step decides between the caller and `discard`.
    if (isLate) discard(made);
    else taken.resolve(made);
  }).catch((error) => {
    listening[Symbol.dispose]();
    taken.reject(error);
  });
  return await taken.promise;
}
