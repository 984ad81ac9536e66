/**
 * The calls of stream sockets that Kerberos is built on: those of Deno, and the same ones on `node:net`.
 *
 * @module
 */

/** A connection. Disposing it closes it at once. */
export interface StreamSocket extends Disposable {
  /** Reads some bytes; `null` at the end. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes some of the bytes; returns how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Sends an end; reading goes on. */
  closeWrite(): Promise<void>;
}

/** A listener. */
export interface StreamListener {
  /** Where it listens. */
  readonly addr: { readonly port: number };
  /** Returns the next connection; fails after {@linkcode close}. */
  accept(): Promise<StreamSocket>;
  /** Stops listening. */
  close(): void;
}

/** Where a socket connects to or listens. */
interface HostAndPort {
  readonly hostname: string;
  readonly port: number;
}

/** Stream sockets of a platform. */
export interface StreamSockets {
  /** Connects over TCP. */
  connect(to: HostAndPort & { readonly signal: AbortSignal }): Promise<StreamSocket>;
  /** Connects to a socket in the file system. */
  connectUnix(path: string): Promise<StreamSocket>;
  /** Listens on TCP. */
  listen(at: HostAndPort): Promise<StreamListener>;
  /** Whether the program may connect to a host; the user is not asked. */
  mayReach(host: string): boolean;
}
