/**
 * The initiating side of the Kerberos mechanism (RFC 4121 section 4.1): a ticket goes in, a context comes out.
 *
 * @module
 */
import { type Bytes, copyBytes } from "../../base/bytes.ts";
import { channelBindingHash, type ChannelBindings } from "../../gss/channel_bindings.ts";
import type { GssFlags, GssNegotiation, GssStep } from "../../gss/mechanism.ts";
import { type Runtime, systemRuntime } from "../../base/runtime.ts";
import { GssError, worthAnother } from "../../gss/status.ts";
import { type ClientTime, makeApReq } from "../ap/make.ts";
import { verifyApRep } from "../ap/reply.ts";
import { readMessage } from "../messages/read.ts";
import type { ServiceTicket } from "../credentials/tickets.ts";
import { ErrorCode, errorName } from "../registry/errors.ts";
import { ApOption } from "../registry/flags.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import { KerberosKey } from "../crypto/key.ts";
import { printable } from "../errors.ts";
import { KrbError } from "../messages/error.ts";
import { formatPrincipal, toGssName } from "../principal.ts";
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
  #sent: ClientTime = { ctime: 0, cusec: 0 };

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
    const { ticket: { credential, kdcOffset }, flags } = this.#init;
    const { message, sent } = await makeApReq({
      credential,
      authenticatorUsage: KeyUsage.ApReqAuthenticator,
      checksum: { cksumtype: GSS_CHECKSUM_TYPE, checksum: await this.#checksum() },
      subkey: this.#subkey,
      sequence: this.#sequence,
      apOptions: flags.mutual ? ApOption.MutualRequired : 0,
      offset: kdcOffset,
      runtime: this.#runtime,
    });
    this.#sent = sent;
    return message;
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

  async #finish(token: Uint8Array | undefined): Promise<GssStep> {
    if (token === undefined || token.length === 0) {
      throw defective("Cannot finish context: the acceptor sent no AP-REP");
    }
    const { id, message } = decodeContextToken(token);
    if (id === "KRB-ERROR") throw this.#refusal(readMessage(KrbError, message));
    if (id !== "AP-REP") throw defective(`Cannot finish context: ${id} came, AP-REP is wanted`);
    const { subkey, sequence = this.#sequence } = await verifyApRep(
      message,
      this.#init.ticket.credential.key,
      this.#sent,
    );
    this.#state = "finished";
    if (subkey === undefined) return { done: true, context: this.#context(this.#subkey, false, sequence) };
    this.#subkey[Symbol.dispose]();
    return { done: true, context: this.#context(subkey, true, sequence) };
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
