/** The AS exchange, stepped by hand and through the embedded KDC. */
import assert from "node:assert/strict";
import { decode, encode } from "../../../asn1/codec.ts";
import { utf8 } from "../../../base/bytes.ts";
import { asExchange, type AsExchangeInput } from "../../../kerberos/exchange/as.ts";
import { keytabKey, passwordKey } from "../../../kerberos/exchange/client_key.ts";
import { KdcClient } from "../../../kerberos/reach/kdc_client.ts";
import type { KdcTransport } from "../../../kerberos/reach/transport.ts";
import { KerberosTickets } from "../../../kerberos/credentials/tickets/tickets.ts";
import { KdcOption, TicketFlag } from "../../../kerberos/registry/flags.ts";
import { NameType } from "../../../kerberos/registry/name_types.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import { KdcError, KerberosError } from "../../../kerberos/errors.ts";
import { handleKdcMessage, inProcessTransport, type KdcRealm } from "../../../kerberos/kdc/mod.ts";
import { MethodData } from "../../../kerberos/messages/basic.ts";
import { KrbError } from "../../../kerberos/messages/error.ts";
import { AsRep, AsReq } from "../../../kerberos/messages/kdc.ts";
import { formatPrincipal, parsePrincipal } from "../../../kerberos/principal.ts";
import { TestRuntime } from "../../support/test_runtime.ts";
import { asInput, memoryConfig, memoryRealm } from "../../support/gss_pair.ts";

const ALICE = parsePrincipal("alice@GSSOCKS.TEST");

/** Runs an exchange against a realm, with a look at each reply and a hand in it. */
async function drive<T>(
  exchange: AsyncGenerator<{ realm: string; message: Uint8Array<ArrayBuffer> }, T, Uint8Array<ArrayBuffer>>,
  realm: KdcRealm,
  change: (reply: Uint8Array<ArrayBuffer>, number: number) => Uint8Array<ArrayBuffer> = (reply) => reply,
): Promise<T> {
  let step = await exchange.next();
  for (let number = 1; !step.done; number++) {
    const reply = await handleKdcMessage(realm, step.value.message);
    step = await exchange.next(change(reply!, number));
  }
  return step.value;
}

Deno.test("asExchange(): pre-authenticates on demand, with the KDC's salt and parameters", async () => {
  const runtime = new TestRuntime();
  const realm = await memoryRealm({
    runtime,
    principals: { alice: { password: "alicepw", salt: "quite another salt" } },
  });
  const exchange = asExchange(asInput(runtime, { forwardable: true }));
  const first = await exchange.next();
  assert.ok(!first.done && first.value.realm === "GSSOCKS.TEST");
  assert.equal(decode(AsReq, first.value.message).padata?.some(({ padataType }) => padataType === 2), false);
  const hint = (await handleKdcMessage(realm, first.value.message))!;
  const error = decode(KrbError, hint);
  assert.equal(error.errorCode, 25);
  assert.deepEqual(decode(MethodData, error.eData!).map(({ padataType }) => padataType), [19, 2]);
  const second = await exchange.next(hint);
  assert.ok(!second.done);
  assert.equal(decode(AsReq, second.value.message).padata?.[0]?.padataType, 2);
  const last = await exchange.next((await handleKdcMessage(realm, second.value.message))!);
  assert.ok(last.done);
  const { credential } = last.value;
  assert.equal(formatPrincipal(credential.server), "krbtgt/GSSOCKS.TEST@GSSOCKS.TEST");
  assert.equal(credential.endtime, runtime.time + 3_600_000);
  assert.ok((credential.flags & TicketFlag.Forwardable) !== 0 && (credential.flags & TicketFlag.PreAuthent) !== 0);
});

Deno.test("asExchange(): no request has the password or a key in it", async () => {
  const runtime = new TestRuntime();
  const password = "a password that is long enough to be looked for";
  const realm = await memoryRealm({ runtime, principals: { alice: { password, salt: "salt" } } });
  const sent: string[] = [];
  const transport: KdcTransport = inProcessTransport(realm);
  const config = memoryConfig(realm);
  const kdc = new KdcClient({
    config,
    transport: {
      send(address, message, options) {
        sent.push(latin1(message));
        return transport.send(address, message, options);
      },
    },
  });
  const tickets = new KerberosTickets({ config, kdc, initial: { client: ALICE, key: passwordKey(password) }, runtime });
  const { credential } = await tickets.serviceTicket(parsePrincipal("rcmd/localhost@GSSOCKS.TEST"));
  assert.equal(sent.length, 3);
  const key = await KerberosKey.fromPassword(password, { enctype: 18, salt: "salt" });
  const { credential: initial } = await tickets.initialTicket();
  for (const secret of [utf8(password), key.exportBytes(), initial.key.exportBytes(), credential.key.exportBytes()]) {
    assert.equal(sent.some((message) => message.includes(latin1(secret))), false);
  }
  assert.ok(sent.every((message) => message.includes("GSSOCKS.TEST")), "what is sent is looked at");
});

