/**
 * The accepting side of the Kerberos mechanism (RFC 4121 section 4.1): takes one context token with an AP-REQ, has it
 * verified, and makes the context and the answer.
 *
 * @module
 */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { copyBytes } from "../../base/bytes.ts";
import { type Runtime, systemRuntime } from "../../base/runtime.ts";
import { accountName } from "../../gss/account.ts";
import type { ChannelBindings } from "../../gss/channel_bindings.ts";
import type { GssNegotiation, GssStep } from "../../gss/negotiation.ts";
import { GssError } from "../../gss/status.ts";
import { checkKnownSince } from "../ap/checks.ts";
import type { ApPolicy, VerifiedApReq } from "../ap/policy.ts";
import type { ReplayCache } from "../ap/replay/cache.ts";
import { makeApRep } from "../ap/reply.ts";
import type { Capaths } from "../ap/transited.ts";
import { readApReq, verifyApReq } from "../ap/verify.ts";
import type { KeySource } from "../credentials/formats/keytab.ts";
import { KerberosKey } from "../crypto/key.ts";
import type { Authenticator } from "../messages/ap.ts";
import { type AccountFinding, accountOf } from "../pac/account.ts";
import { formatPrincipal, fromPrincipalName, type Principal, toGssName } from "../principal.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import { KerberosContext } from "./context.ts";
import { readDelegation } from "./delegation.ts";
import { withErrorToken } from "./error_token.ts";
import { kerberosFailure, toGssError } from "./errors.ts";
import { initialSequence } from "./sequence.ts";
import { channelBindingHash } from "./tokens/channel_bindings.ts";
import { type AuthenticatorChecksum, decodeAuthenticatorChecksum, GSS_CHECKSUM_TYPE } from "./tokens/checksum.ts";
import { decodeContextToken, encodeContextToken } from "./tokens/context.ts";
import { defective, unexpectedMessage } from "./tokens/errors.ts";

/** Options of accepting a context. */
export interface AcceptorInit {
  /** Keys of the services that this acceptor accepts for. */
  readonly keys: KeySource;
  /** Authenticators seen before. */
  readonly replayCache: ReplayCache;
  /** How far the client's clock may differ, in milliseconds. @default {300000} */
  readonly clockskew?: number | undefined;
  /** Names of the services accepted, such as `rcmd`. @default {every one with a key} */
  readonly services?: readonly string[] | undefined;
  /** Enctypes accepted for tickets and messages. @default {every supported one} */
  readonly enctypes?: readonly number[] | undefined;
  /**
   * Realms that may vouch for clients of other realms, for tickets whose KDC did not judge that itself (`[capaths]`, RFC 4120
   * section 2.7).
   *
   * @default {the realms between the two in the hierarchy of their names}
   */
  readonly capaths?: Capaths | undefined;
  /** Channel that the context must be bound to if the initiator binds it. */
  readonly channelBindings?: ChannelBindings | undefined;
  /** Clock and randomness. @default {the system's} */
  readonly runtime?: Runtime | undefined;
}

/** Negotiates a context that the peer starts. */
export class KerberosAcceptor implements GssNegotiation {
  readonly #init: AcceptorInit;
  readonly #runtime: Runtime;
  #used = false;
  /** Service that the ticket names, for error tokens; undefined before the ticket is read. */
  #service: Principal | undefined;

  /**
   * Creates a negotiation.
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
      throw new GssError("Cannot step context: the acceptor takes one token only", {
        major: "NO_CONTEXT",
        code: "NO_CONTEXT",
      });
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
    const request = readApReq(message);
    this.#service = fromPrincipalName(request.ticket.sname, request.ticket.realm);
    const policy = this.#policy();
    const verified = await verifyApReq(request, policy);
    const asked = readGssChecksum(verified.authenticator);
    if (!asked.flags.mutual) checkKnownSince(verified.authenticator, policy);
    return await this.#establish(verified, asked);
  }

  #policy(): ApPolicy {
    const { keys, replayCache, clockskew, enctypes, services, capaths } = this.#init;
    return {
      keys,
      authenticatorUsage: KeyUsage.ApReqAuthenticator,
      now: this.#runtime.now(),
      skew: clockskew ?? 300_000,
      enctypes,
      services,
      replayCache,
      transited: { capaths },
      authorizationData: "obeyed",
    };
  }

  async #establish(verified: VerifiedApReq, asked: AuthenticatorChecksum): Promise<GssStep> {
    const { part, sessionKey, serviceKey, authenticator } = verified;
    const channelBound = await this.#checkBindings(asked);
    const initiatorKey = verified.subkey ?? sessionKey;
    const delegated = asked.delegation && await readDelegation(asked.delegation, [initiatorKey, sessionKey]);
    const receiveSequence = (authenticator.seqNumber ?? 0) >>> 0;
    const subkey = asked.flags.mutual ? KerberosKey.generate(initiatorKey.enctype, this.#runtime) : undefined;
    const sendSequence = subkey === undefined ? receiveSequence : initialSequence(this.#runtime);
    const key = subkey ?? initiatorKey;
    const found = await accountOf(part, serviceKey.key);
    // Everything that may fail comes before the context is made, so that no context is left undisposed.
    const token = subkey && encodeContextToken(
      "AP-REP",
      await makeApRep({ sessionKey, sent: authenticator, subkey, sequence: sendSequence, runtime: this.#runtime }),
    );
    const context = new KerberosContext({
      initiator: false,
      peer: toGssName(fromPrincipalName(part.cname, part.crealm)),
      self: toGssName(serviceKey.principal),
      flags: { ...asked.flags, confidentiality: true, integrity: true, delegation: delegated !== undefined },
      channelBound,
      expiresAt: part.endtime,
      attributes: {
        enctype: key.enctypeName,
        realm: part.crealm,
        service: formatPrincipal(serviceKey.principal),
        kvno: serviceKey.kvno,
        authtime: part.authtime,
        ...accountAttributes(found),
      },
      account: found.state === "verified" ? found.account : undefined,
      key,
      acceptorSubkey: subkey !== undefined,
      sendSequence,
      receiveSequence,
      delegated,
      runtime: this.#runtime,
    });
    return { done: true, token, context };
  }

  /** RFC 4121 section 4.1.1.2. An initiator without bindings is accepted; `channelBound` of the context says so. */
  async #checkBindings(asked: AuthenticatorChecksum): Promise<boolean> {
    const { channelBindings } = this.#init;
    const absent = asked.bindings.every((byte) => byte === 0);
    if (channelBindings === undefined || absent) return false;
    if (timingSafeEqual(await channelBindingHash(channelBindings), asked.bindings)) return true;
    throw new GssError("Cannot accept context: it is bound to another channel", {
      major: "BAD_BINDINGS",
      code: "BAD_BINDINGS",
    });
  }
}

/** What logs say about the account of a ticket's client. */
function accountAttributes(found: AccountFinding): Readonly<Record<string, string>> {
  switch (found.state) {
    case "absent":
      return {};
    case "unverified":
      return { unverifiedAccount: found.reason };
    case "verified":
      return { account: accountName(found.account), sid: found.account.sid };
  }
}

/** What the initiator asks for, in the authenticator's checksum (RFC 4121 section 4.1.1). */
function readGssChecksum({ cksum }: Authenticator): AuthenticatorChecksum {
  if (cksum === undefined || cksum.cksumtype !== GSS_CHECKSUM_TYPE) {
    throw kerberosFailure("KRB_AP_ERR_INAPP_CKSUM", "Cannot accept context: the authenticator has no GSS-API checksum");
  }
  return decodeAuthenticatorChecksum(cksum.checksum);
}
