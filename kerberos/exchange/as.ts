/**
 * The authentication service exchange (RFC 4120 section 3.1) with pre-authentication (section 5.2.7, RFC 6113), client
 * referrals (RFC 6806 section 7) and the protection of the request by the reply (RFC 6806 section 11). The mechanisms of
 * pre-authentication are those of a table; authentication sets (RFC 6113 section 5.3) are not implemented.
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import { EMPTY } from "../../base/bytes.ts";
import { enctypeName } from "../crypto/enctypes.ts";
import { KerberosError, peerText } from "../errors.ts";
import { MethodData, type PaData } from "../messages/basic.ts";
import type { KrbError } from "../messages/error.ts";
import { AsRep, AsReq, type KdcReq, type KdcReqBody } from "../messages/kdc.ts";
import { readMessage } from "../messages/read.ts";
import { LATEST_TIME, wholeSeconds } from "../messages/time.ts";
import { formatPrincipal, krbtgt, type Principal, toPrincipalName } from "../principal.ts";
import { ErrorCode } from "../registry/errors.ts";
import { KdcOption } from "../registry/flags.ts";
import { PaType } from "../registry/pa_types.ts";
import { type AsExchangeInput, type AsExchangeResult, canonicalizes } from "./as_input.ts";
import type { Asking, AsPhase, Preauthenticating } from "./as_phase.ts";
import { acceptAsReply } from "./as_reply.ts";
import { clockOffset, significantOffset } from "./clock_offset.ts";
import { ExchangeKeys } from "./exchange_keys.ts";
import type { KdcExchange } from "./kdc_exchange.ts";
import { readReply, refusalError } from "./kdc_reply.ts";
import { longTermKeys } from "./long_term_keys.ts";
import { randomNonce } from "./nonce.ts";
import type { PreauthMechanism } from "./preauth/mechanism.ts";
import { offerMechanism, PREAUTH_MECHANISMS, startMechanism } from "./preauth/table.ts";

export type { AsExchangeInput, AsExchangeResult } from "./as_input.ts";

/** Requests that one exchange may take: pre-authentication, clock correction, and referrals. */
const MAX_REQUESTS = 10;
/** Realms that a client may be referred to (RFC 6806 section 7). */
const MAX_REFERRALS = 5;

/**
 * Asks for an initial ticket.
 *
 * @throws {KdcError} The KDC refuses.
 * @throws {KerberosError} The reply is not genuine or not to the request, or the KDC requires what is not supported.
 *
 * @example Runs the exchange without a network
 * ```ts
 * import { asExchange, parsePrincipal, passwordKey } from "@gssocks/gssocks/kerberos";
 * import { createRealm, handleKdcMessage } from "@gssocks/gssocks/kerberos/kdc";
 *
 * const realm = await createRealm({ realm: "EXAMPLE.TEST", principals: { alice: "secret" } });
 * const exchange = asExchange({
 *   client: parsePrincipal("alice@EXAMPLE.TEST"),
 *   key: passwordKey("secret"),
 *   enctypes: [18],
 *   lifetime: 3_600_000,
 *   renewLifetime: 0,
 *   forwardable: false,
 *   proxiable: false,
 *   canonicalize: false,
 *   timesync: true,
 *   runtime: realm.runtime,
 * });
 * let step = await exchange.next();
 * while (!step.done) step = await exchange.next((await handleKdcMessage(realm, step.value.message))!);
 * if (step.value.credential.server.components[0] !== "krbtgt") throw new Error("not a ticket-granting ticket");
 * ```
 */
export async function* asExchange(input: AsExchangeInput): KdcExchange<AsExchangeResult> {
  return yield* asExchangeWith(PREAUTH_MECHANISMS, input);
}

