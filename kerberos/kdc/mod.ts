/**
 * An embedded Kerberos KDC for tests and demonstrations: authentication and ticket-granting service, several realms,
 * failures on demand. **Not for production**: it keeps everything in memory and does not limit guessing of passwords.
 *
 * @example
 * ```ts
 * import { startTestKdc } from "@gssocks/gssocks/kerberos/kdc";
 *
 * await using kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
 * if (kdc.port === 0) throw new Error("no port");
 * ```
 *
 * @module
 */
export { createRealm, type CreateRealmOptions } from "./create_realm.ts";
export { handleKdcMessage, type HandleOptions } from "./handle.ts";
export { inProcessTransport } from "./in_process.ts";
export type { PacOptions } from "./pac_options.ts";
export type { AddPrincipalOptions, KdcPrincipal } from "./principals.ts";
export { KdcRealm, type KdcRealmOptions } from "./realm.ts";
export { startTestKdc, type TestKdc, type TestKdcOptions } from "./start.ts";
export type { KdcFaults } from "./faults.ts";
export { TestClock } from "./test_clock.ts";
export type { TestFiles, TestFilesOptions } from "./shell/test_files.ts";
export type { Bytes } from "../../base/bytes.ts";
export type { KdcCallOptions, KdcClient } from "../reach/kdc_client.ts";
export type { KdcAddress, KdcTransport } from "../reach/transport.ts";
export type { KerberosConfig, RealmConfig } from "../config/krb5_conf.ts";
export type { KerberosKey } from "../crypto/key.ts";
export type { KeySource, Keytab, KeytabEntry } from "../credentials/formats/keytab.ts";
export type { Principal } from "../principal.ts";
export type { Runtime } from "../../base/runtime.ts";
export type { KdcExchange, KdcRequest } from "../exchange/kdc_exchange.ts";
export type { ProfilePlace, ProfileSection } from "../config/profile.ts";
export type { WantedKey } from "../ap/keys.ts";
export type { KdcEndpoint } from "../reach/locate.ts";
