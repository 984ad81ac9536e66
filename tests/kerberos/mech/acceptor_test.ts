/** Requests that are genuine and wrong in one field: every rule of RFC 4120 section 3.2.3 and RFC 4121 section 4.1. */
import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../../base/bytes.ts";
import { encodeInitialToken } from "../../../gss/initial_token.ts";
import { ApOption, TicketFlag } from "../../../kerberos/registry/flags.ts";
import { KeyUsage } from "../../../kerberos/registry/key_usages.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import { decodeContextToken, encodeContextToken, KERBEROS_OID } from "../../../kerberos/mech/tokens/context.ts";
import { parsePrincipal, toPrincipalName } from "../../../kerberos/principal.ts";
import { Keytab } from "../../../kerberos/credentials/formats/keytab.ts";
import { ALL_FLAGS } from "../../support/flags.ts";
import { Forge, type RequestChanges } from "../../support/forge_ap.ts";
import { accept, type Attempt, refusal } from "../../support/accept_forged.ts";

const SKEW = 300_000;
const HOUR = 3_600_000;

type Case = [what: string, changes: (forge: Forge, now: number) => RequestChanges, attempt?: Attempt];

const ticket = (fields: RequestChanges["ticket"]): RequestChanges => ({ ticket: fields ?? {} });
const authorization = (...types: number[]) => types.map((adType) => ({ adType, adData: utf8("x") }));
const keyOf = (enctype: number, length: number) => ({ keytype: enctype, keyvalue: new Uint8Array(length).fill(7) });
const onlyAes256: Attempt = { options: () => ({ enctypes: [18] }) };

/** Client names that are not whole. */
const NOT_WHOLE: readonly (readonly string[])[] = [[], [""], ["", ""], ["", "admin"], ["alice", ""]];

