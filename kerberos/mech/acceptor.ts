/**
 * The accepting side of the Kerberos mechanism: a ticket and its authenticator are checked against a keytab, a clock and
 * a replay cache (RFC 4120 section 3.2.3, RFC 4121 section 4.1), and a context comes out.
 *
 * @module
 */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { applicationTag, encode } from "../../asn1/codec.ts";
import { type Bytes, copyBytes } from "../../base/bytes.ts";
import { channelBindingHash } from "./tokens/channel_bindings.ts";
import type { ChannelBindings } from "../../gss/channel_bindings.ts";
import type { GssNegotiation, GssStep } from "../../gss/negotiation.ts";
import { type Runtime, systemRuntime } from "../../base/runtime.ts";
import { GssError } from "../../gss/status.ts";
import { readMessage } from "../messages/read.ts";
import { ApOption, TicketFlag } from "../registry/flags.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import { KerberosKey } from "../crypto/key.ts";
import { enctypeName, isSupported } from "../crypto/enctypes.ts";
import { KerberosError } from "../errors.ts";
import { ApRep, ApReq, Authenticator, EncApRepPart, EncTicketPart, type Ticket } from "../messages/ap.ts";
import { formatPrincipal, fromPrincipalName, type Principal, toGssName } from "../principal.ts";
import type { KeySource, KeytabEntry } from "../credentials/formats/keytab.ts";
import { KerberosContext } from "./context.ts";
import { readDelegation } from "./delegation.ts";
import { kerberosFailure, toGssError } from "./errors.ts";
import { maybeReplayed, namedService, noKey, userToUser, withErrorToken } from "./refusals.ts";
import { type ReplayCache, replayTag } from "../ap/replay/replay_cache.ts";
import { initialSequence } from "./sequence.ts";
import {
  authenticatorTime,
  checkAuthorization,
  checkClient,
  checkSender,
  checkTimes,
  type Clocks,
} from "../ap/ticket_checks.ts";
import { type AuthenticatorChecksum, decodeAuthenticatorChecksum, GSS_CHECKSUM_TYPE } from "./tokens/checksum.ts";
import { decodeContextToken, encodeContextToken } from "./tokens/context.ts";
import { defective, unexpectedMessage } from "./tokens/errors.ts";
import { type Capaths, checkTransited } from "../ap/transited.ts";

/** What a context is accepted with. */
export interface AcceptorInit {
  /** Keys of the services that this acceptor is. */
  readonly keys: KeySource;
  /** Authenticators seen before. */
  readonly replayCache: ReplayCache;
  /** How far the client's clock may be off, in milliseconds. @default {300000} */
  readonly clockskew?: number | undefined;
  /** Names of the services accepted, such as `rcmd`. @default {every one that has a key} */
  readonly services?: readonly string[] | undefined;
  /** Enctypes accepted for tickets and messages. @default {every supported one} */
  readonly enctypes?: readonly number[] | undefined;
  /**
   * Realms that may vouch for clients of other realms, where the KDC has not judged that itself (`[capaths]`, RFC 4120
   * section 2.7).
   *
   * @default {those between the two in the hierarchy of their names}
   */
  readonly capaths?: Capaths | undefined;
  /** Channel that the context must be tied to where the initiator ties it. */
  readonly channelBindings?: ChannelBindings | undefined;
  /** Clock and randomness. @default {the system's} */
  readonly runtime?: Runtime | undefined;
}

/** A ticket may be tried with this many keys. */
const MAX_KEYS = 64;

/** Application tag of AP-REQ (RFC 4120 section 5.10). */
const AP_REQ = 14;

interface OpenedTicket {
  readonly part: EncTicketPart;
  readonly sessionKey: KerberosKey;
  readonly entry: KeytabEntry;
}

/** A context that the peer starts. */
export class KerberosAcceptor implements GssNegotiation {
  readonly #init: AcceptorInit;
  readonly #runtime: Runtime;
  #used = false;
  /** Service that the ticket names, once that is known, for error tokens. */
  #service: Principal | undefined;

  /**
   * Makes one.
   *
   * @param init Keys, replay cache and limits.
   */
  constructor(init: AcceptorInit) {
    this.#init = init;
    this.#runtime = init.runtime ?? systemRuntime;
  }

