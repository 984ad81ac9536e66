/**
 * The GSS-API method (RFC 1961) on both sides, over any mechanism. Two phases: tokens until the context stands (section
 * 3), then the level of protection, in a token of the context itself (section 4). The phases are pure steppers, frame in
 * and frame out; `pump` carries the frames.
 *
 * @module
 */
import type { Bytes } from "../../gss/bytes.ts";
import { EMPTY } from "../../gss/bytes.ts";
import type { ChannelBindings } from "../../gss/channel_bindings.ts";
import type {
  GssAcceptorCredential,
  GssContext,
  GssFlags,
  GssInitiatorCredential,
  GssNegotiation,
  GssStep,
} from "../../gss/mechanism.ts";
import { hostbasedService } from "../../gss/names.ts";
import { GssError } from "../../gss/status.ts";
import { SocksAuthError, SocksProtocolError } from "../errors.ts";
import { type Connection, MessageReader } from "../stream/connection.ts";
import {
  plainDatagrams,
  ProtectedConnection,
  protectedDatagrams,
  type ProtectionLevel,
  type SealPolicy,
} from "../stream/protected.ts";
import { formatEndpoint } from "../wire/address.ts";
import { decodeFrame, encodeAbort, encodeFrame, type Frame, FrameType, MAX_TOKEN } from "../wire/gssapi.ts";
import { Method } from "../wire/messages.ts";
import type { ClientAuthMethod, Identity, SecuredChannel, ServerAuthMethod } from "./method.ts";
import { isAtLeast, protectionLevel, protectionOctet, strongest } from "./protection.ts";

/** Kerberos takes two legs, SPNEGO a few more; nothing honest takes this many. */
const MAX_LEGS = 16;
/** A frame with the largest token. */
const LIMIT = MAX_TOKEN + 4;

/** The method on a client's side. */
export interface GssapiClientOptions {
  /** Credentials that start the context. */
  readonly credential: GssInitiatorCredential;
  /** Service that the proxy runs as. @default {"rcmd", as Dante and curl; RFC 1961's example has "socks"} */
  readonly service?: string;
  /** Level to ask for. @default {"confidentiality"} */
  readonly protection?: ProtectionLevel;
  /** Weakest level to accept. @default {the level asked for} */
  readonly minimumProtection?: ProtectionLevel;
  /** Which messages are sealed at level "selective". @default {all of them} */
  readonly seal?: SealPolicy;
  /** Whether the proxy gets the client's own credentials. RFC 1961 asks for it; hardly anyone should. @default {false} */
  readonly delegate?: boolean;
  /** Channel that the context is tied to. */
  readonly channelBindings?: ChannelBindings;
  /**
   * Whether the level of protection is agreed upon in clear, as NEC's reference code does and RFC 1961 section 4 does
   * not. Whoever is on the way can change it then; what this side accepts at least still holds.
   *
   * @default {false}
   */
  readonly insecureNecMode?: boolean;
}

/** What a server decides a level on. */
export interface ProtectionRequest {
  /** Level that the client asks for; `undefined` for an octet that RFC 1961 does not have. */
  readonly asked: ProtectionLevel | undefined;
  /** The client. */
  readonly identity: Identity;
}

/** Says which level a client gets, `undefined` for none. */
export type ProtectionPolicy = (request: ProtectionRequest) => ProtectionLevel | undefined;

/** The method on a server's side. */
export interface GssapiServerOptions {
  /** Credentials that accept contexts. */
  readonly credential: GssAcceptorCredential;
  /**
   * Levels that are granted: the one asked for where it is among them, else the strongest of them, whatever was asked
   * for (RFC 1961 section 4 leaves that to the server; it is what lets curl use a server that grants "none"). Or a
   * function that decides.
   *
   * @default {["confidentiality", "integrity", "selective"]}
   */
  readonly protection?: readonly ProtectionLevel[] | ProtectionPolicy;
  /** Which messages are sealed at level "selective". @default {all of them} */
  readonly seal?: SealPolicy;
  /** Channel that contexts must be tied to, where the client ties them. */
  readonly channelBindings?: ChannelBindings;
  /** As {@linkcode GssapiClientOptions.insecureNecMode}; every client must do so then. @default {false} */
  readonly insecureNecMode?: boolean;
}

const DEFAULT_GRANTED: readonly ProtectionLevel[] = ["confidentiality", "integrity", "selective"];

/**
 * The GSS-API method for a client.
 *
 * @throws {RangeError} When the weakest level to accept is stronger than the one asked for.
 */
