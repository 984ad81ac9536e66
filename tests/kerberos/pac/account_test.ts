/** Acceptors and PACs that are genuine, and genuine in all but one respect: the context is there, the account only if it is proven. */
import assert from "node:assert/strict";
import { asBytes, type Bytes, concat } from "../../../base/bytes.ts";
import type { GssContext } from "../../../gss/context.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import type { AuthorizationDataElement } from "../../../kerberos/messages/basic.ts";
import { writeClientInfo } from "../../../kerberos/pac/client_info.ts";
import { bufferOf, type PacBuffer, PacType, readPacBuffers, writePac } from "../../../kerberos/pac/container.ts";
import { signPac } from "../../../kerberos/pac/signature.ts";
import { accept } from "../../support/accept_forged.ts";
import { Forge } from "../../support/forge_ap.ts";
import { DOMAIN_SID, forgeLogon, ifRelevant, pacContents, signedPac } from "../../support/forge_pac.ts";

const HOUR = 3_600_000;

/** Accepts a ticket with authorization data. */
async function acceptWith(forge: Forge, authorizationData: readonly AuthorizationDataElement[]): Promise<GssContext> {
  const authtime = Math.floor(forge.runtime.now() / 1000) * 1000 - HOUR;
  return await accept(forge, { ticket: { authorizationData, authtime } });
}

/** Contents with one buffer replaced. */
const replaced = (contents: readonly PacBuffer[], type: number, data: Bytes): PacBuffer[] =>
  contents.map((buffer) => buffer.type === type ? { type, data } : buffer);
const without = (pac: Bytes, type: number): Bytes => writePac(readPacBuffers(pac).filter((one) => one.type !== type));

/** Returns a PAC with one buffer as `change` makes it; nothing is signed again. */
function rewritten(pac: Bytes, type: number, change: (data: Bytes) => Bytes): Bytes {
  return writePac(readPacBuffers(pac).map((one) => one.type === type ? { type, data: change(one.data) } : one));
}

Deno.test("PAC: an acceptor takes the account out of a genuine one", async () => {
  for (const enctype of [17, 18, 19, 20]) {
    const forge = new Forge({ enctype, client: "ALICE@A.TEST" });
    const pac = await signedPac(forge);
    for (const data of [ifRelevant(pac), [{ adType: 128, adData: pac }]]) {
      using context = await acceptWith(forge, data);
      assert.deepEqual(context.account, {
        name: "alice",
        domain: "A",
        realm: "A.TEST",
        dnsDomain: "A.TEST",
        upn: "a.lice@corp.example",
        sid: `${DOMAIN_SID}-1105`,
        primaryGroup: `${DOMAIN_SID}-513`,
        groups: [`${DOMAIN_SID}-513`, `${DOMAIN_SID}-1200`],
      });
      const { account, sid, unverifiedAccount } = context.attributes;
      assert.deepEqual([account, sid, unverifiedAccount], ["A\\alice", `${DOMAIN_SID}-1105`, undefined]);
      assert.equal(context.peer.text, "ALICE@A.TEST");
    }
  }
});

/** PACs that prove nothing, and what is said of them. */
const UNPROVEN: readonly (readonly [string, RegExp, (forge: Forge, pac: Bytes) => Bytes | Promise<Bytes>])[] = [
  ["of another client", /another client/, (forge) => {
    const other = new Forge({ client: "bob@A.TEST", runtime: forge.runtime });
    return signedPac(
      forge,
      replaced(pacContents(forge), PacType.ClientInfo, bufferOf(pacContents(other), PacType.ClientInfo)!.data),
    );
  }],
  ["of the client in another case", /another client/, (forge) => {
    const authtime = Math.floor(forge.runtime.now() / 1000) * 1000 - HOUR;
    return signedPac(
      forge,
      replaced(pacContents(forge), PacType.ClientInfo, writeClientInfo({ name: "Alice", authtime })),
    );
  }],
  ["of another login", /another login/, (forge) => {
    const authtime = Math.floor(forge.runtime.now() / 1000) * 1000 - HOUR - 1000;
    return signedPac(
      forge,
      replaced(pacContents(forge), PacType.ClientInfo, writeClientInfo({ name: "alice", authtime })),
    );
  }],
  [
    "without the client",
    /another client/,
    (forge) => signedPac(forge, pacContents(forge).filter(({ type }) => type !== PacType.ClientInfo)),
  ],
  [
    "with another byte in the signature",
    /not the service's/,
    (_, pac) =>
      rewritten(pac, PacType.ServerSignature, (data) => asBytes(data.map((byte, i) => i === 5 ? byte ^ 1 : byte))),
  ],
  [
    "changed after it was signed",
    /not the service's/,
    (_, pac) => rewritten(pac, PacType.LogonInfo, () => forgeLogon({ userId: 500 })),
  ],
  [
    "with a signature cut off",
    /cut off/,
    (_, pac) => rewritten(pac, PacType.ServerSignature, (data) => asBytes(data.subarray(0, 9))),
  ],
  [
    "with a longer signature",
    /wrong length/,
    (_, pac) => rewritten(pac, PacType.ServerSignature, (data) => concat(data, new Uint8Array(3))),
  ],
  [
    "signed with the key of the KDC only",
    /not the service's/,
    (forge) => signPac(pacContents(forge), { server: forge.subkey, kdc: forge.subkey }),
  ],
  ["without a server signature", /no server signature/, (_, pac) => without(pac, PacType.ServerSignature)],
  ["without a KDC signature", /no KDC signature/, (_, pac) => without(pac, PacType.KdcSignature)],
  [
    "with a signature of a type that an RC4 key makes",
    /type -138/,
    (_, pac) =>
      rewritten(
        pac,
        PacType.ServerSignature,
        (data) => concat(new Uint8Array([0x76, 0xff, 0xff, 0xff]), data.subarray(4), new Uint8Array(4)),
      ),
  ],
  [
    "with a signature of the shorter AES key's type",
    /type 15/,
    (forge) =>
      signPac(pacContents(forge), {
        server: new KerberosKey(17, forge.serviceKey.exportBytes().slice(0, 16)),
        kdc: forge.subkey,
      }),
  ],
  [
    "that names two accounts",
    /two accounts/,
    (forge) => signedPac(forge, replaced(pacContents(forge), PacType.LogonInfo, forgeLogon({ userId: 1106 }))),
  ],
  [
    "that names two names",
    /two accounts/,
    (forge) => signedPac(forge, replaced(pacContents(forge), PacType.LogonInfo, forgeLogon({ account: "root" }))),
  ],
  ["cut off", /lie in it|cut off|too short/, (_, pac) => asBytes(pac.slice(0, 200))],
  ["of nothing", /cut off/, () => new Uint8Array(0)],
  ["of another version", /version 1/, (_, pac) => asBytes(pac.map((byte, i) => i === 4 ? 1 : byte))],
];

