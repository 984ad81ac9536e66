/**
 * The GSS-API method on a server's side.
 *
 * @module
 */
import type { ChannelBindings } from "../../../gss/channel_bindings.ts";
import type { GssAcceptorCredential, GssContext } from "../../../gss/mechanism.ts";
import { systemRuntime } from "../../../base/runtime.ts";
import { SocksAuthError } from "../../errors.ts";
import { checkNames } from "../../argument_checks.ts";
import {
  PROTECTION_LEVELS,
  protectionByte,
  type ProtectionLevel,
  protectionLevel,
  type SealPolicy,
  strongest,
} from "../../protection.ts";
import { FrameType } from "../../wire/gssapi.ts";
import { Method } from "../../wire/messages.ts";
import type { SecuredChannel, ServerAuthMethod } from "../method.ts";
import type { Identity } from "../../identity.ts";
import { gssapiFailure, identityOf, securedChannel } from "./channel.ts";
import { FramePump } from "./frame_pump.ts";
import { levelCodec, type MissingService, missingServices } from "./level.ts";

/** What a server decides a level on. */
export interface ProtectionRequest {
  /** Level that the client asks for; `undefined` for a byte that RFC 1961 does not have. */
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
  readonly protection?: readonly ProtectionLevel[] | ProtectionPolicy | undefined;
  /** Which messages are sealed at level "selective". @default {all of them} */
  readonly seal?: SealPolicy | undefined;
  /** Channel that contexts must be tied to, where the client ties them. */
  readonly channelBindings?: ChannelBindings | undefined;
  /**
   * As {@linkcode GssapiClientOptions.insecureNecMode}; every client must do so then. At level "none" a client proves nothing in
   * this mode beyond its first token; see {@linkcode replaysKnownFrom}.
   *
   * @default {false}
   */
  readonly insecureNecMode?: boolean | undefined;
  /**
   * Gives the time, in milliseconds since the epoch, from which on this server surely notices a first token that was used
   * before, wherever that was. In NEC's mode nobody gets level "none" before it: a recording would do as well as the client.
   *
   * @default {never}
   */
  readonly replaysKnownFrom?: (() => number) | undefined;
  /**
   * Whether clients are let in that did not ask for mutual authentication, which RFC 1961 section 3.2 has all of them do. Their
   * messages rest on no key of this server's: what such a client has sent can be sent again to another server with the same
   * key, or to this one once it has forgotten what it saw.
   *
   * @default {false}
   */
  readonly insecureWithoutMutual?: boolean | undefined;
  /**
   * Whether levels with protection are granted without replay detection, and everything but datagrams carried without
   * sequence detection, which RFC 1961 section 3.2 has clients ask for. Whoever is on the way can leave out, repeat and swap
   * the messages of such a client.
   *
   * @default {false}
   */
  readonly insecureUnordered?: boolean | undefined;
}

const DEFAULT_GRANTED: readonly ProtectionLevel[] = ["confidentiality", "integrity", "selective"];

/** The GSS-API method for a server. */
export function gssapiServer(options: GssapiServerOptions): ServerAuthMethod {
  const { credential, protection = DEFAULT_GRANTED, channelBindings, insecureUnordered = false } = options;
  const policy: ProtectionPolicy = typeof protection === "function" ? protection : grantFrom(protection);
  return {
    code: Method.Gssapi,
    name: "gssapi",
    async accept(connection, { beforeClosing, onGone }): Promise<SecuredChannel> {
      const frames = new FramePump(connection, onGone);
      beforeClosing?.(() => frames.abort());
      let context: GssContext | undefined;
      try {
        const negotiation = credential.accept(channelBindings === undefined ? {} : { channelBindings });
        await frames.accept(negotiation, (made) => context = made);
        const made = context!;
        checkServices(made, "none", options);
        const { level, token } = await grantProtection(frames, made, { policy, options });
        // From the answer on there is no message that would tell of a refusal.
        beforeClosing?.(undefined);
        await frames.send(FrameType.Protection, token);
        const channel = securedChannel(frames.rest(), made, level, options.seal);
        return insecureUnordered ? { ...channel, ordered: true } : channel;
      } catch (error) {
        beforeClosing?.(undefined);
        context?.dispose();
        await frames.abort();
        throw gssapiFailure(error, "Cannot accept client");
      }
    },
  };
}

function grantFrom(levels: readonly ProtectionLevel[]): ProtectionPolicy {
  if (levels.length === 0) throw new TypeError("Cannot grant protection: no level is named");
  checkNames("protection", levels, PROTECTION_LEVELS);
  return ({ asked }) => asked !== undefined && levels.includes(asked) ? asked : strongest(levels);
}

/** Section 4.2: the level, and the token that says so. */
async function grantProtection(
  frames: FramePump,
  context: GssContext,
  { policy, options }: { readonly policy: ProtectionPolicy; readonly options: GssapiServerOptions },
): Promise<{ readonly level: ProtectionLevel; readonly token: Uint8Array }> {
  const { insecureNecMode = false } = options;
  const codec = levelCodec(context, insecureNecMode);
  const byte = await codec.open(await frames.receive(FrameType.Protection));
  const level = policy({ asked: protectionLevel(byte), identity: identityOf(context) });
  if (level === undefined) {
    throw new SocksAuthError(
      "PROTECTION_TOO_WEAK",
      `Client ${context.peer.text} asks for protection ${byte}, which it does not get`,
    );
  }
  checkServices(context, level, options);
  if (level === "none" && insecureNecMode) checkRecorded(context, options);
  return { level, token: await codec.seal(protectionByte(level)) };
}

/** Which option lets a client in without a service; the others have none. */
const KNOBS: Readonly<Partial<Record<MissingService, "insecureWithoutMutual" | "insecureUnordered">>> = {
  "mutual authentication": "insecureWithoutMutual",
  "replay detection": "insecureUnordered",
};

/**
 * A client that did not ask for what RFC 1961 section 3.2 has it ask for is not let in. Whether the order is kept counts once it is known
 * what the client wants: datagrams have none.
 */
function checkServices(context: GssContext, level: ProtectionLevel, options: GssapiServerOptions): void {
  const missing = missingServices(context.flags, level).filter((name) => {
    const knob = KNOBS[name];
    return name !== "sequence detection" && !(knob !== undefined && options[knob]);
  });
  if (missing.length === 0) return;
  const knobs = [...new Set(missing.flatMap((name) => KNOBS[name] ?? []))];
  throw new SocksAuthError(
    "FLAGS_MISSING",
    `Cannot let client ${context.peer.text} in: its security context has no ${missing.join(", no ")}` +
      (knobs.length === 0 ? "" : `, which RFC 1961 has clients ask for; ${knobs.join(" and ")} would let it in`),
  );
}

/**
 * Everywhere else a client must make a token with this context's key, the acceptor's own subkey, before it gets anything: who has
 * recorded an earlier session cannot. In NEC's mode at level "none" nothing is made with it, so all rests on the memory of
 * what was used before (RFC 4120 section 3.2.3).
 */
function checkRecorded(context: GssContext, { replaysKnownFrom }: GssapiServerOptions): void {
  const from = replaysKnownFrom?.() ?? Infinity;
  const seconds = Math.ceil((from - systemRuntime.now()) / 1_000);
  if (seconds <= 0) return;
  throw new SocksAuthError(
    "PROTECTION_TOO_WEAK",
    `Cannot grant client ${context.peer.text} level "none" in NEC's mode: it might be a recording of one, which is surely ` +
      (from === Infinity ? "noticed only with a replay cache that says since when" : `noticed in ${seconds} s`),
  );
}
