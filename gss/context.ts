/**
 * Established contexts, which protect messages (RFC 2743 sections 1.2 and 2.3).
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { GssName } from "./names.ts";
import type { SupplementaryStatus } from "./status.ts";

/** Services of a context (RFC 2743 section 1.2), all off where they are not named. */
export interface GssFlags {
  /** Initiator's credentials are handed to the acceptor. */
  readonly delegation?: boolean;
  /** Acceptor proves itself too. */
  readonly mutual?: boolean;
  /** Replayed messages are reported. */
  readonly replay?: boolean;
  /** Missing and misordered messages are reported. */
  readonly sequence?: boolean;
  /** Messages can be sealed. */
  readonly confidentiality?: boolean;
  /** Messages can be signed. */
  readonly integrity?: boolean;
}

/** A message taken out of its token. */
export interface UnwrappedMessage {
  /** The message, in memory of its own, unless {@linkcode UnwrapOptions.inPlace} was asked for. */
  readonly data: Bytes;
  /** Whether it was sealed. */
  readonly confidential: boolean;
  /** Where it stands in the sequence. */
  readonly status: SupplementaryStatus;
}

/** An established context (RFC 2743 section 2.2.6 and 2.3). */
export interface GssContext extends Disposable {
  /** Mechanism, as a dotted object identifier. */
  readonly mechanism: string;
  /** Whether this side started it. */
  readonly initiator: boolean;
  /** The other side. On an initiator without mutual authentication, whom it meant to reach. */
  readonly peer: GssName;
  /** This side. */
  readonly self: GssName;
  /** Services granted. Check them before relying on one. */
  readonly flags: Readonly<Required<GssFlags>>;
  /** Whether both sides tied the context to the same channel. */
  readonly channelBound: boolean;
  /** When it expires, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Facts that rules and logs may use, such as `enctype` and `realm`. */
  readonly attributes: Readonly<Record<string, string | number>>;

  /**
   * Puts a message into a token, sealed or signed only. The sequence number and the message are taken before the first
   * `await`: what becomes of the caller's memory once the call is made changes nothing.
   *
   * @throws {TypeError} When the message has no bytes to take, being no buffer and no view of one, or its memory is gone;
   * the context stays as it was, and no number is taken. Also when the memory of `into` is taken away meanwhile, by which
   * the peer misses a number.
   * @throws {RangeError} When `into` is too small or `headroom` is no number of bytes, just so.
   * @throws {GssError} `NO_CONTEXT` after {@linkcode dispose}.
   */
  wrap(message: Uint8Array, options: WrapOptions): Promise<Bytes>;
  /**
   * Takes a message out of a token. Tokens may be given before the last one is done; they are judged in the order given.
   * The token is the caller's again once the call is made, unless {@linkcode UnwrapOptions.inPlace} is on.
   *
   * @throws {TypeError} When the token has no bytes to take; the context stays as it was.
   * @throws {GssError} When the token is not genuine; nothing of it is returned then. `NO_CONTEXT` after {@linkcode dispose}.
   */
  unwrap(token: Uint8Array, options?: UnwrapOptions): Promise<UnwrappedMessage>;
  /**
   * Signs a message apart from it. Number and message are taken as by {@linkcode wrap}.
   *
   * @throws {TypeError} When the message has no bytes to take; no number is taken.
   * @throws {GssError} `NO_CONTEXT` after {@linkcode dispose}.
   */
  getMic(message: Uint8Array): Promise<Bytes>;
  /**
   * Checks a signature made by the peer's {@linkcode getMic}.
   *
   * @throws {TypeError} When message or signature have no bytes to take; the context stays as it was.
   * @throws {GssError} When it is not genuine. `NO_CONTEXT` after {@linkcode dispose}.
   */
  verifyMic(message: Uint8Array, mic: Uint8Array): Promise<SupplementaryStatus>;
  /**
   * Largest message whose token has `outputSize` bytes at most (RFC 2743 section 2.2.7), 0 where none has.
   *
   * @throws {GssError} `NO_CONTEXT` after {@linkcode dispose}.
   */
  wrapSizeLimit(outputSize: number, options: WrapOptions): number;
  /**
   * Forgets the keys; every later call fails, and calls under way end as if it had come after them. May be called again. A
   * context that is forgotten without it gives back what the runtime holds for it when it is collected as garbage.
   */
  dispose(): void;
}

/** How a message is to be protected. */
export interface WrapOptions {
  /** Sealed (`true`) or signed only (`false`). */
  readonly confidential: boolean;
  /** Bytes to leave free in front of the token in the array returned, for the header of a frame. @default {0} */
  readonly headroom?: number | undefined;
  /**
   * Memory for headroom and token; what is returned is its beginning. The message may lie in it. Nobody else may use it until
   * the call is done.
   *
   * @default {fresh memory}
   */
  readonly into?: Bytes | undefined;
}

/** What becomes of the memory of a token. */
export interface UnwrapOptions {
  /**
   * Whether `data` may be a view of the token where the message was signed only, which saves a copy: whoever changes the token
   * changes what was checked. It must be left alone until the call is done, and as long as `data` is used.
   *
   * @default {false}
   */
  readonly inPlace?: boolean | undefined;
}
