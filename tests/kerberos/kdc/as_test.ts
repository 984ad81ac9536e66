/** The embedded KDC's authentication service: RFC 4120 sections 3.1.2 and 3.1.3, RFC 6806 section 11. */
import assert from "node:assert/strict";
import { applicationTag, decode, encode } from "../../../asn1/codec.ts";
import type { Bytes } from "../../../base/bytes.ts";
import { KdcOption, TicketFlag } from "../../../kerberos/registry/flags.ts";
import { NameType } from "../../../kerberos/registry/name_types.ts";
import { PaType } from "../../../kerberos/registry/pa_types.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import { createRealm, handleKdcMessage } from "../../../kerberos/kdc/mod.ts";
import type { EncTicketPart } from "../../../kerberos/messages/ap.ts";
import { Checksum, type PaData } from "../../../kerberos/messages/basic.ts";
import { KrbError } from "../../../kerberos/messages/error.ts";
import { AsRep, AsReq, EncAsRepPart, type EncKdcRepPart, type KdcReqBody } from "../../../kerberos/messages/kdc.ts";
import { krbtgt, parsePrincipal, toPrincipalName } from "../../../kerberos/principal.ts";
import { TestRuntime } from "../../support/test_runtime.ts";
import { errorCodeOf, openTicket } from "../../support/forge_kdc.ts";

const HOUR = 3_600_000;
/** An option and a flag that the library does not know (RFC 4120 sections 5.3 and 5.4.1). */
const [ALLOW_POSTDATE, MAY_POSTDATE] = [0x04000000, 0x04000000];
const runtime = new TestRuntime();
const realm = await createRealm({
  realm: "A.TEST",
  runtime,
  enctypes: [18],
  principals: {
    alice: { password: "pw", requiresPreauth: false },
    strict: { password: "pw" },
    "rcmd/a": {},
  },
});
const other = await createRealm({ realm: "B.TEST", runtime, enctypes: [18] });
await realm.trust(other);
const key = await KerberosKey.fromPassword("pw", { enctype: 18, salt: "A.TESTalice" });

function request(changes: Partial<KdcReqBody> = {}, padata: readonly PaData[] = []): Bytes {
  return encode(AsReq, {
    pvno: 5,
    msgType: 10,
    padata,
    reqBody: {
      kdcOptions: 0,
      cname: toPrincipalName(parsePrincipal("alice")),
      realm: "A.TEST",
      sname: toPrincipalName(krbtgt("A.TEST")),
      till: runtime.time + HOUR,
      nonce: 7,
      etype: [18],
      ...changes,
    },
  });
}

async function granted(message: Bytes): Promise<{ part: EncKdcRepPart; ticket: EncTicketPart }> {
  const reply = (await handleKdcMessage(realm, message))!;
  if (applicationTag(reply) === 30) assert.fail(`refused with ${decode(KrbError, reply).errorCode}`);
  const { encPart, ticket } = decode(AsRep, reply);
  return {
    part: decode(EncAsRepPart, await key.decrypt(3, encPart.cipher)),
    ticket: await openTicket(realm, ticket),
  };
}

const asked = (value: Bytes): PaData => ({ padataType: PaType.ReqEncPaRep, padataValue: value });

Deno.test("handleAsReq(): sets ENC-PA-REP in every ticket, and adds the proof on request", async () => {
  const plain = await granted(request());
  for (const { flags } of [plain.part, plain.ticket]) assert.notEqual(flags & TicketFlag.EncPaRep, 0);
  assert.equal(plain.part.encryptedPaData, undefined);
  // What is in the item does not matter.
  for (const value of [new Uint8Array(0), new Uint8Array([1, 2, 3])]) {
    const message = request({}, [asked(value)]);
    const { part } = await granted(message);
    const [proof, ...more] = part.encryptedPaData!;
    assert.equal(more.length, 0);
    assert.equal(proof!.padataType, PaType.ReqEncPaRep);
    const { cksumtype, checksum } = decode(Checksum, proof!.padataValue);
    assert.equal(cksumtype, key.checksumType);
    assert.ok(await key.verifyChecksum(56, message, checksum));
  }
});

Deno.test("handleAsReq(): the proof covers the bytes received, whatever their encoding", async () => {
  // kdc-options of 40 bits instead of 32: three lengths around them grow by one.
  const usual = request({}, [asked(new Uint8Array(0))]);
  const at = usual.findIndex((_, i) => usual[i] === 3 && usual[i + 1] === 5 && usual[i + 2] === 0);
  const longer = new Uint8Array([
    ...usual.subarray(0, at),
    3,
    6,
    ...usual.subarray(at + 2, at + 7),
    0,
    ...usual.subarray(at + 7),
  ]);
  for (const [place, length] of lengthsAround(longer, at)) longer[place] = length + 1;
  const { part } = await granted(longer);
  const { checksum } = decode(Checksum, part.encryptedPaData![0]!.padataValue);
  assert.ok(await key.verifyChecksum(56, longer, checksum));
  assert.ok(!await key.verifyChecksum(56, usual, checksum));
});

