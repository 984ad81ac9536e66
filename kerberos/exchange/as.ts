/**
 * The authentication service exchange (RFC 4120 section 3.1) with encrypted-timestamp pre-authentication (section
 * 5.2.7.2), client referrals (RFC 6806 section 7) and the protection of the request by the reply (RFC 6806 section 11).
 * FAST, SPAKE, PKINIT and OTP are left out; a KDC that insists on one of them is reported as `PREAUTH_UNSUPPORTED`.
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import { EMPTY } from "../../base/bytes.ts";
import { ErrorCode } from "../registry/errors.ts";
import { KdcOption } from "../registry/flags.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import { PaType } from "../registry/pa_types.ts";
import { enctypeName } from "../crypto/enctypes.ts";
import { KerberosError, printable } from "../errors.ts";
import {
  EncryptedData,
  EtypeInfo2,
  LATEST_TIME,
  MethodData,
  type PaData,
  PaEncTsEnc,
  splitTime,
} from "../messages/basic.ts";
import type { KrbError } from "../messages/error.ts";
import { AsRep, AsReq, type KdcReq } from "../messages/kdc.ts";
import { formatPrincipal, krbtgt, type Principal, toPrincipalName } from "../principal.ts";
import { acceptAsReply, fromEntry, tolerated } from "./as_reply.ts";
import { type AsExchangeInput, type AsExchangeResult, type AsState, canonicalizes } from "./as_state.ts";
import { defaultSalt, type KeyParameters } from "./client_key.ts";
import { clockOffset, type KdcExchange, randomNonce, readReply, refusalError } from "./exchange.ts";
import { readMessage } from "../messages/read.ts";
import { ExchangeKeys } from "./exchange_keys.ts";

export type { AsExchangeInput, AsExchangeResult } from "./as_state.ts";

/** Requests that one exchange may take: preauthentication, skew, and the referrals. */
const MAX_REQUESTS = 10;
/** Realms that a client may be sent on to (RFC 6806 section 7). */
const MAX_REFERRALS = 5;

/** What is asked of the KDC of one realm starts with nothing that the KDC of another one said. */
function startAt(client: Principal, before: Pick<AsState, "realms" | "keys" | "enctypes">): AsState {
  return {
    client,
    realms: [...before.realms, client.realm],
    keys: before.keys,
    enctypes: before.enctypes,
    offset: 0,
    padata: [],
    parameters: undefined,
    skewed: false,
  };
}

/**
 * Asks for an initial ticket.
 *
 * @throws {KdcError} The KDC refuses.
 * @throws {KerberosError} The reply is not genuine or not to the request, or the KDC wants what is not supported.
 */
export async function* asExchange(input: AsExchangeInput): KdcExchange<AsExchangeResult> {
  const enctypes = input.key.usable(input.enctypes);
  if (enctypes.length === 0) {
    throw new KerberosError(
      "NO_CREDENTIALS",
      `Cannot authenticate ${formatPrincipal(input.client)}: there is no key of ${
        input.enctypes.map(enctypeName).join(", ")
      }`,
    );
  }
  let state = startAt(input.client, { realms: [], keys: new ExchangeKeys(input.key), enctypes });
  for (let sent = 0; sent < MAX_REQUESTS; sent++) {
    const request = buildRequest(input, state);
    const message = encode(AsReq, request);
    const answer = readReply(AsRep, yield { realm: state.client.realm, message });
    if ("reply" in answer) {
      return await acceptAsReply({ input, state, request, message, service: serviceOf(input, state) }, answer.reply);
    }
    state = await learn(input, state, answer.refusal);
  }
  throw new KerberosError(
    "REFERRAL_LOOP",
    `Cannot authenticate ${formatPrincipal(input.client)}: the KDC asks again and again`,
  );
}

function serviceOf(input: AsExchangeInput, state: AsState): Principal {
  return input.service ?? krbtgt(state.client.realm);
}

function buildRequest(input: AsExchangeInput, state: AsState): KdcReq {
  const now = Math.floor((input.runtime.now() + state.offset) / 1000) * 1000;
  const kdcOptions = (input.forwardable ? KdcOption.Forwardable : 0) | (input.proxiable ? KdcOption.Proxiable : 0) |
    (input.renewLifetime > 0 ? KdcOption.Renewable : KdcOption.RenewableOk) |
    (canonicalizes(input) ? KdcOption.Canonicalize : 0);
  return {
    pvno: 5,
    msgType: 10,
    padata: [...state.padata, { padataType: PaType.ReqEncPaRep, padataValue: EMPTY }],
    reqBody: {
      kdcOptions,
      cname: toPrincipalName(state.client),
      realm: state.client.realm,
      sname: toPrincipalName(serviceOf(input, state)),
      till: Math.min(now + input.lifetime, LATEST_TIME),
      ...(input.renewLifetime > 0 ? { rtime: Math.min(now + input.renewLifetime, LATEST_TIME) } : {}),
      nonce: randomNonce(input.runtime),
      etype: state.enctypes,
    },
  };
}

