/**
 * The GSS-API method on a client's side.
 *
 * @module
 */
import type { ChannelBindings } from "../../../gss/channel_bindings.ts";
import type { GssContext, GssFlags } from "../../../gss/context.ts";
import type { GssInitiatorCredential } from "../../../gss/credential.ts";
import { hostbasedService } from "../../../gss/names.ts";
import { SocksAuthError, SocksProtocolError } from "../../errors.ts";
import { isAtLeast, protectionByte, type ProtectionLevel, protectionLevel, type SealPolicy } from "../../protection.ts";
import { formatEndpoint } from "../../wire/address.ts";
import { FrameType } from "../../wire/gssapi.ts";
import { Method } from "../../wire/messages.ts";
import type { ClientAuthMethod, SecuredChannel } from "../method.ts";
import { gssapiFailure, securedChannel } from "./channel.ts";
import { FramePump } from "./frame_pump.ts";
import { type LevelCodec, levelCodec, missingServices } from "./level.ts";

/** The method on a client's side. */
export interface GssapiClientOptions {
  /** Credentials that start the context. */
  readonly credential: GssInitiatorCredential;
  /** Service that the proxy runs as. @default {"rcmd", as Dante and curl; RFC 1961's example has "socks"} */
  readonly service?: string | undefined;
  /** Level to ask for. @default {"confidentiality"} */
  readonly protection?: ProtectionLevel | undefined;
  /** Weakest level to accept. @default {the level asked for} */
  readonly minimumProtection?: ProtectionLevel | undefined;
  /** Which messages are sealed at level "selective". @default {all of them} */
  readonly seal?: SealPolicy | undefined;
  /** Whether the proxy gets the client's own credentials. RFC 1961 asks for it; hardly anyone should. @default {false} */
  readonly delegate?: boolean | undefined;
  /** Channel that the context is tied to. */
  readonly channelBindings?: ChannelBindings | undefined;
  /**
   * Whether the level of protection is agreed upon in clear, as NEC's reference code does and RFC 1961 section 4 does
   * not. Whoever is on the way can change it then; what this side accepts at least still holds.
   *
   * @default {false}
   */
  readonly insecureNecMode?: boolean | undefined;
}

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
          // RFC 1961 section 3.2: datagrams have no order that could be kept.
          flags: { ...flags, sequence: !datagrams },
          channelBindings,
          signal,
        });
        await frames.initiate(negotiation, (made) => context = made);
        const made = context!;
        checkServices(made, floor, !datagrams);
        const level = await askProtection(frames, levelCodec(made, insecureNecMode), protection);
        if (!isAtLeast(level, floor)) {
          throw new SocksAuthError(
            "PROTECTION_TOO_WEAK",
            `Proxy ${
              formatEndpoint(proxy)
            } grants protection "${level}", "${floor}" is wanted at least (minimumProtection)`,
          );
        }
        // It may be more than what was wanted at least, and then rest on more.
        checkServices(made, level, !datagrams);
        return securedChannel(frames.rest(), made, level, options.seal);
      } catch (error) {
        context?.dispose();
        throw gssapiFailure(error, `Cannot authenticate to proxy ${formatEndpoint(proxy)}`);
      }
    },
  };
}

/** Section 4: nothing but the level's byte is sent before the proxy has said which one it is. */
async function askProtection(
  frames: FramePump,
  codec: LevelCodec,
  wanted: ProtectionLevel,
): Promise<ProtectionLevel> {
  await frames.send(FrameType.Protection, await codec.seal(protectionByte(wanted)));
  const byte = await codec.open(await frames.receive(FrameType.Protection));
  const level = protectionLevel(byte);
  if (level === undefined) {
    throw new SocksProtocolError("BAD_MESSAGE", `Proxy grants protection ${byte}, which RFC 1961 does not have`);
  }
  return level;
}

function checkServices(context: GssContext, level: ProtectionLevel, ordered: boolean): void {
  const missing = missingServices(context.flags, level).filter((name) => ordered || name !== "sequence detection");
  if (missing.length === 0) return;
  throw new SocksAuthError("FLAGS_MISSING", `Proxy's security context has no ${missing.join(", no ")}`);
}
