/**
 * What the SOCKS tree needs from a runtime. Each runtime has an implementation in this folder; `default_platform.ts` chooses one.
 *
 * @module
 */
import type { SystemNames } from "../names/system_names.ts";
import type { Connection, Dialer } from "../stream/connection.ts";
import type { BindDatagrams } from "../stream/datagram_socket.ts";
import type { ListenTcp, ListenTcpOptions } from "../stream/listen_tcp.ts";
import type { ConnectionListener } from "../stream/listener.ts";
import type { DialTlsOptions, TlsClientOptions, TlsConnection, TlsIdentity, TlsListener } from "../stream/tls.ts";

/** Sockets, TLS and names of a runtime. */
export interface SocksPlatform {
  /** Connects over TCP. */
  readonly dial: Dialer;
  /** Listens on TCP. */
  readonly listen: ListenTcp;
  /** Returns a dialer that connects from the first of some local addresses that has the target's family. */
  dialFrom(addresses: readonly string[]): Dialer;
  /** Returns a dialer that connects to a socket in the file system. */
  dialUnix(path: string): Dialer;
  /** Listens on a socket in the file system. */
  listenUnix(path: string): ConnectionListener;
  /** Returns a dialer that connects over TLS. */
  dialTls(options?: DialTlsOptions): Dialer;
  /** Listens for TLS. */
  listenTls(options: ListenTcpOptions & TlsIdentity): TlsListener;
  /**
   * Checks a certificate and its key.
   *
   * @throws {TypeError} One of them is invalid, or they do not belong together.
   */
  checkIdentity(identity: TlsIdentity): void;
  /** Starts TLS as a client over a connection. */
  tlsOver(connection: Connection, options: TlsClientOptions): Promise<TlsConnection>;
  /** Binds a UDP socket. */
  readonly bindDatagrams: BindDatagrams;
  /** The machine's files, settings and functions for names. */
  readonly names: SystemNames;
}
