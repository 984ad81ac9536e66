/**
 * Both sides of a Kerberos context in memory, with a realm without sockets.
 *
 * @module
 */
import type { GssFlags } from "../../gss/context.ts";
import type { Runtime } from "../../base/runtime.ts";
import type { AsExchangeInput } from "../../kerberos/exchange/as.ts";
import { passwordKey } from "../../kerberos/exchange/client_key.ts";
import { KdcClient } from "../../kerberos/reach/kdc_client.ts";
import { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { DEFAULT_CONFIG, type KerberosConfig } from "../../kerberos/config/krb5_conf.ts";
import { createRealm, inProcessTransport, type KdcRealm, type TestKdcOptions } from "../../kerberos/kdc/mod.ts";
import type { KerberosContext } from "../../kerberos/mech/context.ts";
import {
  KerberosAcceptorCredential,
  type KerberosAcceptorOptions,
  KerberosInitiatorCredential,
} from "../../kerberos/mech/credentials.ts";
import { parsePrincipal } from "../../kerberos/principal.ts";
import { hostbasedService } from "../../gss/names.ts";

/** Creates a realm without sockets, with alice and the service rcmd/localhost. */
export async function memoryRealm(options: TestKdcOptions = {}): Promise<KdcRealm> {
  return await createRealm({
    ...options,
    principals: { alice: "alicepw", "rcmd/localhost": {}, "socks/localhost": {}, ...options.principals },
  });
}

/** Returns a configuration whose KDCs are realms in this process. */
export function memoryConfig(...realms: readonly KdcRealm[]): KerberosConfig {
  return {
    ...DEFAULT_CONFIG,
    defaultRealm: realms[0]!.name,
    realms: new Map(
      realms.map(({ name }) => [name, { kdc: [name], primaryKdc: [] }]),
    ),
  };
}

/** Returns the ticket source of alice. */
export function memoryTickets(
  realms: readonly KdcRealm[],
  options: { runtime?: Runtime; config?: Partial<KerberosConfig>; password?: string; user?: string } = {},
): KerberosTickets {
  const config = { ...memoryConfig(...realms), ...options.config };
  return new KerberosTickets({
    config,
    kdc: new KdcClient({ config, transport: inProcessTransport(...realms) }),
    initial: {
      client: parsePrincipal(options.user ?? "alice", { defaultRealm: realms[0]!.name }),
      key: passwordKey(options.password ?? "alicepw"),
    },
    ...(options.runtime === undefined ? {} : { runtime: options.runtime }),
  });
}

/** Returns the input of alice's AS exchange: a ticket for an hour without options. */
export function asInput(runtime: Runtime, changes: Partial<AsExchangeInput> = {}): AsExchangeInput {
  return {
    client: parsePrincipal("alice@GSSOCKS.TEST"),
    key: passwordKey("alicepw"),
    enctypes: [18, 17, 20, 19],
    lifetime: 3_600_000,
    renewLifetime: 0,
    forwardable: false,
    proxiable: false,
    canonicalize: false,
    timesync: true,
    runtime,
    ...changes,
  };
}

/** Both credentials of one realm. */
export interface CredentialPair {
  readonly initiator: KerberosInitiatorCredential;
  readonly acceptor: KerberosAcceptorCredential;
}

/** Creates the credentials of alice and of the service. */
export function credentialPair(
  realm: KdcRealm,
  options: { runtime?: Runtime; acceptor?: Partial<KerberosAcceptorOptions> } = {},
): CredentialPair {
  const { runtime } = options;
  return {
    initiator: new KerberosInitiatorCredential(
      memoryTickets([realm], runtime === undefined ? {} : { runtime }),
      runtime === undefined ? {} : { runtime },
    ),
    acceptor: new KerberosAcceptorCredential({
      keys: realm.keytab("rcmd/localhost", "socks/localhost"),
      ...(runtime === undefined ? {} : { runtime }),
      ...options.acceptor,
    }),
  };
}

/** Establishes a context, and returns both sides. */
export async function establish(
  { initiator, acceptor }: CredentialPair,
  flags?: GssFlags,
): Promise<{ ours: KerberosContext; theirs: KerberosContext }> {
  const negotiation = await initiator.initiate(
    hostbasedService("rcmd", "localhost"),
    flags === undefined ? {} : { flags },
  );
  const request = await negotiation.step();
  const accepted = await acceptor.accept().step(request.token);
  if (!accepted.done) throw new Error("the acceptor wants more");
  const established = request.done ? request : await negotiation.step(accepted.token);
  if (!established.done) throw new Error("the initiator wants more");
  return { ours: established.context as KerberosContext, theirs: accepted.context as KerberosContext };
}
