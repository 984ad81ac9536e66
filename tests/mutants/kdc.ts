// deno-fmt-ignore-file -- a line a rule
/**
 * Rules of this area, each with the change that switches it off.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const AS_REPLY = ["tests/kerberos/exchange/as_reply_test.ts"];
const TGS_REPLY = ["tests/kerberos/exchange/tgs_reply_test.ts"];
const ERRORS = ["tests/kerberos/exchange/as_refusals_test.ts"];
const PREAUTH_TEST = ["tests/kerberos/exchange/preauth/mechanism_test.ts"];
const TICKETS = ["tests/kerberos/credentials/tickets/tickets_test.ts"];
const REACH = ["tests/kerberos/reach/kdc_client_test.ts"];
const KDC_AS = ["tests/kerberos/kdc/as_test.ts"];
const KDC_TGS = ["tests/kerberos/kdc/tgs_test.ts"];
const TRANSITED = ["tests/kerberos/kdc/transited_test.ts"];

const S315 = "RFC 4120 section 3.1.5";
const S334 = "RFC 4120 section 3.3.4";
const S332 = "RFC 4120 section 3.3.2";
const S333 = "RFC 4120 section 3.3.3";
const S313 = "RFC 4120 section 3.1.3";
const S3332 = "RFC 4120 section 3.3.3.2";
const R11 = "RFC 6806 section 11";
const R7 = "RFC 6806 section 7";

/** The client: AS-REP. */
const AS_REPLIES = rules("kerberos/exchange/as_reply.ts", AS_REPLY, [
  ["AS: the client is the one asked for", S315, "(!canonicalizes(input) && !samePrincipal(client", "(false && !samePrincipal(client"],
  ["AS: the client is somebody", "RFC 4120 section 6.2", "if (!isWhole(client) || ", "if ("],
  ["AS: the service is the one asked for", S315, "if (!renamed && !samePrincipal(server, asked.service)) {", "if (false) {"],
  ["AS: only the ticket-granting service comes back renamed", "RFC 6806 section 6", "samePrincipal(asked.service, krbtgt(phase.client.realm)) &&", "true &&"],
  ["AS: renamed to the client's own realm's service only", "RFC 6806 section 6", "samePrincipal(server, krbtgt(client.realm));", 'server.components[0] === "krbtgt";'],
  ["AS: the part is sealed for its own use", "RFC 4120 section 5.4.2", "key.decrypt(KeyUsage.AsRepEncPart, reply.encPart.cipher)", "key.decrypt(KeyUsage.AsRepEncPart, reply.encPart.cipher).catch(() => key.decrypt(8, reply.encPart.cipher))"],
  ["AS: the request is signed", R11, "  await checkProof(part, key, message);\n", ""],
  ["AS: a missing signature is refused", R11, "if (proofs.length === 0) throw", "if (false) throw"],
  ["AS: the signature's type is the key's", R11, "if (cksumtype !== key.checksumType) {", "if (false) {"],
  ["AS: the signature is right", R11, "if (!await key.verifyChecksum(KeyUsage.AsReq, message, checksum)) throw", "if (false) throw"],
  ["AS: every signature is right, not only one", R11, "for (const { padataValue } of proofs) {", "for (const { padataValue } of proofs.slice(0, 1)) {"],
  ["AS: the reply's key is of an enctype that was asked for", "CVE-2022-33679", "if (!request.reqBody.etype.includes(etype)) mismatch", "if (false) mismatch"],
  ["AS: the session key is of an enctype that was asked for", S315, "enctypes: request.reqBody.etype,", "enctypes: [part.key.keytype],"],
  ["AS: without timesync a KDC's clock must be near", S315, "if (!timesync && Math.abs(ahead) > clockskew) {", "if (false) {"],
  ["AS: without timesync no offset is taken", S315, "input.timesync ? significantOffset(part.authtime", "true ? significantOffset(part.authtime"],
  ["AS: the ticket may be renewed as long as asked at most", S315, ": Math.min(request.reqBody.rtime, starts + renewLifetime + clockskew),", ": Infinity,"],
  ["AS: RENEWABLE-OK renews until the end asked for at most", "RFC 4120 section 2.9.1", "      ? wishedEnd\n", "      ? Infinity\n"],
  ["AS: no addresses where none are asked for", S315, "    addresses: [],\n  });\n}", "    addresses: part.caddr ?? [],\n  });\n}"],
]);

/** The client: its keys, as a KDC names them. */
const NAMED_KEYS = rules("kerberos/exchange/long_term_keys.ts", AS_REPLY, [
  ["AS: a salt is taken to the byte", "RFC 4120 section 5.2.7.3", "    return exactText(bytes);", "    return new TextDecoder().decode(bytes);"],
]);