const REFUSED: Record<string, [number, ...Case[]]> = {
  KRB_AP_ERR_TKT_NYV: [
    33,
    ["a ticket marked INVALID", () => ticket({ flags: TicketFlag.Invalid })],
    ["a ticket that starts later than the skew", (_, now) => ticket({ starttime: now + SKEW + 1000 })],
    ["a ticket without start from later", (_, now) => ticket({ starttime: undefined, authtime: now + HOUR })],
  ],
  KRB_AP_ERR_TKT_EXPIRED: [32, [
    "a ticket that ended longer ago than the skew",
    (_, now) => ticket({ endtime: now - SKEW - 1000 }),
  ]],
  KRB_AP_ERR_BADMATCH: [
    36,
    ["another client in the authenticator", () => ({ authenticator: { cname: { nameType: 1, nameString: ["bob"] } } })],
    ["another realm in the authenticator", () => ({ authenticator: { crealm: "B.TEST" } })],
    ["another instance in the authenticator", () => ({
      authenticator: { cname: { nameType: 1, nameString: ["alice", "admin"] } },
    })],
  ],
  KDC_ERR_C_PRINCIPAL_UNKNOWN: [
    6,
    ["a client without a realm", () => ticket({ crealm: "" })],
    ...NOT_WHOLE.map((nameString): Case => [
      `a client of the components ${JSON.stringify(nameString)}`,
      () => ticket({ cname: { nameType: 1, nameString } }),
    ]),
  ],
  KRB_AP_ERR_SKEW: [
    37,
    ["a clock ahead by more than the skew", (_, now) => ({ authenticator: { ctime: now + SKEW + 1000 } })],
    ["a clock behind by more than the skew", (_, now) => ({ authenticator: { ctime: now - SKEW - 1000 } })],
    ["a clock ahead by the skew and a microsecond", (_, now) => ({ authenticator: { ctime: now + SKEW, cusec: 1 } })],
    [
      "a clock ahead by more than the skew configured",
      (_, now) => ({ authenticator: { ctime: now + 11_000 } }),
      { options: () => ({ clockskew: 10_000 }) },
    ],
  ],
  KDC_ERR_POLICY: [
    12,
    ["a critical restriction in the ticket that is unknown", () => ticket({ authorizationData: authorization(999) })],
    ["a critical restriction of local use", () => ticket({ authorizationData: authorization(-5) })],
    ["AD-AND-OR", () => ticket({ authorizationData: authorization(5) })],
    ["a critical restriction after one that may be ignored", () =>
      ticket({
        authorizationData: authorization(1, 999),
      })],
    ["a critical restriction in the authenticator that is unknown", () => ({
      authenticator: { authorizationData: authorization(999) },
    })],
  ],
  KRB_AP_ERR_INAPP_CKSUM: [
    50,
    ["no checksum", () => ({ authenticator: { cksum: undefined } })],
    ["a checksum without a key (CVE-2018-16860)", () => ({
      authenticator: { cksum: { cksumtype: 7, checksum: new Uint8Array(16) } },
    })],
    ["the right bytes under another checksum type", (forge) => ({
      authenticator: { cksum: { ...forge.authenticator().cksum!, cksumtype: 16 } },
    })],
  ],
  KRB_AP_ERR_BAD_INTEGRITY: [
    31,
    ["another enctype on the authenticator than the session key's", () => ({ authenticatorEnctype: 17 })],
    ["an authenticator under another key", () => ({ authenticatorKey: KerberosKey.generate(18) })],
    ["an authenticator sealed for a KDC", () => ({ authenticatorUsage: KeyUsage.TgsReqAuthenticator })],
    ["a ticket under another key", () => ({ ticketKey: KerberosKey.generate(18) })],
    ["a ticket sealed for another use", () => ({ ticketUsage: KeyUsage.AsRepEncPart })],
  ],
  KRB_AP_ERR_BADKEYVER: [44, ["a ticket under a key of another version", () => ({
    ticketKey: KerberosKey.generate(18),
    kvno: 3,
  })]],
  KRB_AP_ERR_NOKEY: [
    45,
    ["a ticket of user-to-user authentication", () => ({ request: { apOptions: ApOption.UseSessionKey } })],
    ["a ticket of user-to-user authentication with mutual authentication", () => ({
      request: { apOptions: ApOption.UseSessionKey | ApOption.MutualRequired },
    })],
  ],
  KDC_ERR_ETYPE_NOSUPP: [
    14,
    ["a ticket of an enctype that is not permitted", () => ({}), { options: () => ({ enctypes: [17] }) }],
    ["a session key of an enctype that is not permitted", () => ticket({ key: keyOf(17, 16) }), onlyAes256],
    ["a subkey of an enctype that is not permitted", () => ({ authenticator: { subkey: keyOf(17, 16) } }), onlyAes256],
    ["a session key for RC4", () => ticket({ key: keyOf(23, 16) })],
    ["a subkey for RC4", () => ({ authenticator: { subkey: keyOf(23, 16) } })],
    ["a ticket for RC4", () => ({ outside: { encPart: { etype: 23, kvno: 2, cipher: new Uint8Array(64) } } })],
  ],
  KRB_AP_ERR_NOT_US: [35, [
    "a ticket for another service, whatever stands on it in clear",
    () => ({ outside: { sname: { nameType: 2, nameString: ["http", "p.a.test"] } } }),
    { options: () => ({ services: ["http"] }) },
  ]],
  DEFECTIVE_TOKEN: [
    60,
    ["a checksum of 23 bytes", () => ({ rewriteChecksum: (bytes) => bytes.slice(0, 23) })],
    ["a checksum that counts bindings of 15 bytes", () => ({ rewriteChecksum: poke(0, 15) })],
    ["delegation without tickets", () => ({ rewriteChecksum: poke(20, 0x3f) })],
    ["a delegation option that is not 1", () => ({
      rewriteChecksum: (bytes) => concat(poke(20, 0x3f)(bytes), Uint8Array.of(2, 0, 0, 0)),
    })],
    ["a delegation longer than the checksum", () => ({
      rewriteChecksum: (bytes) => concat(poke(20, 0x3f)(bytes), Uint8Array.of(1, 0, 9, 0, 1, 2)),
    })],
  ],
  BAD_MESSAGE: [
    60,
    ["bytes behind the authenticator", () => ({ rewriteAuthenticator: trailing })],
    ["bytes behind the ticket's sealed part", () => ({ rewriteTicket: trailing })],
    ["an authenticator of version 4", () => ({ rewriteAuthenticator: version(4) })],
    ["something else sealed in the ticket", () => ({ rewriteTicket: () => utf8("no ticket") })],
    ["delegation that is no KRB-CRED", () => ({ checksum: { flags: { delegation: true }, delegation: utf8("no") } })],
    ["delegation of nothing (CVE-2014-5355 and its kin)", () => ({
      checksum: { flags: { delegation: true }, delegation: new Uint8Array(0) },
    })],
  ],
  BAD_KEY: [
    60,
    ["a session key of the wrong length", () => ticket({ key: keyOf(18, 31) })],
    ["a subkey of the wrong length", () => ({ authenticator: { subkey: keyOf(18, 33) } })],
  ],
};

/** Changes one byte. */
function poke(at: number, value: number): (bytes: Bytes) => Bytes {
  return (bytes) => {
    const out = bytes.slice();
    out[at] = value;
    return out;
  };
}

