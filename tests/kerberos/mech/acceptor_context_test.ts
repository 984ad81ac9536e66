/** What an acceptor makes of a genuine request: the answer, keys, flags, channel bindings and delegated tickets. */
import assert from "node:assert/strict";
import { encode } from "../../../asn1/codec.ts";
import { type Bytes, concat, utf8 } from "../../../base/bytes.ts";
import { channelBindingHash } from "../../../kerberos/mech/tokens/channel_bindings.ts";
import { readMessage } from "../../../kerberos/messages/read.ts";
import { ApOption, TicketFlag } from "../../../kerberos/registry/flags.ts";
import { KeyUsage } from "../../../kerberos/registry/key_usages.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import type { KerberosContext } from "../../../kerberos/mech/context.ts";
import { decodeContextToken } from "../../../kerberos/mech/tokens/context.ts";
import { ApRep, EncApRepPart } from "../../../kerberos/messages/ap.ts";
import type { PrincipalName } from "../../../kerberos/messages/basic.ts";
import { EncKrbCredPart, KrbCred } from "../../../kerberos/messages/cred.ts";
import { toPrincipalName } from "../../../kerberos/principal.ts";
import { Forge, type RequestChanges } from "../../support/forge_ap.ts";
import { wrapToken } from "../../support/forge_tokens.ts";
import { accept, NOT_MUTUAL, refusal } from "../../support/accept_forged.ts";

/** The AP-REP of a step, opened. */
async function answered(forge: Forge, changes: RequestChanges) {
  const { token, authenticator } = await forge.apReq(changes);
  const step = await forge.acceptor().accept().step(token);
  assert.ok(step.done);
  if (step.token === undefined) return { context: step.context, authenticator, part: undefined };
  const { id, message } = decodeContextToken(step.token);
  assert.equal(id, "AP-REP");
  const { encPart } = readMessage(ApRep, message);
  assert.equal(encPart.etype, forge.sessionKey.enctype);
  const part = readMessage(EncApRepPart, await forge.sessionKey.decrypt(KeyUsage.ApRepEncPart, encPart.cipher));
  return { context: step.context, authenticator, part };
}

Deno.test("KerberosAcceptor: answers with the client's time, its own subkey and its own number", async () => {
  const forge = new Forge();
  const { context: established, authenticator, part } = await answered(forge, { authenticator: { cusec: 123_456 } });
  using context = established;
  assert.deepEqual([part!.ctime, part!.cusec], [authenticator.ctime, authenticator.cusec]);
  assert.equal(part!.subkey!.keytype, forge.subkey.enctype);
  assert.notDeepEqual(part!.subkey!.keyvalue, forge.subkey.exportBytes());
  assert.ok(part!.seqNumber! < 2 ** 30);
  const key = new KerberosKey(part!.subkey!.keytype, part!.subkey!.keyvalue);
  assert.equal((await context.unwrap(await wrapToken({ key }))).status, "complete");
  await assert.rejects(context.unwrap(await wrapToken({ key: forge.subkey, sequence: 1001 })), { major: "BAD_SIG" });
  const again = await answered(forge, {});
  assert.notDeepEqual(again.part!.subkey!.keyvalue, part!.subkey!.keyvalue, "fresh each time");
  assert.notEqual(again.part!.seqNumber, part!.seqNumber);
});

Deno.test("KerberosAcceptor: uses the sealed flags, not the options in clear", async () => {
  const forge = new Forge();
  const quiet = await answered(forge, { ...NOT_MUTUAL, request: { apOptions: ApOption.MutualRequired } });
  assert.deepEqual([quiet.part, quiet.context.flags.mutual], [undefined, false]);
  const loud = await answered(forge, { request: { apOptions: 0 } });
  assert.ok(loud.part !== undefined && loud.context.flags.mutual);
});

Deno.test("KerberosAcceptor: without mutual authentication uses the initiator's key and number", async () => {
  for (const without of [false, true]) {
    const forge = new Forge();
    const subkey = without ? { authenticator: { subkey: undefined } } : {};
    using context = (await answered(forge, { ...NOT_MUTUAL, ...subkey })).context;
    const key = without ? forge.sessionKey : forge.subkey;
    assert.equal((await context.unwrap(await wrapToken({ key, flags: 2 }))).status, "complete");
    // JDK-8201814: both directions begin with the initiator's number then.
    const token = await context.wrap(utf8("x"), { confidential: false });
    assert.equal(new DataView(token.buffer).getBigUint64(8), 1000n);
  }
});