/** The client: the lifetime is held against the sealed clock, not against the one that an error told. */
const CLOCK = rules("kerberos/exchange/as_reply.ts", [...ERRORS, ...AS_REPLY], [
  ["AS: a forged clock lengthens no ticket", "RFC 4120 section 3.1.6", "request.reqBody.till > sealedEnd ? sealedEnd : Infinity", "Infinity"],
  ["AS: the end is the KDC's to say where no clock was forged", "RFC 4120 section 3.1.3", "request.reqBody.till > sealedEnd ? sealedEnd : Infinity", "wishedEnd"],
]);

/** The client: both replies. */
const REPLIES = rules("kerberos/exchange/reply.ts", [...AS_REPLY, ...TGS_REPLY], [
  ["the nonce is the one sent", S315, 'if (part.nonce !== asked.nonce) mismatch("the nonce"', 'if (false) mismatch("the nonce"'],
  ["the session key is of an enctype that was asked for", "RFC 4120 section 3.1.3", "if (!asked.enctypes.includes(part.key.keytype)) {", "if (false) {"],
  ["the names in clear agree with the sealed ones", "CVE-2017-11103", 'if (!samePrincipal(clear, sealed)) mismatch("the ticket', 'if (false) mismatch("the ticket'],
  ["times are looked at", S315, "  checkTimes(part, asked);\n", ""],
  ["no ticket that must be validated first", "RFC 4120 section 2.2", "if (!postdated && (part.flags & TicketFlag.Invalid) !== 0) mismatch", "if (false) mismatch"],
  ["addresses are those asked for", S315, "    if (!fits) {", "    if (false) {", "addresses"],
  ["addresses are compared with their types", "RFC 4120 section 5.2.5", "held.addrType === addrType && sameBytes", "sameBytes", "addresses"],
  ["no ticket that begins later", S315, "if (starttime > latestStart + asked.clockskew) {", "if (false) {", "refuses a ticket that begins"],
  ["a ticket without a start begins with its authentication", "RFC 4120 section 5.3", "const starttime = part.starttime ?? part.authtime;", "const starttime = part.starttime ?? 0;", "refuses a ticket that begins"],
  ["no ticket lasts longer for a clock that is not the KDC's", S315, "if (part.endtime > asked.latestEnd) {", "if (false) {"],
  ["no ticket has ended by the KDC's clock", "RFC 4120 section 2.3", "Math.max(starttime, asked.now - asked.clockskew)", "starttime", "refuses a ticket that begins"],
  ["no ticket that has ended", S315, "if (part.endtime <= earliestEnd) {", "if (false) {", "refuses a ticket that begins"],
  ["a refusal tells times in whole seconds, whatever the clock's are", "what is wrong is told as what it is", "wholeSeconds(Math.min(Math.max(milliseconds, 0), LATEST_TIME))", "Math.min(Math.max(milliseconds, 0), LATEST_TIME)"],
  ["no ticket can be renewed for longer than asked", S315, "renewTill > asked.latestRenewal) {", "false) {"],
]);

/** The client: TGS-REP and referrals. */
const TGS_REPLIES = rules("kerberos/exchange/tgs.ts", TGS_REPLY, [
  ["TGS: the client is the one that asked", S334, "  if (!samePrincipal(client, tgt.client)) {", "  if (false) {"],
  ["TGS: the reply is sealed with the enctype of the subkey", S334, "if (reply.encPart.etype !== subkey.enctype) mismatch", "if (false) mismatch"],
  ["TGS: the subkey opens the reply, not the session key", S334, "await subkey.decrypt(KeyUsage.TgsRepEncPartSubkey, reply.encPart.cipher);", "await subkey.decrypt(KeyUsage.TgsRepEncPartSubkey, reply.encPart.cipher).catch(() => tgt.key.decrypt(8, reply.encPart.cipher));"],
  ["TGS: the subkey opens the reply for its own usage", "RFC 4120 section 7.5.1", "await subkey.decrypt(KeyUsage.TgsRepEncPartSubkey, reply.encPart.cipher);", "await subkey.decrypt(KeyUsage.TgsRepEncPartSubkey, reply.encPart.cipher).catch(() => subkey.decrypt(8, reply.encPart.cipher));"],
  ["TGS: the part has its own tag", "RFC 4120 section 5.4.2", "const part = readMessage(EncTgsRepPart, plain);", "plain[0] = 0x7a;\n  const part = readMessage(EncTgsRepPart, plain);"],
  ["TGS: the service is the one asked for", S334, "if (!abroad && samePrincipal(got.server, service)) return", 'if (!abroad && got.server.components[0] !== "krbtgt") return'],
  ["TGS: what is no referral is not followed", "RFC 6806 section 8", "if (!isReferral(got, here) || isExact(input)) {", "if (isExact(input)) {"],
  ["TGS: no referral where a ticket is renewed or forwarded", "RFC 4120 section 2.6", "if (!isReferral(got, here) || isExact(input)) {", "if (!isReferral(got, here)) {"],
  ["TGS: a realm refers in its own name", S334, "server.components[1] !== here &&\n    server.realm === here;", "server.components[1] !== here;"],
  ["TGS: a realm does not refer to itself", "RFC 6806 section 8", 'server.components[0] === "krbtgt" && server.components[1] !== here &&', 'server.components[0] === "krbtgt" &&'],
  ["TGS: no realm is asked twice", "RFC 6806 section 8", "    if (asked.has(here)) break;\n", ""],
  ["TGS: referrals have an end", "RFC 6806 section 8", "const MAX_HOPS = 10;", "const MAX_HOPS = 12;"],
  ["TGS: a ticket outlasts its ticket-granting ticket only by renewal", S333, "(body.kdcOptions & KdcOption.Renew) !== 0 ? tgt.renewTill : body.till", "tgt.renewTill"],
  ["TGS: renewals end with those of the ticket-granting ticket", "RFC 4120 section 2.3", "latestRenewal: tgt.renewTill,", "latestRenewal: Infinity,"],
  ["TGS: a forwarded ticket has the addresses asked for, which are none", "RFC 4120 section 2.6", "const addresses = forwarded ? [] : tgt.addresses;", "const addresses = tgt.addresses;"],
  ["TGS: the enctypes of the session key are those asked for", S334, "enctypes: body.etype,", "enctypes: [part.key.keytype],"],
]);

