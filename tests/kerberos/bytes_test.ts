/** Every function of `./gss`, `./kerberos` and `./kerberos/kdc` that takes bytes from a caller takes them whole, or not at all. */
import assert from "node:assert/strict";
import { GssError, type GssNegotiation, spnegoAcceptor, spnegoInitiator } from "../../gss/mod.ts";
import type { Bytes } from "../../base/bytes.ts";
import { channelBindingHash } from "../../kerberos/mech/tokens/channel_bindings.ts";
import { hostbasedService } from "../../gss/names.ts";
import {
  asExchange,
  Credential,
  decodeCcache,
  encodeCcache,
  KerberosKey,
  Keytab,
  MemoryReplayCache,
  parsePrincipal,
  SharedReplayCache,
} from "../../kerberos/mod.ts";
import { webCrypto } from "../../kerberos/crypto/primitives/web.ts";
import { handleKdcMessage } from "../../kerberos/kdc/mod.ts";
import { systemRuntime } from "../../base/runtime.ts";
import { asInput, credentialPair, memoryRealm, memoryTickets } from "../support/gss_pair.ts";
import { byteKinds, notBytes } from "../support/byte_kinds.ts";

/** A function of bytes: what it makes of these, in a form that can be compared. */
type Taker = (bytes: Bytes) => unknown;

const PRINCIPAL = parsePrincipal("rcmd/host@EXAMPLE.COM");
const SECRET = Uint8Array.from({ length: 32 }, (_, i) => i + 1);
const KEY = new KerberosKey(18, SECRET);

function credential(parts: { ticket?: Bytes; secondTicket?: Bytes; address?: Bytes; adData?: Bytes }): string {
  const { ticket = SECRET, secondTicket = SECRET, address = SECRET, adData = SECRET } = parts;
  const made = new Credential({
    client: PRINCIPAL,
    server: PRINCIPAL,
    key: KEY,
    authtime: 0,
    endtime: 0,
    flags: 0,
    ticket,
    secondTicket,
    addresses: [{ addrType: 2, address }],
    authdata: [{ adType: 1, adData }],
  });
  return encodeCcache({ principal: PRINCIPAL, credentials: [made] }).toHex();
}

/** The bytes that each is given, and what it makes of them. */
async function takers(): Promise<Record<string, readonly [bytes: Uint8Array, take: Taker]>> {
  const keytab = new Keytab([{ principal: PRINCIPAL, kvno: 1, key: KEY }]).encode();
  const ccache = encodeCcache({ principal: PRINCIPAL, credentials: [] });
  const ends = (exchange: ReturnType<typeof asExchange>, reply: Bytes) =>
    exchange.next().then(() => exchange.next(reply)).then(() => "goes on", (error) => {
      if (error instanceof TypeError) throw error;
      return error.message;
    });
  const sealed = await KEY.encrypt(2, SECRET);
  const signed = await KEY.checksum(2, SECRET);
  const onWeb = () => new KerberosKey(18, SECRET, webCrypto);
  const realm = await memoryRealm();
  const asReq = (await asExchange(asInput(systemRuntime)).next()).value as { message: Bytes };
  const bindings = (given: object) => ({ applicationData: SECRET, ...given });
  return {
    "new KerberosKey()": [SECRET, (bytes) => new KerberosKey(18, bytes).exportBytes().toHex()],
    "KerberosKey.encrypt()": [SECRET, async (bytes) => (await KEY.decrypt(2, await KEY.encrypt(2, bytes))).toHex()],
    "KerberosKey.decrypt()": [sealed, async (bytes) => (await KEY.decrypt(2, bytes)).toHex()],
    "KerberosKey.encrypt() on WebCrypto": [
      SECRET,
      async (bytes) => (await KEY.decrypt(2, await onWeb().encrypt(2, bytes))).toHex(),
    ],
    "KerberosKey.decrypt() on WebCrypto": [sealed, async (bytes) => (await onWeb().decrypt(2, bytes)).toHex()],
    "KerberosKey.checksum()": [SECRET, async (bytes) => (await KEY.checksum(2, bytes)).toHex()],
    "KerberosKey.checksum(), second part": [SECRET, async (bytes) => (await KEY.checksum(2, SECRET, bytes)).toHex()],
    "KerberosKey.verifyChecksum(), data": [SECRET, (bytes) => KEY.verifyChecksum(2, bytes, signed)],
    "KerberosKey.verifyChecksum(), checksum": [signed, (bytes) => KEY.verifyChecksum(2, SECRET, bytes)],
    "KerberosKey.prf()": [SECRET, async (bytes) => (await KEY.prf(bytes)).toHex()],
    "KerberosKey.fromPassword(), salt": [
      SECRET,
      async (salt) => (await KerberosKey.fromPassword("x", { enctype: 18, salt })).exportBytes().toHex(),
    ],
    "KerberosKey.fromPassword(), s2kparams": [
      Uint8Array.of(0, 0, 0x10, 0x01),
      async (s2kparams) =>
        (await KerberosKey.fromPassword("x", { enctype: 18, salt: "y", s2kparams })).exportBytes().toHex(),
    ],
    "Keytab.decode()": [keytab, (bytes) => Keytab.decode(bytes).describe().join()],
    "decodeCcache()": [ccache, (bytes) => encodeCcache(decodeCcache(bytes)).toHex()],
    "new Credential(), ticket": [SECRET, (ticket) => credential({ ticket })],
    "new Credential(), secondTicket": [SECRET, (secondTicket) => credential({ secondTicket })],
    "new Credential(), address": [SECRET, (address) => credential({ address })],
    "new Credential(), adData": [SECRET, (adData) => credential({ adData })],
    "handleKdcMessage()": [
      asReq.message,
      async (bytes) => (await handleKdcMessage(realm, bytes))?.[0] ?? "no answer",
    ],
    "a KDC's reply": [SECRET, (bytes) => ends(asExchange(asInput(systemRuntime)), bytes)],
    "bindings, applicationData": [
      SECRET,
      async (applicationData) => (await channelBindingHash({ applicationData })).toHex(),
    ],
    "bindings, initiatorAddress": [
      SECRET,
      async (initiatorAddress) => (await channelBindingHash(bindings({ initiatorAddress }) as never)).toHex(),
    ],
    "bindings, acceptorAddress": [
      SECRET,
      async (acceptorAddress) => (await channelBindingHash(bindings({ acceptorAddress }) as never)).toHex(),
    ],
    "new GssError(), token": [
      SECRET,
      (token) => new GssError("x", { major: "FAILURE", code: "FAILURE", token }).token!.toHex(),
    ],
  };
}

