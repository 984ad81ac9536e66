/** What a KRB-ERROR, which nothing authenticates, can make a client do: RFC 4120 section 3.1.6, RFC 6806 section 7. */
import assert from "node:assert/strict";
import { decode, encode } from "../../../asn1/codec.ts";
import type { Bytes } from "../../../base/bytes.ts";
import { asExchange, type AsExchangeInput } from "../../../kerberos/exchange/as.ts";
import { type ClientKey, keytabKey, passwordKey } from "../../../kerberos/exchange/client_key.ts";
import { NameType } from "../../../kerberos/registry/name_types.ts";
import { PaType } from "../../../kerberos/registry/pa_types.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import { KdcError, KerberosError } from "../../../kerberos/errors.ts";
import { handleKdcMessage } from "../../../kerberos/kdc/mod.ts";
import { EncryptedData, EtypeInfo2, MethodData, PaEncTsEnc } from "../../../kerberos/messages/basic.ts";
import { KrbError } from "../../../kerberos/messages/error.ts";
import { AsReq, type KdcReq } from "../../../kerberos/messages/kdc.ts";
import { formatPrincipal, parsePrincipal } from "../../../kerberos/principal.ts";
import { TestRuntime } from "../../support/test_runtime.ts";
import { forgeReply } from "../../support/forge_kdc.ts";
import { asInput, memoryRealm } from "../../support/gss_pair.ts";

const HOUR = 3_600_000;
const runtime = new TestRuntime();

const input = (changes: Partial<AsExchangeInput> = {}) =>
  asInput(runtime, { client: parsePrincipal("alice@GOOD.TEST"), ...changes });

function krbError(errorCode: number, more: Partial<KrbError> = {}): Bytes {
  return encode(KrbError, {
    pvno: 5,
    msgType: 30,
    stime: runtime.time,
    susec: 0,
    errorCode,
    realm: "X",
    sname: { nameType: 2, nameString: ["krbtgt", "X"] },
    ...more,
  });
}

const wrongRealm = (crealm: string, more: Partial<KrbError> = {}) => krbError(68, { crealm, ...more });

/** PREAUTH_REQUIRED with any salt and count. */
function preauthRequired(
  { etype = 18, salt = "chosen", count }: { etype?: number; salt?: string; count?: number } = {},
  more: Partial<KrbError> = {},
): Bytes {
  const s2kparams = new Uint8Array(4);
  if (count !== undefined) new DataView(s2kparams.buffer).setUint32(0, count);
  const entry = { etype, salt, ...(count === undefined ? {} : { s2kparams }) };
  return krbError(25, {
    eData: encode(MethodData, [
      { padataType: PaType.EncTimestamp, padataValue: new Uint8Array(0) },
      { padataType: PaType.EtypeInfo2, padataValue: encode(EtypeInfo2, [entry]) },
    ]),
    ...more,
  });
}

interface Sent {
  readonly realm: string;
  readonly request: KdcReq;
  /** Whether something that is made with the secret went along. */
  readonly proof: boolean;
}

/** Answers each request by its number until the exchange ends. Returns the requests and the error that ended it. */
async function converse(
  changes: Partial<AsExchangeInput>,
  answer: (number: number, message: Bytes) => Bytes | Promise<Bytes>,
): Promise<{ sent: Sent[]; error: unknown }> {
  const sent: Sent[] = [];
  const exchange = asExchange(input(changes));
  try {
    for (let step = await exchange.next(); !step.done && sent.length < 40;) {
      const { realm, message } = step.value;
      const request = decode(AsReq, message);
      sent.push({ realm, request, proof: request.padata!.some(({ padataType }) => padataType === 2) });
      step = await exchange.next(await answer(sent.length, message));
    }
    return { sent, error: undefined };
  } catch (error) {
    return { sent, error };
  }
}

Deno.test("asExchange(): goes to no other realm without canonicalization", async () => {
  const { sent, error } = await converse({}, () => wrongRealm("EVIL.TEST"));
  assert.deepEqual(sent.map(({ realm }) => realm), ["GOOD.TEST"]);
  assert.ok(error instanceof KdcError && error.code === "KDC_ERR_WRONG_REALM");
  // Nor after it has shown that it knows the password.
  const later = await converse({}, (number) => number === 1 ? preauthRequired() : wrongRealm("EVIL.TEST"));
  assert.deepEqual(later.sent.map(({ realm, proof }) => [realm, proof]), [["GOOD.TEST", false], ["GOOD.TEST", true]]);
  assert.ok(later.error instanceof KdcError);
});