const TGS_REQUESTS = rules("kerberos/ap/make.ts", TGS_REPLY, [
  ["TGS: the authenticator's time is told once", "RFC 4120 section 3.2.3", "const { time, usec } = authenticatorTime(runtime, options.offset);", "const whole = runtime.now() + (options.offset ?? 0);\n  const { time, usec } = { time: Math.floor(whole / 1000) * 1000, usec: (whole % 1000) * 1000 };"],
]);

/** The client: what an error can make it do. */
const KDC_ERRORS = rules("kerberos/exchange/as.ts", ERRORS, [
  ["another realm only where canonicalization was asked for", R7, "next = canonicalizes(input) ? await followReferral(", "next = true ? await followReferral("],
  ["no realm is asked twice", R7, "realms.includes(realm) || ", ""],
  ["five referrals at most", R7, " || realms.length > MAX_REFERRALS", ""],
  ["the name in an error is not used", R7, "followReferral(run, phase, refusal.crealm)", "followReferral(run, { ...phase, client: { ...phase.client, components: refusal.cname?.nameString ?? [] } }, refusal.crealm)"],
  ["what one realm said of keys is not used for another", R7, "return await enterRealm(run, { ...client, realm }, realms);", "return { ...phase, client: { ...client, realm }, realms: [...realms, realm], offset: 0 };"],
  ["what one realm said of its clock is not used for another", R7, "return await enterRealm(run, { ...client, realm }, realms);", "return { ...await enterRealm(run, { ...client, realm }, realms), offset: phase.offset };"],
  ["what was sent to one realm is not sent to another", R7, "return await enterRealm(run, { ...client, realm }, realms);", "const { client: renamed, keys, realms: asked } = await enterRealm(run, { ...client, realm }, realms);\n  return { ...phase, client: renamed, keys, realms: asked, offset: 0 };"],
  ["pre-authentication is asked for once", "RFC 4120 section 3.1.6", "phase.phase === \"asking\" ? await preauthenticate(run, phase, refusal) : await answer(phase, refusal);", "await preauthenticate(run, phase as Asking, refusal);"],
  ["a clock is set right once", "RFC 4120 section 3.1.6", "phase.phase === \"preauthenticating\" ? { ...phase, phase:", "phase.phase !== \"asking\" ? { ...phase, phase:"],
  ["a clock is set right only where that is wished", S315, "input.timesync ? correctClock(", "true ? correctClock("],
  ["requests of one exchange have an end", "RFC 4120 section 3.1.6", "const MAX_REQUESTS = 10;", "const MAX_REQUESTS = 30;"],
  ["a time beyond what messages carry is cut", "RFC 4120 section 5.2.3", "till: Math.min(from + lifetime, LATEST_TIME),", "till: from + lifetime,"],
  ["a renewal beyond what messages carry is cut", "RFC 4120 section 5.2.3", "rtime: Math.min(from + renewLifetime, LATEST_TIME)", "rtime: from + renewLifetime"],
]);

