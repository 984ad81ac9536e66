/**
 * The accepting side of SPNEGO (RFC 4178) over one mechanism. Tokens of the mechanism itself, without SPNEGO around them, are
 * taken too. NegoEx and the hints that old servers send unasked are left out.
 *
 * @module
 */
import { Asn1Error } from "../../asn1/codec.ts";
import { type Bytes, copyBytes } from "../../base/bytes.ts";
import type { AcceptOptions, GssAcceptorCredential } from "../credential.ts";
import type { GssContext } from "../context.ts";
import type { GssNegotiation, GssStep } from "../negotiation.ts";
import { shortened } from "../../base/printable.ts";
import { GssError, withToken } from "../status.ts";
import { micError, type MicExchange, micStep, spnegoError } from "./mic_rules.ts";
import { canonicalMechanism, SPNEGO_OID } from "../oids.ts";
import {
  decodeNegTokenInit,
  decodeNegTokenResp,
  encodeNegTokenResp,
  isSpnego,
  mechListBytes,
  NegState,
  type NegTokenResp,
} from "./tokens.ts";

/**
 * Accepts contexts of a mechanism, with SPNEGO around them (RFC 4178) or without. Where the mechanism is not the initiator's first
 * choice, both sides must protect the list of mechanisms with a MIC (section 5). What a step refuses is a `GssError` whose code is
 * the mechanism's, `DEFECTIVE_TOKEN`, or one of `SpnegoErrorCode`'s, with a rejection as its token.
 *
 * @param credential The mechanism's credentials, of which every context is made.
 *
 * @example
 * ```ts
 * import { spnegoAcceptor } from "@gssocks/gssocks/gss";
 * import { KerberosAcceptorCredential, Keytab } from "@gssocks/gssocks/kerberos";
 *
 * const credential = spnegoAcceptor(new KerberosAcceptorCredential({ keys: new Keytab([]) }));
 * const refused = await credential.accept().step(new Uint8Array([0x60])).catch((error) => error);
 * if (refused.major !== "DEFECTIVE_TOKEN") throw refused;
 * ```
 */
export function spnegoAcceptor(credential: GssAcceptorCredential): GssAcceptorCredential {
  return {
    mechanism: SPNEGO_OID,
    accept: (options) => new SpnegoAcceptor(credential, options),
  };
}

/** Mechanisms of a list that are named in a message. */
const LISTED = 4;

/** What goes along with a token of the mechanism. */
type First = Pick<NegTokenResp, "supportedMech">;

class SpnegoAcceptor implements GssNegotiation {
  readonly #mechanism: string;
  readonly #inner: GssNegotiation;
  #state: "start" | "bare" | "mechanism" | "mic" | "over" = "start";
  /** Bytes that a MIC is over. */
  #list: Bytes | undefined;
  /** Whether the initiator's first choice was not taken: somebody may have changed the list then. */
  #passedOver = false;
  #context: GssContext | undefined;

  constructor(credential: GssAcceptorCredential, options: AcceptOptions | undefined) {
    this.#mechanism = credential.mechanism;
    this.#inner = credential.accept(options);
  }

  async step(given?: Uint8Array): Promise<GssStep> {
    const token = given === undefined ? undefined : copyBytes(given, "step with");
    const state = this.#state;
    this.#state = "over";
    if (state === "over") throw negotiationIsOver();
    if (state === "bare" || (state === "start" && (token === undefined || !isSpnego(token)))) {
      this.#state = "bare";
      return await this.#inner.step(token);
    }
    try {
      if (state === "start") return await this.#begin(token!);
      const answer = decodeNegTokenResp(token ?? new Uint8Array(0));
      checkAnswer(answer);
      return state === "mic"
        ? await this.#finish(answer)
        : await this.#goOn(answer.responseToken, answer.mechListMic, {});
    } catch (error) {
      this.#context?.dispose();
      this.#inner.dispose?.();
      throw rejected(asGssError(error));
    }
  }