export function gssapiClient(options: GssapiClientOptions): ClientAuthMethod {
  const { credential, service = "rcmd", protection = "confidentiality", insecureNecMode = false } = options;
  const floor = options.minimumProtection ?? protection;
  if (!isAtLeast(protection, floor)) {
    throw new RangeError(`Cannot ask for protection "${protection}" and accept "${floor}" at least`);
  }
  const flags: GssFlags = {
    mutual: true,
    replay: true,
    integrity: true,
    confidentiality: true,
    delegation: options.delegate ?? false,
  };
  return {
    code: Method.Gssapi,
    name: "gssapi",
    async authenticate(connection, { proxy, signal, datagrams = false }): Promise<SecuredChannel> {
      const { channelBindings } = options;
      const target = hostbasedService(service, proxy.hostname);
      const frames = new FramePump(connection);
      let context: GssContext | undefined;
      try {
        const negotiation = await credential.initiate(target, {
          // RFC 1961 section 5.2: datagrams have no order that could be kept.
          flags: { ...flags, sequence: !datagrams },
          ...(channelBindings === undefined ? {} : { channelBindings }),
          ...(signal === undefined ? {} : { signal }),
        });
        context = await frames.initiate(negotiation);
        checkFlags(context, floor, !datagrams);
        const level = await askProtection(frames, levelCodec(context, insecureNecMode), protection);
        if (!isAtLeast(level, floor)) {
          throw new SocksAuthError(
            "PROTECTION_TOO_WEAK",
            `Proxy ${formatEndpoint(proxy)} grants protection "${level}", "${floor}" is wanted at least`,
          );
        }
        return securedChannel(frames.rest(), context, level, options.seal);
      } catch (error) {
        context?.dispose();
        throw gssapiFailure(error, `Cannot authenticate to proxy ${formatEndpoint(proxy)}`);
      }
    },
  };
}

/** Section 4: nothing but the level's octet is sent before the proxy has said which one it is. */
async function askProtection(
  frames: FramePump,
  codec: LevelCodec,
  wanted: ProtectionLevel,
): Promise<ProtectionLevel> {
  await frames.send(FrameType.Protection, await codec.seal(protectionOctet(wanted)));
  const octet = await codec.open(await frames.receive(FrameType.Protection));
  const level = protectionLevel(octet);
  if (level === undefined) {
    throw new SocksProtocolError("BAD_MESSAGE", `Proxy grants protection ${octet}, which RFC 1961 does not have`);
  }
  return level;
}

/** How the octet of a level travels. */
interface LevelCodec {
  seal(octet: number): Promise<Bytes>;
  open(token: Bytes): Promise<number>;
}

function levelCodec(context: GssContext, necMode: boolean): LevelCodec {
  if (necMode) {
    return {
      seal: (octet) => Promise.resolve(Uint8Array.of(octet)),
      open: (token) => Promise.resolve(onlyOctet(token)),
    };
  }
  return {
    seal: (octet) => context.wrap(Uint8Array.of(octet), { confidential: false }),
    async open(token): Promise<number> {
      const { data, status } = await context.unwrap(token);
      if (status !== "complete") {
        throw new SocksProtocolError("OUT_OF_ORDER", `Protection message is out of order: ${status}`);
      }
      return onlyOctet(data);
    },
  };
}

function onlyOctet(data: Bytes): number {
  if (data.length !== 1) {
    throw new SocksProtocolError("BAD_MESSAGE", `Protection message has ${data.length} octets, not one`);
  }
  return data[0]!;
}

/** RFC 2743 section 1.2: a service counts only where the context says that it was granted. */
function checkFlags(context: GssContext, floor: ProtectionLevel, ordered: boolean): void {
  const { mutual, replay, sequence, integrity, confidentiality } = context.flags;
  const missing = [
    mutual ? "" : "mutual authentication",
    floor !== "none" && !integrity ? "integrity" : "",
    floor === "confidentiality" && !confidentiality ? "confidentiality" : "",
    floor !== "none" && !replay ? "replay detection" : "",
    floor !== "none" && ordered && !sequence ? "sequence detection" : "",
  ].filter((name) => name !== "");
  if (missing.length === 0) return;
  throw new SocksAuthError("FLAGS_MISSING", `Proxy's security context has no ${missing.join(", ")}`);
}

/** The GSS-API method for a server. */
export function gssapiServer(options: GssapiServerOptions): ServerAuthMethod {
  const { credential, protection = DEFAULT_GRANTED, channelBindings, insecureNecMode = false } = options;
  const policy: ProtectionPolicy = typeof protection === "function" ? protection : grantFrom(protection);
  return {
    code: Method.Gssapi,
    name: "gssapi",
    async accept(connection): Promise<SecuredChannel> {
      const frames = new FramePump(connection);
      let context: GssContext | undefined;
      try {
        context = await frames.accept(credential.accept(channelBindings === undefined ? {} : { channelBindings }));
        const level = await grantProtection(frames, context, { policy, insecureNecMode });
        return securedChannel(frames.rest(), context, level, options.seal);
      } catch (error) {
        context?.dispose();
        await frames.abort();
        throw gssapiFailure(error, "Cannot accept client");
      }
    },
  };
}

function grantFrom(levels: readonly ProtectionLevel[]): ProtectionPolicy {
  if (levels.length === 0) throw new TypeError("Cannot grant protection: no level is named");
  return ({ asked }) => asked !== undefined && levels.includes(asked) ? asked : strongest(levels);
}