  /** See {@linkcode GssNegotiation.step}. */
  async step(given?: Uint8Array): Promise<GssStep> {
    const token = given === undefined ? undefined : copyBytes(given, "step with");
    if (this.#used) {
      throw new GssError("Cannot step context: it takes one token", { major: "NO_CONTEXT", code: "NO_CONTEXT" });
    }
    this.#used = true;
    try {
      return await this.#accept(token);
    } catch (error) {
      throw withErrorToken(toGssError(error), this.#service, this.#runtime);
    }
  }

  async #accept(token: Uint8Array | undefined): Promise<GssStep> {
    if (token === undefined || token.length === 0) throw defective("Cannot accept context: the token is empty");
    const { id, message } = decodeContextToken(token);
    if (id !== "AP-REQ") throw unexpectedMessage(`Cannot accept context: ${id} came, AP-REQ is wanted`);
    if (applicationTag(message) !== AP_REQ) throw unexpectedMessage("Cannot accept context: the message is no AP-REQ");
    const request = readMessage(ApReq, message);
    this.#service = fromPrincipalName(request.ticket.sname, request.ticket.realm);
    if ((request.apOptions & ApOption.UseSessionKey) !== 0) throw userToUser(this.#service);
    const opened = await this.#openTicket(request.ticket, this.#service);
    this.#checkService(opened.entry.principal);
    this.#checkTicket(opened);
    const authenticator = await this.#openAuthenticator(request, opened);
    await this.#checkReplay(request, authenticator);
    return await this.#establish(opened, authenticator);
  }

  /** The name in the ticket is in clear and anybody's to change; whose key opened it is what counts. */
  #checkService(service: Principal): void {
    const { services } = this.#init;
    if (services === undefined || services.includes(service.components[0] ?? "")) return;
    throw kerberosFailure(
      "KRB_AP_ERR_NOT_US",
      `Cannot accept ticket: it is for ${namedService(service)}, this service is ${services.join(", ")}`,
      { service: namedService(service) },
    );
  }