function trailing(bytes: Bytes): Bytes {
  return concat(bytes, Uint8Array.of(0));
}

/** Changes the first version number (5) in the bytes. */
function version(number: number): (bytes: Bytes) => Bytes {
  return (bytes) => {
    const at = bytes.findIndex((byte, i) => byte === 2 && bytes[i + 1] === 1 && bytes[i + 2] === 5);
    return poke(at + 2, number)(bytes);
  };
}

for (const [code, [number, ...cases]] of Object.entries(REFUSED)) {
  Deno.test(`KerberosAcceptor: refuses with ${code}`, async (t) => {
    for (const [what, changes, attempt] of cases) {
      await t.step(what, async () => {
        const forge = new Forge();
        const got = await refusal(accept(forge, changes(forge, forge.runtime.now()), attempt));
        assert.deepEqual([got.code, got.number], [code, number], got.error.message);
      });
    }
  });
}

const ACCEPTED: Case[] = [
  ["what a good client sends", () => ({})],
  ["a ticket that starts in as much as the skew", (_, now) => ticket({ starttime: now + SKEW })],
  ["a ticket that ended as long ago as the skew", (_, now) => ticket({ endtime: now - SKEW })],
  ["a clock ahead by as much as the skew", (_, now) => ({ authenticator: { ctime: now + SKEW, cusec: 0 } })],
  ["a clock behind by as much as the skew", (_, now) => ({ authenticator: { ctime: now - SKEW, cusec: 0 } })],
  [
    "another name type of the same client",
    () => ({ authenticator: { cname: { nameType: 10, nameString: ["alice"] } } }),
  ],
  ["restrictions that may be ignored", () => ticket({ authorizationData: authorization(1, 4, 8) })],
  ["the same in the authenticator", () => ({ authenticator: { authorizationData: authorization(1, 4, 8) } })],
  ["extensions behind the flags", () => ({ rewriteChecksum: (bytes) => concat(bytes, utf8("extension")) })],
  ["flags that are unknown", () => ({ rewriteChecksum: (bytes) => poke(23, 0xff)(poke(21, 0xff)(bytes)) })],
  ["no number", () => ({ authenticator: { seqNumber: undefined } })],
  ["a number that some write as negative", () => ({ authenticator: { seqNumber: -1 } })],
  ["a subkey of another enctype than the session key's", () => ({ authenticator: { subkey: keyOf(20, 32) } })],
  // On purpose, as docs/reference.md says: behind NAT or a bridge they would keep out whom they belong to.
  ["a ticket that is bound to addresses", () =>
    ticket({
      caddr: [{ addrType: 2, address: Uint8Array.of(203, 0, 113, 1) }],
    })],
];

Deno.test("KerberosAcceptor: accepts requests that are unusual but right", async (t) => {
  for (const [what, changes, attempt] of ACCEPTED) {
    await t.step(what, async () => {
      const forge = new Forge();
      const context = await accept(forge, changes(forge, forge.runtime.now()), attempt);
      assert.equal(context.peer.text, "alice@A.TEST");
      assert.deepEqual(context.flags, ALL_FLAGS);
    });
  }
});

Deno.test("KerberosAcceptor: refuses every token but AP-REQ (RFC 4121 section 4.1)", async () => {
  const forge = new Forge();
  const { token, authenticator } = await forge.apReq();
  const answer = await forge.apRep(authenticator);
  const wrong: [string, Uint8Array][] = [
    ["an unknown identifier", encodeInitialToken(KERBEROS_OID, Uint8Array.of(9, 9, 1, 2, 3))],
    ["a per-message token's identifier", encodeInitialToken(KERBEROS_OID, Uint8Array.of(4, 4, 1, 2, 3))],
    ["an AP-REP", answer],
    ["a KRB-ERROR", forge.krbError()],
    ["an AP-REP under AP-REQ's identifier", encodeContextToken("AP-REQ", decodeContextToken(answer).message)],
  ];
  for (const [what, bytes] of wrong) {
    const got = await refusal(forge.acceptor().accept().step(bytes));
    assert.deepEqual([got.code, got.number, got.error.major], ["KRB_AP_ERR_MSG_TYPE", 40, "DEFECTIVE_TOKEN"], what);
  }
  // msg-type and pvno of the AP-REQ itself.
  for (const field of ["msg-type", "pvno"]) {
    const bytes = token.slice();
    const at = bytes.findIndex((_, i) =>
      bytes[i] === 2 && bytes[i + 1] === 1 && bytes[i + 2] === (field === "pvno" ? 5 : 14)
    );
    bytes[at + 2]!++;
    assert.equal((await refusal(forge.acceptor().accept().step(bytes))).code, "BAD_MESSAGE", field);
  }
});

