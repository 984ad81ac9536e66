/**
 * Kerberos V5 (RFC 4120) and its GSS-API mechanism (RFC 4121) in TypeScript: tickets from a KDC, keytabs and credential
 * caches, and security contexts on both sides.
 *
 * @example A client and a service, with an embedded KDC in between
 * ```ts
 * import { KerberosAcceptorCredential, KerberosInitiatorCredential, KerberosTickets, parsePrincipal, passwordKey } from "@gssocks/gssocks/kerberos";
 * import { startTestKdc } from "@gssocks/gssocks/kerberos/kdc";
 * import { hostbasedService } from "@gssocks/gssocks/gss";
 *
 * await using kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
 * const client = parsePrincipal("alice", { defaultRealm: kdc.realm.name });
 * const tickets = new KerberosTickets({ config: kdc.config, kdc: kdc.client, initial: { client, key: passwordKey("secret") } });
 *
 * const initiator = await new KerberosInitiatorCredential(tickets).initiate(hostbasedService("rcmd", "localhost"));
 * const acceptor = new KerberosAcceptorCredential({ keys: kdc.keytab("rcmd/localhost") }).accept();
 * const request = await initiator.step();
 * const accepted = await acceptor.step(request.token);
 * const established = await initiator.step(accepted.token);
 * if (!established.done || !accepted.done) throw new Error("more legs than expected");
 *
 * const token = await established.context.wrap(new TextEncoder().encode("hello"), { confidential: true });
 * const { data } = await accepted.context.unwrap(token);
 * if (new TextDecoder().decode(data) !== "hello") throw new Error("not the same");
 * ```
 *
 * @module
 */
export { asExchange, type AsExchangeInput, type AsExchangeResult } from "./client/as_exchange.ts";
export { type ClientKey, defaultSalt, type KeyParameters, keytabKey, passwordKey } from "./client/client_key.ts";
export type { KdcExchange, KdcRequest } from "./client/exchange.ts";
export {
  type KdcAddress,
  type KdcCallOptions,
  KdcClient,
  type KdcClientOptions,
  type KdcTransport,
} from "./client/kdc_client.ts";
export type { KdcEndpoint, SrvRecord, SrvResolver } from "./client/locate.ts";
export { tgsExchange, type TgsExchangeInput, type TgsExchangeResult } from "./client/tgs_exchange.ts";
export {
  KerberosTickets,
  type KerberosTicketsOptions,
  type ServiceTicket,
  type TicketSource,
} from "./client/tickets.ts";
export { denoResolveSrv, denoTransport } from "./client/transports.ts";
export { DEFAULT_CONFIG, type KerberosConfig, parseKrb5Conf, type RealmConfig } from "./config/krb5_conf.ts";
export { defaultCcacheName, defaultKeytabName, loadConfig, type LoadConfigOptions } from "./config/load.ts";
export type { ProfileSection, ProfileSource } from "./config/profile.ts";
export { Enctype, ErrorCode, type KerberosErrorName } from "./constants.ts";
export { KerberosKey, type PasswordKeyOptions, type SealOptions } from "./crypto/key.ts";
export { DEFAULT_ENCTYPES, enctypeByName, enctypeName } from "./crypto/profile.ts";
export { KdcError, type KdcErrorInit, KerberosError, type KerberosErrorCode } from "./errors.ts";
export type { AcceptorInit } from "./mech/acceptor.ts";
export { KerberosContext } from "./mech/context.ts";
export {
  KerberosAcceptorCredential,
  type KerberosAcceptorOptions,
  KerberosInitiatorCredential,
  type KerberosInitiatorOptions,
} from "./mech/credentials.ts";
export {
  MemoryReplayCache,
  type MemoryReplayCacheOptions,
  type ReplayCache,
  type ReplayEntry,
} from "./mech/replay_cache.ts";
export { SharedReplayCache, type SharedReplayCacheOptions } from "./mech/shared_replay_cache.ts";
export { KERBEROS_OID } from "./mech/tokens.ts";
export type { Capaths } from "./mech/transited.ts";
export type { AuthorizationDataElement, HostAddress } from "./messages/basic.ts";
export { formatPrincipal, parsePrincipal, type ParsePrincipalOptions, type Principal } from "./principal.ts";
export { type CredentialCache, type InitializeOptions, MemoryCredentialCache } from "./stores/cache.ts";
export { type CredentialCacheData, decodeCcache, encodeCcache } from "./stores/ccache.ts";
export { Credential, type CredentialInit } from "./stores/credential.ts";
export { FileCredentialCache, type FileCredentialCacheOptions, readKeytab, writeKeytab } from "./stores/files.ts";
export { systemTickets, type SystemTicketsOptions } from "./system_tickets.ts";
export { KeytabFile, type KeytabFileOptions, type KeytabNews, type ReadChanged } from "./stores/keytab_file.ts";
export { type KeySource, Keytab, type KeytabEntry, type WantedKey } from "./stores/keytab.ts";
