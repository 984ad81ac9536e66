/**
 * The accepting side of SPNEGO (RFC 4178) over one mechanism. Tokens of the mechanism itself, without SPNEGO around them, are
 * taken too.
 *
 * @module
 */
import { Asn1Error } from "../asn1.ts";
import type { Bytes } from "../bytes.ts";
import type { AcceptOptions, GssAcceptorCredential, GssContext, GssNegotiation, GssStep } from "../mechanism.ts";
import { GssError } from "../status.ts";
import {
  decodeNegTokenInit,
  decodeNegTokenResp,
  encodeNegTokenResp,
  isSpnego,
  mechListOctets,
  NegState,
  SPNEGO_OID,
} from "./tokens.ts";

/** What Windows 2000 called Kerberos, which newer ones still offer first (MS-SPNG section 3.1.5.2). */
const ALIASES: Readonly<Record<string, string>> = { "1.2.840.48018.1.2.2": "1.2.840.113554.1.2.2" };

/**
 * Accepts contexts of a mechanism, with SPNEGO around them or without.
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

class SpnegoAcceptor implements GssNegotiation {
  readonly #mechanism: string;
  readonly #inner: GssNegotiation;
  #state: "start" | "bare" | "mechanism" | "mic" | "over" = "start";
  /** Octets that a MIC is over. */
  #list: Bytes | undefined;
  /** Whether the list must be protected: where the initiator's first choice was not taken, somebody may have changed it. */
  #micNeeded = false;
  #context: GssContext | undefined;

  constructor(credential: GssAcceptorCredential, options: AcceptOptions | undefined) {
    this.#mechanism = credential.mechanism;
    this.#inner = credential.accept(options);
  }

  async step(token?: Uint8Array): Promise<GssStep> {
    const state = this.#state;
    this.#state = "over";
    try {
      switch (state) {
        case "start":
          return await this.#begin(token);
        case "bare":
          this.#state = "bare";
          return await this.#inner.step(token);
        case "mechanism":
          return await this.#goOn(decodeNegTokenResp(token ?? new Uint8Array(0)).responseToken, {});
        case "mic":
          return await this.#finish(token);
        case "over":
          throw new GssError("Cannot step context: it is over", { major: "NO_CONTEXT", code: "NO_CONTEXT" });
      }
    } catch (error) {
      this.#context?.dispose();
      throw asGssError(error);
    }
  }

  async #begin(token: Uint8Array | undefined): Promise<GssStep> {
    if (token === undefined || !isSpnego(token)) {
      this.#state = "bare";
      return await this.#inner.step(token);
    }
    const { mechTypes, mechToken } = decodeNegTokenInit(token);
    const taken = mechTypes.findIndex((type) => (ALIASES[type] ?? type) === this.#mechanism);
    if (taken < 0) {
      throw new GssError(`Initiator offers ${mechTypes.join(", ") || "no mechanism"}, ${this.#mechanism} is wanted`, {
        major: "BAD_MECH",
        code: "SPNEGO_REJECT",
        token: encodeNegTokenResp({ negState: NegState.Reject }),
      });
    }
    this.#list = mechListOctets(mechTypes);
    const supportedMech = mechTypes[taken]!;
    if (taken === 0 && mechToken !== undefined) return await this.#goOn(mechToken, { supportedMech });
    this.#micNeeded = taken > 0;
    this.#state = "mechanism";
    const negState = this.#micNeeded ? NegState.RequestMic : NegState.AcceptIncomplete;
    return { done: false, token: encodeNegTokenResp({ negState, supportedMech }) };
  }

  /** A token of the mechanism. */
  async #goOn(mechToken: Bytes | undefined, more: { readonly supportedMech?: string }): Promise<GssStep> {
    let step: GssStep;
    try {
      step = await this.#inner.step(mechToken);
    } catch (error) {
      throw rejected(error);
    }
    const { token: responseToken } = step;
    if (!step.done) {
      this.#state = "mechanism";
      const negState = NegState.AcceptIncomplete;
      return { done: false, token: encodeNegTokenResp({ negState, ...more, responseToken }) };
    }
    this.#context = step.context;
    if (!this.#micNeeded) {
      const token = encodeNegTokenResp({ negState: NegState.AcceptCompleted, ...more, responseToken });
      return { done: true, token, context: step.context };
    }
    const mechListMic = await step.context.getMic(this.#list!);
    this.#state = "mic";
    const negState = NegState.AcceptIncomplete;
    return { done: false, token: encodeNegTokenResp({ negState, responseToken, mechListMic }) };
  }

  /** The initiator's MIC over the list: what was offered is what arrived. */
  async #finish(token: Uint8Array | undefined): Promise<GssStep> {
    const { mechListMic } = decodeNegTokenResp(token ?? new Uint8Array(0));
    if (mechListMic === undefined) {
      throw new GssError("Initiator did not protect its list of mechanisms", {
        major: "DEFECTIVE_TOKEN",
        code: "SPNEGO_NO_MIC",
      });
    }
    await this.#context!.verifyMic(this.#list!, mechListMic);
    return { done: true, context: this.#context! };
  }
}

/** A failure with its token, if it has one, in a rejection. */
function rejected(error: unknown): unknown {
  if (!(error instanceof GssError)) return error;
  const { message, major, code, minor, details, cause, token: responseToken } = error;
  const token = encodeNegTokenResp({ negState: NegState.Reject, responseToken });
  return new GssError(message, { major, code, minor, details, cause, token });
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
