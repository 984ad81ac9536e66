/**
 * What the caches of a KCM daemon need of a platform: its socket. Each platform implements this in a `shell/` folder. A method fails
 * with an error whose message is the reason, in words for users.
 *
 * @module
 */

/** The socket of a KCM daemon. */
export interface KcmSocket {
  /** Its path. */
  readonly path: string;
  /** Connects. */
  connect(): Promise<KcmConnection>;
}

/** A connection to a KCM daemon. */
export interface KcmConnection {
  /** Writes some of the bytes; returns how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Reads some bytes; `null` at the end. */
  read(into: Uint8Array): Promise<number | null>;
  /** Closes it; what waits for it fails. May be called again. */
  close(): void;
}