async function grantProtection(
  frames: FramePump,
  context: GssContext,
  { policy, insecureNecMode }: { readonly policy: ProtectionPolicy; readonly insecureNecMode: boolean },
): Promise<ProtectionLevel> {
  const codec = levelCodec(context, insecureNecMode);
  const octet = await codec.open(await frames.receive(FrameType.Protection));
  const level = policy({ asked: protectionLevel(octet), identity: identityOf(context) });
  if (level === undefined) {
    throw new SocksAuthError(
      "PROTECTION_TOO_WEAK",
      `Client ${context.peer.text} asks for protection ${octet}, which it does not get`,
    );
  }
  await frames.send(FrameType.Protection, await codec.seal(protectionOctet(level)));
  return level;
}

/** Carries frames and steps negotiations. */
class FramePump {
  readonly #connection: Connection;
  readonly #reader: MessageReader;
  #aborted = false;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#reader = new MessageReader(connection, LIMIT);
  }

  async send(type: number, token: Uint8Array): Promise<void> {
    await this.#connection.write(encodeFrame(type, token));
  }

  /** Token of the next frame, which must be of the type given. */
  async receive(type: number): Promise<Bytes> {
    const frame: Frame = await this.#reader.next(decodeFrame);
    if (frame.type === FrameType.Abort) {
      this.#aborted = true;
      throw new SocksAuthError("REFUSED_BY_PEER", "Peer refused the GSS-API authentication");
    }
    if (frame.type !== type) {
      throw new SocksProtocolError("UNEXPECTED_MESSAGE", `GSS-API message type ${type} wanted, ${frame.type} came`);
    }
    return frame.token;
  }

  /** Section 3.4: the initiator's legs. An empty token from the acceptor says that it has nothing to add. */
  async initiate(negotiation: GssNegotiation): Promise<GssContext> {
    let step = await this.#step(negotiation, undefined);
    for (let legs = 0; legs < MAX_LEGS; legs++) {
      if (step.token !== undefined) await this.send(FrameType.Authentication, step.token);
      if (step.done) {
        if (step.token !== undefined) await this.#acknowledgement();
        return step.context;
      }
      step = await this.#step(negotiation, await this.receive(FrameType.Authentication));
    }
    throw new SocksAuthError("TOO_MANY_LEGS", `GSS-API authentication is not done after ${MAX_LEGS} legs`);
  }

  /** After the initiator's last token the acceptor answers once more, with an empty frame (section 3.7). */
  async #acknowledgement(): Promise<void> {
    const token = await this.receive(FrameType.Authentication);
    if (token.length > 0) {
      throw new SocksProtocolError("UNEXPECTED_MESSAGE", "Peer sent a token to a context that stands");
    }
  }

  /** Section 3.5: the acceptor's legs. Each token is answered, the last one with an empty frame where there is none. */
  async accept(negotiation: GssNegotiation): Promise<GssContext> {
    for (let legs = 0; legs < MAX_LEGS; legs++) {
      const step = await this.#step(negotiation, await this.receive(FrameType.Authentication));
      await this.send(FrameType.Authentication, step.token ?? EMPTY);
      if (step.done) return step.context;
    }
    throw new SocksAuthError("TOO_MANY_LEGS", `GSS-API authentication is not done after ${MAX_LEGS} legs`);
  }

  /** A failed step may leave a token that says so, which goes out all the same (RFC 2743 section 1.2.1.1). */
  async #step(negotiation: GssNegotiation, token: Bytes | undefined): Promise<GssStep> {
    try {
      return await negotiation.step(token);
    } catch (error) {
      if (error instanceof GssError && error.token !== undefined) {
        await this.send(FrameType.Authentication, error.token).catch(() => {});
      }
      throw error;
    }
  }

  /** Section 3.3: tells the peer that it is refused, once, and not when the peer said so itself. */
  async abort(): Promise<void> {
    if (this.#aborted) return;
    this.#aborted = true;
    await this.#connection.write(encodeAbort()).catch(() => {});
  }

  rest(): Connection {
    return this.#reader.rest();
  }
}

function identityOf(context: GssContext): Identity {
  return Object.freeze({ method: "gssapi", name: context.peer.text, attributes: context.attributes });
}

function securedChannel(
  connection: Connection,
  context: GssContext,
  level: ProtectionLevel,
  seal: SealPolicy | undefined,
): SecuredChannel {
  const identity = identityOf(context);
  const { expiresAt } = context;
  if (level === "none") {
    context.dispose();
    return { connection, identity, protection: level, datagrams: plainDatagrams, expiresAt };
  }
  return {
    connection: new ProtectedConnection({ connection, context, level, seal }),
    identity,
    protection: level,
    datagrams: context.flags.replay ? protectedDatagrams({ context, level, seal }) : undefined,
    expiresAt,
  };
}

/** GSS-API errors become this layer's; its own and everything else stay what they are. */
function gssapiFailure(error: unknown, what: string): unknown {
  return error instanceof GssError
    ? new SocksAuthError("GSSAPI_FAILED", `${what}: ${error.message}`, { cause: error })
    : error;
}
