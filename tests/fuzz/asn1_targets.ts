/**
 * Fuzz targets: every ASN.1 type of Kerberos and SPNEGO, decoded, encoded again, and sometimes compared with asn1js.
 *
 * @module
 */
import { Asn1Error, type Codec, decode, decodeBy, encode, encodeBy } from "../../asn1/codec.ts";
import { asn1jsEngine } from "../../asn1/asn1js.ts";
import { sameBytes } from "../../base/bytes.ts";
import { decodeInitialToken, encodeInitialToken } from "../../gss/initial_token.ts";
import {
  decodeNegTokenInit,
  decodeNegTokenResp,
  encodeNegTokenInit,
  encodeNegTokenResp,
} from "../../gss/spnego/tokens.ts";
import * as ap from "../../kerberos/messages/ap.ts";
import * as basic from "../../kerberos/messages/basic.ts";
import * as cred from "../../kerberos/messages/cred.ts";
import * as error from "../../kerberos/messages/error.ts";
import * as kdc from "../../kerberos/messages/kdc.ts";
import { type DerTree, readTree } from "../support/der_tree.ts";
import { forgeInit, forgeResp, OID } from "../support/forge_spnego.ts";
import { hex, unhex, vectors } from "../support/vectors.ts";
import { asn1Error } from "./expected.ts";
import type { Target } from "./fuzz.ts";

/** Sample messages, and their decrypted parts. */
function messageSeeds(): Uint8Array[] {
  type Case = { der_hex: string; derived?: readonly { plaintext_hex?: string }[] };
  return vectors<Case>("messages").flatMap(({ der_hex, derived = [] }) =>
    [der_hex, ...derived.flatMap(({ plaintext_hex }) => plaintext_hex ?? [])].map((text) => unhex(text))
  ).concat(vectors<{ der_hex: string }>("asn1_encode").map(({ der_hex }) => unhex(der_hex)));
}

/** Returns an encoding and all its elements. */
function parts({ whole, children }: DerTree): Uint8Array[] {
  return [whole, ...children.flatMap(parts)];
}

/** Returns the inputs that a type decodes, or all of them. */
function seedsOf(codec: Codec<unknown>, all: readonly Uint8Array[]): readonly Uint8Array[] {
  const own = all.filter((seed) => outcome(() => decode(codec, seed)) !== "refused");
  return own.length === 0 ? all : own;
}

function isCodec(value: unknown): value is Codec<unknown> {
  return typeof value === "object" && value !== null && "read" in value;
}

/** Returns the result of decoding as text that tells values apart, or that it was refused. */
function outcome(read: () => unknown): string {
  try {
    return JSON.stringify(read(), (_, value) => value instanceof Uint8Array ? hex(value) : value);
  } catch (thrown) {
    if (thrown instanceof Asn1Error) return "refused";
    throw thrown;
  }
}

/** Target of a type, whose values must survive encoding and decoding. */
function codecTarget(name: string, codec: Codec<unknown>, seeds: readonly Uint8Array[]): Target {
  return {
    name: `ASN.1 ${name}`,
    seeds,
    expects: asn1Error,
    batch: 20,
    run(input, random): void {
      if (random.once(50) && input.length < 2_000) {
        const [first, second] = [
          outcome(() => decode(codec, input)),
          outcome(() => decodeBy(asn1jsEngine, codec, input)),
        ];
        if (first !== second) throw new Error(`decoded as ${first}, by asn1js as ${second}`);
      }
      const value = decode(codec, input);
      const written = encode(codec, value);
      if (outcome(() => decode(codec, written)) !== outcome(() => value)) throw new Error("changed by encoding");
      if (random.once(50) && !sameBytes(encodeBy(asn1jsEngine, codec, value), written)) {
        throw new Error("asn1js encodes it differently");
      }
    },
  };
}

/** Returns the targets. */
export function asn1Targets(): Target[] {
  const seeds = messageSeeds();
  const all = [...new Set(seeds.flatMap((seed) => parts(readTree(seed)).map(hex)))].map((text) => unhex(text));
  const modules = { ...ap, ...basic, ...cred, ...error, ...kdc };
  const codecs = Object.entries(modules).flatMap(([name, codec]) =>
    isCodec(codec) ? [codecTarget(name, codec, seedsOf(codec, all))] : []
  );
  const inits = (["der", "long", "indefinite"] as const).flatMap((lengths) => [
    forgeInit({ mechTypes: [OID.kerberos, OID.negoEx], mechToken: seeds[0]!, reqFlags: unhex("0780"), lengths }),
    forgeInit({ mechTypes: [OID.kerberos], mechToken: seeds[0]!, mechListMic: seeds[1]!, hints: true, lengths }),
  ]);
  const answers = (["der", "long", "indefinite"] as const).flatMap((lengths) => [
    forgeResp({ negState: 0, supportedMech: OID.kerberos, responseToken: seeds[2]!, mechListMic: seeds[3]!, lengths }),
    forgeResp({ negState: 3, lengths }),
  ]);
  const again = <T>(read: (bytes: Uint8Array) => T, write: (value: T) => Uint8Array) => (input: Uint8Array): void => {
    const value = read(input);
    if (outcome(() => read(write(value))) !== outcome(() => value)) throw new Error("changed by encoding");
  };
  return [
    ...codecs,
    {
      name: "initial token",
      seeds: [...inits, encodeInitialToken("1.2.840.113554.1.2.2", seeds[0]!)],
      expects: asn1Error,
      run: again(decodeInitialToken, ({ mechanism, inner }) => encodeInitialToken(mechanism, inner)),
    },
    { name: "NegTokenInit", seeds: inits, expects: asn1Error, run: again(decodeNegTokenInit, encodeNegTokenInit) },
    { name: "NegTokenResp", seeds: answers, expects: asn1Error, run: again(decodeNegTokenResp, encodeNegTokenResp) },
  ];
}
