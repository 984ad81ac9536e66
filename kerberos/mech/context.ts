/**
 * An established Kerberos context and its per-message calls (RFC 4121 section 4.2).
 *
 * @module
 */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { asBytes, type Bytes, concat, sameBytes } from "../../gss/bytes.ts";
import type { GssContext, GssFlags, UnwrappedMessage, WrapOptions } from "../../gss/mechanism.ts";
import type { GssName } from "../../gss/names.ts";
import { type Runtime, systemRuntime } from "../../gss/runtime.ts";
import { GssError, type SupplementaryStatus } from "../../gss/status.ts";
import { KeyUsage } from "../constants.ts";
import type { KerberosKey } from "../crypto/key.ts";
import { KerberosError } from "../errors.ts";
import type { CredentialCacheData } from "../stores/ccache.ts";
import { SequenceWindow } from "./sequence.ts";
import {
  decodeMicHeader,
  decodeWrapHeader,
  encodeMicHeader,
  encodeWrapHeader,
  HEADER_LENGTH,
  KERBEROS_OID,
  type MessageHeader,
  rotateLeft,
} from "./tokens.ts";

/** What both sides of an exchange end with. */
export interface KerberosContextInit {
  readonly initiator: boolean;
  readonly peer: GssName;
  readonly self: GssName;
  readonly flags: Required<GssFlags>;
  readonly channelBound: boolean;
  readonly expiresAt: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** Key that protects messages: the acceptor's subkey, else the initiator's, else the session key. */
  readonly key: KerberosKey;
  /** Whether {@linkcode key} is the acceptor's subkey. */
  readonly acceptorSubkey: boolean;
  /** Number of the first token sent. */
  readonly sendSequence: number;
  /** Number of the first token expected. */
  readonly receiveSequence: number;
  readonly delegated?: CredentialCacheData | undefined;
  readonly runtime?: Runtime;
}

/** An established context of the Kerberos mechanism. `Deno.inspect` shows no key. */
export class KerberosContext implements GssContext {
  /** Kerberos V5. */
  readonly mechanism: string = KERBEROS_OID;
  /** Whether this side started it. */
  readonly initiator: boolean;
  /** The other side. */
  readonly peer: GssName;
  /** This side. */
  readonly self: GssName;
  /** Services granted. */
  readonly flags: Readonly<Required<GssFlags>>;
  /** Whether both sides tied the context to the same channel. */
  readonly channelBound: boolean;
  /** When the ticket ends, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /** `enctype`, `realm`, `authtime` and, on an acceptor, `service` and `kvno`. */
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly #delegated: CredentialCacheData | undefined;
  readonly #key: KerberosKey;
  readonly #acceptorSubkey: boolean;
  readonly #runtime: Runtime;
  readonly #window: SequenceWindow;
  #sendSequence: bigint;
  /** Judgement of the token before, so that tokens opened at once are judged in the order in which they came. */
  #judged: Promise<unknown> = Promise.resolve();
  #disposed = false;

  /** @internal */
  constructor(init: KerberosContextInit) {
    this.initiator = init.initiator;
    this.peer = init.peer;
    this.self = init.self;
    this.flags = Object.freeze({ ...init.flags });
    this.channelBound = init.channelBound;
    this.expiresAt = init.expiresAt;
    this.attributes = Object.freeze({ ...init.attributes });
    this.#delegated = init.delegated;
    this.#key = init.key;
    this.#acceptorSubkey = init.acceptorSubkey;
    this.#runtime = init.runtime ?? systemRuntime;
    this.#sendSequence = BigInt(init.sendSequence);
    const { replay, sequence } = init.flags;
    this.#window = new SequenceWindow({ initial: BigInt(init.receiveSequence), replay, sequence });
  }

  /** Tickets that the initiator delegated. */
  get delegatedCredentials(): CredentialCacheData | undefined {
    return this.#delegated;
  }

  /** See {@linkcode GssContext.wrap}. */
  async wrap(message: Uint8Array, options: WrapOptions): Promise<Bytes> {
    const header = this.#nextHeader(options.confidential);
    const usage = this.initiator ? KeyUsage.GssInitiatorSeal : KeyUsage.GssAcceptorSeal;
    // The copy that is sealed or signed has EC (where nothing fills up) and RRC zero (section 4.2.4).
    const inner = encodeWrapHeader(header);
    const { confidential, headroom = 0 } = options;
    if (confidential) {
      const room = headroom + HEADER_LENGTH;
      const token = await this.#key.seal(usage, [message, inner], { headroom: room, runtime: this.#runtime });
      token.set(inner, headroom);
      return token;
    }
    const checksum = await this.#key.checksum(usage, message, inner);
    const token = new Uint8Array(headroom + HEADER_LENGTH + message.length + checksum.length);
    token.set(encodeWrapHeader({ ...header, ec: checksum.length }), headroom);
    token.set(message, headroom + HEADER_LENGTH);
    token.set(checksum, headroom + HEADER_LENGTH + message.length);
    return token;
  }

  /** See {@linkcode GssContext.unwrap}. */
  async unwrap(token: Uint8Array): Promise<UnwrappedMessage> {
    const { data, confidential, status } = await this.#inOrder(() => this.#open(asBytes(token)));
    return { data, confidential, status };
  }

