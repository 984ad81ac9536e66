/**
 * The initiating side of the Kerberos mechanism (RFC 4121 section 4.1): a ticket goes in, a context comes out.
 *
 * @module
 */
import { encode } from "../../asn1/codec.ts";
import { type Bytes, copyBytes } from "../../base/bytes.ts";
import { channelBindingHash } from "./tokens/channel_bindings.ts";
import type { ChannelBindings } from "../../gss/channel_bindings.ts";
import type { GssFlags } from "../../gss/context.ts";
import type { GssNegotiation, GssStep } from "../../gss/negotiation.ts";
import { type Runtime, systemRuntime } from "../../base/runtime.ts";
import { GssError, worthAnother } from "../../gss/status.ts";
import { authenticatorTime } from "../ap/authenticator_time.ts";
import { readMessage } from "../messages/read.ts";
import type { ServiceTicket } from "../credentials/tickets.ts";
import { ErrorCode, errorName } from "../registry/errors.ts";
import { ApOption } from "../registry/flags.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import { KerberosKey } from "../crypto/key.ts";
import { isSupported } from "../crypto/enctypes.ts";
import { printable } from "../errors.ts";
import { ApRep, ApReq, Authenticator, EncApRepPart, Ticket } from "../messages/ap.ts";
import { KrbError } from "../messages/error.ts";
import { formatPrincipal, toGssName, toPrincipalName } from "../principal.ts";
import { KerberosContext } from "./context.ts";
import { makeDelegation } from "./delegation.ts";
import { kerberosFailure, toGssError } from "./errors.ts";
import { initialSequence } from "./sequence.ts";
import { decodeContextToken, encodeContextToken } from "./tokens/context.ts";
import { defective } from "./tokens/errors.ts";
import { encodeAuthenticatorChecksum, GSS_CHECKSUM_TYPE } from "./tokens/checksum.ts";

/** What a context is started with. */
export interface InitiatorInit {
  /** Ticket for the acceptor. */
  readonly ticket: ServiceTicket;
  /** Services asked for. */
  readonly flags: Required<GssFlags>;
  /** Ticket-granting ticket to hand over; only with the delegation flag. */
  readonly forwarded?: ServiceTicket | undefined;
  /** Channel that the context is tied to. */
  readonly channelBindings?: ChannelBindings | undefined;
  /** Told when the acceptor refuses the ticket for its time; says whether another context may come to be. */
  readonly refusedForTime?: ((ticket: ServiceTicket) => boolean) | undefined;
  /** Clock and randomness. @default {the system's} */
  readonly runtime?: Runtime | undefined;
}

type State = "start" | "awaiting AP-REP" | "finished" | "failed";

/** A context that this side starts. */
export class KerberosInitiator implements GssNegotiation {
  readonly #init: InitiatorInit;
  readonly #runtime: Runtime;
  readonly #subkey: KerberosKey;
  readonly #sequence: number;
  #state: State = "start";
  /** Time in the authenticator, which the AP-REP must repeat. */
  #sent = { time: 0, usec: 0 };

  /**
   * Makes one.
   *
   * @param init Ticket and wishes.
   */
  constructor(init: InitiatorInit) {
    this.#init = init;
    this.#runtime = init.runtime ?? systemRuntime;
    this.#subkey = KerberosKey.generate(init.ticket.credential.key.enctype, this.#runtime);
    this.#sequence = initialSequence(this.#runtime);
  }

  /** See {@linkcode GssNegotiation.step}. */
  async step(given?: Uint8Array): Promise<GssStep> {
    const token = given === undefined ? undefined : copyBytes(given, "step with");
    const state = this.#state;
    this.#state = "failed";
    try {
      if (state === "start") return await this.#start(token);
      if (state === "awaiting AP-REP") return await this.#finish(token);
    } catch (error) {
      throw toGssError(error);
    }
    throw new GssError(`Cannot step context: it is ${state}`, { major: "NO_CONTEXT", code: "NO_CONTEXT" });
  }

