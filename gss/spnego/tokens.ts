/**
 * Tokens of SPNEGO (RFC 4178 section 4.2), and NegTokenInit2 (MS-SPNG section 2.2.1), whose hints are ignored. They are written
 * in DER. Lengths that are read may take more bytes than they need (`84 00 00 00 2c`): some appliances write them, and MIT reads
 * them. This does not apply to the mechanism's tokens inside, which the mechanism reads.
 *
 * @module
 */
import { type Codec, decode, encode, oidBytes } from "../../asn1/codec.ts";
import {
  anyElement,
  type BitString,
  bitString,
  enumerated,
  explicit,
  objectIdentifier,
  octetString,
  optional,
  sequence,
  sequenceOf,
} from "../../asn1/types.ts";
import { type Bytes, sameBytes } from "../../base/bytes.ts";
import { SPNEGO_OID } from "../oids.ts";
import { decodeInitialToken, encodeInitialToken, namedMechanism } from "../initial_token.ts";

/** States of a negotiation (RFC 4178 section 4.2.2). */
export const NegState = { AcceptCompleted: 0, AcceptIncomplete: 1, Reject: 2, RequestMic: 3 } as const;

/** The initiator's first token. */
export interface NegTokenInit {
  /** Mechanisms, in order of preference. */
  readonly mechTypes: readonly string[];
  /** Ignored (RFC 4178 section 4.2.1). */
  readonly reqFlags?: BitString | undefined;
  /** First token of the first mechanism. */
  readonly mechToken?: Bytes | undefined;
  /** MIC over the list. */
  readonly mechListMic?: Bytes | undefined;
}

/** Every later token of both sides. */
export interface NegTokenResp {
  /** One of {@linkcode NegState}'s. */
  readonly negState?: number | undefined;
  /** Mechanism that the acceptor has chosen. */
  readonly supportedMech?: string | undefined;
  /** Token of the mechanism. */
  readonly responseToken?: Bytes | undefined;
  /** MIC over the list. */
  readonly mechListMic?: Bytes | undefined;
}

/** Read options: lengths as some peers write them. */
const LENIENT = { longLengths: true } as const;

/** `MechTypeList ::= SEQUENCE OF MechType`. */
const MechTypeList: Codec<readonly string[]> = sequenceOf("MechTypeList", objectIdentifier, 32);

/** The fields of both types. The element under [3] decides which type it is. */
interface EitherInit extends Omit<NegTokenInit, "mechListMic"> {
  readonly third?: Bytes | undefined;
  readonly fourth?: Bytes | undefined;
}

/**
 * ```text
 * NegTokenInit ::= SEQUENCE {                            NegTokenInit2 ::= SEQUENCE {
 *         mechTypes       [0] MechTypeList,                      mechTypes   [0] MechTypeList OPTIONAL,
 *         reqFlags        [1] ContextFlags OPTIONAL,             reqFlags    [1] ContextFlags OPTIONAL,
 *         mechToken       [2] OCTET STRING OPTIONAL,             mechToken   [2] OCTET STRING OPTIONAL,
 *         mechListMIC     [3] OCTET STRING OPTIONAL,             negHints    [3] NegHints     OPTIONAL,
 *                                                                mechListMIC [4] OCTET STRING OPTIONAL,
 *         ...                                                    ...
 * }                                                      }
 * ```
 */
const NegTokenInit: Codec<EitherInit> = explicit(
  0,
  sequence<EitherInit>("NegTokenInit", {
    mechTypes: explicit(0, MechTypeList),
    reqFlags: optional(explicit(1, bitString)),
    mechToken: optional(explicit(2, octetString)),
    third: optional(explicit(3, anyElement)),
    fourth: optional(explicit(4, octetString)),
  }, { names: { third: "mechListMIC" } }),
);

/**
 * ```text
 * NegTokenResp ::= SEQUENCE {
 *         negState        [0] ENUMERATED { accept-completed (0), accept-incomplete (1), reject (2), request-mic (3) } OPTIONAL,
 *         supportedMech   [1] MechType      OPTIONAL,
 *         responseToken   [2] OCTET STRING  OPTIONAL,
 *         mechListMIC     [3] OCTET STRING  OPTIONAL,
 *         ...
 * }
 * ```
 */
const NegTokenResp: Codec<NegTokenResp> = explicit(
  1,
  sequence<NegTokenResp>("NegTokenResp", {
    negState: optional(explicit(0, enumerated("NegState", 0, 3))),
    supportedMech: optional(explicit(1, objectIdentifier)),
    responseToken: optional(explicit(2, octetString)),
    mechListMic: optional(explicit(3, octetString)),
  }),
);

/** Returns the bytes of a list that a MIC is over: without the tag `[0]` around it (RFC 4178 section 5 a). */
export function mechListBytes(mechTypes: readonly string[]): Bytes {
  return encode(MechTypeList, mechTypes);
}

/** Returns the initiator's first token. */
export function encodeNegTokenInit({ mechListMic, ...token }: NegTokenInit): Bytes {
  const third = mechListMic && encode(octetString, mechListMic);
  return encodeInitialToken(SPNEGO_OID, encode(NegTokenInit, { ...token, third }));
}

const SPNEGO_IDENTIFIER = oidBytes(SPNEGO_OID);

/** Whether a first token names SPNEGO. Reads no further, because most tokens name another mechanism. */
export function isSpnego(token: Uint8Array): boolean {
  const mechanism = namedMechanism(token, LENIENT);
  return mechanism !== undefined && sameBytes(mechanism, SPNEGO_IDENTIFIER);
}

/**
 * Reads an initiator's first token.
 *
 * @throws {Asn1Error} When the bytes are not one.
 */
export function decodeNegTokenInit(token: Uint8Array): NegTokenInit {
  const { third, fourth, ...read } = decode(NegTokenInit, decodeInitialToken(token, LENIENT).inner, LENIENT);
  const hints = third?.[0] === SEQUENCE;
  const mechListMic = third === undefined || hints ? fourth : decode(octetString, third, LENIENT);
  return Object.freeze({ ...read, ...(mechListMic === undefined ? {} : { mechListMic }) });
}

const SEQUENCE = 0x30;

/** Returns a token after the first. */
export function encodeNegTokenResp(token: NegTokenResp): Bytes {
  return encode(NegTokenResp, token);
}

/**
 * Reads a token after the first. A MIC that repeats the mechanism's token is left out: Windows 2000 and appliances like it send
 * such a MIC, and MIT ignores it too.
 *
 * @throws {Asn1Error} When the bytes are not one.
 */
export function decodeNegTokenResp(token: Uint8Array): NegTokenResp {
  const read = decode(NegTokenResp, token, LENIENT);
  const { responseToken, mechListMic, ...others } = read;
  const repeated = responseToken !== undefined && mechListMic !== undefined && sameBytes(responseToken, mechListMic);
  return repeated ? Object.freeze({ ...others, responseToken }) : read;
}
