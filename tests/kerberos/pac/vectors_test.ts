/** PACs of Active Directory, Samba, MIT, Heimdal and other sources, as they came. */
import assert from "node:assert/strict";
import { asBytes, type Bytes } from "../../../base/bytes.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import { KerberosError } from "../../../kerberos/errors.ts";
import { EncTicketPart, Ticket } from "../../../kerberos/messages/ap.ts";
import { readMessage } from "../../../kerberos/messages/read.ts";
import { accountOf, pacsIn } from "../../../kerberos/pac/account.ts";
import { isAbout, readClientInfo } from "../../../kerberos/pac/client_info.ts";
import { bufferOf, PacType, type PlacedBuffer, readPacBuffers } from "../../../kerberos/pac/container.ts";
import { readLogonInfo } from "../../../kerberos/pac/logon_info.ts";
import { signPac, verifyServerSignature } from "../../../kerberos/pac/signature.ts";
import { readUpnDnsInfo } from "../../../kerberos/pac/upn_dns_info.ts";
import { isSupported } from "../../../kerberos/crypto/enctypes.ts";
import { hex, unhex, vectors } from "../../support/vectors.ts";

interface LogonFields {
  readonly EffectiveName: string;
  readonly LogonDomainName: string;
  readonly LogonDomainId: string;
  readonly UserId: number;
  readonly PrimaryGroupId: number;
  readonly GroupIds: readonly { readonly RelativeId: number; readonly Attributes: number }[];
  readonly ExtraSids: readonly { readonly Sid: string; readonly Attributes: number }[];
  readonly ResourceGroupDomainSid: string | null;
  readonly ResourceGroupIds: readonly { readonly RelativeId: number; readonly Attributes: number }[];
}

interface DecodedBuffer {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly data_hex: string;
  // deno-lint-ignore no-explicit-any
  readonly decoded?: any;
}

interface KeyFields {
  readonly enctype: number;
  readonly key_hex: string;
}

interface PacCase {
  readonly pac_hex: string;
  readonly decoded: { readonly buffers: readonly DecodedBuffer[] };
  readonly server_key: KeyFields | null;
  readonly client?: string;
  readonly authtime?: number;
}

interface TicketCase {
  readonly name: string;
  readonly ticket_hex: string;
  readonly server_key: KeyFields;
  readonly enc_ticket_part_hex: string;
  readonly pac_hex: string;
  readonly pac_decoded: PacCase["decoded"];
}

const keyOf = ({ enctype, key_hex }: KeyFields) => new KerberosKey(enctype, unhex(key_hex));

/** Compares what is read of a PAC with what the vectors say of it. */
function checkBuffers(pac: Bytes, expected: readonly DecodedBuffer[]): readonly PlacedBuffer[] {
  const buffers = readPacBuffers(pac);
  assert.deepEqual(
    buffers.map(({ type, offset, data }) => ({ type, offset, data: hex(data) })),
    expected.map(({ type, offset, data_hex }) => ({ type, offset, data: data_hex })),
  );
  for (const { type, decoded } of expected) {
    const data = bufferOf(buffers, type)!.data;
    if (type === PacType.LogonInfo) checkLogon(data, decoded);
    if (type === PacType.ClientInfo) {
      assert.equal(readClientInfo(data).name, decoded.name);
      assert.equal(new Date(readClientInfo(data).authtime).toISOString(), decoded.client_id_utc);
    }
    if (type === PacType.UpnDnsInfo) {
      const { upn, dnsDomain, sam } = readUpnDnsInfo(data);
      assert.deepEqual([upn, dnsDomain], [decoded.upn, decoded.dns_domain]);
      assert.deepEqual([sam?.account, sam?.sid], [decoded.sam_name ?? undefined, decoded.sid ?? undefined]);
    }
  }
  return buffers;
}

function checkLogon(data: Bytes, fields: LogonFields): void {
  const { account, domain, domainSid, sid, primaryGroup, groups } = readLogonInfo(data);
  assert.deepEqual([account, domain, domainSid], [fields.EffectiveName, fields.LogonDomainName, fields.LogonDomainId]);
  assert.equal(sid, `${domainSid}-${fields.UserId}`);
  assert.equal(primaryGroup, `${domainSid}-${fields.PrimaryGroupId}`);
  const expected = [
    primaryGroup,
    ...fields.GroupIds.map(({ RelativeId }) => `${domainSid}-${RelativeId}`),
    ...fields.ExtraSids.map(({ Sid }) => Sid),
    ...fields.ResourceGroupIds.map(({ RelativeId }) => `${fields.ResourceGroupDomainSid}-${RelativeId}`),
  ];
  assert.deepEqual(groups.toSorted(), [...new Set(expected)].toSorted());
}

