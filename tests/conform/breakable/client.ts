/**
 * The client's side of a relay: data in clear, or in tokens.
 *
 * @module
 */
import { type Bytes, concat, EMPTY } from "../../../base/bytes.ts";
import { FrameType } from "../../../socks/wire/gssapi.ts";
import type { Phase, ProxyFaults } from "./faults.ts";
import { type Found, type Incoming, Over } from "./incoming.ts";
import { frameIn, type Protection } from "./protection.ts";

/** A client that is authenticated. */
export class BreakableClient {
  readonly incoming: Incoming;
  readonly protection: Protection | undefined;
  /** What may outlive the connection. */
  readonly left: { close(): void }[];
  readonly #faults: ProxyFaults;
  #plain: Bytes = EMPTY;

  constructor(
    incoming: Incoming,
    protection: Protection | undefined,
    { faults, left = [] }: { readonly faults: ProxyFaults; readonly left?: { close(): void }[] },
  ) {
    this.incoming = incoming;
    this.left = left;
    this.protection = protection?.level === 0 ? undefined : protection;
    this.#faults = faults;
  }

  async send(data: Uint8Array, how: { readonly confidential?: boolean } = {}): Promise<void> {
    const clear = this.#faults.clear === "replies" && this.protection?.level === 3;
    if (this.protection === undefined || clear) return await this.incoming.write(data);
    for (let at = 0; at === 0 || at < data.length; at += 32_000) {
      await this.incoming.write(await this.protection.wrap(data.subarray(at, at + 32_000), how));
    }
  }

  /** The next message within the stream. */
  async message<T>(phase: Phase, decode: (bytes: Bytes) => Found<T> | undefined): Promise<T> {
    if (this.protection === undefined) return await this.incoming.next(phase, decode);
    for (;;) {
      const found = this.#plain.length === 0 ? undefined : decode(this.#plain);
      if (found !== undefined) {
        this.#plain = this.#faults.forget === phase ? EMPTY : this.#plain.slice(found.length);
        return found.value;
      }
      if (this.#plain.length > 0 && this.#faults.oneToken) throw new Over("not in one token");
      this.#plain = concat(this.#plain, await this.#token(phase));
    }
  }

  /** The next data, for the target; `partial` sees the beginning of a message. */
  async data(partial: (bytes: Bytes) => Promise<void>): Promise<Bytes> {
    if (this.#plain.length > 0) {
      const data = this.#plain;
      this.#plain = EMPTY;
      return data;
    }
    if (this.protection !== undefined) return await this.#token("data", partial);
    return await this.incoming.next("data", (bytes) => ({ value: bytes.slice(), length: bytes.length }));
  }

  async #token(phase: Phase, partial?: (bytes: Bytes) => Promise<void>): Promise<Bytes> {
    const { clear, anyType, ignoresEmptyTokens, endsOnEmpty, levelAgain } = this.#faults;
    const decode = (bytes: Bytes) =>
      clear === phase && bytes[0] !== 1
        ? { value: { type: 0, token: bytes.slice() }, length: bytes.length }
        : frameIn(bytes, this.#faults);
    const { type, token } = await this.incoming.next(phase, decode, partial);
    if (type === 0) return token;
    if (type === FrameType.Protection && levelAgain) {
      await this.protection!.open(token).catch(() => {});
      await this.incoming.write(
        await this.protection!.wrap(Uint8Array.of(1), { type: FrameType.Protection, confidential: false }),
      );
      return EMPTY;
    }
    if (type !== FrameType.Encapsulation && !anyType) throw new Over("type");
    if (token.length === 0 && ignoresEmptyTokens) return EMPTY;
    const data = await this.protection!.open(token);
    if (data.length === 0 && endsOnEmpty) throw new Over("empty");
    return data;
  }
}
