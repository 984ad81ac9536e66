/** Mechanisms that the AS exchange does not know: RFC 6113 sections 2.2 to 2.4, 5.2, 5.4.3 and 5.4.4 with toys. */
import assert from "node:assert/strict";
import { decode, encode } from "../../../../asn1/codec.ts";
import { type Bytes, EMPTY, sameBytes, utf8 } from "../../../../base/bytes.ts";
import { KerberosKey } from "../../../../kerberos/crypto/key.ts";
import { KdcError, KerberosError } from "../../../../kerberos/errors.ts";
import { asExchangeWith } from "../../../../kerberos/exchange/as.ts";
import type { AsExchangeInput, AsExchangeResult } from "../../../../kerberos/exchange/as_input.ts";
import { encryptedTimestamp } from "../../../../kerberos/exchange/preauth/encrypted_timestamp.ts";
import type { PreauthMechanism, PreauthRound } from "../../../../kerberos/exchange/preauth/mechanism.ts";
import { startMechanism } from "../../../../kerberos/exchange/preauth/table.ts";
import { handleAsReq } from "../../../../kerberos/kdc/as.ts";
import { encryptedTimestamp as kdcEncryptedTimestamp } from "../../../../kerberos/kdc/encrypted_timestamp.ts";
import { etypeInfo2 } from "../../../../kerberos/kdc/etype_info.ts";
import type { KdcPreauthMechanism } from "../../../../kerberos/kdc/preauth_mechanism.ts";
import { encodeKrbError, Refusal } from "../../../../kerberos/kdc/refusal.ts";
import { MethodData, type PaData, PrincipalName } from "../../../../kerberos/messages/basic.ts";
import { KrbError } from "../../../../kerberos/messages/error.ts";
import { AsRep, AsReq } from "../../../../kerberos/messages/kdc.ts";
import { formatPrincipal } from "../../../../kerberos/principal.ts";
import { ErrorCode } from "../../../../kerberos/registry/errors.ts";
import { TicketFlag } from "../../../../kerberos/registry/flags.ts";
import { PaType } from "../../../../kerberos/registry/pa_types.ts";
import { TestRuntime } from "../../../support/test_runtime.ts";
import { asInput, memoryRealm } from "../../../support/gss_pair.ts";

const CHALLENGE = 9001;
const ARMOR = 9002;
const USAGE = 1024;

const runtime = new TestRuntime();
const realm = await memoryRealm({ runtime, enctypes: [18] });

const item = (padataType: number, padataValue: Bytes): PaData => ({ padataType, padataValue });
const find = (padata: readonly PaData[] | undefined, type: number) =>
  padata?.find(({ padataType }) => padataType === type)?.padataValue;

/** A key that only the holder of another one can make. */
async function derived(key: KerberosKey, label: string): Promise<KerberosKey> {
  const [one, two] = [await key.prf(utf8(`${label} 1`)), await key.prf(utf8(`${label} 2`))];
  return new KerberosKey(18, new Uint8Array([...one, ...two]).slice(0, 32));
}

/** Two rounds: a greeting, which gets a challenge, and a checksum over that. The reply is under another key. */
const challenge: PreauthMechanism = {
  name: "challenge",
  padataType: CHALLENGE,
  async start({ longTermKey }, methods): Promise<PreauthRound> {
    const { key } = await longTermKey(methods);
    const replyKey = () => derived(key, "reply");
    return {
      padata: () => Promise.resolve([item(CHALLENGE, EMPTY)]),
      replyKey,
      answer: (more) =>
        Promise.resolve({
          padata: async () => [item(CHALLENGE, await key.checksum(USAGE, find(more, CHALLENGE)!))],
          replyKey,
        }),
    };
  },
};