Deno.test("asExchange(): follows referrals to five realms at most, to none twice, as the same client", async () => {
  const enterprise = { nameType: NameType.Enterprise, components: ["alice@example.com"], realm: "GOOD.TEST" };
  for (const changes of [{ canonicalize: true }, { client: enterprise }]) {
    const cname = { nameType: 1, nameString: ["mallory"] };
    const { sent, error } = await converse(changes, (number) => wrongRealm(`HOP${number}.TEST`, { cname }));
    assert.deepEqual(sent.map(({ realm }) => realm), [
      "GOOD.TEST",
      ...[1, 2, 3, 4, 5].map((number) => `HOP${number}.TEST`),
    ]);
    for (const { realm, request: { reqBody } } of sent) {
      assert.equal(reqBody.realm, realm);
      assert.deepEqual(reqBody.sname?.nameString, ["krbtgt", realm]);
      assert.deepEqual(reqBody.cname?.nameString, input(changes).client.components);
    }
    assert.ok(error instanceof KerberosError && error.code === "REFERRAL_LOOP");
    const circle = await converse(changes, (number) => wrongRealm(number % 2 === 1 ? "B.TEST" : "GOOD.TEST"));
    assert.equal(circle.sent.length, 2);
    assert.ok(circle.error instanceof KerberosError && circle.error.code === "REFERRAL_LOOP");
    const same = await converse(changes, () => wrongRealm("GOOD.TEST"));
    assert.equal(same.sent.length, 1);
    const nowhere = await converse(changes, () => krbError(68));
    assert.ok(nowhere.error instanceof KdcError);
  }
});

Deno.test("asExchange(): says in words what pre-authentication a KDC offers", async () => {
  const offering = async (...types: number[]) => {
    const eData = encode(MethodData, types.map((padataType) => ({ padataType, padataValue: new Uint8Array(0) })));
    const { error } = await converse({}, () => krbError(25, { eData }));
    assert.ok(error instanceof KerberosError && error.code === "PREAUTH_UNSUPPORTED");
    return error.message;
  };
  assert.match(
    await offering(136, 151, 133),
    /mechanisms FAST, SPAKE; supported here: encrypted timestamp\. .*administrator/,
  );
  assert.match(await offering(16, 136, 147, 141, 133, 149), /mechanisms PKINIT, FAST, anonymous PKINIT, OTP;/);
  assert.match(await offering(138, 16, 15, 655), /mechanisms encrypted challenge, PKINIT, type 655;/);
  assert.match(await offering(133), /mechanisms of no name;/);
  const many = await offering(...Array.from({ length: 60 }, (_, i) => 1000 + i));
  assert.ok(many.length < 600 && /type 1019 and others;/.test(many));
  const { error } = await converse({}, () => krbError(25));
  assert.match((error as Error).message, /names no mechanism that can be used/);
});

Deno.test("asExchange(): calls a wrong password wrong also where the KDC wants no proof", async () => {
  const realm = await memoryRealm({ runtime, principals: { open: { password: "right", requiresPreauth: false } } });
  const client = parsePrincipal("open@GSSOCKS.TEST");
  const login = (password: string) =>
    converse({ client, key: passwordKey(password) }, async (_, message) => (await handleKdcMessage(realm, message))!);
  assert.equal((await login("right")).error, undefined);
  const { error } = await login("wrong");
  assert.ok(error instanceof KerberosError && error.code === "INTEGRITY");
  assert.match(error.message, /^Cannot authenticate open@GSSOCKS\.TEST: wrong password or key/);
  assert.ok(error.cause instanceof KerberosError);
});

Deno.test("asExchange(): says which keytab has no key of the client, and what it has", async () => {
  const realm = await memoryRealm({ runtime });
  const bob = parsePrincipal("bob@GSSOCKS.TEST");
  const key = keytabKey(realm.keytab("rcmd/localhost"), bob, { name: "/etc/proxy.keytab" });
  await assert.rejects(asExchange(input({ client: bob, key })).next(), {
    code: "NO_CREDENTIALS",
    message:
      /authenticate bob@.*no key of it of aes256.*; keytab \/etc\/proxy\.keytab has rcmd\/localhost@GSSOCKS\.TEST kvno 1/,
  });
  const many = Array.from({ length: 500 }, (_, i) => `p${i}@GSSOCKS.TEST kvno 1 aes256-cts-hmac-sha1-96`);
  const large = keytabKey({ newestKey: () => undefined, describe: () => many }, bob);
  assert.match(large.describe!(), /^keytab has p0@.*; p9@[^;]*; and 490 more$/);
  await assert.rejects(
    large.keyFor({ enctype: 18, salt: "" }),
    /there is no aes256-cts-hmac-sha1-96 key of it; keytab has/,
  );
});