/** Returns position and value of the last length byte of each element around a place. */
function lengthsAround(message: Bytes, place: number): [number, number][] {
  const found: [number, number][] = [];
  let at = 0;
  for (let end = message.length; at < place;) {
    const size = message[at + 1]! < 0x80 ? 1 : 1 + (message[at + 1]! & 0x7f);
    const length = size === 1
      ? message[at + 1]!
      : message.subarray(at + 2, at + 1 + size).reduce((sum, byte) => sum * 256 + byte, 0);
    const body = at + 1 + size;
    if (body + length <= place) at = body + length;
    else {
      found.push([body - 1, message[body - 1]!]);
      end = body + length;
      at = body;
    }
    assert.ok(end > place - 1);
  }
  return found;
}

Deno.test("handleAsReq(): refuses options that need a ticket with KDC_ERR_BADOPTION", async () => {
  const { Forwarded, Proxy, Renew, Validate, EncTktInSkey, CnameInAddlTkt } = KdcOption;
  for (const kdcOptions of [Forwarded, Proxy, Renew, Validate, EncTktInSkey, CnameInAddlTkt]) {
    assert.equal(await errorCodeOf(realm, request({ kdcOptions })), 13, kdcOptions.toString(16));
  }
  const { flags } = (await granted(request({
    kdcOptions: KdcOption.Forwardable | KdcOption.Proxiable | KdcOption.Renewable,
  }))).ticket;
  const wished = TicketFlag.Forwardable | TicketFlag.Proxiable | TicketFlag.Renewable;
  assert.equal(flags & wished, wished);
  // Unknown options are ignored (section 2), and no flags are set without a request.
  assert.equal((await granted(request({ kdcOptions: 0x80000000 | 0x00100000 }))).ticket.flags & wished, 0);
});

Deno.test("handleAsReq(): refuses a later start with KDC_ERR_CANNOT_POSTDATE", async () => {
  const from = runtime.time + HOUR;
  const till = runtime.time + 2 * HOUR;
  assert.equal(await errorCodeOf(realm, request({ from, till })), 10);
  assert.equal(await errorCodeOf(realm, request({ from, till, kdcOptions: KdcOption.Postdated })), 10);
  assert.equal(await errorCodeOf(realm, request({ kdcOptions: KdcOption.Postdated })), 10);
  for (const near of [runtime.time - HOUR, runtime.time + 299_000]) {
    assert.equal((await granted(request({ from: near }))).ticket.starttime, runtime.time);
  }
  const may = await granted(request({ kdcOptions: ALLOW_POSTDATE }));
  assert.equal(may.ticket.flags & MAY_POSTDATE, 0);
});

Deno.test("handleAsReq(): limits the ticket to the addresses of the request, and tells the client", async () => {
  const addresses = [{ addrType: 2, address: new Uint8Array([10, 0, 0, 1]) }, {
    addrType: 20,
    address: new Uint8Array(16),
  }];
  const limited = await granted(request({ addresses }));
  assert.deepEqual(limited.ticket.caddr, addresses);
  assert.deepEqual(limited.part.caddr, addresses);
  const free = await granted(request());
  assert.equal(free.ticket.caddr, undefined);
  assert.equal(free.part.caddr, undefined);
});

Deno.test("handleAsReq(): accepts no ticket-granting service as a client", async () => {
  for (const name of ["krbtgt/A.TEST", "krbtgt/B.TEST"]) {
    assert.equal(realm.findUser(parsePrincipal(`${name}@A.TEST`)), undefined);
    assert.equal(await errorCodeOf(realm, request({ cname: toPrincipalName(parsePrincipal(name)) })), 6);
    const enterprise = { nameType: NameType.Enterprise, nameString: [`${name}@A.TEST`] };
    assert.equal(await errorCodeOf(realm, request({ cname: enterprise })), 6);
  }
  assert.equal(realm.findUser(parsePrincipal("alice@A.TEST"))?.name.components[0], "alice");
});

Deno.test("handleAsReq(): reads no principal syntax in an enterprise name", async () => {
  const enterprise = (text: string) =>
    errorCodeOf(realm, request({ cname: { nameType: NameType.Enterprise, nameString: [text] } }));
  assert.equal(await enterprise("alice@example.com"), 0);
  for (const text of ["", "@", "alice\\", "\\", "rcmd/a@example.com", "a@b@c"]) assert.equal(await enterprise(text), 6);
});

Deno.test("handleAsReq(): refuses other realms, unknown principals, and a missing pre-authentication", async () => {
  assert.equal(await errorCodeOf(realm, request({ realm: "B.TEST" })), 68);
  assert.equal(await errorCodeOf(realm, request({ cname: toPrincipalName(parsePrincipal("nobody")) })), 6);
  assert.equal(await errorCodeOf(realm, request({ sname: toPrincipalName(parsePrincipal("no/body")) })), 7);
  assert.equal(await errorCodeOf(realm, request({ etype: [17] })), 14);
  assert.equal(await errorCodeOf(realm, request({ cname: toPrincipalName(parsePrincipal("strict")) })), 25);
  assert.equal(await errorCodeOf(realm, request({ till: runtime.time - HOUR })), 11);
});