const cookieKey = KerberosKey.generate(18);
const kdcChallenge: KdcPreauthMechanism = {
  padataType: CHALLENGE,
  offer: () => item(CHALLENGE, EMPTY),
  async verify({ request: { padata }, keys: [key] }, proof) {
    const cookie = find(padata, PaType.FxCookie);
    if (cookie === undefined) {
      const text = crypto.getRandomValues(new Uint8Array(16));
      const sealed = await cookieKey.encrypt(USAGE, text);
      const more = encode(MethodData, [item(PaType.FxCookie, sealed), item(CHALLENGE, text)]);
      throw new Refusal("KDC_ERR_MORE_PREAUTH_DATA_REQUIRED", more);
    }
    const expected = await key!.checksum(USAGE, await cookieKey.decrypt(USAGE, cookie));
    if (!sameBytes(expected, proof.padataValue)) throw new Refusal("KDC_ERR_PREAUTH_FAILED");
    return { flags: TicketFlag.PreAuthent | TicketFlag.HwAuthent, replyKey: await derived(key!, "reply") };
  },
};

const armorKey = KerberosKey.generate(18);
const seal = async (plain: Bytes) => item(ARMOR, await armorKey.encrypt(USAGE, plain));
const open = (padata: readonly PaData[] | undefined) => armorKey.decrypt(USAGE, find(padata, ARMOR)!);

/** Around other mechanisms, from the first request on: it seals their padata, refusals, and the name in the reply. */
function armored(...inside: readonly PreauthMechanism[]): PreauthMechanism {
  const round = (start: (methods: readonly PaData[]) => Promise<PreauthRound>, inner?: PreauthRound): PreauthRound => ({
    padata: async (request) => [await seal(encode(MethodData, await inner?.padata(request) ?? []))],
    answer: async (methods) => round(start, await start(methods)),
    openRefusal: async ({ eData }) => decode(KrbError, await open(decode(MethodData, eData!))),
    openReply: async (reply) => ({ ...reply, cname: decode(PrincipalName, await open(reply.padata)) }),
    replyKey: async (reply) => await derived(await inner!.replyKey(reply), "armor"),
  });
  return {
    name: "armor",
    padataType: ARMOR,
    offer: (client) => Promise.resolve(round((methods) => startMechanism(inside, client, methods))),
    start: () => Promise.resolve(undefined),
  };
}

const kdcArmored: KdcPreauthMechanism = {
  padataType: ARMOR,
  offer: () => undefined,
  async verify(call, proof) {
    const inside = find(decode(MethodData, await open([proof])), PaType.EncTimestamp);
    if (inside === undefined) {
      const methods = [etypeInfo2(call.client, call.keys), item(PaType.EncTimestamp, EMPTY)];
      throw new Refusal("KDC_ERR_PREAUTH_REQUIRED", encode(MethodData, methods));
    }
    const { flags } = await kdcEncryptedTimestamp.verify(call, item(PaType.EncTimestamp, inside));
    const name = await seal(encode(PrincipalName, call.request.reqBody.cname!));
    return { flags, replyKey: await derived(call.keys[0]!, "armor"), padata: [name] };
  },
};

/** A KDC with other mechanisms than the embedded one's. */
async function answerWith(mechanisms: readonly KdcPreauthMechanism[], message: Bytes): Promise<Bytes> {
  try {
    return await handleAsReq({ realm, request: decode(AsReq, message), message }, mechanisms);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return encodeKrbError(realm, { errorCode: ErrorCode[error.code], eData: error.data });
  }
}

/** {@linkcode answerWith}, with what the armor protects sealed, and lies in its place. */
async function answerArmored(message: Bytes): Promise<Bytes> {
  const answer = await answerWith([kdcArmored], message);
  if (answer[0] !== 0x7e) {
    return encode(AsRep, { ...decode(AsRep, answer), cname: { nameType: 1, nameString: ["mallory"] } });
  }
  const eData = encode(MethodData, [await seal(answer)]);
  return encodeKrbError(realm, { errorCode: ErrorCode.KRB_ERR_GENERIC, eData });
}

interface Outcome {
  readonly result: AsExchangeResult;
  /** Padata types of each request. */
  readonly sent: readonly (readonly number[])[];
}

async function run(
  mechanisms: readonly PreauthMechanism[],
  answer: (message: Bytes) => Promise<Bytes>,
  changes: Partial<AsExchangeInput> = {},
): Promise<Outcome> {
  const sent: number[][] = [];
  const exchange = asExchangeWith(mechanisms, asInput(runtime, { enctypes: [18], ...changes }));
  let step = await exchange.next();
  while (!step.done) {
    sent.push(decode(AsReq, step.value.message).padata!.map(({ padataType }) => padataType));
    step = await exchange.next(await answer(step.value.message));
  }
  return { result: step.value, sent };
}

