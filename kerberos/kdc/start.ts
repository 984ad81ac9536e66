/**
 * A KDC for tests and demonstrations, with its sockets, in one call.
 *
 * @module
 */
import type { KerberosConfig } from "../config/krb5_conf.ts";
import { parseKrb5Conf } from "../config/parse.ts";
import type { Keytab } from "../credentials/formats/keytab.ts";
import { KdcClient } from "../reach/kdc_client.ts";
import { denoTransport } from "../reach/shell/transport.ts";
import { createRealm, type CreateRealmOptions } from "./create_realm.ts";
import type { KdcFaults } from "./faults.ts";
import { handleKdcMessage, tooLongRefusal } from "./handle.ts";
import { krb5ConfFor } from "./krb5_conf.ts";
import type { KdcRealm } from "./realm.ts";
import { KdcListener } from "./shell/listener.ts";
import { reachableAddresses } from "./shell/own_addresses.ts";

/** Options of {@linkcode startTestKdc}. */
export interface TestKdcOptions extends CreateRealmOptions {
  /** Address to listen on. @default {"127.0.0.1"} */
  readonly hostname?: string | undefined;
  /** Port to listen on, 0 for a free one. @default {0} */
  readonly port?: number | undefined;
}

/** A running test KDC. */
export interface TestKdc extends AsyncDisposable {
  /** Its realm: principals, trusts and referrals may be added. */
  readonly realm: KdcRealm;
  /** Failures to produce. */
  readonly faults: KdcFaults;
  /** Address that it listens on. */
  readonly hostname: string;
  /** Port that it listens on, TCP and UDP. */
  readonly port: number;
  /** krb5.conf for its clients. */
  readonly krb5Conf: string;
  /** The same, parsed. */
  readonly config: KerberosConfig;
  /** A client of it over its sockets. */
  readonly client: KdcClient;
  /** Returns a keytab with the keys of principals. */
  keytab(...names: readonly string[]): Keytab;
}

/**
 * Starts a KDC on a free port of the loopback interface. It keeps nothing on disk. It is not for production: it does not limit
 * guessing of passwords.
 *
 * @example A KDC with one user and one service, for one test
 * ```ts
 * import { startTestKdc } from "@gssocks/gssocks/kerberos/kdc";
 *
 * await using kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
 * const keytab = kdc.keytab("rcmd/localhost");
 * if (keytab.entries.length === 0) throw new Error("no keys");
 * ```
 */
export async function startTestKdc(options: TestKdcOptions = {}): Promise<TestKdc> {
  const { hostname = "127.0.0.1", port = 0 } = options;
  const realm = await createRealm(options);
  const listener = await KdcListener.open(
    { hostname, port },
    {
      answer: (message, transport) => handleKdcMessage(realm, message, { transport }),
      tooLong: () => tooLongRefusal(realm),
    },
  );
  const krb5Conf = krb5ConfFor({
    realm: realm.name,
    addresses: reachableAddresses(hostname),
    port: listener.port,
  });
  const config = parseKrb5Conf({ name: "krb5.conf of the test KDC", text: krb5Conf });
  return {
    realm,
    faults: realm.faults,
    hostname,
    port: listener.port,
    krb5Conf,
    config,
    client: new KdcClient({ config, transport: denoTransport }),
    keytab: (...names) => realm.keytab(...names),
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}