function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

Deno.test("asExchange(): works with a keytab, without pre-authentication, and with an enterprise name", async () => {
  const runtime = new TestRuntime();
  const realm = await memoryRealm({ runtime, principals: { open: { password: "x", requiresPreauth: false } } });
  const client = parsePrincipal("rcmd/localhost@GSSOCKS.TEST");
  const key = keytabKey(realm.keytab("rcmd/localhost"), client);
  assert.equal(
    formatPrincipal((await drive(asExchange(asInput(runtime, { client, key })), realm)).credential.client),
    formatPrincipal(client),
  );
  const open = parsePrincipal("open@GSSOCKS.TEST");
  await drive(asExchange(asInput(runtime, { client: open, key: passwordKey("x") })), realm);
  const enterprise = { nameType: NameType.Enterprise, components: ["alice@example.com"], realm: "GSSOCKS.TEST" };
  const { credential } = await drive(asExchange(asInput(runtime, { client: enterprise })), realm);
  assert.equal(formatPrincipal(credential.client), "alice@GSSOCKS.TEST");
});

Deno.test("asExchange(): compensates for a KDC's clock that is far off, unless timesync is off", async () => {
  const runtime = new TestRuntime();
  const realm = await memoryRealm({ runtime });
  for (const clockOffset of [3_600_000, -3_600_000]) {
    realm.faults.clockOffset = clockOffset;
    const got = await drive(asExchange(asInput(runtime)), realm);
    assert.ok(Math.abs(got.kdcOffset - clockOffset) < 2000, `${got.kdcOffset}`);
    await assert.rejects(
      drive(asExchange(asInput(runtime, { timesync: false })), realm),
      (error) =>
        error instanceof KdcError && error.code === "KRB_AP_ERR_SKEW" &&
        Math.abs(error.clockOffset - clockOffset) < 2000,
    );
  }
});

Deno.test("asExchange(): refuses every changed byte of the final reply", async () => {
  const runtime = new TestRuntime();
  const realm = await memoryRealm({ runtime, enctypes: [17], principals: { alice: { password: "alicepw" } } });
  // One key for all attempts: deriving it from the password is the slow part.
  const key = passwordKey("alicepw");
  const fixed = await key.keyFor({ enctype: 17, salt: "GSSOCKS.TESTalice" });
  const client = {
    usable: (list: readonly number[]) => list.filter((e) => e === 17),
    keyFor: () => Promise.resolve(fixed),
  };
  let length = 0;
  await drive(asExchange(asInput(runtime, { key: client })), realm, (reply) => {
    length = reply.length;
    return reply;
  });
  for (let i = 0; i < length; i++) {
    const result = await drive(asExchange(asInput(runtime, { key: client })), realm, (reply, number) => {
      if (number === 2) reply[i]! ^= 0x01;
      return reply;
    }).then((got) => got.credential, (error) => error);
    if (result instanceof KerberosError || result instanceof KdcError) continue;
    // The ticket itself and padata are not authenticated; the names that are used must still be those requested.
    assert.equal(formatPrincipal(result.client), "alice@GSSOCKS.TEST", `byte ${i}: ${result}`);
    assert.equal(formatPrincipal(result.server), "krbtgt/GSSOCKS.TEST@GSSOCKS.TEST");
  }
});

Deno.test("asExchange(): refuses replies to another request, for another client, or of another enctype", async () => {
  const runtime = new TestRuntime();
  const realm = await memoryRealm({ runtime, principals: { bob: "alicepw" } });
  let recorded: Uint8Array<ArrayBuffer> | undefined;
  await drive(asExchange(asInput(runtime)), realm, (reply, number) => {
    if (number === 2) recorded = reply;
    return reply;
  });
  const mismatch = (error: unknown) => error instanceof KerberosError && error.code === "REPLY_MISMATCH";
  await assert.rejects(
    drive(asExchange(asInput(runtime)), realm, (reply, n) => n === 2 ? recorded! : reply),
    mismatch,
    "old reply",
  );
  const bob = parsePrincipal("bob@GSSOCKS.TEST");
  await assert.rejects(
    drive(asExchange(asInput(runtime, { client: bob })), realm, (reply, n) => n === 2 ? recorded! : reply),
    mismatch,
  );
  const downgraded = asExchange(asInput(runtime, { enctypes: [20] }));
  await assert.rejects(drive(downgraded, realm, (reply, n) => n === 2 ? recorded! : reply), mismatch);
});