  async #start(token: Uint8Array | undefined): Promise<GssStep> {
    if (token !== undefined && token.length > 0) throw defective("Cannot start context: the first step takes no token");
    const request = encodeContextToken("AP-REQ", await this.#apReq());
    if (this.#init.flags.mutual) {
      this.#state = "awaiting AP-REP";
      return { done: false, token: request };
    }
    this.#state = "finished";
    // Without AP-REP the acceptor numbers its tokens from the initiator's number on.
    return { done: true, token: request, context: this.#context(this.#subkey, false, this.#sequence) };
  }

  async #apReq(): Promise<Bytes> {
    const { credential, kdcOffset } = this.#init.ticket;
    this.#sent = authenticatorTime(this.#runtime, kdcOffset);
    const authenticator = encode(Authenticator, {
      authenticatorVno: 5,
      crealm: credential.client.realm,
      cname: toPrincipalName(credential.client),
      cksum: { cksumtype: GSS_CHECKSUM_TYPE, checksum: await this.#checksum() },
      cusec: this.#sent.usec,
      ctime: this.#sent.time,
      subkey: { keytype: this.#subkey.enctype, keyvalue: this.#subkey.exportBytes() },
      seqNumber: this.#sequence,
    });
    return encode(ApReq, {
      pvno: 5,
      msgType: 14,
      apOptions: this.#init.flags.mutual ? ApOption.MutualRequired : 0,
      ticket: readMessage(Ticket, credential.ticket),
      authenticator: {
        etype: credential.key.enctype,
        cipher: await credential.key.encrypt(KeyUsage.ApReqAuthenticator, authenticator, this.#runtime),
      },
    });
  }

  /**
   * Services that will be active, which is what the acceptor and the caller are told alike (RFC 4121 section 4.1.1.1).
   * Kerberos tokens can always be sealed and signed, asked for or not.
   */
  get #flags(): Required<GssFlags> {
    const { flags, forwarded } = this.#init;
    return {
      ...flags,
      confidentiality: true,
      integrity: true,
      delegation: flags.delegation && forwarded !== undefined,
    };
  }

  async #checksum(): Promise<Bytes> {
    const { channelBindings, forwarded, ticket } = this.#init;
    const flags = this.#flags;
    const delegation = flags.delegation
      ? await makeDelegation(forwarded!, ticket.credential.key, this.#runtime)
      : undefined;
    return encodeAuthenticatorChecksum({
      flags,
      bindings: channelBindings === undefined ? new Uint8Array(16) : await channelBindingHash(channelBindings),
      delegation,
    });
  }

  /** RFC 4120 section 3.2.5: only who holds the session key can repeat the time. */
  async #finish(token: Uint8Array | undefined): Promise<GssStep> {
    if (token === undefined || token.length === 0) {
      throw defective("Cannot finish context: the acceptor sent no AP-REP");
    }
    const { id, message } = decodeContextToken(token);
    if (id === "KRB-ERROR") throw this.#refusal(readMessage(KrbError, message));
    if (id !== "AP-REP") throw defective(`Cannot finish context: ${id} came, AP-REP is wanted`);
    const { credential } = this.#init.ticket;
    const reply = readMessage(ApRep, message);
    if (reply.encPart.etype !== credential.key.enctype) {
      throw defective(
        `Cannot finish context: AP-REP has enctype ${reply.encPart.etype}, not ${credential.key.enctype}`,
      );
    }
    const part = readMessage(
      EncApRepPart,
      await credential.key.decrypt(KeyUsage.ApRepEncPart, reply.encPart.cipher),
    );
    if (part.ctime !== this.#sent.time || part.cusec !== this.#sent.usec) {
      throw kerberosFailure("KRB_AP_ERR_MUT_FAIL", "Cannot finish context: the acceptor did not prove itself");
    }
    const receive = part.seqNumber === undefined ? this.#sequence : part.seqNumber >>> 0;
    if (part.subkey === undefined) {
      this.#state = "finished";
      return { done: true, context: this.#context(this.#subkey, false, receive) };
    }
    if (!isSupported(part.subkey.keytype)) {
      throw kerberosFailure(
        "KDC_ERR_ETYPE_NOSUPP",
        `Cannot finish context: the acceptor chose enctype ${part.subkey.keytype}`,
      );
    }
    const chosen = new KerberosKey(part.subkey.keytype, part.subkey.keyvalue);
    this.#subkey[Symbol.dispose]();
    this.#state = "finished";
    return { done: true, context: this.#context(chosen, true, receive) };
  }

  #refusal(error: KrbError): GssError {
    const name = errorName(error.errorCode) ?? "KRB_ERR_GENERIC";
    const delta = Math.round((error.stime - this.#runtime.now()) / 1000);
    const { ticket, refusedForTime } = this.#init;
    const service = formatPrincipal(ticket.credential.server);
    const text = error.eText === undefined ? "" : `, "${printable(error.eText)}"`;
    const isAboutTime = error.errorCode === ErrorCode.KRB_AP_ERR_SKEW ||
      error.errorCode === ErrorCode.KRB_AP_ERR_TKT_NYV;
    const stored = Math.round(ticket.kdcOffset / 1000);
    const about = isAboutTime
      ? `; its clock is ${delta} s ahead of ours` +
        (stored === 0 ? "" : `, and the KDC's was ${stored} s ahead when that was measured, which was reckoned with`)
      : "";
    const message = `Service ${service} refused: ${name} (${error.errorCode})${text}${about}`;
    const details = { service, clockDeltaSeconds: delta, kdcOffsetSeconds: stored };
    const refused = kerberosFailure(name, message, details);
    return isAboutTime && refusedForTime?.(ticket) ? worthAnother(refused) : refused;
  }

  #context(key: KerberosKey, acceptorSubkey: boolean, receiveSequence: number): KerberosContext {
    const { ticket, channelBindings } = this.#init;
    const { client, server, endtime, authtime } = ticket.credential;
    return new KerberosContext({
      initiator: true,
      peer: toGssName(server),
      self: toGssName(client),
      flags: this.#flags,
      channelBound: channelBindings !== undefined,
      expiresAt: endtime - ticket.kdcOffset,
      attributes: { enctype: key.enctypeName, realm: server.realm, authtime },
      key,
      acceptorSubkey,
      sendSequence: this.#sequence,
      receiveSequence,
      runtime: this.#runtime,
    });
  }
}
