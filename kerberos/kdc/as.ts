/**
 * The embedded KDC's authentication service (RFC 4120 sections 3.1.2 to 3.1.4). The mechanisms of pre-authentication are
 * those of a table.
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import { type Bytes, EMPTY } from "../../base/bytes.ts";
import { AsRep, EncAsRepPart } from "../messages/kdc.ts";
import { wholeSeconds } from "../messages/time.ts";
import { DOMAIN_X500_COMPRESS } from "../messages/transited.ts";
import { fromPrincipalName, toPrincipalName } from "../principal.ts";
import { KdcOption, TicketFlag } from "../registry/flags.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import type { KdcCall } from "./call.ts";
import { etypeInfo2 } from "./etype_info.ts";
import { issue } from "./issue.ts";
import { initialPac } from "./pac.ts";
import { checkPreauth, KDC_PREAUTH_MECHANISMS } from "./preauth.ts";
import type { KdcPreauthMechanism, PreauthCall, ProvenClient } from "./preauth_mechanism.ts";
import type { KdcPrincipal } from "./principals.ts";
import type { KdcRealm } from "./realm.ts";
import { Refusal } from "./refusal.ts";
import { requestProof } from "./request_proof.ts";

/** Options about a ticket that is presented (section 5.4.1); an AS-REQ presents none. */
const NOT_INITIAL = KdcOption.Forwarded | KdcOption.Proxy | KdcOption.CnameInAddlTkt | KdcOption.EncTktInSkey |
  KdcOption.Renew | KdcOption.Validate;

/**
 * Answers an AS-REQ.
 *
 * @throws {Refusal} The request is refused.
 */
export async function handleAsReq(
  call: KdcCall,
  mechanisms: readonly KdcPreauthMechanism[] = KDC_PREAUTH_MECHANISMS,
): Promise<Bytes> {
  const { realm, request: { reqBody: body } } = call;
  if ((body.kdcOptions & NOT_INITIAL) !== 0) throw new Refusal("KDC_ERR_BADOPTION");
  if (body.realm !== realm.name) throw new Refusal("KDC_ERR_WRONG_REALM");
  const client = findClient(call);
  const service = body.sname && realm.find(fromPrincipalName(body.sname, body.realm));
  if (service === undefined) throw new Refusal("KDC_ERR_S_PRINCIPAL_UNKNOWN");
  // The client's keys, in the order in which it asks for them.
  const keys = body.etype.flatMap((etype) =>
    client.keys.filter(({ enctype }) => enctype === etype && realm.has(enctype))
  );
  if (keys.length === 0) throw new Refusal("KDC_ERR_ETYPE_NOSUPP");
  const known = { ...call, client, keys };
  return await reply(known, service, await prove(mechanisms, known));
}

function findClient({ realm, request: { reqBody } }: KdcCall): KdcPrincipal {
  const client = reqBody.cname && realm.findUser(fromPrincipalName(reqBody.cname, reqBody.realm));
  if (client === undefined) throw new Refusal("KDC_ERR_C_PRINCIPAL_UNKNOWN");
  checkAccount(realm, client);
  return client;
}

/** RFC 4120 section 3.1.3 leaves the order of these open. */
function checkAccount(realm: KdcRealm, client: KdcPrincipal): void {
  const locked = client.wrongPasswords >= client.lockAfter;
  if (client.disabled || locked) throw new Refusal("KDC_ERR_CLIENT_REVOKED");
  if (client.expires <= realm.now()) throw new Refusal("KDC_ERR_NAME_EXP");
  if (client.passwordExpires <= realm.now()) throw new Refusal("KDC_ERR_KEY_EXPIRED");
}

/** Checks the pre-authentication and counts wrong passwords. */
async function prove(mechanisms: readonly KdcPreauthMechanism[], call: PreauthCall): Promise<ProvenClient> {
  const { client } = call;
  try {
    const proven = await checkPreauth(mechanisms, call);
    client.wrongPasswords = 0;
    return proven;
  } catch (error) {
    if (error instanceof Refusal && error.code === "KDC_ERR_PREAUTH_FAILED") client.wrongPasswords++;
    throw error;
  }
}

async function reply(call: PreauthCall, service: KdcPrincipal, proven: ProvenClient): Promise<Bytes> {
  const { realm, client, request: { reqBody: body } } = call;
  const key = proven.replyKey ?? call.keys[0]!;
  // RFC 6806 section 6: the name in the reply is the stored one only where the client allows it.
  const canonicalize = (body.kdcOptions & KdcOption.Canonicalize) !== 0;
  const name = canonicalize ? client.name : fromPrincipalName(body.cname!, body.realm);
  const authtime = wholeSeconds(realm.now());
  const { ticket, part } = await issue({
    realm,
    body,
    client: name,
    service,
    flags: TicketFlag.Initial | proven.flags,
    allowedFlags: TicketFlag.Forwardable | TicketFlag.Proxiable | TicketFlag.Renewable,
    authtime,
    latestEnd: Infinity,
    latestRenewal: Infinity,
    transited: { trType: DOMAIN_X500_COMPRESS, contents: EMPTY },
    addresses: body.addresses,
    encryptedPaData: await requestProof(call, key),
    pac: initialPac(client, name, authtime),
  });
  const cipher = await key.encrypt(KeyUsage.AsRepEncPart, encode(EncAsRepPart, part), realm.runtime);
  return encode(AsRep, {
    pvno: 5,
    msgType: 11,
    padata: [etypeInfo2(client, [call.keys[0]!]), ...proven.padata ?? []],
    crealm: name.realm,
    cname: toPrincipalName(name),
    ticket,
    encPart: { etype: key.enctype, kvno: client.kvno, cipher },
  });
}
