/**
 * The GSS-API method (RFC 1961) on the client's side: tokens until the context is established (section 3), then the protection level
 * (section 4).
 *
 * @module
 */
import type { ChannelBindings } from "../../../gss/channel_bindings.ts";
import type { GssContext, GssFlags } from "../../../gss/context.ts";
import type { GssInitiatorCredential } from "../../../gss/credential.ts";
import { type GssName, serviceAt } from "../../../gss/names.ts";
import { GssError } from "../../../gss/status.ts";
import { SocksAuthError, SocksProtocolError } from "../../errors.ts";
import { isAtLeast, protectionByte, type ProtectionLevel, protectionLevel, type SealPolicy } from "../../protection.ts";
import { formatEndpoint } from "../../wire/address.ts";
import { FrameType } from "../../wire/gssapi.ts";
import { Method } from "../../wire/messages.ts";
import type { ClientAuthMethod, SecuredChannel } from "../method.ts";
import { gssapiFailure, securedChannel } from "./channel.ts";
import { GssapiFrames } from "./frames.ts";
import { type LevelCodec, levelCodec } from "./level.ts";
import { initiateContext } from "./negotiate.ts";
import { missingServices } from "./services.ts";

/** Options of {@linkcode gssapiClient}. */
export interface GssapiClientOptions {
  /** Credential that initiates the context. */
  readonly credential: GssInitiatorCredential;
  /**
   * Service name of the proxy: `rcmd`, or with the host in its keytab, `rcmd@proxy.example.com` (RFC 2743 section 4.1), where that is
   * not the host by which the proxy is reached.
   *
   * @default {"rcmd", as Dante and curl use; the example of RFC 1961 section 3.1 has "socks"}
   */
  readonly service?: string | undefined;
  /** Protection level to ask for. @default {"confidentiality"} */
  readonly protection?: ProtectionLevel | undefined;
  /** Weakest protection level to accept. @default {the level asked for} */
  readonly minimumProtection?: ProtectionLevel | undefined;
  /** Which messages are encrypted at level "selective". @default {all of them} */
  readonly seal?: SealPolicy | undefined;
  /** Whether to delegate the user's credential to the proxy. RFC 1961 section 3.2 asks for it; few proxies need it. @default {false} */
  readonly delegate?: boolean | undefined;
  /** Channel that the context is bound to. */
  readonly channelBindings?: ChannelBindings | undefined;
  /**
   * Whether the protection level is negotiated without protection, as NEC's reference code does, against RFC 1961 section 4.3. An
   * attacker on the path can then change the level; `minimumProtection` still holds.
   *
   * @default {false}
   */
  readonly insecureNecMode?: boolean | undefined;
}

/**
 * Creates the GSS-API method of a client.
 *
 * @throws {RangeError} When `minimumProtection` is stronger than `protection`.
 * @throws {TypeError} When `service` is neither NAME nor NAME@HOST.
 *
 * @example
 * ```ts
 * import { connect } from "@gssocks/gssocks";
 * import { KerberosInitiatorCredential, systemTickets } from "@gssocks/gssocks/kerberos";
 * import { gssapiClient, noAuthentication } from "@gssocks/gssocks/socks";
 *
 * export async function open(): Promise<void> {
 *   const credential = new KerberosInitiatorCredential(systemTickets());
 *   const auth = [gssapiClient({ credential, protection: "integrity" }), noAuthentication()];
 *   await using connection = await connect({ proxy: "proxy.example.com", auth, hostname: "intranet", port: 80 });
 *   await connection.write(new TextEncoder().encode("hello"));
 * }
 * ```
 */
export function gssapiClient(options: GssapiClientOptions): ClientAuthMethod {
  const { credential, service = "rcmd", protection = "confidentiality", insecureNecMode = false } = options;
  const floor = options.minimumProtection ?? protection;
  if (!isAtLeast(protection, floor)) {
    throw new RangeError(`Cannot ask for protection "${protection}": minimumProtection "${floor}" is stronger`);
  }
  serviceAt(service, "localhost");
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
      const target = serviceAt(service, proxy.hostname);
      const frames = new GssapiFrames(connection);
      let context: GssContext | undefined;
      try {
        const negotiation = await credential.initiate(target, {
          // RFC 1961 section 3.2: not for UDP, whose datagrams have no order.
          flags: { ...flags, sequence: !datagrams },
          channelBindings,
          signal,
        });
        await initiateContext(frames, negotiation, (established) => context = established);
        const established = context!;
        checkServices(established, floor, !datagrams);
        const level = await askProtection(frames, levelCodec(established, insecureNecMode), protection);
        if (!isAtLeast(level, floor)) {
          throw new SocksAuthError(
            "PROTECTION_TOO_WEAK",
            `Proxy ${
              formatEndpoint(proxy)
            } grants protection "${level}"; at least "${floor}" is required (minimumProtection)`,
          );
        }
        // A level above the minimum may need more services.
        checkServices(established, level, !datagrams);
        const self = established.self.text;
        return { ...securedChannel(frames.rest(), established, level, options.seal), self };
      } catch (error) {
        context?.dispose();
        throw gssapiFailure(withServiceHint(error, target), `Cannot authenticate to proxy ${formatEndpoint(proxy)}`);
      }
    },
  };
}

/** Adds to the error of a KDC that does not know the service what was asked for, and where another name is given. */
function withServiceHint(error: unknown, { text }: GssName): unknown {
  if (!(error instanceof GssError) || error.code !== "KDC_ERR_S_PRINCIPAL_UNKNOWN") return error;
  const { message, major, code, minor, details, cause, token } = error;
  const hint = `asked for ${text}: give that name as the proxy's address, or in service (--service NAME@HOST)`;
  return new GssError(`${message}; ${hint}`, { major, code, minor, details, cause, token });
}

/** RFC 1961 section 4.2: sends the level asked for and returns the level that the proxy grants. */
async function askProtection(
  frames: GssapiFrames,
  codec: LevelCodec,
  wanted: ProtectionLevel,
): Promise<ProtectionLevel> {
  await frames.send(FrameType.Protection, await codec.seal(protectionByte(wanted)));
  const byte = await codec.open(await frames.receive(FrameType.Protection));
  const level = protectionLevel(byte);
  if (level === undefined) {
    throw new SocksProtocolError(
      "BAD_MESSAGE",
      `Proxy grants protection level ${byte}, which RFC 1961 does not define`,
    );
  }
  return level;
}

function checkServices(context: GssContext, level: ProtectionLevel, ordered: boolean): void {
  const missing = missingServices(context.flags, level).filter((name) => ordered || name !== "sequence detection");
  if (missing.length === 0) return;
  throw new SocksAuthError("FLAGS_MISSING", `Security context with the proxy lacks ${missing.join(", ")}`);
}
