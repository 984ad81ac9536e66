/**
 * The authentication service exchange (RFC 4120 section 3.1) with encrypted-timestamp pre-authentication (section
 * 5.2.7.2), client referrals (RFC 6806 section 7) and the protection of the request by the reply (RFC 6806 section 11).
 * FAST, SPAKE, PKINIT and OTP are left out; a KDC that insists on one of them is reported as `PREAUTH_UNSUPPORTED`.
 *
 * @module
 */
import { encode } from "../../gss/asn1.ts";
import { type Bytes, EMPTY } from "../../gss/bytes.ts";
import type { Runtime } from "../../gss/runtime.ts";
import { ErrorCode, KdcOption, KeyUsage, NameType, PaType, TicketFlag } from "../constants.ts";
import { KerberosKey } from "../crypto/key.ts";
import { enctypeName } from "../crypto/profile.ts";
import { KerberosError } from "../errors.ts";
import { Ticket } from "../messages/ap.ts";
import {
  Checksum,
  EncryptedData,
  EtypeInfo2,
  type EtypeInfo2Entry,
  MethodData,
  type PaData,
  PaEncTsEnc,
  splitTime,
} from "../messages/basic.ts";
import type { KrbError } from "../messages/error.ts";
import { AsRep, AsReq, EncAsRepPart, type EncKdcRepPart, EncTgsRepPart, type KdcRep } from "../messages/kdc.ts";
import {
  formatPrincipal,
  fromPrincipalName,
  krbtgt,
  type Principal,
  samePrincipal,
  toPrincipalName,
} from "../principal.ts";
import { Credential } from "../stores/credential.ts";
import { type ClientKey, defaultSalt, type KeyParameters } from "./client_key.ts";
import {
  clockOffset,
  type KdcExchange,
  mismatch,
  randomNonce,
  readEither,
  readMessage,
  readReply,
  refusalError,
} from "./exchange.ts";

/** What an initial ticket is asked for with. Times are in milliseconds. */
export interface AsExchangeInput {
  /** Who asks. */
  readonly client: Principal;
  /** Its secret. */
  readonly key: ClientKey;
  /** Service. @default {the ticket-granting service of the client's realm} */
  readonly service?: Principal;
  /** Enctypes in order of preference. */
  readonly enctypes: readonly number[];
  /** Lifetime asked for. */
  readonly lifetime: number;
  /** Renewable lifetime asked for, 0 for none. */
  readonly renewLifetime: number;
  /** Whether the ticket is to be forwardable. */
  readonly forwardable: boolean;
  /** Whether the ticket is to be proxiable. */
  readonly proxiable: boolean;
  /** Whether the KDC may answer with another name for the client. */
  readonly canonicalize: boolean;
  /** Whether to reckon with the KDC's clock where it differs. */
  readonly timesync: boolean;
  /** Clock and randomness. */
  readonly runtime: Runtime;
}

/** Ticket got, and how far the KDC's clock is ahead, in milliseconds. */
export interface AsExchangeResult {
  /** The ticket. */
  readonly credential: Credential;
  /** How far the KDC's clock is ahead, in milliseconds. */
  readonly kdcOffset: number;
}

/** Requests that one exchange may take: preauthentication, skew, and a few referrals. */
const MAX_REQUESTS = 10;
/** Within this a difference between the clocks is taken for the time that the reply took. */
const CLOCK_TOLERANCE = 5_000;

/** What one request after another has taught. */
interface State {
  client: Principal;
  offset: number;
  padata: readonly PaData[];
  parameters: KeyParameters | undefined;
  preauthenticated: boolean;
  skewed: boolean;
}

/**
 * Asks for an initial ticket.
 *
 * @throws {KdcError} The KDC refuses.
 * @throws {KerberosError} The reply is not genuine or not to the request, or the KDC wants what is not supported.
 */
export async function* asExchange(input: AsExchangeInput): KdcExchange<AsExchangeResult> {
  const state: State = {
    client: input.client,
    offset: 0,
    padata: [],
    parameters: undefined,
    preauthenticated: false,
    skewed: false,
  };
  const enctypes = input.key.usable(input.enctypes);
  if (enctypes.length === 0) {
    throw new KerberosError(
      "NO_CREDENTIALS",
      `Cannot authenticate ${formatPrincipal(input.client)}: there is no key of ${
        input.enctypes.map(enctypeName).join(", ")
      }`,
    );
  }
  for (let sent = 0; sent < MAX_REQUESTS; sent++) {
    const request = buildRequest(input, state, enctypes);
    const message = encode(AsReq, request);
    const answer = readReply(AsRep, yield { realm: state.client.realm, message });
    if ("reply" in answer) return await acceptReply(input, state, request, message, answer.reply);
    await learn(input, state, answer.refusal);
  }
  throw new KerberosError(
    "REFERRAL_LOOP",
    `Cannot authenticate ${formatPrincipal(input.client)}: the KDC asks again and again`,
  );
}

