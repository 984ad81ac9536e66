/**
 * The errors that are right answers to bad input, by layer.
 *
 * @module
 */
import { Asn1Error } from "../../asn1/codec.ts";
import { GssError } from "../../gss/status.ts";
import { KdcError, KerberosError } from "../../kerberos/errors.ts";
import { SocksError } from "../../socks/errors.ts";

/** V8's messages about mistakes in a program. */
const MISTAKE =
  /propert(y|ies)|undefined|not a function|not iterable|destructur|Invalid (array|string|typed|count)|call stack|out of bounds|offset|BigInt/i;

/** Errors of the ASN.1 codecs. */
export const asn1Error = (error: unknown): boolean => error instanceof Asn1Error;
/** Errors of Kerberos files, texts and messages. */
export const kerberosError = (error: unknown): boolean => error instanceof KerberosError || error instanceof KdcError;
/** Errors of tokens. */
export const gssError = (error: unknown): boolean => error instanceof GssError;
/** Errors of SOCKS. */
export const socksError = (error: unknown): boolean => error instanceof SocksError;
/** Errors of user-written texts: a TypeError or RangeError of this package is a sentence, one of the runtime is not. */
export const textError = (error: unknown): boolean =>
  (error instanceof TypeError || error instanceof RangeError) && !MISTAKE.test(error.message) &&
  / .*\w/.test(error.message);

/** Whether any of several predicates accepts an error. */
export function anyOf(...of: readonly ((error: unknown) => boolean)[]): (error: unknown) => boolean {
  return (error) => of.some((expects) => expects(error));
}