const kdc = (...mechanisms: readonly KdcPreauthMechanism[]) => (message: Bytes) => answerWith(mechanisms, message);
const refusing = (code: number, eData?: Bytes) => () =>
  Promise.resolve(encodeKrbError(realm, { errorCode: code, eData }));
const offering = (...types: readonly number[]) => encode(MethodData, types.map((type) => item(type, EMPTY)));

Deno.test("asExchange(): a mechanism has several rounds, returns cookies, and says what key the reply is under", async () => {
  const { result: { credential }, sent } = await run([challenge], kdc(kdcChallenge));
  assert.equal(formatPrincipal(credential.client), "alice@GSSOCKS.TEST");
  assert.equal(credential.flags & TicketFlag.HwAuthent, TicketFlag.HwAuthent);
  assert.deepEqual(sent, [[149], [CHALLENGE, 149], [CHALLENGE, PaType.FxCookie, 149]]);
});

Deno.test("asExchange(): a mechanism around others protects requests, refusals and replies", async () => {
  const { result: { credential }, sent } = await run([armored(encryptedTimestamp)], answerArmored);
  assert.equal(formatPrincipal(credential.client), "alice@GSSOCKS.TEST");
  assert.notEqual(credential.flags & TicketFlag.PreAuthent, 0);
  assert.deepEqual(sent, [[ARMOR, 149], [ARMOR, 149]]);
});

Deno.test("asExchange(): the KDC's order decides between mechanisms", async () => {
  const ours = [encryptedTimestamp, challenge];
  const first = await run(ours, kdc(kdcChallenge, kdcEncryptedTimestamp));
  assert.deepEqual(first.sent[1], [CHALLENGE, 149]);
  const second = await run(ours.toReversed(), kdc(kdcEncryptedTimestamp, kdcChallenge));
  assert.deepEqual(second.sent[1], [PaType.EncTimestamp, 149]);
});

Deno.test("asExchange(): a mechanism that the client cannot perform is passed over", async () => {
  const unable = { ...challenge, start: () => Promise.resolve(undefined) };
  const { sent } = await run([unable, encryptedTimestamp], kdc(kdcChallenge, kdcEncryptedTimestamp));
  assert.deepEqual(sent, [[149], [PaType.EncTimestamp, 149]]);
  await assert.rejects(run([unable], kdc(kdcChallenge)), (error) => {
    assert.ok(error instanceof KerberosError && error.code === "PREAUTH_UNSUPPORTED");
    assert.match(error.message, /mechanisms type 9001; supported here: challenge\. /);
    return true;
  });
});

Deno.test("asExchange(): a proof by another key is refused", async () => {
  const { key } = asInput(runtime);
  const wrong = { ...key, keyFor: () => Promise.resolve(KerberosKey.generate(18)) };
  for (const answer of [kdc(kdcChallenge), kdc(kdcEncryptedTimestamp)]) {
    await assert.rejects(run([challenge, encryptedTimestamp], answer, { key: wrong }), (error) => {
      assert.ok(error instanceof KdcError && error.code === "KDC_ERR_PREAUTH_FAILED");
      return true;
    });
  }
});

Deno.test("asExchange(): another round is only for a mechanism that is in use and has one", async () => {
  const more = ErrorCode.KDC_ERR_MORE_PREAUTH_DATA_REQUIRED;
  const rejected = (answer: (message: Bytes) => Promise<Bytes>) =>
    assert.rejects(run([encryptedTimestamp, challenge], answer), { code: "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED" });
  await rejected(refusing(more, offering(PaType.EncTimestamp)));
  await rejected(refusing(more));
  const answers = (type: number, eData?: Bytes) => {
    const [first, second] = [refusing(ErrorCode.KDC_ERR_PREAUTH_REQUIRED, offering(type)), refusing(more, eData)];
    let asked = 0;
    return () => asked++ === 0 ? first() : second();
  };
  await rejected(answers(PaType.EncTimestamp, offering(PaType.EncTimestamp)));
  await rejected(answers(CHALLENGE));
});
