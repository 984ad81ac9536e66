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
export type { KdcFaults } from "./faults.ts";
export { handleKdcMessage, type HandleOptions } from "./handle.ts";
export { inProcessTransport } from "./in_process.ts";
export type { PacOptions } from "./pac_options.ts";
export type { AddPrincipalOptions, KdcPrincipal } from "./principals.ts";
export { KdcRealm, type KdcRealmOptions } from "./realm.ts";
export { startTestKdc, type TestKdc, type TestKdcOptions } from "./start.ts";
