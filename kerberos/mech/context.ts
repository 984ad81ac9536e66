/**
 * An established Kerberos context and its per-message calls (RFC 4121 section 4.2).
 *
 * @module
 */
import { asBytes, type Bytes, bytesOf, EMPTY } from "../../base/bytes.ts";
import type { GssContext, GssFlags, UnwrapOptions, UnwrappedMessage, WrapOptions } from "../../gss/context.ts";
import type { GssAccount } from "../../gss/account.ts";
import type { GssName } from "../../gss/names.ts";
import { type Runtime, systemRuntime } from "../../base/runtime.ts";
import { GssError, type SupplementaryStatus } from "../../gss/status.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import type { KerberosKey } from "../crypto/key.ts";
import type { UsageKey } from "../crypto/usage_key.ts";
import { andThen, type Eventually, promised } from "../../base/eventually.ts";
import type { CredentialCacheData } from "../credentials/cache.ts";
import { asNotGenuine, type GenuineToken, TokenOrder } from "./token_order.ts";
import { notGenuine } from "./tokens/errors.ts";
import {
  decodeMicHeader,
  decodeWrapHeader,
  endsWithHeader,
  Flag,
  HEADER_LENGTH,
  type MicHeader,
  putMicHeader,
  putWrapHeader,
  unrotated,
  type WrapHeader,
} from "./tokens/cfx.ts";
import { KERBEROS_OID } from "./tokens/context.ts";

/** Options of a {@linkcode KerberosContext}. */
export interface KerberosContextInit {
  readonly initiator: boolean;
  readonly peer: GssName;
  readonly self: GssName;
  readonly flags: Required<GssFlags>;
  readonly channelBound: boolean;
  readonly expiresAt: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** Account that the initiator is by its ticket. */
  readonly account?: GssAccount | undefined;
  /** Key that protects messages: the acceptor's subkey, else the initiator's, else the session key. */
  readonly key: KerberosKey;
  /** Whether {@linkcode key} is the acceptor's subkey. */
  readonly acceptorSubkey: boolean;
  /** Number of the first token sent. */
  readonly sendSequence: number;
  /** Number of the first token expected. */
  readonly receiveSequence: number;
  readonly delegated?: CredentialCacheData | undefined;
  readonly runtime?: Runtime | undefined;
}

/**
 * The header that is sealed or signed with a message, of all contexts: it is copied before a call returns. Its RRC is zero, and its EC too
 * because there is no filler (RFC 4121 section 4.2.4).
 */
const INNER: Bytes = new Uint8Array(HEADER_LENGTH);

/**
 * An established context of the Kerberos mechanism. `Deno.inspect` shows no key.
 *
 * @example A context of both sides, and a sealed message
 * ```ts
 * import { hostbasedService } from "@gssocks/gssocks/gss";
 * import { KerberosAcceptorCredential, KerberosInitiatorCredential, systemTickets } from "@gssocks/gssocks/kerberos";
 * import { startTestKdc } from "@gssocks/gssocks/kerberos/kdc";
 *
 * await using kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
 * const tickets = systemTickets({ config: kdc.config, principal: "alice", password: "secret" });
 * const client = await new KerberosInitiatorCredential(tickets).initiate(hostbasedService("rcmd", "localhost"));
 * const service = new KerberosAcceptorCredential({ keys: kdc.keytab("rcmd/localhost") }).accept();
 * const accepted = await service.step((await client.step()).token);
 * const initiated = await client.step(accepted.token);
 * if (!accepted.done || !initiated.done) throw new Error("another message is wanted");
 * const sealed = await initiated.context.wrap(new TextEncoder().encode("hello"), { confidential: true });
 * const { data } = await accepted.context.unwrap(sealed);
 * if (new TextDecoder().decode(data) !== "hello") throw new Error("not the same");
 * ```
 */