Deno.test("asExchange(): notices a request that was changed on its way (RFC 6806 section 11)", async () => {
  const runtime = new TestRuntime();
  const realm = await memoryRealm({ runtime });
  const exchange = asExchange(asInput(runtime));
  let step = await exchange.next();
  step = await exchange.next(
    (await handleKdcMessage(realm, (step.value as { message: Uint8Array<ArrayBuffer> }).message))!,
  );
  assert.ok(!step.done);
  // Somebody takes the stronger enctypes out of the request.
  const request = decode(AsReq, step.value.message);
  const weakened = encode(AsReq, {
    ...request,
    reqBody: { ...request.reqBody, etype: request.reqBody.etype.slice(0, 2) },
  });
  await assert.rejects(exchange.next((await handleKdcMessage(realm, weakened))!), { code: "INTEGRITY" });
});

Deno.test("asExchange(): gives up on endless referrals, and on pre-authentication that it does not have", async () => {
  const runtime = new TestRuntime();
  const realm = await memoryRealm({ runtime });
  await assert.rejects(drive(asExchange(asInput(runtime, { key: passwordKey("wrong") })), realm), {
    code: "KDC_ERR_PREAUTH_FAILED",
  });
  const wrongRealm = (name: string) => (reply: Uint8Array<ArrayBuffer>) => {
    const { eData: _, ...error } = decode(KrbError, reply);
    return encode(KrbError, { ...error, errorCode: 68, crealm: name });
  };
  await assert.rejects(drive(asExchange(asInput(runtime)), realm, wrongRealm("GSSOCKS.TEST")), {
    code: "KDC_ERR_WRONG_REALM",
  });
  let hop = 0;
  const circle = (reply: Uint8Array<ArrayBuffer>) => wrongRealm(`HOP${++hop}.TEST`)(reply);
  await assert.rejects(
    drive(asExchange(asInput(runtime)), realm, circle),
    (error) => error instanceof KdcError || error instanceof KerberosError,
  );
  const only = (type: number) => (reply: Uint8Array<ArrayBuffer>) => {
    const error = decode(KrbError, reply);
    return encode(KrbError, {
      ...error,
      eData: encode(MethodData, [{ padataType: type, padataValue: new Uint8Array(0) }]),
    });
  };
  await assert.rejects(drive(asExchange(asInput(runtime)), realm, only(16)), { code: "PREAUTH_UNSUPPORTED" });
});

Deno.test("asExchange(): refuses garbage, a reply of another type, and an absurd iteration count", async () => {
  const runtime = new TestRuntime();
  const realm = await memoryRealm({ runtime });
  const bad = (error: unknown) => error instanceof KerberosError && error.code === "BAD_MESSAGE";
  await assert.rejects(drive(asExchange(asInput(runtime)), realm, () => new Uint8Array(10)), bad);
  await assert.rejects(drive(asExchange(asInput(runtime)), realm, () => new Uint8Array(0)), bad);
  const { encode: _ } = { encode };
  const hostile = (reply: Uint8Array<ArrayBuffer>) => {
    const error = decode(KrbError, reply);
    const data = error.eData!;
    // s2kparams 00 00 10 00 become ff ff ff ff.
    const at = data.findIndex((_, i) =>
      data[i] === 0 && data[i + 1] === 0 && data[i + 2] === 0x10 && data[i + 3] === 0
    );
    data.fill(0xff, at, at + 4);
    return encode(KrbError, { ...error, eData: data });
  };
  await assert.rejects(drive(asExchange(asInput(runtime)), realm, hostile), { code: "BAD_S2K_PARAMS" });
  assert.ok(AsRep.name);
});

Deno.test("asExchange(): asks for a postdated ticket from its start on (RFC 4120 section 2.4)", async () => {
  const runtime = new TestRuntime();
  const HOUR = 3_600_000;
  const body = async (changes: Partial<AsExchangeInput>) => {
    const step = await asExchange(asInput(runtime, changes)).next();
    return step.done ? assert.fail("it asks for nothing") : decode(AsReq, step.value.message).reqBody;
  };
  const postdated = KdcOption.MayPostdate | KdcOption.Postdated;
  const later = await body({ startDelay: HOUR, lifetime: 2 * HOUR, renewLifetime: 4 * HOUR });
  assert.equal(later.kdcOptions & postdated, postdated);
  const now = Math.floor(runtime.time / 1000) * 1000;
  assert.deepEqual([later.from, later.till, later.rtime], [1, 3, 5].map((hours) => now + hours * HOUR));
  const plain = await body({});
  assert.deepEqual([plain.from, plain.kdcOptions & postdated], [undefined, 0]);
});
