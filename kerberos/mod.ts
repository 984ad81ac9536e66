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
export { asExchange, type AsExchangeInput, type AsExchangeResult } from "./exchange/as.ts";
export {
  type ClientKey,
  type ClientKeytab,
  defaultSalt,
  type KeyParameters,
  keytabKey,
  type KeytabKeyOptions,
  passwordKey,
} from "./exchange/client_key.ts";
export type { KdcExchange, KdcRequest } from "./exchange/kdc_exchange.ts";
export type { KdcAddress, KdcTransport } from "./reach/transport.ts";
export { type KdcCallOptions, KdcClient, type KdcClientOptions } from "./reach/kdc_client.ts";
export type { KerberosTraceEvent, KerberosTracer, TracedRefusal, TracedReply, TracedRequest } from "./reach/trace.ts";
export type { SrvRecord, SrvResolver } from "./reach/srv.ts";
export { tgsExchange, type TgsExchangeInput, type TgsExchangeResult } from "./exchange/tgs.ts";
export { keepTickets } from "./credentials/tickets/keep_tickets.ts";
export type { KeepableTickets, KeepTicketsOptions, TicketNews } from "./credentials/tickets/keeper.ts";
export {
  type InitialTicketOptions,
  KerberosTickets,
  type KerberosTicketsOptions,
} from "./credentials/tickets/tickets.ts";
export type { ForwardedTicketOptions, ServiceTicket, TicketSource } from "./credentials/ticket_source.ts";
export { systemResolveSrv, systemResolveSrv as denoResolveSrv } from "./reach/shell/srv.ts";
export { systemTransport, systemTransport as denoTransport } from "./reach/shell/transport.ts";
export { DEFAULT_CONFIG, type KerberosConfig, type RealmConfig } from "./config/krb5_conf.ts";
export { parseKrb5Conf } from "./config/parse.ts";
export { defaultCcacheName, defaultClientKeytabName, defaultKeytabName, loadConfig } from "./system.ts";
export type { ProfilePlace, ProfileSection, ProfileSource } from "./config/profile.ts";
export { Enctype } from "./registry/enctypes.ts";
export { ErrorCode, type KerberosErrorName } from "./registry/errors.ts";
export { chooseCrypto, type CryptoChoice, useCryptoModule } from "./crypto/core/choice.ts";
export { KerberosKey } from "./crypto/key.ts";
export { DEFAULT_ENCTYPES, enctypeByName, enctypeName } from "./crypto/enctypes.ts";
export { KdcError, type KdcErrorInit, KerberosError, type KerberosErrorCode } from "./errors.ts";
export type { GssAccount } from "../gss/account.ts";
export { KerberosContext } from "./mech/context.ts";
export {
  KerberosAcceptorCredential,
  type KerberosAcceptorOptions,
  KerberosInitiatorCredential,
  type KerberosInitiatorOptions,
} from "./mech/credentials.ts";
export { MemoryReplayCache, type MemoryReplayCacheOptions } from "./ap/replay/memory.ts";
export { type ReplayCache, type ReplayEntry } from "./ap/replay/cache.ts";
export { SharedReplayCache, type SharedReplayCacheOptions } from "./ap/replay/shared.ts";
export { KERBEROS_OID } from "./mech/tokens/context.ts";
export type { AuthorizationDataElement, HostAddress } from "./messages/basic.ts";
export {
  formatPrincipal,
  parseEnterprisePrincipal,
  parsePrincipal,
  type ParsePrincipalOptions,
  type Principal,
} from "./principal.ts";
export type { CacheCollection, CredentialCache, InitializeOptions } from "./credentials/cache.ts";
export { MemoryCredentialCache } from "./credentials/caches/memory.ts";
export type { OpenCacheOptions } from "./credentials/caches/open_cache.ts";
export { decodeCcache, encodeCcache } from "./credentials/formats/ccache.ts";
export { Credential, type CredentialInit } from "./credential.ts";
export {
  FileCredentialCache,
  type FileCredentialCacheOptions,
  openCredentialCache,
  readKeytab,
  writeKeytab,
} from "./credentials/shell/stores.ts";
export {
  type CachedTicketsOptions,
  type KeytabTicketsOptions,
  type PasswordTicketsOptions,
  type SystemParts,
  systemTickets,
  type SystemTicketsOptions,
} from "./system.ts";
export { KeytabFile } from "./credentials/shell/stores.ts";
export type { KeytabFileOptions, KeytabNews, ReadChanged } from "./credentials/keytabs/reloading_keytab.ts";
export { type KeySource, Keytab, type KeytabEntry } from "./credentials/formats/keytab.ts";
export type { KdcEndpoint } from "./reach/locate.ts";
export type { LoadConfigOptions } from "./config/load.ts";
export type { PasswordKeyOptions } from "./crypto/password.ts";
export type { SealOptions } from "./crypto/usage_key.ts";
export type { AcceptorInit } from "./mech/acceptor.ts";
export type { Capaths } from "./ap/transited.ts";
export type { CredentialCacheData } from "./credentials/cache.ts";
export type { WantedKey } from "./ap/keys.ts";
export type {
  AcceptOptions,
  GssAcceptorCredential,
  GssInitiatorCredential,
  InitiateOptions,
} from "../gss/credential.ts";
export type { Bytes } from "../base/bytes.ts";
export type { ChannelBindings } from "../gss/channel_bindings.ts";
export type { GssContext, GssFlags, UnwrapOptions, UnwrappedMessage, WrapOptions } from "../gss/context.ts";
export type { GssName, GssNameType } from "../gss/names.ts";
export type { GssNegotiation, GssStep } from "../gss/negotiation.ts";
export type { Runtime } from "../base/runtime.ts";
export type { SupplementaryStatus } from "../gss/status.ts";
