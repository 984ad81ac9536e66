/**
 * Two established contexts around one key, without a negotiation.
 *
 * @module
 */
import { KerberosKey } from "../../kerberos/crypto/key.ts";
import { systemPrimitives } from "../../kerberos/crypto/primitives/system.ts";
import type { CryptoPrimitives } from "../../kerberos/crypto/primitives/seam.ts";
import { webCrypto } from "../../kerberos/crypto/primitives/web.ts";
import { profileOf } from "../../kerberos/crypto/enctypes.ts";
import { KerberosContext } from "../../kerberos/mech/context.ts";
import { ALL_FLAGS } from "./flags.ts";

const NAME = { type: "mechanism-name", text: "x@Y" } as const;

/** Both sides of a context. */
export interface ContextPair extends Disposable {
  readonly ours: KerberosContext;
  readonly theirs: KerberosContext;
}

/** Creates a pair; sequence numbers of both sides begin with 1. */
export function contextPair(enctype = 18, primitives: CryptoPrimitives = systemPrimitives): ContextPair {
  const bytes = KerberosKey.generate(enctype).exportBytes();
  const [ours, theirs] = [true, false].map((initiator) =>
    new KerberosContext({
      initiator,
      peer: NAME,
      self: NAME,
      flags: ALL_FLAGS,
      channelBound: false,
      expiresAt: 0,
      attributes: {},
      key: new KerberosKey(enctype, bytes, primitives),
      acceptorSubkey: true,
      sendSequence: 1,
      receiveSequence: 1,
    })
  ) as [KerberosContext, KerberosContext];
  return {
    ours,
    theirs,
    [Symbol.dispose](): void {
      ours.dispose();
      theirs.dispose();
    },
  };
}

/** Enctypes with synchronous primitives where possible, and with WebCrypto, as in a browser. */
export const SUITES: readonly (readonly [name: string, enctype: number, primitives: CryptoPrimitives])[] = [
  ...[17, 18, 19, 20].map((enctype) => [`${profileOf(enctype).name} at once`, enctype, systemPrimitives] as const),
  ...[18, 20].map((enctype) => [`${profileOf(enctype).name} on WebCrypto`, enctype, webCrypto] as const),
];
