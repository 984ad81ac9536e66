/**
 * The initiating side of the Kerberos mechanism (RFC 4121 section 4.1): sends a ticket in an AP-REQ, verifies the answer, and
 * makes the context.
 *
 * @module
 */
import { type Bytes, copyBytes } from "../../base/bytes.ts";
import { type Runtime, systemRuntime } from "../../base/runtime.ts";
import type { ChannelBindings } from "../../gss/channel_bindings.ts";
import type { GssFlags } from "../../gss/context.ts";
import type { GssNegotiation, GssStep } from "../../gss/negotiation.ts";
import { GssError, worthAnother } from "../../gss/status.ts";
import { type ClientTime, makeApReq } from "../ap/make.ts";
import { verifyApRep } from "../ap/reply.ts";
import type { ServiceTicket } from "../credentials/ticket_source.ts";
import { clockDifference } from "../clock_text.ts";
import { KerberosKey } from "../crypto/key.ts";
import { peerText } from "../errors.ts";
import { KrbError } from "../messages/error.ts";
import { readMessage } from "../messages/read.ts";
import { formatPrincipal, toGssName } from "../principal.ts";
import { ErrorCode, errorName } from "../registry/errors.ts";
import { ApOption } from "../registry/flags.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import { KerberosContext } from "./context.ts";
import { makeDelegation } from "./delegation.ts";
import { kerberosFailure, toGssError } from "./errors.ts";
import { initialSequence } from "./sequence.ts";
import { channelBindingHash } from "./tokens/channel_bindings.ts";
import { encodeAuthenticatorChecksum, GSS_CHECKSUM_TYPE } from "./tokens/checksum.ts";
import { decodeContextToken, encodeContextToken } from "./tokens/context.ts";
import { defective } from "./tokens/errors.ts";

/** Options of a {@linkcode KerberosInitiator}. */
interface InitiatorInit {
  /** Ticket for the acceptor. */
  readonly ticket: ServiceTicket;
  /** Services requested. */
  readonly flags: Required<GssFlags>;
  /** Ticket-granting ticket to delegate; used only with the delegation flag. */
  readonly forwarded?: ServiceTicket | undefined;
  /** Channel that the context is bound to. */
  readonly channelBindings?: ChannelBindings | undefined;
  /** Called when the acceptor refuses the ticket because of the time; returns whether another attempt may succeed. */
  readonly refusedForTime?: ((ticket: ServiceTicket) => boolean) | undefined;
  /** Clock and randomness. @default {the system's} */
  readonly runtime?: Runtime | undefined;
}

type State =
  | { readonly phase: "new" | "finished" | "failed" }
  /** The AP-REQ has been sent; the AP-REP must repeat the time in it. */
  | { readonly phase: "awaiting AP-REP"; readonly sent: ClientTime };

/** Negotiates a context that this side starts. */
export class KerberosInitiator implements GssNegotiation {
  readonly #init: InitiatorInit;
  readonly #runtime: Runtime;
  readonly #subkey: KerberosKey;
  readonly #sequence: number;
  #state: State = { phase: "new" };

  /**
   * Creates a negotiation.
   *
   * @param init Ticket, and the services requested.
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
    this.#state = { phase: "failed" };
    try {
      if (state.phase === "new") return await this.#start(token);
      if (state.phase === "awaiting AP-REP") return await this.#finish(token, state.sent);
    } catch (error) {
      throw toGssError(error);
    }
    throw new GssError(`Cannot step context: it is ${state.phase}`, { major: "NO_CONTEXT", code: "NO_CONTEXT" });
  }

  async #start(token: Uint8Array | undefined): Promise<GssStep> {
    if (token !== undefined && token.length > 0) throw defective("Cannot start context: the first step takes no token");
    const { message, sent } = await this.#apReq();
    const request = encodeContextToken("AP-REQ", message);
    if (this.#init.flags.mutual) {
      this.#state = { phase: "awaiting AP-REP", sent };
      return { done: false, token: request };
    }
    this.#state = { phase: "finished" };
    // Without AP-REP the acceptor numbers its tokens from the initiator's number on.
    return { done: true, token: request, context: this.#context(this.#subkey, false, this.#sequence) };
  }

  async #apReq(): Promise<{ message: Bytes; sent: ClientTime }> {
    const { ticket: { credential, kdcOffset }, flags } = this.#init;
    return await makeApReq({
      credential,
      authenticatorUsage: KeyUsage.ApReqAuthenticator,
      checksum: { cksumtype: GSS_CHECKSUM_TYPE, checksum: await this.#checksum() },
      subkey: this.#subkey,
      sequence: this.#sequence,
      apOptions: flags.mutual ? ApOption.MutualRequired : 0,
      offset: kdcOffset,
      runtime: this.#runtime,
    });
  }

  /**
   * Services of the context, as the acceptor and the caller see them (RFC 4121 section 4.1.1.1). Confidentiality and integrity
   * are always available, requested or not.
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

  async #finish(token: Uint8Array | undefined, sent: ClientTime): Promise<GssStep> {
    if (token === undefined || token.length === 0) {
      throw defective("Cannot finish context: the acceptor sent no AP-REP");
    }
    const { id, message } = decodeContextToken(token);
    if (id === "KRB-ERROR") throw this.#refusal(readMessage(KrbError, message));
    if (id !== "AP-REP") throw defective(`Cannot finish context: ${id} came, AP-REP is wanted`);
    const { subkey, sequence = this.#sequence } = await verifyApRep(
      message,
      this.#init.ticket.credential.key,
      sent,
    );
    this.#state = { phase: "finished" };
    if (subkey === undefined) return { done: true, context: this.#context(this.#subkey, false, sequence) };
    this.#subkey[Symbol.dispose]();
    return { done: true, context: this.#context(subkey, true, sequence) };
  }

  #refusal(error: KrbError): GssError {
    const { ticket, refusedForTime } = this.#init;
    const refused = refusedBy(error, ticket, this.#runtime.now());
    return isAboutTime(error) && refusedForTime?.(ticket) ? worthAnother(refused) : refused;
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

/** The acceptor's KRB-ERROR as an error. It names our service: nothing authenticates the name in the message. */
function refusedBy(error: KrbError, ticket: ServiceTicket, now: number): GssError {
  const name = errorName(error.errorCode) ?? "KRB_ERR_GENERIC";
  const service = formatPrincipal(ticket.credential.server);
  const text = error.eText === undefined ? "" : `, "${peerText(error.eText)}"`;
  const delta = Math.round((error.stime - now) / 1000);
  const stored = Math.round(ticket.kdcOffset / 1000);
  const measured = stored === 0
    ? ""
    : `, and the KDC's was ${clockDifference(ticket.kdcOffset)} ours when that was measured, which was added`;
  const about = isAboutTime(error)
    ? `; its clock is ${clockDifference(error.stime - now)} ours${measured}; set the clock that is wrong`
    : "";
  return kerberosFailure(name, `Service ${service} refused: ${name} (${error.errorCode})${text}${about}`, {
    service,
    clockDeltaSeconds: delta,
    kdcOffsetSeconds: stored,
  });
}

/** Whether the acceptor refuses because of the time, which another clock offset may mend. */
function isAboutTime({ errorCode }: KrbError): boolean {
  return errorCode === ErrorCode.KRB_AP_ERR_SKEW || errorCode === ErrorCode.KRB_AP_ERR_TKT_NYV;
}