Deno.test("KerberosAcceptor: compares channel bindings if both sides have them", async () => {
  const channelBindings = { applicationData: utf8("tls-server-end-point:x") };
  const bindings = await channelBindingHash(channelBindings);
  const bound = { checksum: { bindings } };
  assert.equal((await accept(new Forge(), bound, { accept: { channelBindings } })).channelBound, true);
  assert.equal((await accept(new Forge(), {}, { accept: { channelBindings } })).channelBound, false);
  assert.equal((await accept(new Forge(), bound)).channelBound, false);
  for (const at of [0, 15]) {
    const other = { checksum: { bindings: bindings.with(at, bindings[at]! ^ 1) } };
    const got = await refusal(accept(new Forge(), other, { accept: { channelBindings } }));
    assert.deepEqual([got.code, got.error.major], ["BAD_BINDINGS", "BAD_BINDINGS"]);
  }
});

interface WrongDelegation {
  readonly key?: KerberosKey;
  readonly usage?: number;
  readonly infos?: number;
  readonly tickets?: number;
  readonly bare?: boolean;
  /** Enctype in clear. `0` leaves the part in clear too. */
  readonly etype?: number;
  /** Fields of each ticket's description. */
  readonly info?: { prealm?: string; srealm?: string; pname?: PrincipalName; sname?: PrincipalName };
}

/** A KRB-CRED with one ticket-granting ticket, and what is wrong with it. */
async function delegation(forge: Forge, wrong: WrongDelegation) {
  const { key = forge.sessionKey, usage = KeyUsage.KrbCredEncPart, infos = 1, tickets = 1, bare = false } = wrong;
  const info = {
    key: { keytype: 18, keyvalue: new Uint8Array(32) },
    prealm: "A.TEST",
    pname: toPrincipalName(forge.client),
    flags: TicketFlag.Forwardable,
    endtime: forge.runtime.now() + 3_600_000,
    srealm: "A.TEST",
    ...(bare ? {} : { sname: { nameType: 2, nameString: ["krbtgt", "A.TEST"] } }),
    ...wrong.info,
  };
  const part = encode(EncKrbCredPart, { ticketInfo: Array.from({ length: infos }, () => info) });
  const { etype = key.enctype } = wrong;
  const encPart = { etype, cipher: etype === 0 ? part : await key.encrypt(usage, part) };
  const ticket = await forge.ticket();
  return encode(KrbCred, { pvno: 5, msgType: 22, tickets: Array(tickets).fill(ticket), encPart });
}

Deno.test("KerberosAcceptor: takes delegated tickets, sealed by its session or in clear inside the seal", async () => {
  const forge = new Forge();
  const flags = { delegation: true };
  const good = await delegation(forge, {});
  const sent = (bytes: Bytes): RequestChanges => ({
    checksum: { flags, delegation: bytes },
    rewriteChecksum: (sum) => concat(sum, utf8("extension")),
  });
  // Heimdal leaves the KRB-CRED in clear: the authenticator around it is sealed (RFC 6448).
  for (const bytes of [good, await delegation(forge, { etype: 0 })]) {
    const context = await accept(forge, sent(bytes)) as KerberosContext;
    assert.equal(context.flags.delegation, true);
    assert.deepEqual(context.delegatedCredentials!.credentials.map(String), [
      "alice@A.TEST -> krbtgt/A.TEST@A.TEST",
    ]);
  }
  const wrong: [string, Parameters<typeof delegation>[1], string][] = [
    ["another key", { key: KerberosKey.generate(18) }, "INTEGRITY"],
    ["another enctype", { key: KerberosKey.generate(17) }, "INTEGRITY"],
    ["another use", { usage: KeyUsage.ApRepEncPart }, "INTEGRITY"],
    ["more keys than tickets", { infos: 2 }, "BAD_MESSAGE"],
    ["no keys", { infos: 0 }, "BAD_MESSAGE"],
    ["no tickets", { infos: 0, tickets: 0 }, "BAD_MESSAGE"],
    ["a ticket without a service", { bare: true }, "BAD_MESSAGE"],
    ["in clear, for nobody", { etype: 0, bare: true }, "BAD_MESSAGE"],
    ["in clear, more keys than tickets", { etype: 0, infos: 2 }, "BAD_MESSAGE"],
    ["in clear under another number", { etype: -1 }, "INTEGRITY"],
    ["a client without a realm", { info: { prealm: "" } }, "BAD_MESSAGE"],
    ["a client without a name", { info: { pname: { nameType: 1, nameString: [] } } }, "BAD_MESSAGE"],
    ["a service without a realm", { info: { srealm: "" } }, "BAD_MESSAGE"],
    ["a service with half a name", { info: { sname: { nameType: 2, nameString: ["krbtgt", ""] } } }, "BAD_MESSAGE"],
  ];
  for (const [what, how, code] of wrong) {
    assert.equal((await refusal(accept(forge, sent(await delegation(forge, how))))).code, code, what);
  }
});