Deno.test("bytes: every function reads all bytes of every kind of view", async () => {
  for (const [name, [bytes, take]] of Object.entries(await takers())) {
    const expected = await take(bytes.slice() as Bytes);
    for (const [kind, source] of Object.entries(byteKinds(bytes))) {
      assert.deepEqual(await take(source as Bytes), expected, `${name}: ${kind}`);
    }
  }
});

Deno.test("bytes: every function throws TypeError for what is no bytes", async () => {
  for (const [name, [, take]] of Object.entries(await takers())) {
    for (const [kind, source] of Object.entries(notBytes())) {
      // A salt may be a text, and what may be left out is not there when it is null.
      if (name.endsWith("salt") && typeof source === "string") continue;
      if (source === null && /secondTicket|s2kparams|Address$/.test(name)) continue;
      await assert.rejects(async () => await take(source as Bytes), TypeError, `${name}: ${kind}`);
    }
  }
});

Deno.test("KerberosKey: works on the bytes as they were at the call", async () => {
  for (const key of [() => new KerberosKey(20, SECRET), () => new KerberosKey(20, SECRET, webCrypto)]) {
    for (const size of [32, 20_000]) {
      const data = Uint8Array.from({ length: size }, (_, i) => i & 0xff);
      const calls: [string, (bytes: Bytes) => Promise<unknown>, Bytes][] = [
        ["checksum", (bytes) => key().checksum(2, bytes), data],
        ["prf", (bytes) => key().prf(bytes), data],
        ["encrypt", async (bytes) => await key().decrypt(2, await key().encrypt(2, bytes)), data],
        ["decrypt", (bytes) => key().decrypt(2, bytes), await key().encrypt(2, data)],
        ["verifyChecksum", (bytes) => key().verifyChecksum(2, data, bytes), await key().checksum(2, data)],
      ];
      for (const [name, call, given] of calls) {
        const expected = await call(given);
        const lent = given.slice();
        const calling = call(lent);
        lent.fill(0);
        assert.deepEqual(await calling, expected, `${name}, ${size} bytes`);
      }
    }
  }
});

