/**
 * Tokens of SPNEGO (RFC 4178 section 4.2).
 *
 * @module
 */
import {
  type BitString,
  bitString,
  type Codec,
  decode,
  encode,
  enumerated,
  explicit,
  objectIdentifier,
  octetString,
  optional,
  sequence,
  sequenceOf,
} from "../asn1.ts";
import type { Bytes } from "../bytes.ts";
import { decodeInitialToken, encodeInitialToken } from "../initial_token.ts";

/** SPNEGO's own identifier. */
export const SPNEGO_OID = "1.3.6.1.5.5.2";

/** Where a negotiation stands, in the words of RFC 4178 section 4.2.2. */
export const NegState = { AcceptCompleted: 0, AcceptIncomplete: 1, Reject: 2, RequestMic: 3 } as const;

/** What the initiator begins with. */
export interface NegTokenInit {
  /** Mechanisms, the most wanted first. */
  readonly mechTypes: readonly string[];
  /** Not to be looked at (RFC 4178 section 4.2.1). */
  readonly reqFlags?: BitString | undefined;
  /** First token of the first mechanism. */
  readonly mechToken?: Bytes | undefined;
  /** MIC over the list. */
  readonly mechListMic?: Bytes | undefined;
}

/** What goes to and fro after that. */
export interface NegTokenResp {
  /** One of {@linkcode NegState}'s. */
  readonly negState?: number | undefined;
  /** Mechanism that the acceptor takes. */
  readonly supportedMech?: string | undefined;
  /** Token of the mechanism. */
  readonly responseToken?: Bytes | undefined;
  /** MIC over the list. */
  readonly mechListMic?: Bytes | undefined;
}

/** `MechTypeList ::= SEQUENCE OF MechType`. */
const MechTypeList: Codec<readonly string[]> = sequenceOf("MechTypeList", objectIdentifier, 32);

/**
 * ```text
 * NegTokenInit ::= SEQUENCE {
 *         mechTypes       [0] MechTypeList,
 *         reqFlags        [1] ContextFlags OPTIONAL,
 *         mechToken       [2] OCTET STRING OPTIONAL,
 *         mechListMIC     [3] OCTET STRING OPTIONAL,
 *         ...
 * }
 * ```
 */
const NegTokenInit: Codec<NegTokenInit> = explicit(
  0,
  sequence<NegTokenInit>("NegTokenInit", {
    mechTypes: explicit(0, MechTypeList),
    reqFlags: optional(explicit(1, bitString)),
    mechToken: optional(explicit(2, octetString)),
    mechListMic: optional(explicit(3, octetString)),
  }, { extensible: true }),
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
  }, { extensible: true }),
);

/** Octets of the list that a MIC is over (RFC 4178 section 5). */
export function mechListOctets(mechTypes: readonly string[]): Bytes {
  return encode(MechTypeList, mechTypes);
}

/** The initiator's first token. */
export function encodeNegTokenInit(token: NegTokenInit): Bytes {
  return encodeInitialToken(SPNEGO_OID, encode(NegTokenInit, token));
}

const SPNEGO_ELEMENT = Uint8Array.of(0x06, 0x06, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02);

/** Whether a first token names SPNEGO, without looking at more of it: most name another mechanism, which reads them. */
export function isSpnego(token: Uint8Array): boolean {
  const [, length = 0] = token;
  const start = length < 0x80 ? 2 : 2 + (length & 0x7f);
  return SPNEGO_ELEMENT.every((octet, i) => token[start + i] === octet);
}

/**
 * Reads an initiator's first token.
 *
 * @throws {Asn1Error} When it is none.
 */
export function decodeNegTokenInit(token: Uint8Array): NegTokenInit {
  return decode(NegTokenInit, decodeInitialToken(token).inner);
}

/** A token after the first. */
export function encodeNegTokenResp(token: NegTokenResp): Bytes {
  return encode(NegTokenResp, token);
}

/**
 * Reads a token after the first.
 *
 * @throws {Asn1Error} When it is none.
 */
export function decodeNegTokenResp(token: Uint8Array): NegTokenResp {
  return decode(NegTokenResp, token);
}
