/**
 * A negotiation of SPNEGO whose first token has none of the mechanism, so that the context takes one exchange more (RFC 4178 section 3.2).
 *
 * @module
 */
import type { GssContext } from "../gss/context.ts";
import type { GssNegotiation, GssStep } from "../gss/negotiation.ts";
import {
  decodeNegTokenResp,
  encodeNegTokenInit,
  encodeNegTokenResp,
  mechListBytes,
  NegState,
} from "../gss/spnego/tokens.ts";

/** Negotiates a mechanism, later than it could. */
export class LateToken implements GssNegotiation {
  readonly #mechanism: string;
  readonly #inner: GssNegotiation;
  #steps = 0;
  /** The context, while the acceptor's last word is awaited. */
  #context: GssContext | undefined;

  constructor(mechanism: string, inner: GssNegotiation) {
    this.#mechanism = mechanism;
    this.#inner = inner;
  }

  async step(token?: Uint8Array): Promise<GssStep> {
    const mechTypes = [this.#mechanism];
    this.#steps++;
    if (token === undefined) return { done: false, token: encodeNegTokenInit({ mechTypes }) };
    const { negState, responseToken, mechListMic } = decodeNegTokenResp(token);
    if (this.#steps === 2) {
      return { done: false, token: encodeNegTokenResp({ responseToken: (await this.#inner.step()).token! }) };
    }
    const list = mechListBytes(mechTypes);
    const context = this.#context ?? await this.#established(responseToken);
    if (mechListMic !== undefined) await context.verifyMic(list, mechListMic);
    if (negState === NegState.AcceptCompleted) return { done: true, context };
    this.#context = context;
    return { done: false, token: encodeNegTokenResp({ mechListMic: await context.getMic(list) }) };
  }

  async #established(token: Uint8Array | undefined): Promise<GssContext> {
    const step = await this.#inner.step(token);
    if (!step.done) throw new Error("the mechanism wants another token");
    return step.context;
  }
}