/** The client: pre-authentication. */
const PREAUTH = [
  ...rules("kerberos/exchange/preauth/encrypted_timestamp.ts", ERRORS, [
    ["a timestamp beyond what messages carry is cut", "RFC 4120 section 5.2.3", "splitTime(Math.min(now, LATEST_TIME))", "splitTime(now + 2000)"],
  ]),
  ...rules("kerberos/exchange/as.ts", PREAUTH_TEST, [
    ["another round is for a mechanism in use", "RFC 6113 section 5.2", "phase.phase === \"asking\" ? undefined : await answer(phase, refusal);", "await preauthenticate(run, phase as Asking, refusal);"],
    ["a KDC's cookie is returned", "RFC 6113 section 5.2", ", ...phase.cookies];", "];"],
    ["a refusal is opened by the mechanism in use", "RFC 6113 section 5.4.4", "await phase.round.openRefusal?.(refusal) ?? refusal", "refusal"],
    ["a mechanism may begin in the first request", "RFC 6113 section 5.4", "const round = await offerMechanism(mechanisms, asking.keys);", "const round = undefined as Preauthenticating[\"round\"] | undefined;"],
  ]),
  ...rules("kerberos/exchange/as_reply.ts", PREAUTH_TEST, [
    ["a reply is opened by the mechanism in use", "RFC 6113 section 5.4.3", "await phase.round.openReply?.(reply) ?? reply", "reply"],
    ["the mechanism in use says what key a reply is under", "RFC 6113 section 3.2", "(phase.phase === \"asking\" ? phase.keys : phase.round).replyKey(reply)", "phase.keys.replyKey(reply)"],
  ]),
  ...rules("kerberos/exchange/preauth/table.ts", PREAUTH_TEST, [
    ["the KDC's order decides between mechanisms", "RFC 6113 section 2.3", "for (const { padataType } of methods) {", "for (const { padataType } of methods.toSorted((a, b) => mechanisms.findIndex((m) => m.padataType === a.padataType) - mechanisms.findIndex((m) => m.padataType === b.padataType))) {"],
    ["a mechanism that the client cannot perform is passed over", "RFC 6113 section 2.3", "if (round !== undefined) return round;", "return round!;"],
  ]),
];

const PROOF_ASKED = rules("kerberos/exchange/as.ts", AS_REPLY, [
  ["AS: every request asks for the proof", R11, "padata: [...proof, { padataType: PaType.ReqEncPaRep, padataValue: EMPTY }],", "padata: proof,"],
]);

const KEYS = [
  ...rules("kerberos/exchange/exchange_keys.ts", ERRORS, [
    ["PBKDF2 iterations are counted over an exchange", "RFC 3962 section 8", "    this.#left -= iterations(enctype, s2kparams);\n", ""],
    ["the default count counts too", "RFC 3962 section 4", "isSupported(enctype) ? profileOf(enctype).defaultIterations : 0", "0"],
    ["each key is made once", "RFC 3962 section 8", "    if (known !== undefined) return known;\n", ""],
  ]),
  ...rules("kerberos/exchange/client_key.ts", ERRORS, [
    ["the limit of an exchange reaches the password", "RFC 3962 section 8", "KerberosKey.fromPassword(password, parameters)", "KerberosKey.fromPassword(password, { ...parameters, maximumIterations: undefined })"],
  ]),
  ...rules("kerberos/crypto/password.ts", ERRORS, [
    ["iteration counts have a limit above", "RFC 3962 section 4", "if (iterations > maximumIterations || ", "if ("],
    ["iteration counts have a limit below", "RFC 3962 section 8", " || (named !== undefined && iterations < minimumIterations)) {", ") {"],
    ["the limit below is the enctype's own default", "RFC 8009 section 4", "minimumIterations = defaultIterations,", "minimumIterations = 4096,"],
    ["a count of zero stands for 2^32", "RFC 3962 section 4", ".getUint32(0) || 2 ** 32", ".getUint32(0)"],
  ]),
  ...rules("kerberos/crypto/password.ts", ["tests/kerberos/crypto/vectors_test.ts"], [
    ["parameters have four bytes", "RFC 3962 section 4", "if (named === undefined && s2kparams.length > 0) {", "if (false) {", "iteration"],
  ]),
];

/** The client: tickets out of a cache. */
const CACHED = rules("kerberos/credentials/tickets/ticket_store.ts", TICKETS, [
  ["a cache of somebody else's is not used", "the wrong identity", "if (data === undefined || this.#isOurs(data)) return data;", "return data;"],
  ["a cache of another name is the KDC's to name", "the wrong identity", "if (renamed && this.#canonical === undefined) return undefined;", "if (renamed) return data;"],
  ["a cache of another name is not overwritten before", "the wrong identity", "if (held !== undefined && !this.#isOurs(held)) throw this.#foreign(held);", ""],
  ["a cache of the name that the KDC answers for is ours", "RFC 6806 section 6", "const names = [this.#client, this.#canonical];", "const names = [this.#client];"],
]);

/** The client: which of its tickets are good. */
const HELD = rules("kerberos/credentials/tickets/selection.ts", TICKETS, [
  ["a cached ticket is the client's", "dotnet/Kerberos.NET#248", "samePrincipal(held.client, client) && !held", "!held"],
  ["a cached ticket is for the service", "dotnet/Kerberos.NET#248", '    samePrincipal(held.server, service.realm === "" ? { ...service, realm: held.server.realm } : service);', "    held.server.components[0] === service.components[0];"],
  ["a cached ticket has not ended", "RFC 4120 section 3.2.3", "return endtime > now + margin && ", "return "],
  ["a cached ticket has begun", "RFC 4120 section 3.2.3", "starttime <= now + clockskew && ", ""],
  ["a cached ticket is valid", "RFC 4120 section 2.2", "(flags & TicketFlag.Invalid) === 0 &&\n    wanted", "wanted"],
  ["a cached ticket's session key is of an enctype asked for", "dotnet/Kerberos.NET#248", "wanted.includes(enctype) && ", ""],
]);