Deno.test("KerberosAcceptorCredential: refuses a clock skew that is negative or not finite", () => {
  for (const clockskew of [NaN, Infinity, -1]) assert.throws(() => new Forge().acceptor({ clockskew }), RangeError);
});

Deno.test("KerberosAcceptor: judges transited realms by the realm of the key (RFC 4120 section 2.7)", async () => {
  const evil = { crealm: "TRUSTED.TEST", transited: { trType: 1, contents: utf8("EVIL.TEST") } };
  const cases: [string, RequestChanges, string?][] = [
    ["a realm outside the hierarchy", { ticket: evil }, "KRB_AP_PATH_NOT_ACCEPTED"],
    [
      "with the other realm in clear in place of ours",
      { ticket: evil, outside: { realm: "EVIL.TEST" } },
      "KRB_AP_PATH_NOT_ACCEPTED",
    ],
    [
      "with the client's realm in clear",
      { ticket: evil, outside: { realm: "TRUSTED.TEST" } },
      "KRB_AP_PATH_NOT_ACCEPTED",
    ],
    ["a client of our own realm", { ticket: { ...evil, crealm: "A.TEST" } }, "KRB_AP_PATH_NOT_ACCEPTED"],
    [
      "an encoding that is unknown",
      { ticket: { ...evil, transited: { trType: 2, contents: utf8("TEST") } } },
      "KDC_ERR_TRTYPE_NOSUPP",
    ],
    ["one that the KDC judged", { ticket: { ...evil, flags: TicketFlag.TransitedPolicyChecked } }],
    ["no transited realm", { ticket: { crealm: "TRUSTED.TEST" } }],
    ["the parent of both", { ticket: { ...evil, transited: { trType: 1, contents: utf8("TEST") } } }],
  ];
  for (const [what, changes, code] of cases) {
    const forge = new Forge();
    if (code !== undefined) assert.equal((await refusal(accept(forge, changes))).code, code, what);
    else assert.equal((await accept(forge, changes)).attributes.realm, "TRUSTED.TEST", what);
  }
  // As [capaths] has it.
  const capaths = new Map([["TRUSTED.TEST", new Map([["A.TEST", ["EVIL.TEST"]]])]]);
  await accept(new Forge(), { ticket: evil }, { options: () => ({ capaths }) });
});

Deno.test("KerberosAcceptor: takes names only from sealed parts (CVE-2017-11103)", async () => {
  const forge = new Forge();
  const outside = { realm: "B.TEST", sname: { nameType: 1, nameString: ["root"] } };
  const context = await accept(forge, { outside });
  assert.deepEqual([context.peer.text, context.self.text], ["alice@A.TEST", "rcmd/p.a.test@A.TEST"]);
  assert.deepEqual([context.attributes.realm, context.attributes.service], ["A.TEST", "rcmd/p.a.test@A.TEST"]);
});

Deno.test("KerberosAcceptor: opens a ticket with any key of its keytab, and with no other", async () => {
  const forge = new Forge();
  const other = parsePrincipal("http/p.a.test@A.TEST");
  const keys = new Keytab([
    { principal: other, kvno: 2, key: KerberosKey.generate(18) },
    ...forge.keys.entries,
  ]);
  const outside = { sname: toPrincipalName(other) };
  const context = await accept(forge, { outside }, { options: () => ({ keys, services: ["rcmd"] }) });
  assert.equal(context.self.text, "rcmd/p.a.test@A.TEST");
  assert.equal(
    (await refusal(accept(forge, { outside }, { options: () => ({ keys, services: ["http"] }) }))).code,
    "KRB_AP_ERR_NOT_US",
  );
});

Deno.test("KerberosAcceptor: shortens the names of strangers in its errors", async () => {
  const forge = new Forge();
  const outside = { sname: { nameType: 2, nameString: ["rcmd", "x".repeat(30_000)] }, realm: "R".repeat(20_000) };
  const encPart = { etype: 18, kvno: 2, cipher: new Uint8Array(64) };
  for (
    const changes of [
      { outside: { ...outside, encPart } },
      { outside, request: { apOptions: ApOption.UseSessionKey | ApOption.MutualRequired } },
    ]
  ) {
    const { error } = await refusal(accept(forge, changes));
    assert.match(error.message, /rcmd\/x{195}\.\.\./);
    assert.ok(error.message.length < 500, error.message);
    assert.equal(error.details.service, `rcmd/${"x".repeat(195)}...`);
  }
});
