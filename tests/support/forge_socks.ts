/**
 * A forge for RFC 1961: a client and a proxy played by hand. What they send is genuine (a real context made it) and wrong in whatever a test
 * wants; what they are sent is given as it is.
 *
 * ```ts ignore
 * const client = await ForgedClient.open(near, { credential: initiator });
 * await client.level(2);
 * const [one, two] = [await client.sealed(utf8("one")), await client.sealed(utf8("two"))];
 * await client.send(two, one); // genuine both, and in the wrong order
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

/** Either side, once its context stands. */
class ForgedPeer {
  readonly connection: Connection;
  readonly reader: MessageReader;
  readonly context: GssContext;

  constructor(connection: Connection, reader: MessageReader, context: GssContext) {
    this.connection = connection;
    this.reader = reader;
    this.context = context;
  }

  /** Sends bytes as they are, in one piece. */
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

  /** The next frame as it came, and what is in its token. */
  async next(): Promise<{ type: number; token: Bytes; data: Bytes; confidential: boolean }> {
    const { type, token } = await this.reader.next(decodeFrame);
    if (type === FrameType.Abort) return { type, token, data: EMPTY, confidential: false };
    return { type, token, ...await this.context.unwrap(token) };
  }

  /** Ends it, and frees the keys. */
  close(): void {
    this.connection.close();
    this.context.dispose();
  }

  /** Everything that comes until the end, as it is; what a reset has taken away is not there. */
  async rest(): Promise<Bytes> {
    const parts: Bytes[] = [];
    const connection = this.reader.rest();
    try {
      for (let bytes = await connection.read(); bytes !== null; bytes = await connection.read()) {
        parts.push(bytes.slice());
      }
    } catch {
      // Closed at once, which ends it too.
    }
    return concat(...parts);
  }
}

/** What {@linkcode ForgedClient.open} takes. */
export interface ForgedClientOptions {
  /** Credentials that start the context. */
  readonly credential: GssInitiatorCredential;
  /** Services asked for. @default {all} */
  readonly flags?: GssFlags;
  /** Whether a greeting and the choice of the method come before. @default {false} */
  readonly greeting?: boolean;
}

/** A client whose context stands and that has not asked for a level yet. */
export class ForgedClient extends ForgedPeer {
  /** Sends a client's first token and takes the answers until the context stands. */
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
      // An initiator that is done with its own token is answered with an empty one.
      if (step.done && step.token === undefined) return new ForgedClient(connection, reader, step.context);
      const { token, type } = await reader.next(decodeFrame);
      if (type !== FrameType.Authentication) throw new Error(`frame ${type} came`);
      if (step.done) return new ForgedClient(connection, reader, step.context);
      step = await negotiation.step(token);
    }
  }

  /** Asks for a level; gives the frame that answers. */
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

  /** Asks for something in a message of the context; gives what answers. */
  async request(request: Request, { confidential = true }: { confidential?: boolean } = {}): Promise<Reply> {
    await this.send(await this.wrapped(encodeRequest(request), { confidential }));
    return decodeReply((await this.next()).data)!.value;
  }
}

/** A proxy whose context stands and that has not been asked for a level yet. */
export class ForgedProxy extends ForgedPeer {
  /** Takes a client's greeting and its tokens until the context stands. */
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

  /** Takes the level asked for and grants another, or the same. */
  async grant(level?: number): Promise<{ asked: number; confidential: boolean }> {
    const { data, confidential } = await this.next();
    const byte = Uint8Array.of(level ?? data[0]!);
    await this.send(await this.wrapped(byte, { confidential: false, type: FrameType.Protection }));
    return { asked: data[0]!, confidential };
  }

  /** Takes the request and grants it. */
  async answer(bound: Endpoint): Promise<{ request: Request; confidential: boolean }> {
    const { data, confidential } = await this.next();
    await this.send(await this.wrapped(encodeReply({ reply: 0, ...bound }), { confidential }));
    return { request: decodeRequest(data)!.value, confidential };
  }
}

/** The context with other flags, which it says were granted; its tokens stay what they are. */
export function claiming(context: GssContext, flags: GssFlags): GssContext {
  return new Proxy(context, {
    get(target, key) {
      if (key === "flags") return { ...target.flags, ...flags };
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Credentials whose contexts go through `change`, and that keep all that they made. */
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

/** Whether a context is closed: it wraps nothing any more. */
export async function isClosed(context: GssContext): Promise<boolean> {
  return await context.wrap(Uint8Array.of(0), { confidential: false }).then(() => false, () => true);
}