/** The client: one request for all who want the same. */
const SHARED = rules("base/shared_requests.ts", TICKETS, [
  ["a request that was given up is not joined", "one caller must not fail for another", "      this.#forget(key, request.stop);\n", ""],
  ["a request that ends forgets itself only", "one caller must not fail for another", "if (this.#underway.get(key)?.stop === stop) this.#underway.delete(key);", "this.#underway.delete(key);"],
  ["a request goes on while somebody waits", "one caller must not fail for another", "if (--request.waiting > 0) return;", "--request.waiting;"],
]);

/** The client: how KDCs are found and reached. */
const REACHED = [
  ...rules("kerberos/reach/srv.ts", ["tests/kerberos/reach/locate_test.ts", ...REACH], [
    ["an answer of the DNS has so many hosts at most", "a stranger's list", "      if (out.length === MAX_HOSTS) return out;\n", "", "bounded number of the hosts"],
    ["priorities in order", "RFC 2782", ".sort((a, b) => a - b)", ".sort((a, b) => b - a)"],
    ["weights by chance", "RFC 2782", "const drawn = draw(left.reduce((sum, { weight }) => sum + weight, 0), runtime);", "const drawn = left.at(-1)!.weight;"],
    ["those without weight have a small chance", "RFC 2782", ".sort((a, b) => a.weight - b.weight)", ".sort((a, b) => b.weight - a.weight)"],
    ["a target that is no host name is not taken", "RFC 2782", "records.filter(({ target }) => isHostName(target))", "records"],
    ["no realm that is no domain is looked up", "RFC 4120 section 7.2.3.2", "/^[A-Za-z0-9._-]{1,200}$/.test(realm)", "true"],
  ]),
  ...rules("kerberos/reach/kdc_client.ts", REACH, [
    ["an exchange has a time in all", "a stranger's time", "const milliseconds = this.#options.totalTimeout ?? 60_000;", "const milliseconds = Infinity;", "too long in all"],
    ["what an exchange holds is given up", "keys are overwritten", "      await exchange.return(undefined as never);\n", ""],
  ]),
  ...rules("kerberos/reach/ask_kdc.ts", REACH, [
    ["few failures are told in words", "a stranger's text", "failures.slice(0, MAX_NAMED)", "failures.slice()"],
    ["failures do not drive a terminal", "log injection", "peerText(reasonText(failure))", "reasonText(failure)"],
    ["a realm does not drive a terminal", "log injection", "Cannot reach a KDC of ${peerText(realm)}", "Cannot reach a KDC of ${realm}"],
  ]),
  ...rules("kerberos/reach/framing.ts", ["tests/kerberos/reach/framing_test.ts", ...REACH], [
    ["a KDC's reply has a limit", "RFC 4120 section 7.2.2", "if (length !== undefined && length > MAX_REPLY) {", "if (false) {", "absurd length"],
    ["a frame beyond the limit is not taken", "RFC 4120 section 7.2.2", "length > this.#limit || ", "", "FrameReader"],
    ["frames are read in linear time", "a stranger's bytes", "new Uint8Array(2 * (left.length + bytes.length))", "new Uint8Array(left.length + bytes.length)", "FrameReader"],
  ]),
  ...rules("kerberos/exchange/reply.ts", TGS_REPLY, [
    ["names that a KDC sends do not drive a terminal", "log injection", "map((value) => peerText(String(value)))", "map((value) => String(value))", "terminal"],
  ]),
  ...rules("kerberos/kdc/shell/listener.ts", ["tests/kerberos/kdc/shell/listener_test.ts"], [
    ["a length with the high bit, or too large, is answered", "RFC 4120 section 7.2.2", "          await send(connection, this.#handler.tooLong());\n", "", "FIELD_TOOLONG"],
    ["and the stream is closed", "RFC 4120 section 7.2.2", "          return await drain(connection);\n", "          continue;\n", "FIELD_TOOLONG"],
  ]),
];

