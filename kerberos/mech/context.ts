/**
 * An established Kerberos context and its per-message calls (RFC 4121 section 4.2).
 *
 * @module
 */
import { asBytes, type Bytes, bytesOf, concat, EMPTY } from "../../base/bytes.ts";
import type { GssContext, GssFlags, UnwrapOptions, UnwrappedMessage, WrapOptions } from "../../gss/context.ts";
import type { GssAccount } from "../../gss/account.ts";
import type { GssName } from "../../gss/names.ts";
import { type Runtime, systemRuntime } from "../../base/runtime.ts";
import { GssError, type SupplementaryStatus } from "../../gss/status.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import type { KerberosKey } from "../crypto/key.ts";
import type { UsageKey } from "../crypto/usage_key.ts";
import { andThen, type Eventually } from "../../base/eventually.ts";
import type { CredentialCacheData } from "../credentials/cache.ts";
import { type GenuineToken, TokenOrder } from "./token_order.ts";
import { notGenuine } from "./tokens/errors.ts";
import {
  decodeMicHeader,
  decodeWrapHeader,
  encodeMicHeader,
  encodeWrapHeader,
  HEADER_LENGTH,
  isSealedHeader,
  type MicHeader,
  rotateLeft,
  signedHeader,
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

/** Where the token of a message is written, and whether it is sealed. */
interface Place {
  readonly confidential: boolean;
  /** Where the token's header ends. */
  readonly start: number;
  /** Headroom and token. */
  readonly token: Bytes;
}

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
  readonly #acceptorSubkey: boolean;
  readonly #runtime: Runtime;
  readonly #received: TokenOrder;
  #sendSequence: bigint;
  /** Bytes that sealing adds after the header. */
  readonly #sealOverhead: number;
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
    this.#acceptorSubkey = init.acceptorSubkey;
    this.#runtime = init.runtime ?? systemRuntime;
    this.#sendSequence = BigInt(init.sendSequence);
    const { replay, sequence } = init.flags;
    this.#received = new TokenOrder({ initial: BigInt(init.receiveSequence), replay, sequence });
  }

  /** Tickets that the initiator delegated. */
  get delegatedCredentials(): CredentialCacheData | undefined {
    return this.#delegated;
  }

  /** See {@linkcode GssContext.wrap}. */
  async wrap(message: Uint8Array, options: WrapOptions): Promise<Bytes> {
    return await this.wrapEventually(message, options);
  }

  /** @internal */
  wrapEventually(message: Uint8Array, options: WrapOptions): Eventually<Bytes> {
    // Check the arguments before a sequence number or memory is taken.
    const bytes = bytesOf(message, "wrap");
    const place = this.#place(bytes.length, options);
    const header = this.#wrapHeader(place.confidential);
    const key = this.#key.usage(this.initiator ? KeyUsage.GssInitiatorSeal : KeyUsage.GssAcceptorSeal);
    return this.#protect(key, bytes, header, place);
  }

  #protect(
    key: UsageKey,
    text: Uint8Array,
    header: WrapHeader,
    { confidential, start, token }: Place,
  ): Eventually<Bytes> {
    const { length: size } = text;
    // The header that is sealed or signed has RRC zero, and EC zero because there is no filler (section 4.2.4).
    const inner = encodeWrapHeader(header);
    const body = token.subarray(start);
    if (confidential) {
      return andThen(key.seal([text, inner], { into: body, runtime: this.#runtime }), () => {
        token.set(inner, start - HEADER_LENGTH);
        return token;
      });
    }
    // The message may lie anywhere in `into`, so it is moved to its place before anything else is written.
    body.set(text);
    return andThen(key.checksum([asBytes(body.subarray(0, size)), inner]), (checksum) => {
      token.set(encodeWrapHeader({ ...header, ec: checksum.length }), start - HEADER_LENGTH);
      body.set(checksum, size);
      return token;
    });
  }

  /** Where the token of a message is written, and whether it is sealed. */
  #place(bytes: number, options: WrapOptions): Place {
    const { confidential, headroom = 0, into } = options;
    // A caller that omits or misspells the option must not send its message in clear.
    if (typeof confidential !== "boolean") throw new TypeError("Cannot wrap: `confidential` must be true or false");
    if (!Number.isSafeInteger(headroom) || headroom < 0) {
      throw new RangeError(`Cannot wrap: headroom is ${headroom}, must be a number of bytes`);
    }
    const start = headroom + HEADER_LENGTH;
    const length = start + bytes + (confidential ? this.#sealOverhead : this.#key.checksumLength);
    const token = into === undefined ? new Uint8Array(length) : bytesOf(into, "wrap into").subarray(0, length) as Bytes;
    if (token.length < length) {
      throw new RangeError(`Cannot wrap: the token has ${length} bytes, there is room for ${token.length}`);
    }
    return { confidential, start, token };
  }

  /** See {@linkcode GssContext.unwrap}. */
  async unwrap(token: Uint8Array, options: UnwrapOptions = {}): Promise<UnwrappedMessage> {
    return await this.unwrapEventually(token, options);
  }

  /** @internal */
  unwrapEventually(token: Uint8Array, options: UnwrapOptions = {}): Eventually<UnwrappedMessage> {
    return this.#received.judge(() => this.#open(asBytes(bytesOf(token, "unwrap")), options.inPlace ?? false));
  }

  #open(token: Bytes, inPlace: boolean): Eventually<GenuineToken> {
    this.#alive();
    const header = decodeWrapHeader(token);
    this.#checkSender(header);
    const key = this.#key.usage(this.initiator ? KeyUsage.GssAcceptorSeal : KeyUsage.GssInitiatorSeal);
    const body = rotateLeft(token.subarray(HEADER_LENGTH), header.rrc);
    return header.sealed
      ? this.#unseal(key, header, { token, body })
      : this.#unsign(key, header, { token, body, inPlace });
  }

  #unseal(key: UsageKey, header: WrapHeader, { token, body }: { token: Bytes; body: Bytes }): Eventually<GenuineToken> {
    const { ec, sequence } = header;
    const opening = key.open(body);
    // Compare the header that was decoded, even if the caller changes the token meanwhile.
    const outer = opening instanceof Promise ? token.slice(0, HEADER_LENGTH) : token;
    return andThen(opening, (plain) => {
      const length = plain.length - HEADER_LENGTH - ec;
      if (length < 0 || !isSealedHeader(plain.subarray(-HEADER_LENGTH), outer)) throw notGenuine();
      return { sequence, data: plain.subarray(0, length), confidential: true };
    });
  }

  #unsign(
    key: UsageKey,
    header: WrapHeader,
    { token, body, inPlace }: { token: Bytes; body: Bytes; inPlace: boolean },
  ): Eventually<GenuineToken> {
    if (header.ec !== this.#key.checksumLength || body.length < header.ec) throw notGenuine();
    // Return the bytes that were checked, even if the caller changes the token meanwhile.
    const own = inPlace ? body : body.slice();
    const data = own.subarray(0, own.length - header.ec);
    return andThen(key.verify([data, signedHeader(token)], own.subarray(data.length)), (genuine) => {
      if (!genuine) throw notGenuine();
      return { sequence: header.sequence, data, confidential: false };
    });
  }

  /** See {@linkcode GssContext.getMic}. */
  async getMic(message: Uint8Array): Promise<Bytes> {
    const bytes = bytesOf(message, "sign");
    const header = encodeMicHeader(this.#nextHeader());
    const usage = this.initiator ? KeyUsage.GssInitiatorSign : KeyUsage.GssAcceptorSign;
    return concat(header, await this.#key.checksum(usage, concat(bytes, header)));
  }

  /** See {@linkcode GssContext.verifyMic}. */
  async verifyMic(message: Uint8Array, mic: Uint8Array): Promise<SupplementaryStatus> {
    const bytes = bytesOf(message, "verify");
    const token = bytesOf(mic, "verify");
    const { status } = await this.#received.judge(async () => {
      this.#alive();
      const header = decodeMicHeader(token);
      this.#checkSender(header);
      const usage = this.initiator ? KeyUsage.GssAcceptorSign : KeyUsage.GssInitiatorSign;
      const signed = concat(bytes, token.subarray(0, HEADER_LENGTH));
      if (!await this.#key.verifyChecksum(usage, signed, token.subarray(HEADER_LENGTH))) throw notGenuine();
      return { sequence: header.sequence, data: EMPTY, confidential: false };
    });
    return status;
  }

  /** See {@linkcode GssContext.wrapSizeLimit}. */
  wrapSizeLimit(outputSize: number, options: WrapOptions): number {
    this.#alive();
    const overhead = options.confidential ? this.#sealOverhead : this.#key.checksumLength;
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

  /** Takes the next sequence number. Callers await nothing before, so that numbers follow the order of calls. */
  #nextHeader(): MicHeader {
    this.#alive();
    const sequence = this.#sendSequence;
    this.#sendSequence = BigInt.asUintN(64, sequence + 1n);
    return { sentByAcceptor: !this.initiator, acceptorSubkey: this.#acceptorSubkey, sequence };
  }

  /** Takes the next sequence number, as `#nextHeader` does; without a spread, since every message comes here. */
  #wrapHeader(sealed: boolean): WrapHeader {
    const { sentByAcceptor, acceptorSubkey, sequence } = this.#nextHeader();
    return { sentByAcceptor, acceptorSubkey, sequence, sealed, ec: 0, rrc: 0 };
  }

  /** Refuses tokens of this side sent back, and tokens under another key. */
  #checkSender(header: MicHeader): void {
    if (header.sentByAcceptor !== this.initiator) throw notGenuine();
    if (header.acceptorSubkey !== this.#acceptorSubkey) throw notGenuine();
  }

  #alive(): void {
    if (this.#disposed) {
      throw new GssError("Cannot use context: it is closed", { major: "NO_CONTEXT", code: "NO_CONTEXT" });
    }
  }
}
