/**
 * A thrown value as text and as an error. JavaScript may throw any value.
 *
 * @module
 */

/** Returns the message of an error, or any other value as text. */
export function reasonText(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Returns the value if it is an error, otherwise an error with its text as the message and the value as the cause. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}