/** {@linkcode asExchange} with another table of mechanisms. */
export async function* asExchangeWith(
  mechanisms: readonly PreauthMechanism[],
  input: AsExchangeInput,
): KdcExchange<AsExchangeResult> {
  const run = startRun(mechanisms, input);
  let phase = await enterRealm(run, input.client, []);
  for (let sent = 0; sent < MAX_REQUESTS; sent++) {
    const request = await buildRequest(input, phase);
    const message = encode(AsReq, request);
    const answer = readReply(AsRep, yield { realm: phase.client.realm, message });
    if ("reply" in answer) {
      const service = serviceOf(input, phase.client);
      return await acceptAsReply({ input, phase, request, message, service }, answer.reply);
    }
    phase = await nextPhase(run, phase, answer.refusal);
  }
  throw new KerberosError(
    "REFERRAL_LOOP",
    `Cannot authenticate ${
      formatPrincipal(input.client)
    }: the KDC has not answered ${MAX_REQUESTS} requests with a ticket`,
  );
}

/** The constant part of an exchange. */
interface AsRun {
  readonly mechanisms: readonly PreauthMechanism[];
  readonly input: AsExchangeInput;
  /** Enctypes that the client has keys for. */
  readonly enctypes: readonly number[];
  readonly keys: ExchangeKeys;
}

function startRun(mechanisms: readonly PreauthMechanism[], input: AsExchangeInput): AsRun {
  const enctypes = input.key.usable(input.enctypes);
  if (enctypes.length === 0) {
    const wanted = input.enctypes.map(enctypeName).join(", ");
    const held = input.key.describe?.();
    throw new KerberosError(
      "NO_CREDENTIALS",
      `Cannot authenticate ${formatPrincipal(input.client)}: there is no key of it of ${wanted}` +
        (held === undefined ? "" : `; ${held}`),
    );
  }
  return { mechanisms, input, enctypes, keys: new ExchangeKeys(input.key) };
}

/** The first phase in a realm. Nothing that another realm's KDC said is in it. */
async function enterRealm(run: AsRun, client: Principal, before: readonly string[]): Promise<AsPhase> {
  const { mechanisms, enctypes, keys, input: { runtime } } = run;
  const asking: Asking = {
    phase: "asking",
    client,
    keys: longTermKeys({ client, enctypes, keys, runtime }),
    realms: [...before, client.realm],
    offset: 0,
  };
  const round = await offerMechanism(mechanisms, asking.keys);
  return round === undefined ? asking : { ...asking, phase: "preauthenticating", round, cookies: [] };
}

function serviceOf(input: AsExchangeInput, client: Principal): Principal {
  return input.service ?? krbtgt(client.realm);
}

async function buildRequest(input: AsExchangeInput, phase: AsPhase): Promise<KdcReq> {
  const now = input.runtime.now() + phase.offset;
  const reqBody = requestBody(input, phase, wholeSeconds(now));
  const proof = phase.phase === "asking" ? [] : [...await phase.round.padata({ now, body: reqBody }), ...phase.cookies];
  return {
    pvno: 5,
    msgType: 10,
    padata: [...proof, { padataType: PaType.ReqEncPaRep, padataValue: EMPTY }],
    reqBody,
  };
}

function requestBody(input: AsExchangeInput, { client, keys }: AsPhase, now: number): KdcReqBody {
  const { startDelay = 0, lifetime, renewLifetime } = input;
  const kdcOptions = (input.forwardable ? KdcOption.Forwardable : 0) | (input.proxiable ? KdcOption.Proxiable : 0) |
    (renewLifetime > 0 ? KdcOption.Renewable : KdcOption.RenewableOk) |
    (startDelay > 0 ? KdcOption.MayPostdate | KdcOption.Postdated : 0) |
    (canonicalizes(input) ? KdcOption.Canonicalize : 0);
  const from = Math.min(now + startDelay, LATEST_TIME);
  return {
    kdcOptions,
    cname: toPrincipalName(client),
    realm: client.realm,
    sname: toPrincipalName(serviceOf(input, client)),
    ...(startDelay > 0 ? { from } : {}),
    till: Math.min(from + lifetime, LATEST_TIME),
    ...(renewLifetime > 0 ? { rtime: Math.min(from + renewLifetime, LATEST_TIME) } : {}),
    nonce: randomNonce(input.runtime),
    etype: keys.enctypes,
  };
}

