/**
 * The basic types of Kerberos messages (RFC 4120 section 5.2), each under its ASN.1 text. EXPLICIT tags throughout.
 * ETYPE-INFO, PA-AFS3-SALT and typed data are not implemented.
 *
 * @module
 */
import type { Codec } from "../../asn1/codec.ts";
import {
  bitString,
  explicit,
  generalizedTime,
  generalString,
  integer,
  octetString,
  optional,
  sequence,
  sequenceOf,
  unusedBits,
  vouched,
} from "../../asn1/types.ts";
import { type Bytes, lenientText } from "../../base/bytes.ts";
import type { PrincipalName as NameFields } from "../principal.ts";

/** `Int32 ::= INTEGER (-2147483648..2147483647)` (section 5.2.4). */
export const Int32: Codec<number> = integer("Int32", -(2 ** 31), 2 ** 31 - 1);

/**
 * `UInt32 ::= INTEGER (0..4294967295)` (section 5.2.4). Some senders encode the upper half as negative numbers (section 5.2.4
 * again): these are accepted and kept.
 */
export const UInt32: Codec<number> = integer("UInt32", -(2 ** 31), 2 ** 32 - 1);

/** `Microseconds ::= INTEGER (0..999999)` (section 5.2.4). */
export const Microseconds: Codec<number> = integer("Microseconds", 0, 999_999);

/** `KerberosTime ::= GeneralizedTime -- with no fractional seconds` (section 5.2.3), in milliseconds since the epoch. */
export const KerberosTime: Codec<number> = generalizedTime;

/** `KerberosString ::= GeneralString (IA5String)`, `Realm ::= KerberosString` (sections 5.2.1 and 5.2.2). */
export const KerberosString: Codec<string> = generalString;

/** KerberosString for people only: bytes that are not UTF-8 are replaced. */
export const ErrorText: Codec<string> = {
  ...generalString,
  read: ({ contents }): string => lenientText(contents),
};

/** `INTEGER (5)`: the protocol version. */
export const Pvno: Codec<number> = integer("pvno", 5, 5);

/** Returns the codec of one message type; the tag of the message says the same. */
export function messageType(number: number): Codec<number> {
  return integer("msg-type", number, number);
}

/**
 * `KerberosFlags ::= BIT STRING (SIZE (32..MAX))` (section 5.2.8) as a 32-bit number, first bit highest. Shorter ones are
 * padded and longer ones truncated: all assigned bits are in the first 32.
 */
export const KerberosFlags: Codec<number> = {
  ...bitString as unknown as Codec<number>,
  name: "KerberosFlags",
  write(writer, value): void {
    const bytes = Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
    bitString.write(writer, { bytes, unused: 0 });
  },
  read(reader): number {
    unusedBits(reader);
    const { bytes, body, end } = reader;
    let flags = 0;
    for (let at = body + 1; at < body + 5; at++) flags = flags * 256 + (at < end ? bytes[at]! : 0);
    return flags;
  },
};

/** Name of a principal without its realm (section 5.2.2). */
export type PrincipalName = NameFields;

/**
 * ```asn1
 * PrincipalName ::= SEQUENCE {
 *         name-type       [0] Int32,
 *         name-string     [1] SEQUENCE OF KerberosString
 * }
 * ```
 */
export const PrincipalName: Codec<PrincipalName> = sequence<PrincipalName>("PrincipalName", {
  nameType: explicit(0, Int32),
  nameString: explicit(1, sequenceOf("name-string", KerberosString, 64)),
});

/** Network address (section 5.2.5). */
export interface HostAddress {
  /** Address type (RFC 4120 section 7.5.3). */
  readonly addrType: number;
  /** Bytes of the address. */
  readonly address: Bytes;
}

/**
 * ```asn1
 * HostAddress ::= SEQUENCE {
 *         addr-type       [0] Int32,
 *         address         [1] OCTET STRING
 * }
 * HostAddresses ::= SEQUENCE OF HostAddress
 * ```
 */
export const HostAddressCodec: Codec<HostAddress> = sequence<HostAddress>("HostAddress", {
  addrType: explicit(0, Int32),
  address: explicit(1, octetString),
});
/** SEQUENCE OF HostAddress. */
export const HostAddresses: Codec<readonly HostAddress[]> = sequenceOf("HostAddresses", HostAddressCodec, 256);

/** One piece of authorization data (section 5.2.6). */
export interface AuthorizationDataElement {
  /** Type (RFC 4120 section 7.5.4). */
  readonly adType: number;
  /** Contents. */
  readonly adData: Bytes;
}

/**
 * ```asn1
 * AuthorizationData ::= SEQUENCE OF SEQUENCE {
 *         ad-type         [0] Int32,
 *         ad-data         [1] OCTET STRING
 * }
 * ```
 */
