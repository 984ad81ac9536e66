/**
 * A client and a proxy of RFC 1961 whose frames a test chooses. Their messages are genuine (a real context made them)
 * and wrong in any way that a test wants; received frames are returned as they are.
 *
 * ```ts ignore
 * const client = await ForgedClient.open(near, { credential: initiator });
 * await client.level(2);
 * const [one, two] = [await client.sealed(utf8("one")), await client.sealed(utf8("two"))];
 * await client.send(two, one); // both are genuine, in the wrong order
 * ```
 *
 * @module
 */
import { type Bytes, concat, EMPTY } from "../../base/bytes.ts";
import type { GssAcceptorCredential, GssInitiatorCredential } from "../../gss/credential.ts";
import type { GssContext, GssFlags } from "../../gss/context.ts";
import type { GssNegotiation, GssStep } from "../../gss/negotiation.ts";
import { hostbasedService } from "../../gss/names.ts";
import type { Connection } from "../../socks/stream/connection.ts";
import { MessageReader } from "../../socks/stream/message_reader.ts";
import type { Endpoint } from "../../socks/wire/address.ts";
import { decodeFrame, encodeFrame, FrameType } from "../../socks/wire/gssapi.ts";
import {
  decodeChoice,
  decodeOffer,
  decodeReply,
  decodeRequest,
  encodeChoice,
  encodeOffer,
  encodeReply,
  encodeRequest,
  type Reply,
  type Request,
} from "../../socks/wire/messages.ts";
import { ALL_FLAGS } from "./flags.ts";

/** Either side after its context is established. */
class ForgedPeer {
  readonly connection: Connection;
  readonly reader: MessageReader;
  readonly context: GssContext;

  constructor(connection: Connection, reader: MessageReader, context: GssContext) {
    this.connection = connection;
    this.reader = reader;
    this.context = context;
  }

  /** Sends bytes unchanged, in one write. */
  async send(...parts: readonly Bytes[]): Promise<void> {
    await this.connection.write(concat(...parts));
  }

  /** A frame with a message in a token of the context. */
  async wrapped(
    message: Uint8Array,
    { confidential = true, type = FrameType.Encapsulation }: { confidential?: boolean; type?: number } = {},
  ): Promise<Bytes> {
    return encodeFrame(type, await this.context.wrap(message, { confidential }));
  }

  /** An `01 03` frame with a sealed message. */
  sealed(message: Uint8Array): Promise<Bytes> {
    return this.wrapped(message);
  }

  /** Returns the next frame unchanged, and the message in its token. */
  async next(): Promise<{ type: number; token: Bytes; data: Bytes; confidential: boolean }> {
    const { type, token } = await this.reader.next(decodeFrame);
    if (type === FrameType.Abort) return { type, token, data: EMPTY, confidential: false };
    return { type, token, ...await this.context.unwrap(token) };
  }

  /** Closes the connection, and disposes the context. */
  close(): void {
    this.connection.close();
    this.context.dispose();
  }

  /** Returns all bytes until the end; a reset may have destroyed some. */
  async rest(): Promise<Bytes> {
    const parts: Bytes[] = [];
    const connection = this.reader.rest();
    try {
      for (let bytes = await connection.read(); bytes !== null; bytes = await connection.read()) {
        parts.push(bytes.slice());
      }
    } catch {
      // A reset is an end too.
    }
    return concat(...parts);
  }
}

/** Options of {@linkcode ForgedClient.open}. */
export interface ForgedClientOptions {
  /** Credentials of the initiator. */
  readonly credential: GssInitiatorCredential;
  /** Requested context flags. @default {all} */
  readonly flags?: GssFlags;
  /** Whether greeting and method choice come first. @default {false} */
  readonly greeting?: boolean;
}

