/**
 * Datagrams under the protection of a context: each is one message in a frame of its own (RFC 1961 section 5).
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { andThen, type Eventually } from "../../base/eventually.ts";
import type { GssContext, UnwrappedMessage } from "../../gss/context.ts";
import { unwrapEventually, wrapEventually } from "../../gss/eventual.ts";
import { SocksProtocolError } from "../errors.ts";
import { isSealed, type ProtectionLevel, type SealPolicy } from "../protection.ts";
import { decodeFrame, FRAME_HEADER, frameInPlace, FrameType, MAX_TOKEN } from "../wire/gssapi.ts";

/** Seals and opens single datagrams with the context of the control connection (RFC 1961 section 5). */
export interface DatagramCodec {
  /** Returns a datagram as it is sent to the peer. */
  seal(datagram: Uint8Array): Promise<Bytes>;
  /**
   * Returns the datagram in what the peer sent.
   *
   * @throws {Error} When it is not genuine, was received before, or is not protected as agreed.
   */
  open(bytes: Uint8Array): Promise<Bytes>;
  /**
   * Returns the size of the longest datagram that has at most `size` bytes as it is sent, or 0 if there is none.
   *
   * @default {`size`: nothing is added}
   */
  roomIn?(size: number): number;
}

/** Options of {@linkcode protectedDatagrams}. */
export interface ProtectedDatagramsOptions {
  /** Established context. */
  readonly context: GssContext;
  /** Protection level that was agreed. */
  readonly level: Exclude<ProtectionLevel, "none">;
  /** Which datagrams are encrypted at level "selective". @default {all of them} */
  readonly seal?: SealPolicy | undefined;
}

/** A codec that has results at once where it can. The public calls of {@linkcode DatagramCodec} always return promises. */
interface EventualCodec extends DatagramCodec {
  /** As `seal()`; the result may be the datagram itself. */
  sealEventually(datagram: Bytes): Eventually<Bytes>;
  /** As `open()`, in place: the result may lie in `bytes`. A datagram that is not genuine throws. */
  openEventually(bytes: Bytes): Eventually<Bytes>;
}

/** Seals a datagram, whose memory belongs to the codec from now on, with any codec; now if the codec can. */
export function sealEventually(codec: DatagramCodec, datagram: Bytes): Eventually<Bytes> {
  return isEventual(codec) ? codec.sealEventually(datagram) : codec.seal(datagram);
}

/** Opens a datagram, whose memory belongs to the codec from now on, with any codec; now if the codec can. */
export function openEventually(codec: DatagramCodec, bytes: Bytes): Eventually<Bytes> {
  return isEventual(codec) ? codec.openEventually(bytes) : codec.open(bytes);
}

function isEventual(codec: DatagramCodec): codec is EventualCodec {
  return (codec as Partial<EventualCodec>).sealEventually !== undefined;
}

/** Datagrams without protection. */
export const plainDatagrams: DatagramCodec & EventualCodec = {
  seal: (datagram) => Promise.resolve(new Uint8Array(datagram)),
  open: (bytes) => Promise.resolve(new Uint8Array(bytes)),
  sealEventually: (datagram) => datagram,
  openEventually: (bytes) => bytes,
};

/** Returns the codec of datagrams in `01 03` frames, one complete frame each. */
export function protectedDatagrams(options: ProtectedDatagramsOptions): DatagramCodec {
  return new ProtectedDatagrams(options);
}

class ProtectedDatagrams implements EventualCodec {
  readonly #context: GssContext;
  readonly #level: Exclude<ProtectionLevel, "none">;
  readonly #seal: SealPolicy;

  constructor({ context, level, seal = () => true }: ProtectedDatagramsOptions) {
    this.#context = context;
    this.#level = level;
    this.#seal = seal;
  }

  async seal(datagram: Uint8Array): Promise<Bytes> {
    return await this.sealEventually(datagram);
  }

  async open(bytes: Uint8Array): Promise<Bytes> {
    return await this.openEventually(bytes as Bytes);
  }

  sealEventually(datagram: Uint8Array): Eventually<Bytes> {
    const confidential = isSealed(this.#level, this.#seal, datagram.length);
    return andThen(wrapEventually(this.#context, datagram, { confidential, headroom: FRAME_HEADER }), framed);
  }

  openEventually(bytes: Bytes): Eventually<Bytes> {
    const decoded = decodeFrame(bytes);
    if (decoded === undefined || decoded.length !== bytes.length || decoded.value.type !== FrameType.Encapsulation) {
      throw new SocksProtocolError("BAD_MESSAGE", `Datagram of ${bytes.length} bytes is not one protected message`);
    }
    const unwrapped = unwrapEventually(this.#context, decoded.value.token, { inPlace: true });
    return andThen(unwrapped, (message) => this.#checked(message));
  }

  /** Returns the datagram in an unwrapped message. */
  #checked({ data, confidential, status }: UnwrappedMessage): Bytes {
    // Datagrams may be lost or reordered, but not repeated. A context that also checks the order, which it need not
    // (RFC 1961 section 3.2), cannot tell a late datagram from a repeated one.
    if (status === "duplicate" || status === "old" || status === "unsequenced") {
      throw new SocksProtocolError("OUT_OF_ORDER", `Datagram was received before: ${status}`);
    }
    if (this.#level === "confidentiality" && !confidential) {
      throw new SocksProtocolError("NOT_SEALED", "Datagram is only signed; it must be encrypted too");
    }
    return data;
  }

  roomIn(size: number): number {
    const token = Math.min(size - FRAME_HEADER, MAX_TOKEN);
    const kinds = this.#level === "selective" ? [true, false] : [this.#level === "confidentiality"];
    const limit = (confidential: boolean) => this.#context.wrapSizeLimit(token, { confidential });
    return token <= 0 ? 0 : Math.min(...kinds.map(limit));
  }
}

/** Writes the header of its frame before a token. */
function framed(frame: Bytes): Bytes {
  return frameInPlace(FrameType.Encapsulation, frame);
}
