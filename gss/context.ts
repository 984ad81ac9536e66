/**
 * Established contexts, which protect messages (RFC 2743 sections 1.2 and 2.3).
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { GssAccount } from "./account.ts";
import type { GssName } from "./names.ts";
import type { SupplementaryStatus } from "./status.ts";

/** Services of a context (RFC 2743 section 1.2). A service that is not named is off. */
export interface GssFlags {
  /** The initiator's credentials are delegated to the acceptor. */
  readonly delegation?: boolean;
  /** The acceptor is authenticated too. */
  readonly mutual?: boolean;
  /** Replayed messages are detected. */
  readonly replay?: boolean;
  /** Missing and misordered messages are detected. */
  readonly sequence?: boolean;
  /** Messages can be encrypted. */
  readonly confidentiality?: boolean;
  /** Messages can be signed. */
  readonly integrity?: boolean;
}

/** Result of {@linkcode GssContext.unwrap}. */
export interface UnwrappedMessage {
  /** The message: a copy, unless {@linkcode UnwrapOptions.inPlace} is on. */
  readonly data: Bytes;
  /** Whether it was encrypted. */
  readonly confidential: boolean;
  /** Its place in the sequence. */
  readonly status: SupplementaryStatus;
}

/** An established context (RFC 2743 section 2.2.6 and 2.3). */
export interface GssContext extends Disposable {
  /** Mechanism, as a dotted object identifier. */
  readonly mechanism: string;
  /** Whether this side is the initiator. */
  readonly initiator: boolean;
  /** The other side. Without mutual authentication, the initiator's peer is the intended target. */
  readonly peer: GssName;
  /** This side. */
  readonly self: GssName;
  /** Granted services. Check them before you rely on one. */
  readonly flags: Readonly<Required<GssFlags>>;
  /** Whether both sides bound the context to the same channel. */
  readonly channelBound: boolean;
  /** Expiry time, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Facts for rules and logs, such as `enctype` and `realm`. */
  readonly attributes: Readonly<Record<string, string | number>>;
  /**
   * The account of the directory that the peer is, as the mechanism verified it; `undefined` if it is not known. Kerberos takes it
   * from the PAC of a ticket (MS-PAC), on acceptors.
   */
  readonly account?: GssAccount | undefined;

  /**
   * Protects a message: returns a token with the message encrypted, or signed only. The sequence number and the message are taken
   * before the first `await`, so the caller may change its memory as soon as the call returns.
   *
   * @throws {TypeError} When the message is no buffer and no view of one, or its memory is gone; the context does not change, and no
   * number is used. Also when the memory of `into` is transferred during the call; the number is used then.
   * @throws {RangeError} When `into` is too small or `headroom` is no number of bytes; the context does not change.
   * @throws {GssError} `NO_CONTEXT` after {@linkcode dispose}.
   */
  wrap(message: Uint8Array, options: WrapOptions): Promise<Bytes>;
  /**
   * Returns the message of a token. Several calls may be under way; the tokens are checked in the order of the calls. The caller may
   * change the token's memory as soon as the call returns, unless {@linkcode UnwrapOptions.inPlace} is on.
   *
   * @throws {TypeError} When the token has no bytes; the context does not change.
   * @throws {GssError} When the token is not genuine; no part of it is returned. `NO_CONTEXT` after {@linkcode dispose}.
   */
  unwrap(token: Uint8Array, options?: UnwrapOptions): Promise<UnwrappedMessage>;
  /**
   * Returns a signature of a message. Number and message are taken as in {@linkcode wrap}.
   *
   * @throws {TypeError} When the message has no bytes; no number is used.
   * @throws {GssError} `NO_CONTEXT` after {@linkcode dispose}.
   */
  getMic(message: Uint8Array): Promise<Bytes>;
  /**
   * Verifies a signature of the peer's {@linkcode getMic}.
   *
   * @throws {TypeError} When message or signature have no bytes; the context does not change.
   * @throws {GssError} When the signature is not genuine. `NO_CONTEXT` after {@linkcode dispose}.
   */
  verifyMic(message: Uint8Array, mic: Uint8Array): Promise<SupplementaryStatus>;
  /**
   * Returns the size of the largest message whose token has at most `outputSize` bytes (RFC 2743 section 2.2.7), or 0 if there is
   * none.
   *
   * @throws {GssError} `NO_CONTEXT` after {@linkcode dispose}.
   */
  wrapSizeLimit(outputSize: number, options: WrapOptions): number;
  /**
   * Discards the keys. Every later call fails; calls under way complete. May be called again. A context that is not disposed
   * releases what the runtime holds for it when it is garbage-collected.
   */
  dispose(): void;
}

/** Options of {@linkcode GssContext.wrap}. */
export interface WrapOptions {
  /** Whether the message is encrypted, not only signed. */
  readonly confidential: boolean;
  /** Number of free bytes before the token in the returned array, for the header of a frame. @default {0} */
  readonly headroom?: number | undefined;
  /**
   * Memory for headroom and token; the returned array is its beginning. The message may lie in it. Do not use it otherwise until
   * the promise resolves.
   *
   * @default {new memory}
   */
  readonly into?: Bytes | undefined;
}

/** Options of {@linkcode GssContext.unwrap}. */
export interface UnwrapOptions {
  /**
   * Whether `data` may be a view of the token if the message was signed only, which saves a copy. Do not change the token until the
   * promise resolves, and as long as `data` is used: that would change bytes that were verified.
   *
   * @default {false}
   */
  readonly inPlace?: boolean | undefined;
}
