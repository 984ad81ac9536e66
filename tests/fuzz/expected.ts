/**
 * Which errors are answers to bad input, layer by layer.
 *
 * @module
 */
import { Asn1Error } from "../../asn1/codec.ts";
import { GssError } from "../../gss/status.ts";
import { KdcError, KerberosError } from "../../kerberos/errors.ts";
import { SocksError } from "../../socks/errors.ts";

/** What the runtime says of mistakes in a program, in the words of V8. */
const MISTAKE =
  /propert(y|ies)|undefined|not a function|not iterable|destructur|Invalid (array|string|typed|count)|call stack|out of bounds|offset|BigInt/i;

/** Codecs of ASN.1. */
export const asn1Error = (error: unknown): boolean => error instanceof Asn1Error;
/** Files, texts and messages of Kerberos. */
export const kerberosError = (error: unknown): boolean => error instanceof KerberosError || error instanceof KdcError;
/** Tokens. */
export const gssError = (error: unknown): boolean => error instanceof GssError;
/** Everything of SOCKS. */
export const socksError = (error: unknown): boolean => error instanceof SocksError;
/** Texts that people write: a TypeError or RangeError of ours says so in a sentence, one of the runtime's does not. */
export const textError = (error: unknown): boolean =>
  (error instanceof TypeError || error instanceof RangeError) && !MISTAKE.test(error.message) &&
  / .*\w/.test(error.message);

/** Any of several. */
export function anyOf(...of: readonly ((error: unknown) => boolean)[]): (error: unknown) => boolean {
  return (error) => of.some((expects) => expects(error));
}