Deno.test("PAC: reads those of the vectors and verifies their signatures", async () => {
  let verified = 0;
  for (const { id, pac_hex, decoded, server_key, client, authtime } of vectors<PacCase>("pac")) {
    const pac = unhex(pac_hex);
    const buffers = checkBuffers(pac, decoded.buffers);
    if (client !== undefined && authtime !== undefined && client !== null) {
      const info = readClientInfo(bufferOf(buffers, PacType.ClientInfo)!.data);
      // Between realms the name is there with its realm.
      const name = info.name.endsWith("@ACME.COM") ? client : client.split("@")[0]!;
      assert.ok(isAbout(info, { nameType: 1, nameString: [name] }, authtime * 1000), id);
    }
    if (server_key === null) continue;
    const verifying = verifyServerSignature(pac, buffers, keyOf(server_key));
    if (isSupported(server_key.enctype)) {
      await verifying;
      verified++;
    } else await assert.rejects(verifying, { code: "UNSUPPORTED_ENCTYPE" }, id);
  }
  assert.equal(verified, 7);
});

Deno.test("PAC: reads LOGON_INFO buffers that stand alone", () => {
  for (const { data_hex, decoded } of vectors<{ data_hex: string; decoded: LogonFields }>("pac_logon_info")) {
    checkLogon(unhex(data_hex), decoded);
  }
});

Deno.test("PAC: finds the accounts in the tickets of the vectors", async () => {
  const found: string[] = [];
  for (
    const { id, name, ticket_hex, server_key, enc_ticket_part_hex, pac_hex, pac_decoded } of vectors<TicketCase>(
      "pac_tickets",
    )
  ) {
    const key = keyOf(server_key);
    if (isSupported(key.enctype)) {
      const { encPart } = readMessage(Ticket, unhex(ticket_hex));
      assert.equal(hex(await key.decrypt(2, encPart.cipher)), enc_ticket_part_hex, id);
    }
    const part = readMessage(EncTicketPart, unhex(enc_ticket_part_hex));
    assert.deepEqual(pacsIn(part.authorizationData).map(hex), [pac_hex], id);
    checkBuffers(unhex(pac_hex), pac_decoded.buffers);
    const finding = await accountOf(part, key);
    found.push(`${name}: ${finding.state === "verified" ? finding.account.sid : finding.state}`);
  }
  assert.deepEqual(found, [
    "MIT W2022 ticket with full checksum: S-1-5-21-133451344-1126667713-3548050118-500",
    "Heimdal tgt_ticket: S-1-5-21-3623426627-324610292-555073669-1109",
    "Heimdal service_ticket: unverified",
    "Heimdal s4u2proxy_ticket: unverified",
    "Heimdal tgt_rodc: S-1-5-21-3623426627-324610292-555073669-1109",
    "Heimdal s4u2proxy_rodc: unverified",
  ]);
});

Deno.test("PAC: refuses damaged ones, and every one that is cut off or changed", async () => {
  for (const { pac_hex } of vectors<{ pac_hex: string }>("pac_malformed")) {
    assert.throws(() => readPacBuffers(unhex(pac_hex)), KerberosError);
  }
  const { enc_ticket_part_hex, server_key, pac_hex } = vectors<TicketCase>("pac_tickets")[0]!;
  const part = readMessage(EncTicketPart, unhex(enc_ticket_part_hex));
  const pac = unhex(pac_hex);
  const stateOf = async (adData: Bytes) =>
    (await accountOf({ ...part, authorizationData: [{ adType: 128, adData }] }, keyOf(server_key))).state;
  assert.equal(await stateOf(pac), "verified");
  for (let length = 0; length < pac.length; length += 5) {
    assert.equal(await stateOf(asBytes(pac.slice(0, length))), "unverified", `${length} bytes`);
  }
  // The signatures of the KDC are not this service's to verify.
  const kdc = bufferOf(readPacBuffers(pac), PacType.KdcSignature)!;
  for (let at = 0; at < pac.length; at += 3) {
    const changed = pac.slice();
    changed[at]! ^= 0x10;
    const signature = at >= kdc.offset + 4 && at < kdc.offset + kdc.data.length;
    assert.equal(await stateOf(changed), signature ? "verified" : "unverified", `byte ${at}`);
  }
});

Deno.test("PAC: passes over claims and other buffers that it does not know", async () => {
  const { enc_ticket_part_hex, server_key, pac_hex } = vectors<TicketCase>("pac_tickets")[0]!;
  const part = readMessage(EncTicketPart, unhex(enc_ticket_part_hex));
  const key = keyOf(server_key);
  const contents = readPacBuffers(unhex(pac_hex)).filter(({ type }) =>
    type !== PacType.ServerSignature && type !== PacType.KdcSignature
  );
  const claims = vectors<{ data_hex: string }>("pac_claims").map(({ data_hex }) => ({
    type: 13,
    data: unhex(data_hex),
  }));
  const adData = await signPac([...claims, { type: 99, data: unhex("00") }, ...contents], { server: key, kdc: key });
  const finding = await accountOf({ ...part, authorizationData: [{ adType: 128, adData }] }, key);
  assert.equal(finding.state, "verified");
});