/**
 * Takes from a refusal what the next request needs, or gives up. Nothing authenticates a refusal: it may cost a request, and
 * a key within the limits, but changes neither who asks nor, unless that was asked for, whom.
 */
async function learn(input: AsExchangeInput, state: AsState, refusal: KrbError): Promise<AsState> {
  const { runtime } = input;
  const fail = () => refusalError(refusal, { client: state.client, server: serviceOf(input, state), runtime });
  switch (refusal.errorCode) {
    case ErrorCode.KDC_ERR_PREAUTH_REQUIRED: {
      if (state.parameters !== undefined || refusal.eData === undefined) throw fail();
      if (input.timesync) state.offset = tolerated(clockOffset(refusal, runtime));
      await preauthenticate(input, state, readMessage(MethodData, refusal.eData));
      return state;
    }
    case ErrorCode.KRB_AP_ERR_SKEW: {
      if (state.skewed || !input.timesync || state.parameters === undefined) throw fail();
      state.skewed = true;
      state.offset = clockOffset(refusal, runtime);
      state.padata = [await encryptedTimestamp(input, state, state.parameters), ...state.padata.slice(1)];
      return state;
    }
    case ErrorCode.KDC_ERR_WRONG_REALM: {
      if (!canonicalizes(input) || refusal.crealm === undefined) throw fail();
      return referred(state, refusal.crealm);
    }
    default:
      throw fail();
  }
}

/** RFC 6806 section 7: the same client, in another realm; the name in the error is not used. */
function referred(state: AsState, realm: string): AsState {
  if (state.realms.includes(realm) || state.realms.length > MAX_REFERRALS) {
    throw new KerberosError(
      "REFERRAL_LOOP",
      `Cannot authenticate ${printable(formatPrincipal(state.client))}: sent on to ${printable(realm)} after ` +
        state.realms.map(printable).join(", "),
    );
  }
  return startAt({ ...state.client, realm }, state);
}

async function preauthenticate(input: AsExchangeInput, state: AsState, methods: readonly PaData[]): Promise<void> {
  if (!methods.some((method) => method.padataType === PaType.EncTimestamp)) {
    throw new KerberosError(
      "PREAUTH_UNSUPPORTED",
      `Cannot authenticate ${printable(formatPrincipal(state.client))}: the KDC offers pre-authentication ` +
        `${methods.map((method) => method.padataType).join(", ")}, an encrypted timestamp (2) is not among them`,
    );
  }
  state.parameters = keyParameters(state, methods);
  if (state.parameters === undefined) {
    throw new KerberosError(
      "UNSUPPORTED_ENCTYPE",
      `Cannot authenticate ${printable(formatPrincipal(state.client))}: the KDC has no key of ${
        input.enctypes.map(enctypeName).join(", ")
      }`,
    );
  }
  const cookies = methods.filter((method) => method.padataType === PaType.FxCookie);
  state.padata = [await encryptedTimestamp(input, state, state.parameters), ...cookies];
}

async function encryptedTimestamp(input: AsExchangeInput, state: AsState, parameters: KeyParameters): Promise<PaData> {
  const key = await state.keys.keyFor(parameters);
  const { time, usec } = splitTime(Math.min(input.runtime.now() + state.offset, LATEST_TIME));
  const timestamp = encode(PaEncTsEnc, { patimestamp: time, pausec: usec });
  const cipher = await key.encrypt(KeyUsage.AsReqPaEncTimestamp, timestamp, input.runtime);
  return { padataType: PaType.EncTimestamp, padataValue: encode(EncryptedData, { etype: key.enctype, cipher }) };
}

/** Parameters of the first key that both sides have, out of ETYPE-INFO2 (RFC 4120 section 5.2.7.5). */
function keyParameters(state: AsState, methods: readonly PaData[]): KeyParameters | undefined {
  const info = methods.find((method) => method.padataType === PaType.EtypeInfo2);
  if (info === undefined) return { enctype: state.enctypes[0]!, salt: defaultSalt(state.client) };
  const entry = readMessage(EtypeInfo2, info.padataValue).find(({ etype }) => state.enctypes.includes(etype));
  return entry && fromEntry(entry, state.client);
}