/** A client with an established context that has not requested a level yet. */
export class ForgedClient extends ForgedPeer {
  /** Sends the first token, and reads the answers until the context is established. */
  static async open(connection: Connection, options: ForgedClientOptions): Promise<ForgedClient> {
    const reader = new MessageReader(connection, 70_000);
    if (options.greeting) {
      await connection.write(encodeOffer([1]));
      await reader.next(decodeChoice);
    }
    const { credential, flags = ALL_FLAGS } = options;
    const negotiation = await credential.initiate(hostbasedService("rcmd", "localhost"), { flags });
    let step = await negotiation.step();
    for (;;) {
      if (step.token !== undefined) await connection.write(encodeFrame(FrameType.Authentication, step.token));
      // A finished initiator is answered with an empty token.
      if (step.done && step.token === undefined) return new ForgedClient(connection, reader, step.context);
      const { token, type } = await reader.next(decodeFrame);
      if (type !== FrameType.Authentication) throw new Error(`unexpected frame ${type}`);
      if (step.done) return new ForgedClient(connection, reader, step.context);
      step = await negotiation.step(token);
    }
  }

  /** Requests a level; returns the frame that answers. */
  async level(
    byte: number,
    how: { confidential?: boolean; nec?: boolean } = {},
  ): Promise<{ type: number; data: Bytes }> {
    const message = Uint8Array.of(byte);
    const frame = how.nec
      ? encodeFrame(FrameType.Protection, message)
      : await this.wrapped(message, { confidential: how.confidential ?? false, type: FrameType.Protection });
    await this.send(frame);
    if (!how.nec) return await this.next();
    const { type, token } = await this.reader.next(decodeFrame);
    return { type, data: token.slice() };
  }

  /** Sends a message of the context; returns the answer. */
  async request(request: Request, { confidential = true }: { confidential?: boolean } = {}): Promise<Reply> {
    await this.send(await this.wrapped(encodeRequest(request), { confidential }));
    return decodeReply((await this.next()).data)!.value;
  }
}

/** A proxy with an established context that has not received a level yet. */
export class ForgedProxy extends ForgedPeer {
  /** Reads a client's greeting and tokens until the context is established. */
  static async open(connection: Connection, credential: GssAcceptorCredential): Promise<ForgedProxy> {
    const reader = new MessageReader(connection, 70_000);
    await reader.next(decodeOffer);
    await connection.write(encodeChoice(1));
    const negotiation = credential.accept();
    for (;;) {
      const step = await negotiation.step((await reader.next(decodeFrame)).token);
      await connection.write(encodeFrame(FrameType.Authentication, step.token ?? EMPTY));
      if (step.done) return new ForgedProxy(connection, reader, step.context);
    }
  }

  /** Reads the requested level and grants another, or the same. */
  async grant(level?: number): Promise<{ asked: number; confidential: boolean }> {
    const { data, confidential } = await this.next();
    const byte = Uint8Array.of(level ?? data[0]!);
    await this.send(await this.wrapped(byte, { confidential: false, type: FrameType.Protection }));
    return { asked: data[0]!, confidential };
  }

  /** Reads the request and grants it. */
  async answer(bound: Endpoint): Promise<{ request: Request; confidential: boolean }> {
    const { data, confidential } = await this.next();
    await this.send(await this.wrapped(encodeReply({ reply: 0, ...bound }), { confidential }));
    return { request: decodeRequest(data)!.value, confidential };
  }
}

/** Returns the context with other flags; its tokens stay the same. */
export function claiming(context: GssContext, flags: GssFlags): GssContext {
  return new Proxy(context, {
    get(target, key) {
      if (key === "flags") return { ...target.flags, ...flags };
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Returns credentials whose contexts go through `change`, and the list of their contexts. */
export function changing<T extends GssAcceptorCredential | GssInitiatorCredential>(
  credential: T,
  change: (context: GssContext) => GssContext,
): T {
  const changed = (negotiation: GssNegotiation): GssNegotiation => ({
    async step(token?: Uint8Array): Promise<GssStep> {
      const step = await negotiation.step(token);
      return step.done ? { ...step, context: change(step.context) } : step;
    },
  });
  return {
    mechanism: credential.mechanism,
    ...("accept" in credential
      ? { accept: (options) => changed(credential.accept(options)) } satisfies Partial<GssAcceptorCredential>
      : {
        initiate: async (target, options) => changed(await credential.initiate(target, options)),
      } satisfies Partial<GssInitiatorCredential>),
  } as unknown as T;
}

/** Whether a context is disposed: it wraps nothing any more. */
export async function isClosed(context: GssContext): Promise<boolean> {
  return await context.wrap(Uint8Array.of(0), { confidential: false }).then(() => false, () => true);
}