type BuiltRequest = ReturnType<typeof buildRequest>;

function serviceOf(input: AsExchangeInput, state: State): Principal {
  return input.service ?? krbtgt(state.client.realm);
}

function buildRequest(input: AsExchangeInput, state: State, enctypes: readonly number[]) {
  const now = Math.floor((input.runtime.now() + state.offset) / 1000) * 1000;
  const canonicalize = input.canonicalize || input.client.nameType === NameType.Enterprise;
  const kdcOptions = (input.forwardable ? KdcOption.Forwardable : 0) | (input.proxiable ? KdcOption.Proxiable : 0) |
    (input.renewLifetime > 0 ? KdcOption.Renewable : KdcOption.RenewableOk) |
    (canonicalize ? KdcOption.Canonicalize : 0);
  return {
    pvno: 5,
    msgType: 10,
    padata: [...state.padata, { padataType: PaType.ReqEncPaRep, padataValue: EMPTY }],
    reqBody: {
      kdcOptions,
      cname: toPrincipalName(state.client),
      realm: state.client.realm,
      sname: toPrincipalName(serviceOf(input, state)),
      till: now + input.lifetime,
      ...(input.renewLifetime > 0 ? { rtime: now + input.renewLifetime } : {}),
      nonce: randomNonce(input.runtime),
      etype: enctypes,
    },
  };
}

/** Takes from a refusal what the next request needs, or gives up. */
async function learn(input: AsExchangeInput, state: State, refusal: KrbError): Promise<void> {
  const { runtime } = input;
  const fail = () => refusalError(refusal, { client: state.client, server: serviceOf(input, state), runtime });
  switch (refusal.errorCode) {
    case ErrorCode.KDC_ERR_PREAUTH_REQUIRED: {
      if (state.preauthenticated || refusal.eData === undefined) throw fail();
      if (input.timesync) state.offset = tolerated(clockOffset(refusal, runtime));
      await preauthenticate(input, state, readMessage(MethodData, refusal.eData));
      return;
    }
    case ErrorCode.KRB_AP_ERR_SKEW: {
      if (state.skewed || !input.timesync || state.parameters === undefined) throw fail();
      state.skewed = true;
      state.offset = clockOffset(refusal, runtime);
      state.padata = [await encryptedTimestamp(input, state, state.parameters), ...state.padata.slice(1)];
      return;
    }
    case ErrorCode.KDC_ERR_WRONG_REALM: {
      if (refusal.crealm === undefined || refusal.crealm === state.client.realm) throw fail();
      Object.assign(state, { client: { ...state.client, realm: refusal.crealm }, padata: [], preauthenticated: false });
      return;
    }
    default:
      throw fail();
  }
}

function tolerated(offset: number): number {
  return Math.abs(offset) < CLOCK_TOLERANCE ? 0 : offset;
}

async function preauthenticate(input: AsExchangeInput, state: State, methods: readonly PaData[]): Promise<void> {
  if (!methods.some((method) => method.padataType === PaType.EncTimestamp)) {
    throw new KerberosError(
      "PREAUTH_UNSUPPORTED",
      `Cannot authenticate ${formatPrincipal(state.client)}: the KDC offers pre-authentication ` +
        `${methods.map((method) => method.padataType).join(", ")}, an encrypted timestamp (2) is not among them`,
    );
  }
  state.parameters = keyParameters(input, state, methods);
  if (state.parameters === undefined) {
    throw new KerberosError(
      "UNSUPPORTED_ENCTYPE",
      `Cannot authenticate ${formatPrincipal(state.client)}: the KDC has no key of ${
        input.enctypes.map(enctypeName).join(", ")
      }`,
    );
  }
  const cookies = methods.filter((method) => method.padataType === PaType.FxCookie);
  state.padata = [await encryptedTimestamp(input, state, state.parameters), ...cookies];
  state.preauthenticated = true;
}

async function encryptedTimestamp(input: AsExchangeInput, state: State, parameters: KeyParameters): Promise<PaData> {
  const key = await input.key.keyFor(parameters);
  const { time, usec } = splitTime(input.runtime.now() + state.offset);
  const timestamp = encode(PaEncTsEnc, { patimestamp: time, pausec: usec });
  const cipher = await key.encrypt(KeyUsage.AsReqPaEncTimestamp, timestamp, input.runtime);
  return { padataType: PaType.EncTimestamp, padataValue: encode(EncryptedData, { etype: key.enctype, cipher }) };
}

