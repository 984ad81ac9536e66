/**
 * Functions that remember their last result.
 *
 * @module
 */

/** Returns a function that calls `compute` only if its argument is another one than the last: for a value that comes again and again. */
export function rememberingLast<A, R>(compute: (argument: A) => R): (argument: A) => R {
  let last: { readonly argument: A; readonly result: R } | undefined;
  return (argument) => {
    if (last === undefined || last.argument !== argument) last = { argument, result: compute(argument) };
    return last.result;
  };
}