  /** RFC 4120 section 3.2.3: the ticket is for whoever can open it; every key that may is tried, the likely ones first. */
  async #openTicket(ticket: Ticket, service: Principal): Promise<OpenedTicket> {
    const { etype, kvno, cipher } = ticket.encPart;
    this.#checkEnctype("ticket", etype);
    const { keys } = this.#init;
    const wanted = { service, enctype: etype, kvno: kvno === undefined ? undefined : kvno >>> 0 };
    let candidates = keys.candidates(wanted);
    let opened = await this.#tryKeys(candidates, cipher);
    // A service gets new keys while it runs, and its clients have tickets for them at once.
    if (opened === undefined && await keys.renewed?.()) {
      candidates = keys.candidates(wanted);
      opened = await this.#tryKeys(candidates, cipher);
    }
    if (opened === undefined) throw noKey(wanted, candidates, keys);
    return opened;
  }

  async #tryKeys(candidates: readonly KeytabEntry[], cipher: Uint8Array): Promise<OpenedTicket | undefined> {
    for (const entry of candidates.slice(0, MAX_KEYS)) {
      let plain: Bytes;
      try {
        plain = await entry.key.decrypt(KeyUsage.KdcRepTicket, cipher);
      } catch (error) {
        if (isIntegrity(error)) continue;
        throw error;
      }
      const part = readMessage(EncTicketPart, plain);
      this.#checkEnctype("session key", part.key.keytype);
      return { part, sessionKey: new KerberosKey(part.key.keytype, part.key.keyvalue), entry };
    }
    return undefined;
  }

  #checkEnctype(what: string, etype: number): void {
    if (isSupported(etype) && (this.#init.enctypes?.includes(etype) ?? true)) return;
    throw kerberosFailure("KDC_ERR_ETYPE_NOSUPP", `Cannot accept ${what}: ${enctypeName(etype)} is not permitted`, {
      wantedEnctype: enctypeName(etype),
    });
  }

  #checkTicket({ part, entry }: OpenedTicket): void {
    checkTimes(part, this.#clocks);
    checkClient(part);
    checkAuthorization(part.authorizationData);
    // Section 2.7. The ticket's own realm is in clear and anybody's to change; that of the key is not.
    if ((part.flags & TicketFlag.TransitedPolicyChecked) !== 0) return;
    checkTransited(part.transited, { client: part.crealm, service: entry.principal.realm }, this.#init.capaths);
  }

  get #clocks(): Clocks {
    return { now: this.#runtime.now(), skew: this.#init.clockskew ?? 300_000 };
  }

  async #openAuthenticator(request: ApReq, opened: OpenedTicket): Promise<Authenticator> {
    const { part, sessionKey } = opened;
    if (request.authenticator.etype !== sessionKey.enctype) {
      throw notIntact("its enctype is not the session key's");
    }
    const plain = await sessionKey.decrypt(KeyUsage.ApReqAuthenticator, request.authenticator.cipher)
      .catch((error) => {
        throw isIntegrity(error) ? notIntact("the session key does not open it", error) : error;
      });
    const authenticator = readMessage(Authenticator, plain);
    checkSender(authenticator, part, this.#clocks);
    checkAuthorization(authenticator.authorizationData);
    return authenticator;
  }

  async #checkReplay(request: ApReq, authenticator: Authenticator): Promise<void> {
    const { now, skew } = this.#clocks;
    const tag = await replayTag(request.authenticator.cipher);
    const client = formatPrincipal(fromPrincipalName(authenticator.cname, authenticator.crealm));
    const madeAt = authenticatorTime(authenticator);
    // Past twice the skew the authenticator is too old to be accepted anyway.
    if (await this.#init.replayCache.insert({ tag, now, expiresAt: now + 2 * skew, madeAt, client })) return;
    throw kerberosFailure("KRB_AP_ERR_REPEAT", "Cannot accept ticket: this authenticator was used before");
  }

  /**
   * Section 3.2.3: who has lost track of authenticators refuses those that may be among the lost ones, until the skew has
   * passed. A context whose keys rest on a subkey of ours needs no such care: whoever replays its beginning cannot go on.
   */
  #checkKnown(authenticator: Authenticator): void {
    const { knowsSince } = this.#init.replayCache;
    const { now, skew } = this.#clocks;
    // An authenticator is accepted at its time less the skew at the earliest.
    if (knowsSince === undefined || authenticatorTime(authenticator) - skew > knowsSince) return;
    throw maybeReplayed(Math.max(1, Math.ceil((knowsSince + skew - now) / 1000)));
  }

  async #establish(opened: OpenedTicket, authenticator: Authenticator): Promise<GssStep> {
    const { part, sessionKey, entry } = opened;
    const { cksum } = authenticator;
    if (cksum === undefined || cksum.cksumtype !== GSS_CHECKSUM_TYPE) {
      throw kerberosFailure(
        "KRB_AP_ERR_INAPP_CKSUM",
        "Cannot accept context: the authenticator has no GSS-API checksum",
      );
    }
    const asked = decodeAuthenticatorChecksum(cksum.checksum);
    if (!asked.flags.mutual) this.#checkKnown(authenticator);
    const channelBound = await this.#checkBindings(asked);
    const initiatorKey = this.#initiatorKey(authenticator, sessionKey);
    const delegated = asked.delegation && await readDelegation(asked.delegation, [initiatorKey, sessionKey]);
    const receiveSequence = (authenticator.seqNumber ?? 0) >>> 0;
    const subkey = asked.flags.mutual ? KerberosKey.generate(initiatorKey.enctype, this.#runtime) : undefined;
    const sendSequence = subkey === undefined ? receiveSequence : initialSequence(this.#runtime);
    const key = subkey ?? initiatorKey;
    // Whatever may fail comes before the context, of which nobody knows then.
    const token = subkey && await this.#apRep(sessionKey, authenticator, subkey, sendSequence);
    const context = new KerberosContext({
      initiator: false,
      peer: toGssName(fromPrincipalName(part.cname, part.crealm)),
      self: toGssName(entry.principal),
      flags: { ...asked.flags, confidentiality: true, integrity: true, delegation: delegated !== undefined },
      channelBound,
      expiresAt: part.endtime,
      attributes: {
        enctype: key.enctypeName,
        realm: part.crealm,
        service: formatPrincipal(entry.principal),
        kvno: entry.kvno,
        authtime: part.authtime,
      },
      key,
      acceptorSubkey: subkey !== undefined,
      sendSequence,
      receiveSequence,
      delegated,
      runtime: this.#runtime,
    });
    return { done: true, token, context };
  }

  #initiatorKey(authenticator: Authenticator, sessionKey: KerberosKey): KerberosKey {
    if (authenticator.subkey === undefined) return sessionKey;
    this.#checkEnctype("subkey", authenticator.subkey.keytype);
    return new KerberosKey(authenticator.subkey.keytype, authenticator.subkey.keyvalue);
  }

  /** RFC 4121 section 4.1.1.2. An initiator without bindings is taken as one that cannot; the flag tells it apart. */
  async #checkBindings(asked: AuthenticatorChecksum): Promise<boolean> {
    const { channelBindings } = this.#init;
    const absent = asked.bindings.every((byte) => byte === 0);
    if (channelBindings === undefined || absent) return false;
    if (timingSafeEqual(await channelBindingHash(channelBindings), asked.bindings)) return true;
    throw new GssError("Cannot accept context: it is tied to another channel", {
      major: "BAD_BINDINGS",
      code: "BAD_BINDINGS",
    });
  }

  async #apRep(sessionKey: KerberosKey, sent: Authenticator, subkey: KerberosKey, seqNumber: number): Promise<Bytes> {
    const part = encode(EncApRepPart, {
      ctime: sent.ctime,
      cusec: sent.cusec,
      subkey: { keytype: subkey.enctype, keyvalue: subkey.exportBytes() },
      seqNumber,
    });
    const cipher = await sessionKey.encrypt(KeyUsage.ApRepEncPart, part, this.#runtime);
    const reply = encode(ApRep, { pvno: 5, msgType: 15, encPart: { etype: sessionKey.enctype, cipher } });
    return encodeContextToken("AP-REP", reply);
  }
}

function isIntegrity(error: unknown): boolean {
  return error instanceof KerberosError && error.code === "INTEGRITY";
}

function notIntact(problem: string, cause?: unknown): GssError {
  return kerberosFailure("KRB_AP_ERR_BAD_INTEGRITY", `Cannot open authenticator: ${problem}`, {}, cause);
}