/** The embedded KDC: AS-REQ. */
const KDC_AS_RULES = [
  ...rules("kerberos/kdc/as.ts", KDC_AS, [
    ["KDC: no options that need a ticket", "RFC 4120 section 5.4.1", 'if ((body.kdcOptions & NOT_INITIAL) !== 0) throw new Refusal("KDC_ERR_BADOPTION");', ""],
    ["KDC: only its own realm", S313, 'if (body.realm !== realm.name) throw new Refusal("KDC_ERR_WRONG_REALM");', ""],
    ["KDC: addresses go into the ticket", S313, "addresses: body.addresses,", "addresses: undefined,"],
  ]),
  ...rules("kerberos/kdc/preauth.ts", KDC_AS, [
    ["KDC: pre-authentication where it is required", S313, "if (call.client.requiresPreauth) throw", "if (false) throw"],
  ]),
  ...rules("kerberos/kdc/request_proof.ts", KDC_AS, [
    ["KDC: the proof is there for those who ask only", R11, "if (!request.padata?.some(({ padataType }) => padataType === PaType.ReqEncPaRep)) return undefined;", ""],
    ["KDC: the proof has its own key usage", R11, "key.checksum(KeyUsage.AsReq, message)", "key.checksum(55, message)"],
  ]),
  ...rules("kerberos/kdc/issue.ts", KDC_AS, [
    ["KDC: every ticket has the flag enc-pa-rep", R11, "asked | TicketFlag.EncPaRep |", "asked |"],
    ["KDC: no start in the future", S313, "from > now + KDC_SKEW || ", ""],
    ["KDC: no postdated tickets", S313, " || (kdcOptions & KdcOption.Postdated) !== 0", ""],
    ["KDC: a start within the skew is now", S313, "from > now + KDC_SKEW", "from > now"],
    ["KDC: no ticket that ends before it begins", S313, 'if (endtime <= now) throw new Refusal("KDC_ERR_NEVER_VALID");', ""],
    ["KDC: the client is told of addresses", "RFC 4120 section 5.4.2", "      ...caddr,\n      ...(input.encryptedPaData", "      ...(input.encryptedPaData"],
  ]),
  ...rules("kerberos/kdc/realm.ts", KDC_AS, [
    ["KDC: ticket-granting services are no clients", "RFC 4120 section 7.3", 'return found?.name.components[0] === "krbtgt" ? undefined : found;', "return found;"],
    ["KDC: an enterprise name is text", "RFC 6806 section 5", 'principal(this.name, [name.components[0]!.split("@")[0]!])', 'parsePrincipal(name.components[0]!.split("@")[0]!, { defaultRealm: this.name })'],
  ]),
];

