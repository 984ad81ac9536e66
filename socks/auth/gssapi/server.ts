/**
 * The GSS-API method (RFC 1961) on the server's side: tokens until the context is established (section 3), then the protection level
 * (section 4).
 *
 * @module
 */
import type { ChannelBindings } from "../../../gss/channel_bindings.ts";
import type { GssAcceptorCredential } from "../../../gss/credential.ts";
import type { GssContext } from "../../../gss/context.ts";
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
import { GssapiFrames } from "./frames.ts";
import { levelCodec } from "./level.ts";
import { acceptContext } from "./negotiate.ts";
import { type MissingService, missingServices } from "./services.ts";

/** What a {@linkcode ProtectionPolicy} decides about. */
export interface ProtectionRequest {
  /** Protection level that the client asks for; `undefined` for a byte that RFC 1961 does not define. */
  readonly asked: ProtectionLevel | undefined;
  /** The client. */
  readonly identity: Identity;
}

/** Decides which protection level a client gets; `undefined` refuses the client. */
export type ProtectionPolicy = (request: ProtectionRequest) => ProtectionLevel | undefined;

/** Options that accept clients against RFC 1961. Each one gives an attacker on the path something. */
export interface InsecureGssapiOptions {
  /**
   * As {@linkcode GssapiClientOptions.insecureNecMode}; all clients must use that mode then. In this mode level "none" is refused until
   * every replay is noticed; other servers with the same keys must share the replay cache. An attacker on the path can change the level.
   *
   * @default {false}
   */
  readonly insecureNecMode?: boolean | undefined;
  /**
   * Whether to accept clients that do not ask for mutual authentication, which RFC 1961 section 3.2 requires. Their messages use no key
   * that this server chose: they can be replayed to another server with the same key, or to this one after its replay cache has
   * forgotten them.
   *
   * @default {false}
   */
  readonly insecureWithoutMutual?: boolean | undefined;
  /**
   * Whether to grant protection without replay detection, and to relay streams without sequence detection. RFC 1961 section 3.2 requires
   * clients to ask for both. An attacker on the path can drop, repeat and reorder the messages of such a client.
   *
   * @default {false}
   */
  readonly insecureUnordered?: boolean | undefined;
}

/** Options of {@linkcode gssapiServer}. */
export interface GssapiServerOptions extends InsecureGssapiOptions {
  /** Credential that accepts contexts. */
  readonly credential: GssAcceptorCredential;
  /**
   * Levels that may be granted, or a function that decides. From a list the client gets the level that it asks for; if the list does not
   * have it, the strongest one of the list (RFC 1961 section 4.2 leaves that to the server; curl needs it to use a server that grants
   * "none").
   *
   * @default {["confidentiality", "integrity", "selective"]}
   */
  readonly protection?: readonly ProtectionLevel[] | ProtectionPolicy | undefined;
  /** Which messages are encrypted at level "selective". @default {all of them} */
  readonly seal?: SealPolicy | undefined;
  /** Channel that contexts must be bound to, if the client binds them. */
  readonly channelBindings?: ChannelBindings | undefined;
  /**
   * Returns the time, in milliseconds since the epoch, from which this server detects every replayed first token, also one that was used at
   * another server. In NEC's mode level "none" is refused before that time: a client proves nothing
   * after its first token there, and a recording could take its place.
   *
   * @default {never}
   */
  readonly replaysKnownFrom?: (() => number) | undefined;
}

const DEFAULT_GRANTED: readonly ProtectionLevel[] = ["confidentiality", "integrity", "selective"];

/**
 * Creates the GSS-API method of a server.
 *
 * @example
 * ```ts
 * import { KerberosAcceptorCredential, readKeytab } from "@gssocks/gssocks/kerberos";
 * import { gssapiServer, type ServerAuthMethod } from "@gssocks/gssocks/socks";
 *
 * export function method(): ServerAuthMethod {
 *   const credential = new KerberosAcceptorCredential({ keys: readKeytab("/etc/krb5.keytab") });
 *   return gssapiServer({ credential, protection: ["confidentiality"] });
 * }
 * ```
 */
