/**
 * The embedded KDC's authentication service (RFC 4120 section 3.1.2 to 3.1.4).
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import { type Bytes, ByteWriter, EMPTY } from "../../base/bytes.ts";
import { readMessage } from "../messages/read.ts";
import { KdcOption, TicketFlag } from "../registry/flags.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import { PaType } from "../registry/pa_types.ts";
import type { KerberosKey } from "../crypto/key.ts";
import { profileOf } from "../crypto/enctypes.ts";
import { KerberosError } from "../errors.ts";
import { EncryptedData, EtypeInfo2, MethodData, type PaData, PaEncTsEnc } from "../messages/basic.ts";
import { AsRep, EncAsRepPart, type KdcReq } from "../messages/kdc.ts";
import { DOMAIN_X500_COMPRESS } from "../messages/transited.ts";
import { wholeSeconds } from "../messages/time.ts";
import { fromPrincipalName, type Principal, toPrincipalName } from "../principal.ts";
import { issue, KDC_SKEW, requestProof } from "./issue.ts";
import type { KdcPrincipal, KdcRealm } from "./realm.ts";
import { Refusal } from "./refusal.ts";

/** Options that are about a ticket presented (section 5.4.1), which there is none of here. */
const NOT_INITIAL = KdcOption.Forwarded | KdcOption.Proxy | KdcOption.CnameInAddlTkt | KdcOption.EncTktInSkey |
  KdcOption.Renew | KdcOption.Validate;

/** Answers an AS-REQ. */
export async function handleAsReq(realm: KdcRealm, request: KdcReq, message: Bytes): Promise<Bytes> {
  const { reqBody: body } = request;
  if ((body.kdcOptions & NOT_INITIAL) !== 0) throw new Refusal("KDC_ERR_BADOPTION");
  if (body.realm !== realm.name) throw new Refusal("KDC_ERR_WRONG_REALM");
  if (body.cname === undefined) throw new Refusal("KDC_ERR_C_PRINCIPAL_UNKNOWN");
  const asked = fromPrincipalName(body.cname, body.realm);
  const client = realm.findUser(asked);
  if (client === undefined) throw new Refusal("KDC_ERR_C_PRINCIPAL_UNKNOWN");
  if (client.disabled) throw new Refusal("KDC_ERR_CLIENT_REVOKED");
  const service = body.sname && realm.find(fromPrincipalName(body.sname, body.realm));
  if (service === undefined) throw new Refusal("KDC_ERR_S_PRINCIPAL_UNKNOWN");
  const usable = clientKeys(realm, client, body.etype);
  if (usable.length === 0) throw new Refusal("KDC_ERR_ETYPE_NOSUPP");
  const proof = request.padata?.find(({ padataType }) => padataType === PaType.EncTimestamp);
  if (proof !== undefined) await checkTimestamp(realm, client, proof);
  else if (client.requiresPreauth) {
    throw new Refusal("KDC_ERR_PREAUTH_REQUIRED", encode(MethodData, hints(client, usable)));
  }
  return await reply(realm, request, message, {
    client,
    asked,
    service,
    key: usable[0]!,
    preauthenticated: proof !== undefined,
  });
}

/** The client's keys in the order in which it asks for them. */
function clientKeys(realm: KdcRealm, client: KdcPrincipal, etypes: readonly number[]): KerberosKey[] {
  return etypes.flatMap((etype) => client.keys.filter(({ enctype }) => enctype === etype && realm.has(enctype)));
}

function hints(client: KdcPrincipal, usable: readonly KerberosKey[]): PaData[] {
  return [etypeInfo2(client, usable), { padataType: PaType.EncTimestamp, padataValue: EMPTY }];
}

function etypeInfo2(client: KdcPrincipal, keys: readonly KerberosKey[]): PaData {
  const entries = keys.map(({ enctype }) => {
    const s2kparams = new ByteWriter().u32(profileOf(enctype).defaultIterations).finish();
    return { etype: enctype, salt: client.salt, s2kparams };
  });
  return { padataType: PaType.EtypeInfo2, padataValue: encode(EtypeInfo2, entries) };
}

/** Section 5.2.7.2. */
async function checkTimestamp(realm: KdcRealm, client: KdcPrincipal, proof: PaData): Promise<void> {
  const sealed = readMessage(EncryptedData, proof.padataValue);
  const key = client.keys.find(({ enctype }) => enctype === sealed.etype && realm.has(enctype));
  if (key === undefined) throw new Refusal("KDC_ERR_ETYPE_NOSUPP");
  let plain: Bytes;
  try {
    plain = await key.decrypt(KeyUsage.AsReqPaEncTimestamp, sealed.cipher);
  } catch (error) {
    if (error instanceof KerberosError) throw new Refusal("KDC_ERR_PREAUTH_FAILED");
    throw error;
  }
  const { patimestamp } = readMessage(PaEncTsEnc, plain);
  if (Math.abs(patimestamp - realm.now()) > KDC_SKEW) throw new Refusal("KRB_AP_ERR_SKEW");
}

interface Granted {
  readonly client: KdcPrincipal;
  readonly asked: Principal;
  readonly service: KdcPrincipal;
  readonly key: KerberosKey;
  readonly preauthenticated: boolean;
}

async function reply(realm: KdcRealm, request: KdcReq, message: Bytes, granted: Granted): Promise<Bytes> {
  const { client, asked, key, service } = granted;
  // RFC 6806 section 6: the name in the reply is the stored one only where the client allows it.
  const name = (request.reqBody.kdcOptions & KdcOption.Canonicalize) !== 0 ? client.name : asked;
  const { ticket, part } = await issue({
    realm,
    body: request.reqBody,
    client: name,
    service,
    flags: TicketFlag.Initial | (granted.preauthenticated ? TicketFlag.PreAuthent : 0),
    allowedFlags: TicketFlag.Forwardable | TicketFlag.Proxiable | TicketFlag.Renewable,
    authtime: wholeSeconds(realm.now()),
    latestEnd: Infinity,
    latestRenewal: Infinity,
    transited: { trType: DOMAIN_X500_COMPRESS, contents: EMPTY },
    addresses: request.reqBody.addresses,
    encryptedPaData: await requestProof(request, message, key),
  });
  const cipher = await key.encrypt(KeyUsage.AsRepEncPart, encode(EncAsRepPart, part), realm.runtime);
  return encode(AsRep, {
    pvno: 5,
    msgType: 11,
    padata: [etypeInfo2(client, [key])],
    crealm: name.realm,
    cname: toPrincipalName(name),
    ticket,
    encPart: { etype: key.enctype, kvno: client.kvno, cipher },
  });
}