Deno.test("PAC: a wrong one proves no account and shuts nobody out", async (t) => {
  for (const [what, reason, make] of UNPROVEN) {
    await t.step(what, async () => {
      const forge = new Forge();
      using context = await acceptWith(forge, ifRelevant(await make(forge, await signedPac(forge))));
      assert.equal(context.account, undefined);
      assert.match(String(context.attributes["unverifiedAccount"]), reason);
      assert.equal(context.attributes["sid"], undefined);
    });
  }
});

Deno.test("PAC: two in one ticket prove nothing, wherever they stand", async () => {
  const forge = new Forge();
  const pac = await signedPac(forge);
  for (const data of [ifRelevant(pac, pac), [...ifRelevant(pac), { adType: 128, adData: pac }]]) {
    using context = await acceptWith(forge, data);
    assert.equal(context.account, undefined);
    assert.match(String(context.attributes["unverifiedAccount"]), /more than one/);
  }
});

Deno.test("PAC: a ticket without one, or with one without an account, says nothing of an account", async () => {
  const forge = new Forge();
  const client = pacContents(forge).filter(({ type }) => type === PacType.ClientInfo);
  // A PAC in other elements is none, and what cannot be read and may be passed over is passed over.
  const pac = await signedPac(forge);
  const others = [{ adType: 4, adData: pac }, { adType: 1, adData: pac }];
  for (const data of [[], ifRelevant(await signedPac(forge, client)), others]) {
    using context = await acceptWith(forge, data);
    assert.equal(context.account, undefined);
    assert.equal(context.attributes["unverifiedAccount"], undefined);
  }
});

Deno.test("PAC: one in an authenticator, which the client writes, is not taken", async () => {
  const forge = new Forge();
  const authorizationData = ifRelevant(await signedPac(forge));
  using context = await accept(forge, { authenticator: { authorizationData } });
  assert.equal(context.account, undefined);
  const critical = [{ adType: 128, adData: await signedPac(forge) }];
  await assert.rejects(accept(forge, { authenticator: { authorizationData: critical } }), { code: "KDC_ERR_POLICY" });
});

Deno.test("PAC: a client's name may have components, an @ and a domain", async () => {
  for (const client of ["host/pc1.a.test@A.TEST", "alice\\@corp.example@A.TEST"]) {
    const forge = new Forge({ client });
    using context = await acceptWith(forge, ifRelevant(await signedPac(forge)));
    assert.equal(context.account?.name, "alice", client);
  }
  // MIT's KDC quotes what is in a component.
  const forge = new Forge({ client: "alice\\@corp.example@A.TEST" });
  const authtime = Math.floor(forge.runtime.now() / 1000) * 1000 - HOUR;
  const data = writeClientInfo({ name: "alice\\@corp.example", authtime });
  const pac = await signedPac(forge, replaced(pacContents(forge), PacType.ClientInfo, data));
  using context = await acceptWith(forge, ifRelevant(pac));
  assert.equal(context.account?.name, "alice");
});

Deno.test("PAC: the signature of a branch's KDC has an identifier after it", async () => {
  const forge = new Forge();
  const identifier = new Uint8Array([0x51, 0xb6]);
  // It is signed as zero.
  const contents = [
    ...pacContents(forge),
    { type: PacType.ServerSignature, data: concat(new Uint8Array([16, 0, 0, 0]), new Uint8Array(14)) },
    { type: PacType.KdcSignature, data: concat(new Uint8Array([16, 0, 0, 0]), new Uint8Array(14)) },
  ];
  const pac = writePac(contents);
  const signature = await forge.serviceKey.checksum(17, pac);
  const buffers = readPacBuffers(pac);
  for (const type of [PacType.ServerSignature, PacType.KdcSignature]) {
    bufferOf(buffers, type)!.data.set(concat(signature, identifier), 4);
  }
  using context = await acceptWith(forge, ifRelevant(pac));
  assert.equal(context.account?.name, "alice");
});
