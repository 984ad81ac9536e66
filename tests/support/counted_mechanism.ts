/**
 * A mechanism with any number of tokens, for tests of SPNEGO. Its MICs name the signer, the number and the message.
 *
 * @module
 */
import { type Bytes, sameBytes, utf8 } from "../../base/bytes.ts";
import type { GssContext, GssFlags } from "../../gss/context.ts";
import type { GssNegotiation, GssStep } from "../../gss/negotiation.ts";
import { GssError, type SupplementaryStatus } from "../../gss/status.ts";
import { OID, type Sides } from "./forge_spnego.ts";
import { hex } from "./vectors.ts";

/** Options of a counted mechanism. */
export interface CountedOptions {
  /** Whether its contexts sign. @default {true} */
  readonly integrity?: boolean;
  /** Called with each context. */
  readonly onContext?: (context: CountedContext) => void;
}

/** Returns a mechanism with `tokens` tokens: `t1` from the initiator, `t2` from the acceptor and so on. */
export function countedSides(tokens: number, options: CountedOptions = {}): Sides {
  const initiate = () => Promise.resolve(new CountedNegotiation("initiator", tokens, options));
  return {
    mechanism: OID.counted,
    initiator: { mechanism: "1.2.3", initiate },
    acceptor: { mechanism: "1.2.3", accept: () => new CountedNegotiation("acceptor", tokens, options) },
    initiate,
  };
}

class CountedNegotiation implements GssNegotiation {
  #next = 1;

  constructor(
    readonly role: "initiator" | "acceptor",
    readonly tokens: number,
    readonly options: CountedOptions,
  ) {}

  step(token?: Uint8Array): Promise<GssStep> {
    if (this.role === "acceptor" || this.#next > 1) {
      if (token === undefined || !sameBytes(token, utf8(`t${this.#next}`))) {
        return Promise.reject(new GssError("not the token wanted", { major: "DEFECTIVE_TOKEN", code: "FAILURE" }));
      }
      this.#next++;
    }
    const own = this.#next <= this.tokens ? { token: utf8(`t${this.#next++}`) } : {};
    if (this.#next <= this.tokens) return Promise.resolve({ done: false, token: own.token! });
    const context = new CountedContext(this.role, this.options.integrity ?? true);
    this.options.onContext?.(context);
    return Promise.resolve({ done: true, context, ...own });
  }
}

/** A context whose MICs name the signer, the number and the message. */
export class CountedContext implements GssContext {
  readonly mechanism = "1.2.3";
  readonly channelBound = false;
  readonly expiresAt = 1e15;
  readonly attributes = {};
  readonly peer = { type: "user", text: "peer" } as const;
  readonly self = { type: "user", text: "self" } as const;
  readonly flags: Required<GssFlags>;
  disposed = false;
  #signed = 0;
  #verified = 0;

  constructor(readonly role: "initiator" | "acceptor", integrity: boolean) {
    this.flags = {
      delegation: false,
      mutual: true,
      replay: true,
      sequence: true,
      confidentiality: integrity,
      integrity,
    };
  }

  get initiator(): boolean {
    return this.role === "initiator";
  }

  #signature(role: string, number: number, message: Uint8Array): Bytes {
    return utf8(`mic of the ${role}, number ${number}, over ${hex(message)}`);
  }

  getMic(message: Uint8Array): Promise<Bytes> {
    if (!this.flags.integrity) {
      return Promise.reject(new GssError("cannot sign", { major: "UNAVAILABLE", code: "UNAVAILABLE" }));
    }
    return Promise.resolve(this.#signature(this.role, this.#signed++, message));
  }

  verifyMic(message: Uint8Array, mic: Uint8Array): Promise<SupplementaryStatus> {
    const peer = this.initiator ? "acceptor" : "initiator";
    const number = [0, 1, 2].find((n) => sameBytes(mic, this.#signature(peer, n, message)));
    if (number === undefined) return Promise.reject(new GssError("forged", { major: "BAD_SIG", code: "BAD_SIG" }));
    return Promise.resolve(number === this.#verified++ ? "complete" : "gap");
  }

  wrap(): Promise<Bytes> {
    return Promise.reject(new Error("not used"));
  }

  unwrap(): Promise<never> {
    return Promise.reject(new Error("not used"));
  }

  wrapSizeLimit(): number {
    return 0;
  }

  dispose(): void {
    this.disposed = true;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