/** The embedded KDC: TGS-REQ. */
const KDC_TGS_RULES = [
  ...rules("kerberos/kdc/tgs_request.ts", KDC_TGS, [
    ["KDC: only tickets for ticket-granting services", S332, "own === undefined || !samePrincipal(service, krbtgt(realm.name, service.realm))", "own === undefined"],
    ["KDC: an authenticator is good for one request", S332, "  if (realm.isReplay(seal, digest)) throw", "  if (false) throw"],
    ["KDC: a request that is not genuine makes no other one a replay", S332, "  if (fault !== undefined) throw new Refusal(fault);\n  realm.remember(seal, digest);", "  realm.remember(seal, digest);\n  if (fault !== undefined) throw new Refusal(fault);"],
    ["KDC: what is wrong with a checksum is told", S332, "  if (fault !== undefined) throw new Refusal(fault);\n", ""],

    ["KDC: other realms do not vouch for its own clients", "RFC 4120 section 1.2", "if (serviceKey.principal.realm !== realm.name && part.crealm === realm.name) {", "if (false) {"],
  ]),
  ...rules("kerberos/ap/checks.ts", KDC_TGS, [
    ["KDC: no expired ticket", S332, "if (part.endtime + skew < now) {", "if (false) {"],
    ["KDC: no invalid ticket", "RFC 4120 section 2.2", " || (part.flags & TicketFlag.Invalid) !== 0", ""],
    ["KDC: no ticket that is not yet good", S332, "if (starts - skew > now || ", "if ("],
    ["KDC: a ticket without a start begins with its authentication", "RFC 4120 section 5.3", "part.starttime ?? part.authtime", "part.starttime ?? 0"],
    ["KDC: other realms vouch for somebody", "RFC 4120 section 6.2", "  if (isWhole(client)) return;\n", "  if (client) return;\n"],
    ["KDC: the authenticator is the ticket's client's", S332, "  if (samePrincipal(clientOf(part), fromPrincipalName(authenticator.cname, authenticator.crealm))) return;", "  if (authenticator) return;"],
    ["KDC: the authenticator is fresh", S332, "  if (Math.abs(delta) <= skew) return;", "  if (delta <= Infinity) return;"],
    ["KDC: a subkey is of an enctype that there is", S332, "  checkSubkey,\n", ""],
  ]),
  ...rules("kerberos/ap/verify.ts", KDC_TGS, [
    ["KDC: an authenticator is of its key's enctype", "RFC 4120 section 5.2.9", "  if (etype !== sessionKey.enctype) throw", "  if (false) throw"],
    ["KDC: an authenticator is sealed for its own use", "RFC 4120 section 7.5.1", "sessionKey.decryptEventually(policy.authenticatorUsage, cipher)", "sessionKey.decrypt(7, cipher).catch(() => sessionKey.decrypt(11, cipher))"],
  ]),
  ...rules("kerberos/kdc/request_checksum.ts", KDC_TGS, [
    ["KDC: no checksum without a key", "CVE-2018-16860", "cksum === undefined || UNKEYED.has(cksum.cksumtype)", "cksum === undefined"],
    ["KDC: the checksum's type is the key's", S332, "if (cksum.cksumtype !== sessionKey.checksumType) return", "if (false) return"],
    ["KDC: the checksum is right", S332, "  return right ? undefined", "  return right || !right ? undefined"],
  ]),
  ...rules("kerberos/kdc/request_checksum.ts", ["tests/kerberos/kdc/encodings_test.ts"], [
    ["KDC: the checksum is over the bytes that came", "RFC 4120 section 5.2.7.1", 'import { readMessage } from "../messages/read.ts";', 'import { encode } from "../../asn1/codec.ts";\nimport { KdcReqBody, TgsReq } from "../messages/kdc.ts";\nimport { readMessage as read } from "../messages/read.ts";\nconst readMessage = (_codec: unknown, message: Uint8Array) => ({ reqBody: encode(KdcReqBody, read(TgsReq, message).reqBody) });'],
  ]),
  ...rules("kerberos/kdc/authorization_data.ts", KDC_TGS, [
    ["KDC: a sealed part is of its key's enctype", "RFC 4120 section 5.2.9", "if (sealed.etype !== key.enctype) throw", "if (false) throw"],
    ["KDC: added authorization data is sealed for its own use", "RFC 4120 section 7.5.1", "await openSealed(subkey ?? sessionKey, usage, encAuthorizationData)", "await openSealed(subkey ?? sessionKey, usage, encAuthorizationData).catch(() => openSealed(sessionKey, 5, encAuthorizationData))"],
    ["KDC: authorization data is kept", S333, "added === undefined ? authorizationData : [...authorizationData ?? [], ", "added === undefined ? authorizationData : ["],
    ["KDC: what it must understand and does not is refused", "RFC 4120 section 5.2.6.4", "readMessage(AuthorizationData, adData).length > 0", "adData.length === 0"],
    ["KDC: what the client adds is looked at for that too", "RFC 4120 section 5.2.6.4", "const mandatory = all?.filter", "const mandatory = authorizationData?.filter"],
  ]),
  ...rules("kerberos/kdc/tgs.ts", KDC_TGS, [
    ["KDC: a service is looked for in the realm asked for", S333, "fromPrincipalName(body.sname, body.realm)", "fromPrincipalName(body.sname, realm.name)"],
    ["KDC: referrals for those who ask for canonicalization", "RFC 6806 section 8", "  if ((kdcOptions & KdcOption.Canonicalize) === 0) return undefined;\n", ""],
    ["KDC: options that are not served", S333, 'if ((options & UNSUPPORTED) !== 0) throw new Refusal("KDC_ERR_BADOPTION");', ""],
    ["KDC: FORWARDED needs FORWARDABLE", S333, "  [KdcOption.Forwarded, TicketFlag.Forwardable],\n", ""],
    ["KDC: RENEW needs RENEWABLE", S333, "  [KdcOption.Renew, TicketFlag.Renewable],\n", ""],
    ["KDC: flags come of flags", "RFC 4120 section 5.4.1", "allowedFlags: (part.flags & (TicketFlag.Forwardable | TicketFlag.Proxiable | TicketFlag.Renewable)) |", "allowedFlags: (TicketFlag.Forwardable | TicketFlag.Proxiable | TicketFlag.Renewable) |"],
    ["KDC: FORWARDED is handed on", "RFC 4120 section 2.6", "TicketFlag.HwAuthent | TicketFlag.Forwarded)) |", "TicketFlag.HwAuthent)) |"],
    ["KDC: addresses change only by forwarding", S333, "(body.kdcOptions & KdcOption.Forwarded) !== 0 ? body.addresses : part.caddr", "body.addresses ?? part.caddr"],
    ["KDC: addresses are copied", S333, "(body.kdcOptions & KdcOption.Forwarded) !== 0 ? body.addresses : part.caddr", "(body.kdcOptions & KdcOption.Forwarded) !== 0 ? body.addresses : undefined"],
    ["KDC: only the ticket shown is renewed", S333, "if (!samePrincipal(service.name, presented.service)) throw", "if (false) throw"],
    ["KDC: renewals have an end", S333, "if (latestRenewal <= realm.now()) throw", "if (false) throw"],
    ["KDC: a renewed ticket ends with its renewals", S333, "      latestEnd: latestRenewal,\n", "      latestEnd: Infinity,\n"],
    ["KDC: no ticket outlasts the one shown", S333, "    latestEnd: part.endtime,\n", "    latestEnd: Infinity,\n"],
    ["KDC: renewal leaves flags as they are", "RFC 4120 section 2.3", "      flags: part.flags & ~TicketFlag.Renewable,\n", "      flags: 0,\n"],
    ["KDC: the realm that vouched joins those on the way", S3332, "contents: joins ? withRealm(contents, from) : contents", "contents"],
    ["KDC: the client's own realm does not", S3332, "const joins = from !== realm.name && from !== part.crealm;", "const joins = from !== realm.name;"],
    ["KDC: the flag says that realms were checked", "RFC 4120 section 2.7", "checked: wanted && isAccepted(realm, part, transited.contents)", "checked: wanted"],
    ["KDC: who wants no check gets no flag", "RFC 4120 section 2.7", "checked: wanted && isAccepted", "checked: isAccepted"],
    ["KDC: realms that cannot be listed are not accepted", S3332, "return way !== undefined &&", "return way === undefined ||"],
    ["KDC: another encoding is not added to", S333, '    if (joins) throw new Refusal("KDC_ERR_TRTYPE_NOSUPP");\n', ""],
    ["KDC: a list that cannot be read is not added to", S3332, 'throw error instanceof RangeError ? new Refusal("KRB_AP_PATH_NOT_ACCEPTED") : error;', "return { transited: { trType: 1, contents }, checked: false };"],
    ["KDC: another encoding is not checked", "RFC 4120 section 2.7", "return { transited: part.transited, checked: false };", "return { transited: part.transited, checked: true };"],
  ]),
  ...rules("kerberos/kdc/transited.ts", TRANSITED, [
    ["a realm joins once", S3332, "  if (transitedRealms(contents)?.includes(realm)) return contents;\n", ""],
    ["commas and backslashes are quoted", S3332, '.replace(/[,\\\\]/g, "\\\\$&")', ""],
    ["spaces in front are quoted", S3332, '.replace(/^ +/, (spaces) => spaces.replaceAll(" ", "\\\\ "))', ""],
    ["dots at the end are quoted", S3332, '.replace(/\\.+$/, (dots) => dots.replaceAll(".", "\\\\."))', ""],
    ["a realm that begins with a slash stands alone", S3332, 'realm.startsWith("/") && contents.length > 0 ? ` ${quoted}` : quoted', "quoted"],
    ["a null subfield stands for realms that are not named", S3332, "    if (realm === undefined) return undefined;\n", "    if (realm === undefined) continue;\n"],
    ["the hierarchy ends at the common domain", "RFC 4120 section 1.2", " && (realm === common || realm.endsWith(`.${common}`))", ""],
    ["realms beside the way are not on it", "RFC 4120 section 1.2", "(above(from) || above(to)) && ", ""],
  ]),
];

