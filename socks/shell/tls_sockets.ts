/**
 * TLS on TCP of any platform: dialing and listening.
 *
 * @module
 */
import type { DialTlsOptions, TlsIdentity, TlsListener } from "../stream/tls.ts";
import type { ListenTcp, ListenTcpOptions } from "../stream/listen_tcp.ts";
import type { Connection, Dialer } from "../stream/connection.ts";
import type { SocksPlatform } from "./platform.ts";
import { acceptTls, tlsOver } from "./tls_over.ts";

/** What TLS stands on. */
interface TlsBasis {
  /** Connects over TCP. */
  readonly dial: Dialer;
  /** Listens on TCP. */
  readonly listen: ListenTcp;
  /** Checks a certificate and its key. */
  readonly checkIdentity: SocksPlatform["checkIdentity"];
}

/** Returns the functions for TLS on a platform's TCP. */
export function tlsSockets(
  { dial, listen, checkIdentity }: TlsBasis,
): Pick<SocksPlatform, "dialTls" | "listenTls" | "tlsOver" | "checkIdentity"> {
  return {
    checkIdentity,
    tlsOver,
    listenTls(options: ListenTcpOptions & TlsIdentity): TlsListener {
      checkIdentity(options);
      let { cert, key } = options;
      // `Deno.listenTls` cannot drop a client that does not finish its handshake.
      const listener = listen(options);
      return {
        addr: listener.addr,
        async accept(): Promise<Connection | undefined> {
          const connection = await listener.accept();
          return connection === undefined ? undefined : acceptTls(connection, { cert, key });
        },
        update(identity): void {
          checkIdentity(identity);
          ({ cert, key } = identity);
        },
        close: () => listener.close(),
        ref: () => listener.ref?.(),
        unref: () => listener.unref?.(),
      };
    },
    dialTls(options: DialTlsOptions = {}): Dialer {
      const { caCerts, cert, key } = options;
      if (cert !== undefined && key !== undefined) checkIdentity({ cert, key });
      return async (target, { signal }) => {
        const connection = await dial(target, { signal });
        return await tlsOver(connection, { hostname: target.hostname, caCerts, cert, key, signal });
      };
    },
  };
}
