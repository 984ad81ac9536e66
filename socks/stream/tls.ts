/**
 * Options and interfaces of TLS. The platform's shell implements it.
 *
 * @module
 */
import type { ConnectionListener } from "./listener.ts";
import type { Connection } from "./connection.ts";

/** Options of a TLS client. */
export interface TlsClientOptions {
  /** Name that the server's certificate must be valid for. */
  readonly hostname: string;
  /** Certificates of the authorities to trust, in PEM. @default {the system's} */
  readonly caCerts?: readonly string[] | undefined;
  /** Protocols to offer (RFC 7301), such as `h2`. */
  readonly alpnProtocols?: readonly string[] | undefined;
  /** Certificate chain to send if the server requests one, in PEM. Needs `key`. */
  readonly cert?: string | undefined;
  /** Private key of `cert`, in PEM. */
  readonly key?: string | undefined;
  /** Ends the attempt. A connection that was made is not closed by it. */
  readonly signal?: AbortSignal | undefined;
}

/** The certificate chain and key of a server, in PEM. */
export interface TlsIdentity {
  /** Certificates; the server's own is the first. */
  readonly cert: string;
  /** Private key. */
  readonly key: string;
}

/** A connection inside TLS. */
export interface TlsConnection extends Connection {
  /** Protocol that both sides agreed on (RFC 7301). */
  readonly alpnProtocol: string | undefined;
}

/** A listener for TLS. */
export interface TlsListener extends ConnectionListener {
  /**
   * Uses another certificate for clients that are accepted from now on, for example a renewed one.
   *
   * @throws {TypeError} The certificate or the key is invalid, or they do not belong together; the old ones stay in use.
   */
  update(identity: TlsIdentity): void;
}

/** Options of {@linkcode dialTls}. */
export interface DialTlsOptions {
  /** Certificates of the authorities to trust, in PEM. @default {the system's} */
  readonly caCerts?: readonly string[] | undefined;
  /** Certificate chain to send if the proxy requests one, in PEM. Needs `key`. */
  readonly cert?: string | undefined;
  /** Private key of `cert`, in PEM. */
  readonly key?: string | undefined;
}
