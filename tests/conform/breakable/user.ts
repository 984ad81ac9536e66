/**
 * A client of a proxy that keeps RFC 1928, 1929 and 1961 but for what a test lets it break.
 *
 * @module
 */
import { type Bytes, concat, EMPTY, utf8 } from "../../../base/bytes.ts";
import type { ClientStart } from "../../../conform/check_client.ts";
import { damaged } from "../../../conform/gss_session.ts";
import type { RunningClient } from "../../../conform/client/stage.ts";
import type { GssFlags } from "../../../gss/context.ts";
import type { GssInitiatorCredential } from "../../../gss/credential.ts";
import { hostbasedService } from "../../../gss/names.ts";
import type { Connection } from "../../../socks/stream/connection.ts";
import { dialTcp } from "../../../socks/shell/tcp.ts";
import type { Endpoint } from "../../../socks/wire/address.ts";
import { encodeFrame, FrameType } from "../../../socks/wire/gssapi.ts";
import { decodeReply, encodeOffer, encodeRequest } from "../../../socks/wire/messages.ts";
import { encodeUsernamePassword } from "../../../socks/wire/password.ts";
import { ALL_FLAGS } from "../../support/flags.ts";
import { BreakableClient } from "./client.ts";
import type { Phase, ProxyFaults } from "./faults.ts";
import { Incoming, Over } from "./incoming.ts";
import { frameIn, Protection } from "./protection.ts";

/** Faults of a client; those of a proxy count for what it reads and sends too. */
export interface UserFaults extends ProxyFaults {
  readonly offers?: readonly number[];
  readonly flags?: GssFlags;
  readonly asks?: number;
  /** Goes on, whatever the answer to this message was. */
  readonly stubborn?: Phase;
  /** Encrypts, or does not, this message against the level. */
  readonly wrongSeal?: "level" | "request" | "data";
  /** Accepts a level that is weaker than the one that it asks for. */
  readonly acceptsWeaker?: boolean;
  /** Reads no reply with an address of this type. */
  readonly failsAddress?: number;
  readonly badLogin?: boolean;
  readonly badToken?: boolean;
}

/** Starts the client. */
export function startUser(
  { proxy, target }: Omit<ClientStart, "part">,
  credential: GssInitiatorCredential,
  faults: UserFaults,
): RunningClient {
  let open: Connection | undefined;
  let stopped = false;
  const run = async () => {
    const connection = open = await dialTcp(proxy, {});
    if (stopped) connection.close();
    const user = new User(connection, faults);
    try {
      await user.authenticate(credential);
      await user.fetch(target);
      return { code: 0, output: user.output };
    } catch {
      return { code: 1, output: user.output };
    } finally {
      connection.close();
    }
  };
  return {
    ended: run(),
    stop(): void {
      stopped = true;
      open?.close();
    },
  };
}

class User {
  output = "";
  readonly #faults: UserFaults;
  readonly #incoming: Incoming;
  #protection: Protection | undefined;

  constructor(connection: Connection, faults: UserFaults) {
    this.#faults = faults;
    this.#incoming = new Incoming(connection, faults);
  }

  /** Does one step; a stubborn client goes on with something when it fails. */
  async #step<T>(phase: Phase, step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      if (this.#faults.stubborn === phase) {
        await this.#incoming.write(encodeFrame(FrameType.Protection, utf8("on and on")));
      }
      throw error;
    }
  }

  async authenticate(credential: GssInitiatorCredential): Promise<void> {
    const { offers = [1, 2], badLogin } = this.#faults;
    await this.#incoming.write(encodeOffer(offers));
    const method = await this.#step("hello", async () => {
      const [version, chosen] = await this.#bytes("hello", 2);
      if (version !== 5 || !offers.includes(chosen!)) throw new Over("choice");
      return chosen;
    });
    if (method === 0) return;
    if (method === 1) return await this.#establish(credential);
    await this.#incoming.write(badLogin ? Uint8Array.of(9, 9) : encodeUsernamePassword("alice", "a secret"));
    await this.#step("login", async () => {
      const [, status] = await this.#bytes("login", 2);
      if (status !== 0) throw new Over("refused");
    });
  }

  async #establish(credential: GssInitiatorCredential): Promise<void> {
    const { flags = ALL_FLAGS, asks = 2, wrongSeal, acceptsWeaker, anyType, badToken } = this.#faults;
    const negotiation = await credential.initiate(hostbasedService("rcmd", "localhost"), { flags });
    const first = await negotiation.step();
    const token = badToken ? damaged(first.token!) : first.token!;
    await this.#incoming.write(encodeFrame(FrameType.Authentication, token));
    const step = await this.#step("token", async () => {
      const { type, token } = await this.#incoming.next("token", (bytes) => frameIn(bytes, this.#faults));
      if (type !== FrameType.Authentication && !anyType) throw new Over("type");
      return first.done ? first : await negotiation.step(token);
    });
    if (!step.done) throw new Over("another leg");
    const protection = this.#protection = new Protection(step.context, this.#faults);
    const confidential = wrongSeal === "level";
    await this.#incoming.write(
      await protection.wrap(Uint8Array.of(asks), { type: FrameType.Protection, confidential }),
    );
    protection.level = await this.#step("level", async () => {
      const { type, token } = await this.#incoming.next("level", (bytes) => frameIn(bytes, this.#faults));
      if (type !== FrameType.Protection) throw new Over("type");
      const data = await protection.open(token);
      const good = data.length === 1 && (data[0] === asks || (acceptsWeaker && data[0]! > 0));
      if (!good) throw new Over("level");
      return data[0]!;
    });
  }

  async #bytes(phase: Phase, length: number): Promise<Bytes> {
    return await this.#incoming.next(
      phase,
      (bytes) => bytes.length < length ? undefined : { value: bytes.slice(0, length), length },
    );
  }

  async #send(what: "request" | "data", bytes: Uint8Array): Promise<void> {
    const protection = this.#protection;
    if (protection === undefined || protection.level === 0) return await this.#incoming.write(bytes);
    const confidential = protection.level >= 2 !== (this.#faults.wrongSeal === what);
    await this.#incoming.write(await protection.wrap(bytes, { confidential }));
  }

  /** Fetches a page, and writes down what comes. */
  async fetch(target: Endpoint): Promise<void> {
    const { failsAddress } = this.#faults;
    const proxy = new BreakableClient(this.#incoming, this.#protection, { faults: this.#faults });
    await this.#send("request", encodeRequest({ command: 1, ...target }));
    await this.#step("request", async () => {
      const { reply } = await proxy.message("request", (bytes) => {
        if (failsAddress !== undefined && bytes[3] === failsAddress) throw new Over("address");
        return decodeReply(bytes);
      });
      if (reply !== 0) throw new Over("refused");
    });
    await this.#send("data", utf8(`GET http://${target.hostname}/ HTTP/1.0\r\n\r\n`));
    let text: Bytes = EMPTY;
    try {
      for (;;) {
        text = concat(text, await proxy.data(() => Promise.resolve()));
        this.output = new TextDecoder().decode(text);
      }
    } catch (error) {
      if (!this.#incoming.ended) throw error;
    }
  }
}
