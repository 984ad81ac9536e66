/**
 * The error of a configuration that cannot be used.
 *
 * @module
 */

/** Code of a {@linkcode ConfigError}. */
export type ConfigErrorCode = "BAD_CONFIG";

/** Thrown for a configuration that cannot be used; the message has a line for each problem. */
export class ConfigError extends Error {
  /** Name of the class. */
  override readonly name = "ConfigError";
  /** What went wrong. */
  readonly code: ConfigErrorCode = "BAD_CONFIG";
}

/**
 * Adds the place in the configuration to what `read` throws.
 *
 * @throws {ConfigError}
 */
export function at<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`${place}: ${(error as Error).message}`, { cause: error });
  }
}
