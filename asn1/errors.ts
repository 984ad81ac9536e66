/**
 * The error of encodings that are not DER, and of values that do not fit their type.
 *
 * @module
 */

/** Bytes that are not the DER encoding of the expected type, or a value that the type cannot hold. */
export class Asn1Error extends Error {
  override readonly name = "Asn1Error";
  /** The field, for example `AP-REQ.ticket.enc-part.etype`. */
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`Cannot read ${path}: ${problem}`, options);
    this.path = path;
  }
}