const START = ["tests/kerberos/kdc/start_test.ts"];

/** The embedded KDC as a test's. */
const TEST_KDC = [
  ...rules("kerberos/kdc/as.ts", START, [
    ["KDC: an account that has ended gets nothing", S313, 'if (client.expires <= realm.now()) throw', 'if (false) throw'],
    ["KDC: a password that has ended gets nothing", S313, 'if (client.passwordExpires <= realm.now()) throw', 'if (false) throw'],
    ["KDC: wrong passwords lock", S313, 'client.wrongPasswords >= client.lockAfter', 'false'],
    ["KDC: wrong passwords are counted", S313, 'client.wrongPasswords++', 'client.wrongPasswords += 0'],
    ["KDC: a right password starts the count again", S313, '    client.wrongPasswords = 0;\n', ''],
  ]),
  ...rules("kerberos/kdc/issue.ts", START, [
    ["KDC: a service that has ended gets no ticket", S313, 'if (service.expires <= realm.now()) throw', 'if (false) throw'],
    ["KDC: kvnoOffset changes the key too", "RFC 4120 section 3.2.3", 'return isChanged ?', 'return false ?'],
    ["KDC: kvnoOffset leaves the KDC's own tickets readable", "RFC 4120 section 3.3.2", ' && service.name.components[0] !== "krbtgt"', ''],
  ]),
  ...rules("kerberos/kdc/shell/test_files.ts", START, [
    ["files() leaves the caller's folder", "CWE-73", 'if (options.directory === undefined) await', 'await'],
    ["files() removes its own folder", "CWE-459", 'await fs.remove(directory, { recursive: true });', 'void directory;'],
  ]),
  ...rules("kerberos/mech/credentials.ts", START, [
    ["authenticators have the time of the tickets' clock", "RFC 4120 section 3.2.2", '?? tickets.runtime ??', '??'],
  ]),
  ...rules("proxy/server_options.ts", START, [
    ["the server has the clock given", "RFC 4120 section 3.2.3", "enctypes, replayCache, runtime }", "enctypes, replayCache }"],
  ]),
  ...rules("kerberos/system.ts", START, [
    ["tickets have the clock given", "RFC 4120 section 3.2.2", "cache, initial, runtime, tracer }", "cache, initial }"],
  ]),
];

/** The rules. */
export const KDC_MUTANTS: readonly Mutant[] = [
  ...AS_REPLIES,
  ...CLOCK,
  ...REPLIES,
  ...TGS_REPLIES,
  ...NAMED_KEYS,
  ...TGS_REQUESTS,
  ...KDC_ERRORS,
  ...PREAUTH,
  ...PROOF_ASKED,
  ...KEYS,
  ...CACHED,
  ...HELD,
  ...SHARED,
  ...REACHED,
  ...KDC_AS_RULES,
  ...KDC_TGS_RULES,
  ...TEST_KDC,
];
