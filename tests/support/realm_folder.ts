/**
 * An embedded KDC with its files in a folder: krb5.conf, the service's keytab, a cache with alice's ticket.
 *
 * @module
 */
import { startTestKdc, type TestKdc, type TestKdcOptions } from "../../kerberos/kdc/mod.ts";
import { FileCredentialCache, writeKeytab } from "../../kerberos/credentials/shell/stores.ts";
import { systemTickets } from "../../kerberos/system.ts";
import type { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";

/** The folder and its files. */
export interface RealmFolder extends AsyncDisposable {
  readonly kdc: TestKdc;
  readonly directory: string;
  readonly krb5Conf: string;
  readonly keytab: string;
  readonly ccache: string;
  /** The ticket source of alice, in memory. */
  readonly tickets: KerberosTickets;
}

/** Starts the KDC and writes the files, readable for all users, since Dante runs as another user. */
export async function startRealmFolder(options: TestKdcOptions = {}): Promise<RealmFolder> {
  const directory = await Deno.makeTempDir({ prefix: "gssocks-realm-" });
  await Deno.chmod(directory, 0o755);
  const principals = { alice: "alicepw", "rcmd/localhost": {}, ...options.principals };
  const kdc = await startTestKdc({ ...options, principals });
  const [krb5Conf, keytab, ccache] = [`${directory}/krb5.conf`, `${directory}/keytab`, `FILE:${directory}/cc`];
  await Deno.writeTextFile(krb5Conf, kdc.krb5Conf);
  await writeKeytab(keytab, kdc.keytab("rcmd/localhost"));
  await Deno.chmod(keytab, 0o644);
  const user = { config: kdc.config, principal: "alice", password: "alicepw" };
  await systemTickets({ ...user, cache: new FileCredentialCache(ccache) }).initialTicket();
  return {
    kdc,
    directory,
    krb5Conf,
    keytab,
    ccache,
    tickets: systemTickets(user),
    async [Symbol.asyncDispose](): Promise<void> {
      await kdc[Symbol.asyncDispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}