  /** A context that waits for the initiator's MIC is nobody's yet. */
  dispose(): void {
    if (this.#state !== "over") this.#context?.dispose();
    this.#state = "over";
    this.#inner.dispose?.();
  }

  async #begin(token: Uint8Array): Promise<GssStep> {
    const { mechTypes, mechToken, mechListMic } = decodeNegTokenInit(token);
    const taken = mechTypes.findIndex((type) => canonicalMechanism(type) === this.#mechanism);
    if (taken < 0) {
      const problem = `Initiator offers ${listed(mechTypes)}, ${this.#mechanism} is wanted`;
      throw spnegoError(problem, "BAD_MECH", "SPNEGO_REJECT");
    }
    this.#list = mechListBytes(mechTypes);
    this.#passedOver = taken > 0;
    const supportedMech = mechTypes[taken]!;
    // A first token of a mechanism that is not taken is not looked at.
    if (!this.#passedOver && mechToken !== undefined) {
      return await this.#goOn(mechToken, mechListMic, { supportedMech });
    }
    if (mechListMic !== undefined) throw micError("misplaced MIC", "Initiator");
    this.#state = "mechanism";
    const negState = this.#passedOver ? NegState.RequestMic : NegState.AcceptIncomplete;
    return { done: false, token: encodeNegTokenResp({ negState, supportedMech }) };
  }

  /** A token of the mechanism. */
  async #goOn(mechToken: Bytes | undefined, mechListMic: Bytes | undefined, first: First): Promise<GssStep> {
    if (mechToken === undefined) {
      throw spnegoError("Initiator sent no token of the mechanism", "DEFECTIVE_TOKEN", "SPNEGO_TOKEN");
    }
    const step = await this.#inner.step(mechToken);
    const responseToken = step.token;
    if (step.done) {
      this.#context = step.context;
      return await this.#protect(step.context, { responseToken, mechListMic, first });
    }
    if (mechListMic !== undefined) throw micError("misplaced MIC", "Initiator");
    this.#state = "mechanism";
    return {
      done: false,
      token: encodeNegTokenResp({ negState: NegState.AcceptIncomplete, ...first, responseToken }),
    };
  }

  /** The mechanism is done: what section 5 says of the list. */
  async #protect(
    context: GssContext,
    { responseToken, mechListMic, first }: {
      readonly responseToken: Bytes | undefined;
      readonly mechListMic: Bytes | undefined;
      readonly first: First;
    },
  ): Promise<GssStep> {
    const list = this.#list!;
    const sending = responseToken !== undefined && responseToken.length > 0;
    const exchange: MicExchange = !context.flags.integrity ? "forbidden" : this.#passedOver ? "required" : "optional";
    const last = sending ? "acceptor" : "initiator";
    const standing = { role: "acceptor", last, sending, exchange, sent: false, peer: "silent" } as const;
    const next = await micStep(standing, { context, list, mic: mechListMic });
    const mic = next.endsWith("with MIC") ? { mechListMic: await context.getMic(list) } : {};
    if (next === "wait with MIC") {
      this.#state = "mic";
      const negState = NegState.AcceptIncomplete;
      return { done: false, token: encodeNegTokenResp({ negState, ...first, responseToken, ...mic }) };
    }
    const token = encodeNegTokenResp({ negState: NegState.AcceptCompleted, ...first, responseToken, ...mic });
    return { done: true, token, context };
  }

  /** The initiator's MIC, behind the acceptor's: what was offered is what arrived. */
  async #finish({ responseToken, mechListMic }: NegTokenResp): Promise<GssStep> {
    if (responseToken !== undefined && responseToken.length > 0) {
      throw spnegoError("Initiator sent a token to a context that stands", "DEFECTIVE_TOKEN", "SPNEGO_TOKEN");
    }
    const context = this.#context!;
    await micStep(
      { role: "acceptor", last: "acceptor", sending: false, exchange: "required", sent: true, peer: "silent" },
      { context, list: this.#list!, mic: mechListMic },
    );
    return { done: true, context };
  }
}

/** A list as it goes into messages, of which a stranger must not make many lines. */
function listed(mechTypes: readonly string[]): string {
  const more = mechTypes.length - LISTED;
  const names = mechTypes.slice(0, LISTED).map((name) => shortened(name, 64));
  return (names.join(", ") || "no mechanism") + (more > 0 ? ` and ${more} more` : "");
}

/** RFC 4178 section 4.2.2: what only the acceptor says. */
function checkAnswer({ negState, supportedMech }: NegTokenResp): void {
  if (negState === NegState.Reject) throw spnegoError("Initiator gave up", "FAILURE", "SPNEGO_REJECT");
  if (negState === NegState.RequestMic) {
    throw spnegoError("Initiator sent request-mic, which is the acceptor's", "DEFECTIVE_TOKEN", "SPNEGO_STATE");
  }
  if (supportedMech !== undefined) {
    throw spnegoError("Initiator named a mechanism, which is the acceptor's", "DEFECTIVE_TOKEN", "SPNEGO_MECH");
  }
}

/** A failure with its token, if it has one, in a rejection. */
function rejected(error: unknown): unknown {
  if (!(error instanceof GssError)) return error;
  return withToken(error, encodeNegTokenResp({ negState: NegState.Reject, responseToken: error.token }));
}

/** For a step after the last one. The context that was handed out is its owner's, and stays. */
export function negotiationIsOver(): GssError {
  return new GssError("Cannot step context: it is over", { major: "NO_CONTEXT", code: "NO_CONTEXT" });
}

/** What cannot be read is a defective token. */
export function asGssError(error: unknown): unknown {
  return error instanceof Asn1Error
    ? new GssError(`Cannot read SPNEGO token: ${error.message}`, {
      major: "DEFECTIVE_TOKEN",
      code: "DEFECTIVE_TOKEN",
      cause: error,
    })
    : error;
}
