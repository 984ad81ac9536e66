/**
 * What the system's resolver needs from the machine. Each platform's shell implements this interface.
 *
 * @module
 */
import type { QuerySockets } from "./dns_queries.ts";
import type { ResolverEnvironment } from "./resolv_conf.ts";

/** The machine's files, settings and functions for names. */
export interface SystemNames {
  /** Sockets for queries to name servers. */
  readonly sockets: QuerySockets;
  /**
   * Reads and parses a file, and does so again after it has changed. A missing file counts as empty.
   *
   * @returns Returns the parsed contents; `undefined` if the program may not read the file and never read it before.
   */
  file<T>(path: string, parse: (text: string) => T): () => T | undefined;
  /** Returns this machine's addresses; `undefined` if the program may not know them. */
  ownAddresses(): readonly string[] | undefined;
  /** Returns the settings of the resolver outside of resolv.conf, as far as the program may know them. */
  environment(): ResolverEnvironment;
  /** Whether names may be looked up with these files and by queries to name servers, without a prompt for a permission. */
  canQueryNameServers(): boolean;
  /**
   * Returns the addresses that the C library's resolver finds, in the order of the system. A look-up cannot be aborted.
   *
   * @throws {SocksReplyError} `HOST_UNREACHABLE` with the reason.
   */
  getAddresses(name: string): Promise<readonly string[]>;
  /**
   * Returns the names that the C library's resolver finds for an address. A look-up cannot be aborted.
   *
   * @throws {SocksReplyError} `HOST_UNREACHABLE` with the reason.
   */
  getNames(address: string): Promise<readonly string[]>;
}