Deno.test("asExchange(): takes nothing along from one realm to the next", async () => {
  const answers = [
    () => preauthRequired({ salt: "of the first" }, { stime: runtime.time + 7 * HOUR }),
    () => wrongRealm("B.TEST"),
    // The second realm's clock is right, and it has not said how the key is made: this ends it.
    () => krbError(37, { stime: runtime.time + 3 * HOUR }),
  ];
  const { sent, error } = await converse({ canonicalize: true }, (number) => answers[number - 1]!());
  assert.deepEqual(sent.map(({ realm, proof }) => [realm, proof]), [
    ["GOOD.TEST", false],
    ["GOOD.TEST", true],
    ["B.TEST", false],
  ]);
  assert.equal(sent[2]!.request.reqBody.till, runtime.time + HOUR);
  assert.ok(error instanceof KdcError && error.code === "KRB_AP_ERR_SKEW");
});

Deno.test("asExchange(): accepts one demand to pre-authenticate and one clock correction a realm", async () => {
  const again = await converse({}, () => preauthRequired());
  assert.equal(again.sent.length, 2);
  assert.ok(again.error instanceof KdcError && again.error.code === "KDC_ERR_PREAUTH_REQUIRED");
  const skewed = await converse({}, (number) => number === 1 ? preauthRequired() : krbError(37));
  assert.equal(skewed.sent.length, 3);
  assert.ok(skewed.error instanceof KdcError && skewed.error.code === "KRB_AP_ERR_SKEW");
  const rigid = await converse({ timesync: false }, (number) => number === 1 ? preauthRequired() : krbError(37));
  assert.equal(rigid.sent.length, 2);
  // A referral does not start the count of requests anew.
  const wandering = await converse(
    { canonicalize: true },
    (number) => number % 2 === 1 ? preauthRequired() : wrongRealm(`HOP${number}.TEST`),
  );
  assert.ok(wandering.sent.length <= 10, `${wandering.sent.length}`);
});

/** A password whose derivations are counted, and take no time. */
function counted(): ClientKey & { derived: [salt: string, count: number | undefined, limit: number | undefined][] } {
  const derived: [string, number | undefined, number | undefined][] = [];
  const password = passwordKey("x");
  const cheap = KerberosKey.generate(18);
  return {
    derived,
    usable: password.usable,
    async keyFor(parameters) {
      const count = parameters.s2kparams && new DataView(new Uint8Array(parameters.s2kparams).buffer).getUint32(0);
      derived.push([parameters.salt, count, parameters.maximumIterations]);
      if (count !== undefined && count > (parameters.maximumIterations ?? Infinity)) {
        await password.keyFor(parameters);
        assert.fail("the limit was not kept");
      }
      return cheap;
    },
  };
}

Deno.test("asExchange(): spends a million PBKDF2 iterations in all at most", async () => {
  const key = counted();
  const { error, sent } = await converse(
    { key, canonicalize: true },
    (number) =>
      number % 2 === 1 ? preauthRequired({ salt: `${number}`, count: 400_000 }) : wrongRealm(`HOP${number}.TEST`),
  );
  assert.ok(error instanceof KerberosError && error.code === "BAD_S2K_PARAMS", `${error}`);
  assert.equal(sent.length, 5);
  assert.deepEqual(key.derived.map(([, , limit]) => limit), [1_048_576, 648_576, 248_576]);
});

Deno.test("asExchange(): derives each key once, and counts the default iterations if the KDC names none", async () => {
  const realm = await memoryRealm({ runtime });
  let derivations = 0;
  const password = passwordKey("alicepw");
  const key: ClientKey = {
    usable: password.usable,
    keyFor(parameters) {
      derivations++;
      return password.keyFor(parameters);
    },
  };
  const changes = { client: parsePrincipal("alice@GSSOCKS.TEST"), key };
  const whole = await converse(changes, async (_, message) => (await handleKdcMessage(realm, message))!);
  assert.equal(whole.error, undefined);
  assert.equal(derivations, 1);
  const silent = counted();
  await converse(
    { key: silent, canonicalize: true, enctypes: [18] },
    (number) => number % 2 === 1 ? preauthRequired({ salt: `${number}` }) : wrongRealm(`HOP${number}.TEST`),
  );
  assert.deepEqual(silent.derived.slice(0, 2).map(([, , limit]) => limit), [1_048_576, 1_048_576 - 4096]);
});

