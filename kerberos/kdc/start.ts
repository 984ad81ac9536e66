/**
 * A KDC for tests and demonstrations in one call.
 *
 * @module
 */
import { KdcClient } from "../reach/kdc_client.ts";
import type { KdcTransport } from "../reach/transport.ts";
import { denoTransport } from "../reach/shell/transport.ts";
import type { KerberosConfig } from "../config/krb5_conf.ts";
import { parseKrb5Conf } from "../config/parse.ts";
import { KerberosError } from "../errors.ts";
import type { Keytab } from "../credentials/formats/keytab.ts";
import { handleKdcMessage, tooLongRefusal } from "./handle.ts";
import { KdcListener, krb5ConfFor } from "./shell/listener.ts";
import { type AddPrincipalOptions, type KdcFaults, KdcRealm, type KdcRealmOptions } from "./realm.ts";

/** How a test KDC is started. */
export interface TestKdcOptions extends KdcRealmOptions {
  /** Realm. @default {"GSSOCKS.TEST"} */
  readonly realm?: string | undefined;
  /** Address to listen on. @default {"127.0.0.1"} */
  readonly hostname?: string | undefined;
  /** Port to listen on, 0 for a free one. @default {0} */
  readonly port?: number | undefined;
  /** Principals: a password, or how to add it. @default {{}} */
  readonly principals?: Readonly<Record<string, string | AddPrincipalOptions>> | undefined;
}

/** A running test KDC. */
export interface TestKdc extends AsyncDisposable {
  /** Its realm, for more principals, trusts and referrals. */
  readonly realm: KdcRealm;
  /** Failures to provoke. */
  readonly faults: KdcFaults;
  /** Address that it listens on. */
  readonly hostname: string;
  /** Port that it listens on, TCP and UDP. */
  readonly port: number;
  /** krb5.conf for its clients. */
  readonly krb5Conf: string;
  /** The same, read. */
  readonly config: KerberosConfig;
  /** A way to it over its sockets. */
  readonly client: KdcClient;
  /** Keys of principals. */
  keytab(...names: readonly string[]): Keytab;
}

/**
 * Starts a KDC on a free port of the loopback interface. It keeps nothing on disk and is no KDC for production: whoever
 * reaches its port may guess passwords as fast as it answers.
 *
 * @example A KDC with one user and one service, for the time of a test
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
  const krb5Conf = krb5ConfFor([{ realm, hostname, port: listener.port }]);
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

/** The realm of a test KDC, without sockets. */
export async function createRealm(options: TestKdcOptions = {}): Promise<KdcRealm> {
  const realm = await KdcRealm.create(options.realm ?? "GSSOCKS.TEST", options);
  for (const [name, how] of Object.entries(options.principals ?? {})) {
    await realm.addPrincipal(name, typeof how === "string" ? { password: how } : how);
  }
  return realm;
}

/**
 * A transport that hands messages straight to realms in this process: Kerberos without a network.
 *
 * @example
 * ```ts
 * import { createRealm, inProcessTransport } from "@gssocks/gssocks/kerberos/kdc";
 * import { DEFAULT_CONFIG, KdcClient } from "@gssocks/gssocks/kerberos";
 *
 * const realm = await createRealm({ realm: "EXAMPLE.TEST", principals: { alice: "secret" } });
 * const realms = new Map([["EXAMPLE.TEST", { kdc: ["EXAMPLE.TEST"], primaryKdc: [] }]]);
 * const kdc = new KdcClient({ config: { ...DEFAULT_CONFIG, realms }, transport: inProcessTransport(realm) });
 * if (!(kdc instanceof KdcClient)) throw new Error();
 * ```
 */
export function inProcessTransport(...realms: readonly KdcRealm[]): KdcTransport {
  return {
    async send(address, message, { signal }) {
      const realm = realms.find(({ name }) => name === address.hostname);
      if (realm === undefined) throw new KerberosError("KDC_UNREACHABLE", `There is no realm ${address.hostname} here`);
      const reply = await handleKdcMessage(realm, message, { transport: address.protocol });
      signal.throwIfAborted();
      if (reply === undefined) throw new KerberosError("KDC_UNREACHABLE", `The KDC of ${realm.name} did not answer`);
      return reply;
    },
  };
}
