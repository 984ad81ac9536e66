/**
 * Messages of an established context, made and judged in the way that the faults ask for.
 *
 * @module
 */
import { type Bytes, sameBytes } from "../../../base/bytes.ts";
import type { GssContext } from "../../../gss/context.ts";
import { damaged } from "../../../conform/gss_session.ts";
import { encodeFrame, type Frame, FrameType } from "../../../socks/wire/gssapi.ts";
import type { ProxyFaults } from "./faults.ts";
import { type Found, Over } from "./incoming.ts";

/** Reads a frame; with the fault, of any version and type. */
export function frameIn(bytes: Bytes, faults: ProxyFaults): Found<Frame> | undefined {
  const [version, type] = bytes;
  if (version !== 1 && !faults.anyVersion) throw new Over("version");
  if (type === FrameType.Abort) return { value: { type, token: bytes.subarray(0, 0) }, length: 2 };
  if (type !== undefined && (type < 1 || type > 3) && !faults.anyType) throw new Over("type");
  if (bytes.length < 4) return undefined;
  const length = 4 + (bytes[2]! << 8 | bytes[3]!);
  if (length > (faults.longest ?? Infinity)) throw new Over("too long");
  if (bytes.length < length) return undefined;
  return { value: { type: type!, token: bytes.slice(4, length) }, length };
}

/** How a message is sent. */
interface WrapHow {
  readonly type?: number;
  readonly confidential?: boolean;
}

/** The messages of one context. */
export class Protection {
  readonly context: GssContext;
  level = 0;
  readonly #faults: ProxyFaults;
  #last = 0;
  readonly #sent: { readonly token: Bytes; readonly data: Uint8Array }[] = [];

  constructor(context: GssContext, faults: ProxyFaults) {
    this.context = context;
    this.#faults = faults;
  }

  async wrap(data: Uint8Array, how: WrapHow = {}): Promise<Bytes> {
    const { type = FrameType.Encapsulation, confidential = this.level >= 2 } = how;
    const { seal, takesOwn } = this.#faults;
    const sealed = type === FrameType.Encapsulation ? seal ?? confidential : confidential;
    const token = await this.context.wrap(data, { confidential: sealed });
    if (takesOwn) this.#sent.push({ token, data });
    return encodeFrame(type, token);
  }

  /** Opens a token; throws when it is not as agreed. */
  async open(token: Bytes, { ordered = true }: { readonly ordered?: boolean } = {}): Promise<Bytes> {
    const { anySeal, strictSeal, forgives, anyOrder } = this.#faults;
    const own = this.#sent.find((sent) => sameBytes(sent.token, token));
    if (own !== undefined) return new Uint8Array(own.data);
    const { data, confidential, status } = await this.context.unwrap(token).catch((error) => {
      if (!forgives) throw error;
      return this.context.unwrap(damaged(token));
    });
    if (ordered && !this.context.flags.sequence) {
      // A token's number is in its last eight bytes of the header (RFC 4121 section 4.2.6.2).
      const number = new DataView(token.buffer, token.byteOffset).getUint32(12);
      if (number < this.#last) throw new Over("late");
      this.#last = number;
    }
    const good = status === "complete" || (!ordered && status === "gap");
    if (!good && !anyOrder) throw new Over(status);
    if (this.level === 2 && !confidential && !anySeal) throw new Over("signed only");
    if (this.level === 1 && confidential && strictSeal) throw new Over("encrypted");
    return data;
  }
}
