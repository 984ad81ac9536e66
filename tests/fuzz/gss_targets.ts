/**
 * Fuzz targets: GSS-API tokens. Encrypted parts are changed in clear and encrypted again, so that the code behind the
 * checksums gets bytes of a peer with the key: a client for the acceptor, a service for the initiator.
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import { type Bytes, concat, sameBytes, utf8 } from "../../base/bytes.ts";
import { spnegoAcceptor } from "../../gss/spnego/acceptor.ts";
import { spnegoInitiator } from "../../gss/spnego/initiator.ts";
import { KeyUsage } from "../../kerberos/registry/key_usages.ts";
import { KerberosKey } from "../../kerberos/crypto/key.ts";
import { KerberosAcceptorCredential } from "../../kerberos/mech/credentials.ts";
import {
  decodeAuthenticatorChecksum,
  encodeAuthenticatorChecksum,
  GSS_CHECKSUM_TYPE,
} from "../../kerberos/mech/tokens/checksum.ts";
import { decodeContextToken, encodeContextToken } from "../../kerberos/mech/tokens/context.ts";
import { decodeMicHeader, decodeWrapHeader } from "../../kerberos/mech/tokens/cfx.ts";
import { ApReq, Authenticator, EncTicketPart } from "../../kerberos/messages/ap.ts";
import { parsePrincipal } from "../../kerberos/principal.ts";
import { Keytab } from "../../kerberos/credentials/formats/keytab.ts";
import { protectedDatagrams } from "../../socks/stream/datagram_codec.ts";
import { encodeDatagram } from "../../socks/wire/datagram.ts";
import { ALL_FLAGS } from "../support/flags.ts";
import { forgeInit, forgeResp, kerberosSides, OID } from "../support/forge_spnego.ts";
import { credentialPair, establish, memoryRealm } from "../support/gss_pair.ts";
import { anyOf, gssError, socksError } from "./expected.ts";
import type { Target } from "./fuzz.ts";
import { mutate } from "./mutate.ts";
import { chanceOf, drawn } from "./random.ts";

const REALM = "FUZZ.TEST";

/** A service and its keys. */
interface Service {
  readonly key: KerberosKey;
  readonly session: KerberosKey;
  readonly acceptor: KerberosAcceptorCredential;
}

/** The clear part of an AP-REQ. */
interface Parts {
  readonly ticket: Bytes;
  readonly authenticator: Bytes;
}

function makeService(): Service {
  const key = KerberosKey.generate(18);
  const keys = new Keytab([{ principal: parsePrincipal(`rcmd/localhost@${REALM}`), kvno: 1, key }]);
  // The same tokens are used again and again.
  const replayCache = { insert: () => true };
  return { key, session: KerberosKey.generate(18), acceptor: new KerberosAcceptorCredential({ keys, replayCache }) };
}

function genuineParts({ session }: Service): Parts {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const cname = { nameType: 1, nameString: ["alice"] };
  const exported = (key: KerberosKey) => ({ keytype: key.enctype, keyvalue: key.exportBytes() });
  const checksum = encodeAuthenticatorChecksum({ flags: ALL_FLAGS, bindings: new Uint8Array(16) });
  const ticket: EncTicketPart = {
    flags: 0,
    key: exported(session),
    crealm: REALM,
    cname,
    transited: { trType: 1, contents: new Uint8Array(0) },
    authtime: now,
    starttime: now,
    endtime: now + 36_000_000,
    caddr: [{ addrType: 2, address: Uint8Array.of(127, 0, 0, 1) }],
    authorizationData: [{ adType: 1, adData: Uint8Array.of(0x30, 0) }],
  };
  const authenticator: Authenticator = {
    authenticatorVno: 5,
    crealm: REALM,
    cname,
    cksum: { cksumtype: GSS_CHECKSUM_TYPE, checksum },
    cusec: 1,
    ctime: now,
    subkey: exported(KerberosKey.generate(18)),
    seqNumber: 7,
  };
  return { ticket: encode(EncTicketPart, ticket), authenticator: encode(Authenticator, authenticator) };
}

/** Encrypts both parts with their keys. */
async function seal({ key, session }: Service, { ticket, authenticator }: Parts): Promise<Bytes> {
  const message = encode(ApReq, {
    pvno: 5,
    msgType: 14,
    apOptions: 0x20000000,
    ticket: {
      tktVno: 5,
      realm: REALM,
      sname: { nameType: 2, nameString: ["rcmd", "localhost"] },
      encPart: { etype: 18, kvno: 1, cipher: await key.encrypt(KeyUsage.KdcRepTicket, ticket) },
    },
    authenticator: { etype: 18, cipher: await session.encrypt(KeyUsage.ApReqAuthenticator, authenticator) },
  });
  return encodeContextToken("AP-REQ", message);
}

/** Target: one of two parts is changed. The input says which, so that a run can be repeated. */
function sealedTarget(service: Service): Target {
  const parts = genuineParts(service);
  return {
    name: "acceptor, changed before sealing",
    seeds: [],
    expects: gssError,
    batch: 20,
    make(random): Bytes {
      const ticket = random.once(2);
      const changed = mutate(random, ticket ? parts.ticket : parts.authenticator, parts.authenticator);
      return concat(Uint8Array.of(ticket ? 1 : 0), changed);
    },
    async run(input): Promise<void> {
      const part = input.subarray(1) as Bytes;
      const token = await seal(
        service,
        input[0] === 1 ? { ...parts, ticket: part } : { ...parts, authenticator: part },
      );
      const step = await service.acceptor.accept().step(token);
      if (step.done) step.context.dispose();
    },
  };
}

