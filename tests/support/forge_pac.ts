/**
 * Forged PACs: right ones, and wrong in what a test names.
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import type { Bytes } from "../../base/bytes.ts";
import { AuthorizationData, type AuthorizationDataElement } from "../../kerberos/messages/basic.ts";
import { writeClientInfo } from "../../kerberos/pac/client_info.ts";
import { type PacBuffer, PacType } from "../../kerberos/pac/container.ts";
import { NdrWriter } from "../../kerberos/pac/ndr.ts";
import { signPac } from "../../kerberos/pac/signature.ts";
import { writeUpnDnsInfo } from "../../kerberos/pac/upn_dns_info.ts";
import type { Forge } from "./forge_ap.ts";

export const DOMAIN_SID = "S-1-5-21-1-2-3";

type Group<T> = readonly [id: T, attributes: number];

/** Fields of KERB_VALIDATION_INFO that tests change. */
export interface LogonFields {
  readonly account?: string;
  readonly userId?: number;
  readonly domainSid?: string | undefined;
  readonly rids?: readonly Group<number>[];
  readonly extra?: readonly Group<string>[];
  readonly resourceDomain?: string;
  readonly resource?: readonly Group<number>[];
  /** Numbers of elements that stand before the lists, if they lie. */
  readonly counts?: { readonly rids?: number; readonly extra?: number; readonly resource?: number };
  /** Number of elements in the array of RIDs, if it lies. */
  readonly arraySize?: number;
}

/** Writes LOGON_INFO in the order of MS-PAC section 2.5. */
export function forgeLogon(fields: LogonFields = {}): Bytes {
  const { account = "alice", userId = 1105, rids = [[513, 7], [1200, 7]], extra = [], resource = [], counts } = fields;
  const domainSid = "domainSid" in fields ? fields.domainSid : DOMAIN_SID;
  const ndr = new NdrWriter();
  const list = <T>(list: readonly Group<T>[], count: number | undefined, write: () => void) =>
    ndr.u32(count ?? list.length).pointer(list.length === 0 ? undefined : write);
  for (let i = 0; i < 12; i++) ndr.u32(0);
  ndr.string(account);
  for (let i = 0; i < 5; i++) ndr.string("");
  ndr.u16(0).u16(0).u32(userId).u32(513);
  list(rids, counts?.rids, () => {
    ndr.u32(fields.arraySize ?? rids.length);
    for (const [rid, attributes] of rids) ndr.u32(rid).u32(attributes);
  });
  for (let i = 0; i < 5; i++) ndr.u32(0);
  ndr.string("DC1").string("A").pointer(domainSid === undefined ? undefined : () => ndr.sid(domainSid));
  for (let i = 0; i < 10; i++) ndr.u32(0);
  list(extra, counts?.extra, () => {
    ndr.u32(extra.length);
    for (const [sid, attributes] of extra) ndr.pointer(sid === "" ? undefined : () => {}).u32(attributes);
    for (const [sid] of extra) if (sid !== "") ndr.sid(sid);
  });
  const { resourceDomain } = fields;
  ndr.pointer(resourceDomain === undefined ? undefined : () => ndr.sid(resourceDomain));
  list(resource, counts?.resource, () => {
    ndr.u32(resource.length);
    for (const [rid, attributes] of resource) ndr.u32(rid).u32(attributes);
  });
  return ndr.finish();
}

/** The buffers of a right PAC for the tickets of a forge. */
export function pacContents(forge: Forge, logon: LogonFields = {}): PacBuffer[] {
  const authtime = Math.floor(forge.runtime.now() / 1000) * 1000 - 3_600_000;
  const sid = `${DOMAIN_SID}-1105`;
  return [
    { type: PacType.LogonInfo, data: forgeLogon(logon) },
    { type: PacType.ClientInfo, data: writeClientInfo({ name: forge.client.components.join("/"), authtime }) },
    {
      type: PacType.UpnDnsInfo,
      data: writeUpnDnsInfo({ upn: "a.lice@corp.example", dnsDomain: "A.TEST", sam: { account: "alice", sid } }),
    },
  ];
}

/** Signs contents with the service's key and another one as the KDC's. */
export function signedPac(forge: Forge, contents: readonly PacBuffer[] = pacContents(forge)): Promise<Bytes> {
  return signPac(contents, { server: forge.serviceKey, kdc: forge.subkey });
}

/** Returns PACs as authorization data that may be passed over. */
export function ifRelevant(...pacs: readonly Bytes[]): readonly AuthorizationDataElement[] {
  return pacs.map((adData) => ({ adType: 1, adData: encode(AuthorizationData, [{ adType: 128, adData }]) }));
}
