/**
 * A mechanism without cryptography and with any number of legs, to test what the SOCKS layer does around one. A token
 * is `"wrap"`, a flag and the message; a change in the word makes it invalid.
 *
 * @module
 */
import { type Bytes, concat, utf8 } from "../../base/bytes.ts";
import type { GssAcceptorCredential, GssInitiatorCredential } from "../../gss/credential.ts";
import type { GssContext, GssFlags } from "../../gss/context.ts";
import type { GssNegotiation, GssStep } from "../../gss/negotiation.ts";
import { GssError, type SupplementaryStatus } from "../../gss/status.ts";
import { ALL_FLAGS } from "./flags.ts";

/** Options of a mock mechanism. */
export interface MockOptions {
  /** Tokens that each side sends before the context is established. @default {1} */
  legs?: number;
  /** Flags that the context reports. @default {all} */
  flags?: Partial<GssFlags>;
  /** Status of every unwrapped message. @default {"complete"} */
  status?: SupplementaryStatus;
  /** Whether the acceptor's last step returns a token. @default {true} */
  lastToken?: boolean;
  /** Whether the acceptor refuses, with an error token or without. */
  refuse?: "with token" | "without token";
}

/** An established mock context. */
export class MockContext implements GssContext {
  readonly mechanism = "1.2.3";
  readonly channelBound = false;
  readonly expiresAt = 1e15;
  readonly attributes = { enctype: "mock" };
  readonly flags: Required<GssFlags>;
  disposed = false;

  constructor(readonly initiator: boolean, readonly options: MockOptions) {
    this.flags = { ...ALL_FLAGS, ...options.flags };
  }

  get peer(): { type: "user"; text: string } {
    return { type: "user", text: this.initiator ? "mock-service" : "mock-user" };
  }

  get self(): { type: "user"; text: string } {
    return { type: "user", text: this.initiator ? "mock-user" : "mock-service" };
  }

  wrap(message: Uint8Array, options: { confidential: boolean; headroom?: number }): Promise<Bytes> {
    const room = new Uint8Array(options.headroom ?? 0);
    const body = options.confidential ? message.map((byte) => byte ^ 0x55) : message;
    return Promise.resolve(concat(room, utf8("wrap"), Uint8Array.of(options.confidential ? 1 : 0), body));
  }

  unwrap(token: Uint8Array): Promise<{ data: Bytes; confidential: boolean; status: SupplementaryStatus }> {
    const confidential = token[4] === 1;
    if (new TextDecoder().decode(token.subarray(0, 4)) !== "wrap" || token[4]! > 1) {
      return Promise.reject(new GssError("not genuine", { major: "BAD_SIG", code: "BAD_SIG" }));
    }
    const body = token.slice(5) as Bytes;
    const data = confidential ? body.map((byte) => byte ^ 0x55) as Bytes : body;
    return Promise.resolve({ data, confidential, status: this.options.status ?? "complete" });
  }

  getMic(): Promise<Bytes> {
    return Promise.resolve(utf8("mic"));
  }

  verifyMic(): Promise<SupplementaryStatus> {
    return Promise.resolve("complete");
  }

  wrapSizeLimit(outputSize: number): number {
    return Math.max(0, outputSize - 5);
  }

  dispose(): void {
    this.disposed = true;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A negotiation of `legs` tokens each way. */
class MockNegotiation implements GssNegotiation {
  #count = 0;

  constructor(readonly initiator: boolean, readonly options: MockOptions) {}

  step(token?: Uint8Array): Promise<GssStep> {
    const { legs = 1, lastToken = true, refuse } = this.options;
    const bad = (error?: Bytes) =>
      Promise.reject(
        new GssError("refused", { major: "FAILURE", code: "FAILURE", ...(error ? { token: error } : {}) }),
      );
    if (this.initiator && token?.[0] === 0x21) return bad();
    if (!this.initiator && refuse !== undefined) return bad(refuse === "with token" ? utf8("!no") : undefined);
    if (this.initiator ? this.#count > 0 && token?.[0] !== 0x61 : token?.[0] !== 0x69) {
      if (!(this.initiator && !lastToken && token?.length === 0)) return bad();
    }
    this.#count++;
    const next = utf8(`${this.initiator ? "i" : "a"}${this.#count}`);
    if (this.initiator) {
      return Promise.resolve(
        this.#count > legs
          ? { done: true, context: new MockContext(true, this.options) }
          : { done: false, token: next },
      );
    }
    if (this.#count < legs) return Promise.resolve({ done: false, token: next });
    const context = new MockContext(false, this.options);
    return Promise.resolve(lastToken ? { done: true, token: next, context } : { done: true, context });
  }
}

/** Creates the credentials of a mock mechanism. */
export function mockMechanism(
  options: MockOptions = {},
): { initiator: GssInitiatorCredential; acceptor: GssAcceptorCredential } {
  return {
    initiator: { mechanism: "1.2.3", initiate: () => Promise.resolve(new MockNegotiation(true, options)) },
    acceptor: { mechanism: "1.2.3", accept: () => new MockNegotiation(false, options) },
  };
}