/**
 * Returns the phase after a refusal, or throws the refusal. Nothing authenticates a refusal: it may cause another request and
 * a key derivation within the limits, but changes neither the client nor, without canonicalization, the realm.
 */
async function nextPhase(run: AsRun, phase: AsPhase, received: KrbError): Promise<AsPhase> {
  const { input } = run;
  const refusal = await openRefusal(phase, received);
  let next: AsPhase | undefined;
  switch (refusal.errorCode) {
    case ErrorCode.KDC_ERR_PREAUTH_REQUIRED:
      next = phase.phase === "asking" ? await preauthenticate(run, phase, refusal) : await answer(phase, refusal);
      break;
    case ErrorCode.KDC_ERR_MORE_PREAUTH_DATA_REQUIRED:
      next = phase.phase === "asking" ? undefined : await answer(phase, refusal);
      break;
    case ErrorCode.KRB_AP_ERR_SKEW:
      next = input.timesync ? correctClock(phase, clockOffset(refusal, input.runtime)) : undefined;
      break;
    case ErrorCode.KDC_ERR_WRONG_REALM:
      next = canonicalizes(input) ? await followReferral(run, phase, refusal.crealm) : undefined;
      break;
  }
  if (next !== undefined) return next;
  const { client, keys: { enctypes } } = phase;
  throw refusalError(refusal, { client, server: serviceOf(input, client), enctypes, runtime: input.runtime });
}

async function openRefusal(phase: AsPhase, refusal: KrbError): Promise<KrbError> {
  return phase.phase === "asking" ? refusal : await phase.round.openRefusal?.(refusal) ?? refusal;
}

/** RFC 6113 section 2.2: the KDC asks for pre-authentication. */
async function preauthenticate(run: AsRun, phase: Asking, refusal: KrbError): Promise<Preauthenticating | undefined> {
  if (refusal.eData === undefined) return undefined;
  const { mechanisms, input: { timesync, runtime } } = run;
  const methods = readMessage(MethodData, refusal.eData);
  const offset = timesync ? significantOffset(clockOffset(refusal, runtime)) : phase.offset;
  const round = await startMechanism(mechanisms, phase.keys, methods);
  return { ...phase, phase: "preauthenticating", offset, round, cookies: cookiesOf(methods) };
}

/** RFC 6113 section 2.4: the KDC demands another round of the mechanism in use, if that has one. */
async function answer(phase: Preauthenticating, { eData }: KrbError): Promise<Preauthenticating | undefined> {
  if (phase.round.answer === undefined || eData === undefined) return undefined;
  const methods = readMessage(MethodData, eData);
  return { ...phase, round: await phase.round.answer(methods), cookies: cookiesOf(methods) };
}

function cookiesOf(methods: readonly PaData[]): readonly PaData[] {
  return methods.filter(({ padataType }) => padataType === PaType.FxCookie);
}

/** The same round once more, by the KDC's clock. */
function correctClock(phase: AsPhase, offset: number): Preauthenticating | undefined {
  return phase.phase === "preauthenticating" ? { ...phase, phase: "clock corrected", offset } : undefined;
}

/** RFC 6806 section 7: the same client, in another realm; the name in the error is not used. */
async function followReferral(run: AsRun, phase: AsPhase, realm: string | undefined): Promise<AsPhase | undefined> {
  if (realm === undefined) return undefined;
  const { client, realms } = phase;
  if (realms.includes(realm) || realms.length > MAX_REFERRALS) {
    throw new KerberosError(
      "REFERRAL_LOOP",
      `Cannot authenticate ${peerText(formatPrincipal(client))}: referred to ${peerText(realm)} after ` +
        realms.map(peerText).join(", "),
    );
  }
  return await enterRealm(run, { ...client, realm }, realms);
}
