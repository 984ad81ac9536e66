/**
 * What the proxy takes from the machine where the caller gives nothing. Everything else in this folder gets it as an argument, so that
 * `./edge` has none of the machine in it.
 *
 * @module
 */
import type { KeySource } from "../kerberos/credentials/formats/keytab.ts";
import type { KeytabFileOptions } from "../kerberos/credentials/keytabs/reloading_keytab.ts";
import type { TicketSource } from "../kerberos/credentials/ticket_source.ts";
import type { Resolver, ReverseResolver } from "../socks/names/resolver.ts";
import type { SocksPlatform } from "../socks/shell/platform.ts";

/** A machine. */
export interface ProxySystem {
  /** Sockets and TLS. */
  readonly sockets: Omit<SocksPlatform, "names">;
  /** Looks up names. */
  readonly resolve: Resolver;
  /** Looks up the names of addresses. */
  readonly reverse: ReverseResolver;
  /** Reads the files for names while the permissions allow it. */
  readNames(): void;
  /** Returns the tickets of the user. */
  tickets(): TicketSource;
  /** Returns the keys in a file, which is read again when it changes. */
  keytabFile(name: string, options: KeytabFileOptions): KeySource;
}