  async #open(token: Bytes): Promise<{ sequence: bigint; data: Bytes; confidential: boolean }> {
    this.#alive();
    const header = decodeWrapHeader(token);
    this.#checkSender(header);
    const body = rotateLeft(token.subarray(HEADER_LENGTH), header.rrc);
    const data = header.sealed ? await this.#unseal(header, body) : await this.#unsign(header, body);
    return { sequence: header.sequence, data, confidential: header.sealed };
  }

  async #unseal(header: MessageHeader, body: Bytes): Promise<Bytes> {
    const usage = this.initiator ? KeyUsage.GssAcceptorSeal : KeyUsage.GssInitiatorSeal;
    const plain = await this.#key.decrypt(usage, body);
    const length = plain.length - HEADER_LENGTH - header.ec;
    if (length < 0) throw notGenuine();
    // Every field in clear must be the one that was sealed; RRC alone is not covered (section 4.2.4).
    if (!sameBytes(plain.subarray(-HEADER_LENGTH), encodeWrapHeader({ ...header, rrc: 0 }))) throw notGenuine();
    return plain.subarray(0, length);
  }

  async #unsign(header: MessageHeader, body: Bytes): Promise<Bytes> {
    const usage = this.initiator ? KeyUsage.GssAcceptorSeal : KeyUsage.GssInitiatorSeal;
    if (header.ec !== this.#key.checksumLength || body.length < header.ec) throw notGenuine();
    const data = body.subarray(0, body.length - header.ec);
    const inner = encodeWrapHeader({ ...header, ec: 0, rrc: 0 });
    const checksum = await this.#key.checksum(usage, data, inner);
    if (!timingSafeEqual(checksum, body.subarray(data.length))) throw notGenuine();
    return data;
  }

  /** See {@linkcode GssContext.getMic}. */
  async getMic(message: Uint8Array): Promise<Bytes> {
    const header = encodeMicHeader(this.#nextHeader(false));
    const usage = this.initiator ? KeyUsage.GssInitiatorSign : KeyUsage.GssAcceptorSign;
    return concat(header, await this.#key.checksum(usage, concat(message, header)));
  }

  /** See {@linkcode GssContext.verifyMic}. */
  async verifyMic(message: Uint8Array, mic: Uint8Array): Promise<SupplementaryStatus> {
    const { status } = await this.#inOrder(async () => {
      this.#alive();
      const header = decodeMicHeader(mic);
      this.#checkSender(header);
      const usage = this.initiator ? KeyUsage.GssAcceptorSign : KeyUsage.GssInitiatorSign;
      const signed = concat(message, mic.subarray(0, HEADER_LENGTH));
      if (!await this.#key.verifyChecksum(usage, signed, mic.subarray(HEADER_LENGTH))) throw notGenuine();
      return { sequence: header.sequence };
    });
    return status;
  }

  /** See {@linkcode GssContext.wrapSizeLimit}. */
  wrapSizeLimit(outputSize: number, options: WrapOptions): number {
    const overhead = options.confidential ? this.#key.overhead + HEADER_LENGTH : this.#key.checksumLength;
    return Math.max(0, outputSize - HEADER_LENGTH - overhead);
  }

  /** See {@linkcode GssContext.dispose}. */
  dispose(): void {
    this.#disposed = true;
    this.#key[Symbol.dispose]();
  }

  /** Same as {@linkcode dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Takes the next number; nothing is awaited before. */
  #nextHeader(sealed: boolean): MessageHeader {
    this.#alive();
    const sequence = this.#sendSequence;
    this.#sendSequence = BigInt.asUintN(64, sequence + 1n);
    return { sentByAcceptor: !this.initiator, sealed, acceptorSubkey: this.#acceptorSubkey, ec: 0, rrc: 0, sequence };
  }

  /** A token of our own sent back, or one under another key, is not the peer's. */
  #checkSender(header: MessageHeader): void {
    if (header.sentByAcceptor !== this.initiator) throw notGenuine();
    if (header.acceptorSubkey !== this.#acceptorSubkey) throw notGenuine();
  }

  /** Opens at once, judges in order. A token that is not genuine has no number that counts. */
  async #inOrder<T extends { sequence: bigint }>(open: () => Promise<T>): Promise<T & { status: SupplementaryStatus }> {
    const before = this.#judged;
    const opened = open();
    const judged = (async () => {
      await before;
      const result = await opened;
      return { ...result, status: this.#window.check(result.sequence) };
    })();
    this.#judged = judged.catch(() => {});
    try {
      return await judged;
    } catch (error) {
      if (error instanceof KerberosError && error.code === "INTEGRITY") throw notGenuine(error);
      throw error;
    }
  }

  #alive(): void {
    if (this.#disposed) {
      throw new GssError("Cannot use context: it is closed", { major: "NO_CONTEXT", code: "NO_CONTEXT" });
    }
  }
}

/** One error for everything that is wrong with a token beyond its form. */
function notGenuine(cause?: unknown): GssError {
  return new GssError("Cannot use token: it is not genuine", { major: "BAD_SIG", code: "BAD_SIG", cause });
}
