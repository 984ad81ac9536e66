/**
 * Something made by others, waited for no longer than until a signal is aborted.
 *
 * @module
 */

/**
 * Has something made, and waits no longer than until the signal is aborted, whether or not the one who makes it listens to the
 * signal. What is made after that is given up, since nobody else knows of it.
 *
 * @throws {Error} The signal's reason. Nothing is begun where it has been aborted before.
 */
export async function makeUnlessAborted<T>(
  make: () => Promise<T>,
  signal: AbortSignal,
  giveUp: (late: T) => void,
): Promise<T> {
  signal.throwIfAborted();
  const making = make();
  const taken = Promise.withResolvers<T>();
  let late = false;
  const onAbort = () => {
    late = true;
    taken.reject(signal.reason);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  // The very call that makes it may have aborted it.
  if (signal.aborted) onAbort();
  making.then((made) => {
    signal.removeEventListener("abort", onAbort);
    // Decided in one step: it is taken, or given up.
    if (late) giveUp(made);
    else taken.resolve(made);
  }).catch((error) => {
    signal.removeEventListener("abort", onAbort);
    taken.reject(error);
  });
  return await taken.promise;
}
