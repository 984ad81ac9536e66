/**
 * TLS as the rest of the tree sees it.
 *
 * @module
 */
import type { ConnectionListener } from "./listener.ts";
import type { Connection } from "./connection.ts";

/** What a TLS client asks for. */
export interface TlsClientOptions {
  /** Name that the server's certificate must have. */
  readonly hostname: string;
  /** Certificates of authorities to trust, in PEM, instead of the system's. */
  readonly caCerts?: readonly string[] | undefined;
  /** Protocols offered (RFC 7301), such as `h2`. */
  readonly alpnProtocols?: readonly string[] | undefined;
  /** Certificate to show to a server that asks for one, in PEM, with those behind it. Goes with `key`. */
  readonly cert?: string | undefined;
  /** Private key of `cert`, in PEM. */
  readonly key?: string | undefined;
  /** Ends the attempt. A connection that was made is not closed by it. */
  readonly signal?: AbortSignal | undefined;
}

/** A server's certificate chain and its key, in PEM. */
export interface TlsIdentity {
  /** Certificates, the server's own first. */
  readonly cert: string;
  /** Private key. */
  readonly key: string;
}

/** A connection inside TLS. */
export interface TlsConnection extends Connection {
  /** Protocol agreed upon (RFC 7301). */
  readonly alpnProtocol: string | undefined;
}

/** A listener whose clients speak TLS. */
export interface TlsListener extends ConnectionListener {
  /**
   * Shows another certificate to clients that are accepted from now on, a renewed one for example.
   *
   * @throws {TypeError} When the certificate or the key is none, or they are not of one another; the old ones stay then.
   */
  update(identity: TlsIdentity): void;
}

/** What {@linkcode dialTls} takes. */
export interface DialTlsOptions {
  /** Certificates of authorities to trust, in PEM, instead of the system's. @default {the system's} */
  readonly caCerts?: readonly string[] | undefined;
  /** Certificate to show to a proxy that asks for one, in PEM, with those behind it. Goes with `key`. */
  readonly cert?: string | undefined;
  /** Private key of `cert`, in PEM. */
  readonly key?: string | undefined;
}
