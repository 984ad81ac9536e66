/**
 * A proxy with Kerberos for tests of clients: a realm, a server, and the options of a client of it.
 *
 * @module
 */
import { serve, type ServeOptions, type UpdatableServer } from "../../mod.ts";
import type { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { startRealmFolder } from "./realm_folder.ts";

/** The proxy. */
export interface KerberosProxy extends AsyncDisposable {
  /** Options of a client of it. */
  readonly client: { readonly proxy: string; readonly credentials: KerberosTickets };
  readonly server: UpdatableServer;
}

/** Starts a realm and a server that allows this machine. */
export async function startKerberosProxy(options: Partial<ServeOptions> = {}): Promise<KerberosProxy> {
  const realm = await startRealmFolder();
  const server = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"], ...options });
  return {
    client: { proxy: `localhost:${server.addr.port}`, credentials: realm.tickets },
    server,
    async [Symbol.asyncDispose](): Promise<void> {
      await server[Symbol.asyncDispose]();
      await realm[Symbol.asyncDispose]();
    },
  };
}