Deno.test("Credential, channel bindings: keep copies of their bytes", async () => {
  const ticket = SECRET.slice();
  const { ticket: kept } = new Credential({
    client: PRINCIPAL,
    server: PRINCIPAL,
    key: KEY,
    authtime: 0,
    endtime: 0,
    flags: 0,
    ticket,
  });
  ticket.fill(0);
  assert.deepEqual(kept, SECRET);

  const { initiator, acceptor } = credentialPair(await memoryRealm());
  const [ours, theirs] = [SECRET.slice(), SECRET.slice()];
  const initiating = await initiator.initiate(hostbasedService("rcmd", "localhost"), {
    channelBindings: { applicationData: ours },
  });
  const accepting = acceptor.accept({ channelBindings: { applicationData: theirs } });
  ours.fill(1);
  theirs.fill(2);
  const accepted = await accepting.step((await initiating.step()).token);
  assert.ok(accepted.done && accepted.context.channelBound);
  accepted.context.dispose();
});

Deno.test("initiate(): refuses bindings without bytes before it requests a ticket", async () => {
  let asked = 0;
  const realm = await memoryRealm();
  const tickets = memoryTickets([realm]);
  const ask = tickets.serviceTicket.bind(tickets);
  tickets.serviceTicket = (...args) => {
    asked++;
    return ask(...args);
  };
  const { initiator: _, acceptor } = credentialPair(realm);
  const { KerberosInitiatorCredential } = await import("../../kerberos/mod.ts");
  const channelBindings = { applicationData: "tls-exporter:0123" as unknown as Bytes };
  const target = hostbasedService("rcmd", "localhost");
  await assert.rejects(
    new KerberosInitiatorCredential(tickets).initiate(target, { channelBindings }),
    TypeError,
  );
  assert.equal(asked, 0);
  assert.throws(() => acceptor.accept({ channelBindings }), TypeError);
});

Deno.test("step(): reads its token at the call, and ignores a call without bytes", async () => {
  const { initiator, acceptor } = credentialPair(await memoryRealm());
  const target = hostbasedService("rcmd", "localhost");
  const mechanisms = [[initiator, acceptor], [spnegoInitiator(initiator), spnegoAcceptor(acceptor)]] as const;
  const wrong = Object.entries(notBytes()) as [string, Bytes][];
  const refuses = async (negotiation: GssNegotiation) => {
    for (const [kind, source] of wrong) await assert.rejects(negotiation.step(source), TypeError, kind);
  };
  for (const [ours, theirs] of mechanisms) {
    const kinds = Object.keys(byteKinds(new Uint8Array(1)));
    for (const kind of kinds) {
      const carried = (token: Bytes | undefined) => byteKinds(token!)[kind] as Bytes;
      const [initiating, accepting] = [await ours.initiate(target), theirs.accept()];
      await refuses(initiating);
      const first = await initiating.step();
      await refuses(accepting);
      const accepted = await accepting.step(carried(first.token));
      await refuses(initiating);
      const lent = accepted.token!.slice();
      const finishing = initiating.step(lent);
      lent.fill(0);
      const finished = await finishing;
      assert.ok(accepted.done && finished.done, kind);
      accepted.context.dispose();
      finished.context.dispose();
    }
    // The acceptor's step takes longest, and knows a replay by the very bytes.
    const initiating = await ours.initiate(target);
    const { token } = await initiating.step();
    for (const fresh of [true, false]) {
      const lent = token!.slice();
      const stepping = theirs.accept().step(lent);
      lent.fill(0);
      if (fresh) {
        const step = await stepping;
        assert.ok(step.done);
        step.context.dispose();
      } else await assert.rejects(stepping, { code: "KRB_AP_ERR_REPEAT" });
    }
    initiating.dispose?.();
  }
});

Deno.test("ReplayCache: compares tags by their text, and refuses memory that is not shared", () => {
  const entry = { tag: SECRET as unknown as string, now: 1_000, expiresAt: 600_000 };
  assert.throws(() => new MemoryReplayCache().insert(entry), TypeError);
  assert.throws(() => new SharedReplayCache({ capacity: 64 }).insert(entry), TypeError);
  const { memory } = new SharedReplayCache({ capacity: 64 });
  for (const wrong of [new Uint8Array(memory), new ArrayBuffer(4096), new DataView(memory), 4096, "memory"]) {
    assert.throws(() => new SharedReplayCache({ memory: wrong as unknown as SharedArrayBuffer }), TypeError);
  }
  assert.equal(new SharedReplayCache({ memory }).memory, memory);
});

Deno.test("fromPassword(): refuses a password that is no text", async () => {
  for (const password of [undefined, null, 1234, SECRET, ["x"], {}]) {
    await assert.rejects(
      KerberosKey.fromPassword(password as unknown as string, { enctype: 18, salt: "y" }),
      TypeError,
    );
  }
});