/** Parameters of the first key that both sides have, out of ETYPE-INFO2 (RFC 4120 section 5.2.7.5). */
function keyParameters(input: AsExchangeInput, state: State, methods: readonly PaData[]): KeyParameters | undefined {
  const info = methods.find((method) => method.padataType === PaType.EtypeInfo2);
  const usable = input.key.usable(input.enctypes);
  if (info === undefined) return { enctype: usable[0]!, salt: defaultSalt(state.client) };
  const entry = readMessage(EtypeInfo2, info.padataValue).find(({ etype }) => usable.includes(etype));
  return entry && fromEntry(entry, state);
}

function fromEntry(entry: EtypeInfo2Entry, state: State): KeyParameters {
  return { enctype: entry.etype, salt: entry.salt ?? defaultSalt(state.client), s2kparams: entry.s2kparams };
}

/** Section 3.1.5: everything that is used comes out of the encrypted part, and must be what was asked for. */
async function acceptReply(
  input: AsExchangeInput,
  state: State,
  request: BuiltRequest,
  message: Bytes,
  reply: KdcRep,
): Promise<AsExchangeResult> {
  const { runtime } = input;
  const client = fromPrincipalName(reply.cname, reply.crealm);
  const renamed = !samePrincipal(client, state.client);
  if (renamed && (request.reqBody.kdcOptions & KdcOption.Canonicalize) === 0) {
    mismatch("the client", formatPrincipal(state.client), formatPrincipal(client));
  }
  const key = await replyKey(input, state, reply);
  const plain = await key.decrypt(KeyUsage.AsRepEncPart, reply.encPart.cipher);
  const part = readEither(EncAsRepPart, EncTgsRepPart, plain);
  await checkPart(part, key, request, message);
  const server = fromPrincipalName(part.sname, part.srealm);
  const wanted = serviceOf(input, state);
  // RFC 6806 section 7: with canonicalization the realm part of the ticket-granting service may come back changed.
  if (!samePrincipal(server, wanted)) mismatch("the service", formatPrincipal(wanted), formatPrincipal(server));
  const kdcOffset = input.timesync ? tolerated(part.authtime - runtime.now()) : 0;
  return { credential: toCredential(client, part, reply), kdcOffset };
}

async function checkPart(part: EncKdcRepPart, key: KerberosKey, request: BuiltRequest, message: Bytes): Promise<void> {
  if (part.nonce !== request.reqBody.nonce) mismatch("the nonce", request.reqBody.nonce, part.nonce);
  if ((part.flags & TicketFlag.EncPaRep) === 0) return;
  // RFC 6806 section 11: the KDC signs the request that it saw, so that nobody can have weakened it on its way.
  const proof = part.encryptedPaData?.find(({ padataType }) => padataType === PaType.ReqEncPaRep);
  if (proof === undefined) return;
  const { checksum } = readMessage(Checksum, proof.padataValue);
  if (!await key.verifyChecksum(KeyUsage.AsReq, message, checksum)) {
    throw new KerberosError("INTEGRITY", "Cannot use KDC reply: the request was changed on its way to the KDC");
  }
}

/** A reply that needed no pre-authentication names salt and parameters itself. */
async function replyKey(input: AsExchangeInput, state: State, reply: KdcRep): Promise<KerberosKey> {
  const { etype } = reply.encPart;
  if (!input.key.usable(input.enctypes).includes(etype)) mismatch("the enctype", input.enctypes.join(), etype);
  const info = reply.padata?.find(({ padataType }) => padataType === PaType.EtypeInfo2);
  const entry = info && readMessage(EtypeInfo2, info.padataValue).find((candidate) => candidate.etype === etype);
  if (entry !== undefined) return await input.key.keyFor(fromEntry(entry, state));
  if (state.parameters?.enctype === etype) return await input.key.keyFor(state.parameters);
  const salt = reply.padata?.find(({ padataType }) => padataType === PaType.PwSalt);
  return await input.key.keyFor({
    enctype: etype,
    salt: salt === undefined ? defaultSalt(state.client) : new TextDecoder().decode(salt.padataValue),
  });
}

/** The ticket of a reply with what its encrypted part says of it. */
export function toCredential(client: Principal, part: EncKdcRepPart, reply: KdcRep): Credential {
  return new Credential({
    client,
    server: fromPrincipalName(part.sname, part.srealm),
    key: new KerberosKey(part.key.keytype, part.key.keyvalue),
    authtime: part.authtime,
    starttime: part.starttime,
    endtime: part.endtime,
    renewTill: part.renewTill,
    flags: part.flags,
    ticket: encode(Ticket, reply.ticket),
    addresses: part.caddr ?? [],
  });
}
