/**
 * Forged SPNEGO tokens: encoded by hand, so that they can hold anything and no codec under test takes part. Their
 * MICs are real ones, of a Kerberos context or of a counted mechanism.
 *
 * @module
 */
import { type Bytes, concat, utf8 } from "../../base/bytes.ts";
import type { GssAcceptorCredential, GssInitiatorCredential } from "../../gss/credential.ts";
import type { GssFlags } from "../../gss/context.ts";
import type { GssNegotiation } from "../../gss/negotiation.ts";
import { hostbasedService } from "../../gss/names.ts";
import { credentialPair, memoryRealm } from "./gss_pair.ts";
import { unhex } from "./vectors.ts";

/** Encoded mechanism identifiers, with tag and length. */
export const OID: Readonly<Record<"kerberos" | "legacyKerberos" | "negoEx" | "counted" | "spnego", Bytes>> = {
  kerberos: unhex("06092a864886f712010202"),
  legacyKerberos: unhex("06092a864882f712010202"),
  negoEx: unhex("060a2b06010401823702021e"),
  counted: unhex("06022a03"),
  spnego: unhex("06062b0601050502"),
};

/** How lengths are encoded: DER, always four bytes, or indefinite for constructed elements. */
export type Lengths = "der" | "long" | "indefinite";

/** Encodes an element. */
export function tlv(tag: number, contents: Uint8Array, lengths: Lengths = "der"): Bytes {
  const { length } = contents;
  if (lengths === "indefinite" && (tag & 0x20) !== 0) {
    return concat(Uint8Array.of(tag, 0x80), contents, new Uint8Array(2));
  }
  const four = [length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255];
  const short = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, ...four.slice(2)];
  return concat(Uint8Array.of(tag, ...(lengths === "long" ? [0x84, ...four] : short)), contents);
}

/** Fields of a NegTokenInit; absent ones are left out. */
export interface ForgedInit {
  /** Elements of mechTypes. */
  readonly mechTypes?: readonly Uint8Array[];
  /** Contents of the BIT STRING. */
  readonly reqFlags?: Uint8Array;
  readonly mechToken?: Uint8Array;
  readonly mechListMic?: Uint8Array;
  /** Hints of NegTokenInit2, which move the MIC to `[4]`. */
  readonly hints?: boolean;
  /** Elements after the last field. */
  readonly more?: Uint8Array;
  /** Number of the choice. @default {0} */
  readonly choice?: number;
  readonly lengths?: Lengths;
}

/** Encodes a first token. */
export function forgeInit(of: ForgedInit): Bytes {
  const { lengths = "der" } = of;
  const field = (number: number, tag: number, contents: Uint8Array | undefined) =>
    contents === undefined ? new Uint8Array(0) : tlv(0xa0 + number, tlv(tag, contents, lengths), lengths);
  const name = utf8("not_defined_in_RFC4178@please_ignore");
  const inner = concat(
    field(0, 0x30, of.mechTypes && concat(...of.mechTypes)),
    field(1, 0x03, of.reqFlags),
    field(2, 0x04, of.mechToken),
    field(3, 0x30, of.hints ? tlv(0xa0, tlv(0x1b, name, lengths), lengths) : undefined),
    field(of.hints ? 4 : 3, 0x04, of.mechListMic),
    of.more ?? new Uint8Array(0),
  );
  const token = tlv(0xa0 + (of.choice ?? 0), tlv(0x30, inner, lengths), lengths);
  return tlv(0x60, concat(OID.spnego, token), lengths);
}

/** Fields of a NegTokenResp; absent ones are left out. */
export interface ForgedResp {
  readonly negState?: number;
  /** The element. */
  readonly supportedMech?: Uint8Array;
  readonly responseToken?: Uint8Array | undefined;
  readonly mechListMic?: Uint8Array | undefined;
  readonly more?: Uint8Array;
  readonly choice?: number;
  readonly lengths?: Lengths;
}

/** Encodes a later token. */
export function forgeResp(of: ForgedResp): Bytes {
  const { lengths = "der" } = of;
  const field = (number: number, element: Uint8Array | undefined) =>
    element === undefined ? new Uint8Array(0) : tlv(0xa0 + number, element, lengths);
  const bytes = (contents: Uint8Array | undefined) => contents && tlv(0x04, contents, lengths);
  const inner = concat(
    field(0, of.negState === undefined ? undefined : tlv(0x0a, Uint8Array.of(of.negState), lengths)),
    field(1, of.supportedMech),
    field(2, bytes(of.responseToken)),
    field(3, bytes(of.mechListMic)),
    of.more ?? new Uint8Array(0),
  );
  return tlv(0xa0 + (of.choice ?? 1), tlv(0x30, inner, lengths), lengths);
}

/** Returns the bytes that a MIC covers: the SEQUENCE OF. */
export function listBytes(mechTypes: readonly Uint8Array[]): Bytes {
  return tlv(0x30, concat(...mechTypes));
}

/** Both sides of a mechanism, to use inside SPNEGO or to forge with. */
export interface Sides {
  /** The encoded mechanism identifier. */
  readonly mechanism: Bytes;
  readonly initiator: GssInitiatorCredential;
  readonly acceptor: GssAcceptorCredential;
  /** Starts a negotiation of the initiator. */
  initiate(): Promise<GssNegotiation>;
}

let realm: ReturnType<typeof memoryRealm> | undefined;

/** Returns Kerberos: two tokens with mutual authentication, one without. */
export async function kerberosSides(mutual: boolean): Promise<Sides> {
  realm ??= memoryRealm();
  const pair = credentialPair(await realm);
  const flags: GssFlags = { mutual, replay: true, sequence: true, integrity: true, confidentiality: true };
  const target = hostbasedService("rcmd", "localhost");
  const initiator = {
    mechanism: pair.initiator.mechanism,
    initiate: () => pair.initiator.initiate(target, { flags }),
  };
  return { mechanism: OID.kerberos, initiator, acceptor: pair.acceptor, initiate: initiator.initiate };
}

/** Returns a MIC with a changed last byte. */
export function forgedMic(mic: Uint8Array): Bytes {
  const forged = new Uint8Array(mic);
  forged[forged.length - 1]! ^= 1;
  return forged;
}