export function gssapiServer(options: GssapiServerOptions): ServerAuthMethod {
  const { credential, protection = DEFAULT_GRANTED, channelBindings, insecureUnordered = false } = options;
  const policy: ProtectionPolicy = typeof protection === "function" ? protection : grantFrom(protection);
  return {
    code: Method.Gssapi,
    name: "gssapi",
    async accept(connection, { beforeClosing, onGone }): Promise<SecuredChannel> {
      const frames = new GssapiFrames(connection, onGone);
      beforeClosing?.(() => frames.refuse());
      let context: GssContext | undefined;
      try {
        const negotiation = credential.accept(channelBindings === undefined ? {} : { channelBindings });
        await acceptContext(frames, negotiation, (established) => context = established);
        const established = context!;
        checkServices(established, "none", options);
        const { level, token } = await grantProtection(frames, established, { policy, options });
        // Behind the answer the protocol has no message that refuses.
        beforeClosing?.(undefined);
        await frames.send(FrameType.Protection, token);
        const channel = securedChannel(frames.rest(), established, level, options.seal);
        return insecureUnordered ? { ...channel, ordered: true } : channel;
      } catch (error) {
        beforeClosing?.(undefined);
        context?.dispose();
        await frames.refuse();
        throw gssapiFailure(error, "Cannot accept client");
      }
    },
  };
}

function grantFrom(levels: readonly ProtectionLevel[]): ProtectionPolicy {
  if (levels.length === 0) throw new TypeError("Cannot grant protection: the list of levels is empty");
  checkNames("protection", levels, PROTECTION_LEVELS);
  return ({ asked }) => asked !== undefined && levels.includes(asked) ? asked : strongest(levels);
}

/** RFC 1961 section 4.2: returns the level that is granted, and the token with it. */
async function grantProtection(
  frames: GssapiFrames,
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
      `Client ${context.peer.text} asks for protection level ${byte}, which the server's policy refuses`,
    );
  }
  checkServices(context, level, options);
  if (level === "none" && insecureNecMode) checkNotReplayed(context, options);
  return { level, token: await codec.seal(protectionByte(level)) };
}

/** Options that accept a client without a service. */
const INSECURE_OPTIONS: Readonly<Partial<Record<MissingService, "insecureWithoutMutual" | "insecureUnordered">>> = {
  "mutual authentication": "insecureWithoutMutual",
  "replay detection": "insecureUnordered",
};

/**
 * Refuses a client that did not ask for the services of RFC 1961 section 3.2. Sequence detection is checked later, when the command is
 * known: datagrams need none.
 */
function checkServices(context: GssContext, level: ProtectionLevel, options: GssapiServerOptions): void {
  const missing = missingServices(context.flags, level).filter((name) => {
    const option = INSECURE_OPTIONS[name];
    return name !== "sequence detection" && !(option !== undefined && options[option]);
  });
  if (missing.length === 0) return;
  const accepting = [...new Set(missing.flatMap((name) => INSECURE_OPTIONS[name] ?? []))];
  throw new SocksAuthError(
    "FLAGS_MISSING",
    `Cannot accept client ${context.peer.text}: its security context lacks ${missing.join(", ")}` +
      (accepting.length === 0 ? "" : `, which RFC 1961 requires; ${accepting.join(" and ")} would accept it`),
  );
}

/**
 * Refuses a client that may be a recording. In all other modes a client must make a token with the context's key, which the acceptor
 * chose, so a recording fails. In NEC's mode at level "none" no token is made with that key, so only the replay cache
 * (RFC 4120 section 3.2.3) detects a recording.
 */
function checkNotReplayed(context: GssContext, { replaysKnownFrom }: GssapiServerOptions): void {
  const from = replaysKnownFrom?.() ?? Infinity;
  const seconds = Math.ceil((from - systemRuntime.now()) / 1_000);
  if (seconds <= 0) return;
  throw new SocksAuthError(
    "PROTECTION_TOO_WEAK",
    `Cannot grant client ${context.peer.text} level "none" in NEC's mode: it might be a replay, which is detected for sure only ` +
      (from === Infinity ? "with a replay cache that tells how far back it reaches" : `in ${seconds} s`),
  );
}