export const AuthorizationData: Codec<readonly AuthorizationDataElement[]> = vouched(sequenceOf(
  "AuthorizationData",
  sequence<AuthorizationDataElement>("AuthorizationData", {
    adType: explicit(0, Int32),
    adData: explicit(1, octetString),
  }),
  256,
));

/** Pre-authentication data (section 5.2.7). */
export interface PaData {
  readonly padataType: number;
  readonly padataValue: Bytes;
}

/**
 * ```asn1
 * PA-DATA ::= SEQUENCE {
 *         -- NOTE: first tag is [1], not [0]
 *         padata-type     [1] Int32,
 *         padata-value    [2] OCTET STRING
 * }
 * METHOD-DATA ::= SEQUENCE OF PA-DATA
 * ```
 */
export const PaData: Codec<PaData> = sequence<PaData>("PA-DATA", {
  padataType: explicit(1, Int32),
  padataValue: explicit(2, octetString),
});
/** SEQUENCE OF PA-DATA (section 5.9.1). */
export const MethodData: Codec<readonly PaData[]> = vouched(sequenceOf("METHOD-DATA", PaData, 256));

/** Ciphertext, with enctype and version of its key (section 5.2.9). */
export interface EncryptedData {
  readonly etype: number;
  readonly kvno?: number;
  readonly cipher: Bytes;
}

/**
 * ```asn1
 * EncryptedData ::= SEQUENCE {
 *         etype   [0] Int32,
 *         kvno    [1] UInt32 OPTIONAL,
 *         cipher  [2] OCTET STRING
 * }
 * ```
 */
export const EncryptedData: Codec<EncryptedData> = sequence<EncryptedData>("EncryptedData", {
  etype: explicit(0, Int32),
  kvno: optional(explicit(1, UInt32)),
  cipher: explicit(2, octetString),
});

/** A key in a message (section 5.2.9). */
export interface EncryptionKey {
  readonly keytype: number;
  readonly keyvalue: Bytes;
}

/**
 * ```asn1
 * EncryptionKey ::= SEQUENCE {
 *         keytype         [0] Int32,
 *         keyvalue        [1] OCTET STRING
 * }
 * ```
 */
export const EncryptionKey: Codec<EncryptionKey> = sequence<EncryptionKey>("EncryptionKey", {
  keytype: explicit(0, Int32),
  keyvalue: explicit(1, octetString),
});

/** A checksum with its type (section 5.2.9). */
export interface Checksum {
  readonly cksumtype: number;
  readonly checksum: Bytes;
}

/**
 * ```asn1
 * Checksum ::= SEQUENCE {
 *         cksumtype       [0] Int32,
 *         checksum        [1] OCTET STRING
 * }
 * ```
 */
export const Checksum: Codec<Checksum> = sequence<Checksum>("Checksum", {
  cksumtype: explicit(0, Int32),
  checksum: explicit(1, octetString),
});

/** How a key of one enctype is derived from the password (section 5.2.7.5). */
export interface EtypeInfo2Entry {
  readonly etype: number;
  readonly salt?: string;
  readonly s2kparams?: Bytes;
}

/**
 * ```asn1
 * ETYPE-INFO2-ENTRY ::= SEQUENCE {
 *         etype           [0] Int32,
 *         salt            [1] KerberosString OPTIONAL,
 *         s2kparams       [2] OCTET STRING OPTIONAL
 * }
 * ETYPE-INFO2 ::= SEQUENCE SIZE (1..MAX) OF ETYPE-INFO2-ENTRY
 * ```
 */
export const EtypeInfo2: Codec<readonly EtypeInfo2Entry[]> = vouched(sequenceOf(
  "ETYPE-INFO2",
  sequence<EtypeInfo2Entry>("ETYPE-INFO2-ENTRY", {
    etype: explicit(0, Int32),
    salt: optional(explicit(1, KerberosString)),
    s2kparams: optional(explicit(2, octetString)),
  }),
  64,
));

/** The client's time, to be encrypted (section 5.2.7.2). */
export interface PaEncTsEnc {
  readonly patimestamp: number;
  readonly pausec?: number;
}

/**
 * ```asn1
 * PA-ENC-TS-ENC ::= SEQUENCE {
 *         patimestamp     [0] KerberosTime -- client's time --,
 *         pausec          [1] Microseconds OPTIONAL
 * }
 * ```
 */
export const PaEncTsEnc: Codec<PaEncTsEnc> = sequence<PaEncTsEnc>("PA-ENC-TS-ENC", {
  patimestamp: explicit(0, KerberosTime),
  pausec: optional(explicit(1, Microseconds)),
});