/** Target: whole acceptors. An accepted changed token must give the name in the encrypted part. */
function acceptorTarget(
  name: string,
  accept: () => ReturnType<KerberosAcceptorCredential["accept"]>,
  seeds: readonly Uint8Array[],
  answers: readonly Uint8Array[] = [],
): Target {
  return {
    name,
    seeds,
    expects: gssError,
    async run(input, random): Promise<void> {
      const negotiation = accept();
      let step = await negotiation.step(input);
      for (let more = 0; !step.done && more < 2 && answers.length > 0; more++) {
        step = await negotiation.step(mutate(random, random.pick(answers), random.pick(answers)));
      }
      if (!step.done) return;
      const { text } = step.context.peer;
      step.context.dispose();
      if (text !== `alice@${REALM}`) throw new Error(`accepted as ${text}`);
    },
  };
}

/** Target: the initiator, of Kerberos or SPNEGO, with changed answers. */
async function initiatorTarget(spnego: boolean): Promise<Target> {
  const sides = await kerberosSides(true);
  const initiator = spnego ? spnegoInitiator(sides.initiator) : sides.initiator;
  const acceptor = spnego ? spnegoAcceptor(sides.acceptor) : sides.acceptor;
  let given: Uint8Array = new Uint8Array(0);
  return {
    name: spnego ? "initiator of SPNEGO" : "initiator",
    seeds: [],
    expects: gssError,
    batch: 10,
    // The answer belongs to this exchange.
    make: drawn,
    given: () => given,
    async run(input): Promise<void> {
      const ours = await initiator.initiate({ type: "user", text: "rcmd/localhost" });
      const { token } = await ours.step();
      const answer = (await acceptor.accept().step(token)).token!;
      given = mutate(chanceOf(input), answer, answer);
      const step = await ours.step(given);
      if (step.done) step.context.dispose();
    },
  };
}

const DATAGRAM = encodeDatagram({ hostname: "example.com", port: 53 }, utf8("question"));

/** Targets: messages of an established context. */
async function contextTargets(): Promise<Target[]> {
  const realm = await memoryRealm();
  const { ours, theirs } = await establish(credentialPair(realm));
  const wrapped = [
    await ours.wrap(new Uint8Array(40), { confidential: true }),
    await ours.wrap(new Uint8Array(40), { confidential: false }),
  ];
  const mic = await ours.getMic(new Uint8Array(40));
  const sealing = protectedDatagrams({ context: ours, level: "confidentiality" });
  const datagrams = [await sealing.seal(DATAGRAM), await sealing.seal(DATAGRAM)];
  const genuine = (seed: Uint8Array, input: Uint8Array): boolean => {
    // Only the rotation is not protected (RFC 4121 section 4.2.5).
    return seed.length === input.length && seed.every((byte, i) => byte === input[i] || i === 6 || i === 7);
  };
  return [
    {
      name: "unwrap",
      seeds: wrapped,
      expects: gssError,
      async run(input): Promise<void> {
        await theirs.unwrap(input);
        if (input[6] === 0 && input[7] === 0 && !wrapped.some((seed) => genuine(seed, input))) {
          throw new Error("accepted a forged message");
        }
      },
    },
    {
      name: "verifyMic",
      seeds: [mic],
      expects: gssError,
      async run(input): Promise<void> {
        await theirs.verifyMic(new Uint8Array(40), input);
        if (!genuine(mic, input)) throw new Error("accepted a forged message");
      },
    },
    {
      name: "protected datagram",
      seeds: datagrams,
      expects: anyOf(gssError, socksError),
      async run(input): Promise<void> {
        const opened = await protectedDatagrams({ context: theirs, level: "confidentiality" }).open(input);
        if (!sameBytes(opened, DATAGRAM)) throw new Error("accepted a forged message");
      },
    },
    { name: "header of Wrap", seeds: wrapped, expects: gssError, run: (input) => void decodeWrapHeader(input) },
    { name: "header of MIC", seeds: [mic], expects: gssError, run: (input) => void decodeMicHeader(input) },
  ];
}

/** Returns the targets. */
export async function gssTargets(): Promise<Target[]> {
  const service = makeService();
  const tokens = [await seal(service, genuineParts(service)), await seal(service, genuineParts(service))];
  const checksum = encodeAuthenticatorChecksum({
    flags: { ...ALL_FLAGS, delegation: true },
    bindings: new Uint8Array(16),
    delegation: new Uint8Array(20),
  });
  const negotiations = [
    forgeInit({ mechTypes: [OID.kerberos], mechToken: tokens[0]! }),
    forgeInit({ mechTypes: [OID.negoEx, OID.kerberos], mechToken: tokens[0]! }),
    forgeInit({ mechTypes: [OID.legacyKerberos], mechToken: tokens[1]!, hints: true, lengths: "long" }),
  ];
  const answers = [
    forgeResp({ responseToken: tokens[0]!, mechListMic: new Uint8Array(28) }),
    forgeResp({ mechListMic: new Uint8Array(28) }),
  ];
  return [
    { name: "context token", seeds: tokens, expects: gssError, run: (input) => void decodeContextToken(input) },
    {
      name: "authenticator's checksum",
      seeds: [checksum],
      expects: gssError,
      run: (input) => void decodeAuthenticatorChecksum(input),
    },
    acceptorTarget("acceptor", () => service.acceptor.accept(), tokens),
    acceptorTarget("acceptor of SPNEGO", () => spnegoAcceptor(service.acceptor).accept(), negotiations, answers),
    sealedTarget(service),
    await initiatorTarget(false),
    await initiatorTarget(true),
    ...await contextTargets(),
  ];
}