Deno.test("asExchange(): refuses iteration counts below the enctype's default and above the limit", async () => {
  for (const [etype, count] of [[18, 4095], [18, 1], [20, 32_767], [19, 4096], [18, 1_048_577], [20, 0]] as const) {
    const { error, sent } = await converse({}, () => preauthRequired({ etype, count }));
    assert.ok(error instanceof KerberosError && error.code === "BAD_S2K_PARAMS", `${etype} ${count} ${error}`);
    assert.equal(sent.length, 1);
  }
  // A count of zero is no count of none (RFC 3962 section 4), whatever the limit below.
  const zero = { enctype: 18, salt: "", s2kparams: new Uint8Array(4), minimumIterations: 0 };
  await assert.rejects(KerberosKey.fromPassword("x", zero), { code: "BAD_S2K_PARAMS", message: /4294967296/ });
  // A keytab's keys are made already: no count matters.
  const fixed = KerberosKey.generate(18);
  const key: ClientKey = { usable: () => [18], keyFor: () => Promise.resolve(fixed) };
  const { sent } = await converse({ key }, () => preauthRequired({ count: 1 }));
  assert.equal(sent.length, 2);
});

/** The time that a client sealed for a KDC. */
async function timestampOf(request: KdcReq, key: KerberosKey): Promise<number> {
  const sealed = decode(EncryptedData, request.padata!.find(({ padataType }) => padataType === 2)!.padataValue);
  return decode(PaEncTsEnc, await key.decrypt(1, sealed.cipher)).patimestamp;
}

Deno.test("asExchange(): checks the ticket against the sealed clock, not against a forged clock", async () => {
  const realm = await memoryRealm({ runtime });
  const client = parsePrincipal("alice@GSSOCKS.TEST");
  // The KDC's clock is right. A forged error says that it is six hours ahead, so that the ticket lasts six hours longer.
  const { sent, error } = await converse({ client }, async (number, message) => {
    const reply = (await handleKdcMessage(realm, message))!;
    if (number === 1) return encode(KrbError, { ...decode(KrbError, reply), stime: runtime.time + 6 * HOUR });
    // So does the KDC, which would refuse the timestamp otherwise.
    const skewed = { ...realm.faults };
    realm.faults.clockOffset = 6 * HOUR;
    const answered = (await handleKdcMessage(realm, message))!;
    realm.faults.clockOffset = skewed.clockOffset;
    return await forgeReply(realm, message, answered, {
      part: () => ({ authtime: runtime.time, starttime: runtime.time }),
    });
  });
  assert.equal(sent.length, 2);
  assert.ok(error instanceof KerberosError && error.code === "REPLY_MISMATCH" && /end/.test(error.message), `${error}`);
});

Deno.test("asExchange(): sends a request even to a KDC whose clock is at the end of time", async () => {
  const fixed = KerberosKey.generate(18);
  const key: ClientKey = { usable: () => [18], keyFor: () => Promise.resolve(fixed) };
  for (const stime of [Date.UTC(9999, 11, 31, 23, 59, 59), Date.UTC(1970, 0, 1)]) {
    const { sent, error } = await converse(
      { key, renewLifetime: 24 * HOUR },
      (number) => number === 1 ? preauthRequired({}, { stime, susec: 999_999 }) : krbError(24),
    );
    assert.ok(error instanceof KdcError && error.code === "KDC_ERR_PREAUTH_FAILED", `${error}`);
    assert.ok(Math.abs(await timestampOf(sent[1]!.request, fixed) - stime) <= 2000);
  }
});

Deno.test("asExchange(): takes no client name from an error", async () => {
  const realm = await memoryRealm({ runtime });
  const client = parsePrincipal("alice@GSSOCKS.TEST");
  const exchange = asExchange(input({ client }));
  let step = await exchange.next();
  for (let number = 1; !step.done; number++) {
    const reply = (await handleKdcMessage(realm, step.value.message))!;
    step = await exchange.next(
      number === 1
        ? encode(KrbError, {
          ...decode(KrbError, reply),
          crealm: "EVIL.TEST",
          cname: { nameType: 1, nameString: ["mallory"] },
          realm: "EVIL.TEST",
        })
        : reply,
    );
  }
  assert.equal(formatPrincipal(step.value.credential.client), "alice@GSSOCKS.TEST");
});
