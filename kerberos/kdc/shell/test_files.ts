/**
 * Files of a test KDC for other programs: krb5.conf, a keytab, a credential cache.
 *
 * @module
 */
import { fs } from "../../credentials/shell/default_file_system.ts";
import { FileCredentialCache, writeKeytab } from "../../credentials/shell/stores.ts";
import { KerberosTickets } from "../../credentials/tickets/tickets.ts";
import { keytabKey } from "../../exchange/client_key.ts";
import { parsePrincipal } from "../../principal.ts";
import type { Runtime } from "../../../base/runtime.ts";
import type { Keytab } from "../../credentials/formats/keytab.ts";
import type { KerberosConfig } from "../../config/krb5_conf.ts";
import type { KdcClient } from "../../reach/kdc_client.ts";

/** Options of `TestKdc.files()`. */
export interface TestFilesOptions {
  /** Folder for the files, which must exist; its files stay. @default {a new one, removed when the result is disposed} */
  readonly directory?: string | undefined;
  /** Principals whose keys the keytab gets. @default {none: no keytab is written} */
  readonly keytab?: readonly string[] | undefined;
  /** Client whose ticket-granting ticket the cache gets. @default {none: no cache is written} */
  readonly client?: string | undefined;
}

/** Files of a test KDC. */
export interface TestFiles extends AsyncDisposable {
  /** Folder of the files. */
  readonly directory: string;
  /** Path of krb5.conf. */
  readonly krb5Conf: string;
  /** Path of the keytab. */
  readonly keytab: string;
  /** Name of the cache, such as `FILE:/tmp/…/ccache`. */
  readonly ccache: string;
  /** Environment for programs that use Kerberos: `KRB5_CONFIG`, `KRB5_KTNAME`, `KRB5CCNAME`. */
  readonly env: Readonly<Record<"KRB5_CONFIG" | "KRB5_KTNAME" | "KRB5CCNAME", string>>;
}

/** What {@linkcode writeTestFiles} needs of a KDC. */
interface Source {
  readonly realm: {
    readonly name: string;
    readonly runtime: Runtime;
    keytab(...names: readonly string[]): Keytab;
  };
  readonly krb5Conf: string;
  readonly config: KerberosConfig;
  readonly client: KdcClient;
}

/** Writes the files. */
export async function writeTestFiles(kdc: Source, options: TestFilesOptions): Promise<TestFiles> {
  const directory = options.directory ?? await fs.makeTempDir({ prefix: "gssocks-kdc-" });
  const [krb5Conf, keytab, ccache] = ["krb5.conf", "krb5.keytab", "ccache"].map((name) => `${directory}/${name}`) as [
    string,
    string,
    string,
  ];
  const files: TestFiles = {
    directory,
    krb5Conf,
    keytab,
    ccache: `FILE:${ccache}`,
    env: { KRB5_CONFIG: krb5Conf, KRB5_KTNAME: `FILE:${keytab}`, KRB5CCNAME: `FILE:${ccache}` },
    async [Symbol.asyncDispose](): Promise<void> {
      if (options.directory === undefined) await fs.remove(directory, { recursive: true });
    },
  };
  try {
    await fs.writeTextFile(krb5Conf, kdc.krb5Conf);
    if (options.keytab !== undefined) await writeKeytab(keytab, kdc.realm.keytab(...options.keytab));
    if (options.client !== undefined) await writeCache(kdc, options.client, files.ccache);
  } catch (error) {
    await files[Symbol.asyncDispose]();
    throw error;
  }
  return files;
}

/** The KDC knows the client's keys, so no password is needed. */
async function writeCache({ realm, config, client: kdc }: Source, name: string, ccache: string): Promise<void> {
  const client = parsePrincipal(name, { defaultRealm: realm.name });
  const initial = { client, key: keytabKey(realm.keytab(name), client) };
  const cache = new FileCredentialCache(ccache);
  await new KerberosTickets({ config, kdc, cache, initial, runtime: realm.runtime }).initialTicket();
}
