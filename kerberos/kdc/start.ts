/**
 * A KDC for tests and demonstrations, with its sockets, in one call.
 *
 * @module
 */
import type { KerberosConfig } from "../config/krb5_conf.ts";
import { parseKrb5Conf } from "../config/parse.ts";
import type { Keytab } from "../credentials/formats/keytab.ts";
import { KdcClient } from "../reach/kdc_client.ts";
import { systemTransport } from "../reach/shell/transport.ts";
import { createRealm, type CreateRealmOptions } from "./create_realm.ts";
import type { KdcFaults } from "./faults.ts";
import { handleKdcMessage, tooLongRefusal } from "./handle.ts";
import { krb5ConfFor } from "./krb5_conf.ts";
import type { KdcRealm } from "./realm.ts";
import { KdcListener } from "./shell/listener.ts";
import { reachableAddresses } from "./shell/own_addresses.ts";
import { type TestFiles, type TestFilesOptions, writeTestFiles } from "./shell/test_files.ts";
import { TestClock } from "./test_clock.ts";

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
  /** Its clock. Give it to clients and services as `runtime` to move theirs with it. */
  readonly clock: TestClock;
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
  /**
   * Writes krb5.conf, and a keytab and a cache if asked for, for programs that read files: `curl`, `psql`, services under test.
   *
   * @throws {TypeError} When one of the principals does not exist.
   */
  files(options?: TestFilesOptions): Promise<TestFiles>;
}

/**
 * Starts a KDC on a free port of the loopback interface. It keeps nothing on disk. It is not for production: it limits guessing of
 * passwords only where `lockAfter` of a principal does.
 *
 * @example A KDC with one user and one service, for one test
 * ```ts
 * import { startTestKdc } from "@gssocks/gssocks/kerberos/kdc";
 *
 * await using kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
 * const keytab = kdc.keytab("rcmd/localhost");
 * if (keytab.entries.length === 0) throw new Error("no keys");
 * ```
 *
 * @example Files for another program
 * ```ts
 * import { startTestKdc } from "@gssocks/gssocks/kerberos/kdc";
 *
 * await using kdc = await startTestKdc({ principals: { alice: "secret", "HTTP/localhost": {} } });
 * await using files = await kdc.files({ keytab: ["HTTP/localhost"], client: "alice" });
 * const started = new Deno.Command("true", { env: files.env });
 * if (!(await started.output()).success) throw new Error("the program failed");
 * ```
 */
export async function startTestKdc(options: TestKdcOptions = {}): Promise<TestKdc> {
  const { hostname = "127.0.0.1", port = 0 } = options;
  const clock = new TestClock(options.runtime);
  const realm = await createRealm({ ...options, runtime: clock });
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
  const client = new KdcClient({ config, transport: systemTransport, runtime: clock });
  return {
    realm,
    faults: realm.faults,
    clock,
    hostname,
    port: listener.port,
    krb5Conf,
    config,
    client,
    keytab: (...names) => realm.keytab(...names),
    files: (files = {}) => writeTestFiles({ realm, krb5Conf, config, client }, files),
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}