export class KerberosContext implements GssContext {
  /** Kerberos V5. */
  readonly mechanism: string = KERBEROS_OID;
  /** Whether this side started it. */
  readonly initiator: boolean;
  /** The name of the peer. */
  readonly peer: GssName;
  /** The name of this side. */
  readonly self: GssName;
  /** Services of the context. */
  readonly flags: Readonly<Required<GssFlags>>;
  /** Whether both sides bound the context to the same channel. */
  readonly channelBound: boolean;
  /** When the ticket ends, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /**
   * `enctype`, `realm`, `authtime` and, on an acceptor, `service` and `kvno`. An acceptor of a ticket with a PAC has `account`
   * (`DOMAIN\\name`) and `sid` too, or, if the PAC is not to be believed, the reason as `unverifiedAccount`.
   */
  readonly attributes: Readonly<Record<string, string | number>>;
  /** On an acceptor, the account in the PAC of the ticket (MS-PAC): only if its server signature was verified. */
  readonly account: GssAccount | undefined;
  readonly #delegated: CredentialCacheData | undefined;
  readonly #key: KerberosKey;
  /** Flags of the tokens that this side sends, and of those that it accepts, but for the one for sealing. */
  readonly #sentFlags: number;
  readonly #expectedFlags: number;
  #wrapKey: UsageKey | undefined;
  #unwrapKey: UsageKey | undefined;
  readonly #runtime: Runtime;
  readonly #received: TokenOrder;
  /** Both words of the next number. */
  #sendHigh = 0;
  #sendLow: number;
  /** Bytes that sealing and signing add after the header. */
  readonly #sealOverhead: number;
  readonly #checksumLength: number;
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
    this.account = init.account;
    this.#delegated = init.delegated;
    this.#key = init.key;
    this.#sealOverhead = this.#key.overhead + HEADER_LENGTH;
    this.#checksumLength = this.#key.checksumLength;
    const subkey = init.acceptorSubkey ? Flag.AcceptorSubkey : 0;
    this.#sentFlags = subkey | (init.initiator ? 0 : Flag.SentByAcceptor);
    this.#expectedFlags = subkey | (init.initiator ? Flag.SentByAcceptor : 0);
    this.#runtime = init.runtime ?? systemRuntime;
    this.#sendLow = init.sendSequence;
    const { replay, sequence } = init.flags;
    this.#received = new TokenOrder({ initial: BigInt(init.receiveSequence), replay, sequence });
  }

  /** Tickets that the initiator delegated. */
  get delegatedCredentials(): CredentialCacheData | undefined {
    return this.#delegated;
  }

  /** See {@linkcode GssContext.wrap}. */
  wrap(message: Uint8Array, options: WrapOptions): Promise<Bytes> {
    return promised(() => this.wrapEventually(message, options));
  }

  /** @internal */
  wrapEventually(message: Uint8Array, options: WrapOptions): Eventually<Bytes> {
    // Check the arguments before a sequence number or memory is taken.
    const text = bytesOf(message, "wrap");
    const { confidential, headroom = 0, into } = options;
    // A caller that omits or misspells the option must not send its message in clear.
    if (typeof confidential !== "boolean") throw new TypeError("Cannot wrap: `confidential` must be true or false");
    if (!Number.isSafeInteger(headroom) || headroom < 0) {
      throw new RangeError(`Cannot wrap: headroom is ${headroom}, must be a number of bytes`);
    }
    const start = headroom + HEADER_LENGTH;
    const length = start + text.length + (confidential ? this.#sealOverhead : this.#checksumLength);
    const token = into === undefined ? new Uint8Array(length) : bytesOf(into, "wrap into").subarray(0, length) as Bytes;
    if (token.length < length) {
      throw new RangeError(`Cannot wrap: the token has ${length} bytes, there is room for ${token.length}`);
    }
    return confidential ? this.#seal(text, token, start) : this.#sign(text, token, start);
  }

  #seal(text: Uint8Array, token: Bytes, start: number): Eventually<Bytes> {
    const header = this.#nextHeader(Flag.Sealed);
    putWrapHeader(INNER, 0, header);
    const sealing = this.#keyToWrap.seal([text, INNER], { into: token, at: start, runtime: this.#runtime });
    // Nothing else is written before the message was read, which may lie anywhere in the token.
    return andThen(sealing, () => {
      putWrapHeader(token, start - HEADER_LENGTH, header);
      return token;
    });
  }

  #sign(text: Uint8Array, token: Bytes, start: number): Eventually<Bytes> {
    const header = this.#nextHeader(0);
    const end = start + text.length;
    // The message may lie anywhere in the token, so it is moved to its place before anything else is written.
    token.set(text, start);
    putWrapHeader(INNER, 0, header);
    const signing = this.#keyToWrap.checksum([asBytes(token.subarray(start, end)), INNER], { into: token, at: end });
    return andThen(signing, () => {
      putWrapHeader(token, start - HEADER_LENGTH, header, this.#checksumLength);
      return token;
    });
  }

  /** See {@linkcode GssContext.unwrap}. */
  unwrap(token: Uint8Array, options: UnwrapOptions = {}): Promise<UnwrappedMessage> {
    return promised(() => this.unwrapEventually(token, options));
  }

  /** @internal */
  unwrapEventually(token: Uint8Array, options: UnwrapOptions = {}): Eventually<UnwrappedMessage> {
    return this.#received.judge(this.#open(asBytes(bytesOf(token, "unwrap")), options.inPlace ?? false));
  }

  #open(token: Bytes, inPlace: boolean): Eventually<GenuineToken> {
    this.#alive();
    const header = decodeWrapHeader(token);
    this.#checkSender(header);
    const whole = unrotated(token, header.rrc);
    return (header.flags & Flag.Sealed) !== 0 ? this.#unseal(header, whole) : this.#unsign(header, whole, inPlace);
  }

  #unseal(header: WrapHeader, token: Bytes): Eventually<GenuineToken> {
    let opening: Eventually<Bytes>;
    try {
      opening = this.#keyToUnwrap.open(token, HEADER_LENGTH);
    } catch (error) {
      throw asNotGenuine(error);
    }
    if (!(opening instanceof Promise)) return unsealed(header, opening, token);
    // Compare the header that was decoded, even if the caller changes the token meanwhile.
    const outer = token.slice(0, HEADER_LENGTH);
    return opening.then((plain) => unsealed(header, plain, outer));
  }

  #unsign({ flags, ec, high, low }: WrapHeader, token: Bytes, inPlace: boolean): Eventually<GenuineToken> {
    const end = token.length - ec;
    if (end < HEADER_LENGTH) throw notGenuine(); // A checksum of another length is refused as one that does not fit.
    // What is handed out is what is checked, even if the caller changes the token meanwhile.
    const data = inPlace ? token.subarray(HEADER_LENGTH, end) : token.slice(HEADER_LENGTH, end);
    putWrapHeader(INNER, 0, { flags, ec: 0, rrc: 0, high, low });
    const verifying = this.#keyToUnwrap.verify([data, INNER], token, end);
    return andThen(verifying, (genuine) => {
      if (!genuine) throw notGenuine();
      return { high, low, data, confidential: false };
    });
  }

  /** See {@linkcode GssContext.getMic}. */
  getMic(message: Uint8Array): Promise<Bytes> {
    return promised(() => this.#mic(message));
  }

  #mic(message: Uint8Array): Eventually<Bytes> {
    const bytes = asBytes(bytesOf(message, "sign"));
    const token = new Uint8Array(HEADER_LENGTH + this.#checksumLength);
    putMicHeader(token, 0, this.#nextHeader(0));
    const key = this.#key.usage(this.initiator ? KeyUsage.GssInitiatorSign : KeyUsage.GssAcceptorSign);
    return key.checksum([bytes, token.subarray(0, HEADER_LENGTH)], { into: token, at: HEADER_LENGTH });
  }

  /** See {@linkcode GssContext.verifyMic}. */
  async verifyMic(message: Uint8Array, mic: Uint8Array): Promise<SupplementaryStatus> {
    const bytes = asBytes(bytesOf(message, "verify"));
    const token = asBytes(bytesOf(mic, "verify"));
    const { status } = await this.#received.judge(this.#verify(bytes, token));
    return status;
  }

  #verify(message: Bytes, token: Bytes): Eventually<GenuineToken> {
    this.#alive();
    const header = decodeMicHeader(token);
    this.#checkSender(header);
    const key = this.#key.usage(this.initiator ? KeyUsage.GssAcceptorSign : KeyUsage.GssInitiatorSign);
    const signed = [message, token.subarray(0, HEADER_LENGTH)];
    return andThen(key.verify(signed, token, HEADER_LENGTH), (genuine) => {
      if (!genuine) throw notGenuine();
      return { high: header.high, low: header.low, data: EMPTY, confidential: false };
    });
  }

  get #keyToWrap(): UsageKey {
    this.#wrapKey ??= this.#key.usage(this.initiator ? KeyUsage.GssInitiatorSeal : KeyUsage.GssAcceptorSeal);
    return this.#wrapKey;
  }

  get #keyToUnwrap(): UsageKey {
    this.#unwrapKey ??= this.#key.usage(this.initiator ? KeyUsage.GssAcceptorSeal : KeyUsage.GssInitiatorSeal);
    return this.#unwrapKey;
  }

  /** See {@linkcode GssContext.wrapSizeLimit}. */
  wrapSizeLimit(outputSize: number, options: WrapOptions): number {
    this.#alive();
    const overhead = options.confidential ? this.#sealOverhead : this.#checksumLength;
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

  /** Takes the next sequence number, of 64 bits. Callers await nothing before, so that numbers follow the order of calls. */
  #nextHeader(sealed: number): WrapHeader {
    this.#alive();
    const [high, low] = [this.#sendHigh, this.#sendLow];
    this.#sendLow = (low + 1) >>> 0;
    if (this.#sendLow === 0) this.#sendHigh = (high + 1) >>> 0;
    return { flags: this.#sentFlags | sealed, ec: 0, rrc: 0, high, low };
  }

  /** Refuses tokens of this side sent back, and tokens under another key. Unknown flags are ignored (RFC 4121 section 4.2.2). */
  #checkSender({ flags }: MicHeader): void {
    if ((flags & (Flag.SentByAcceptor | Flag.AcceptorSubkey)) !== this.#expectedFlags) throw notGenuine();
  }

  #alive(): void {
    if (this.#disposed) {
      throw new GssError("Cannot use context: it is closed", { major: "NO_CONTEXT", code: "NO_CONTEXT" });
    }
  }
}

/** What was sealed, less filler and header, if that is the one in front of the token. */
function unsealed({ ec, high, low }: WrapHeader, plain: Bytes, outer: Bytes): GenuineToken {
  const length = plain.length - HEADER_LENGTH - ec;
  if (length < 0 || !endsWithHeader(plain, outer)) throw notGenuine();
  return { high, low, data: plain.subarray(0, length), confidential: true };
}
