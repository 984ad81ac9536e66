/**
 * Reading a message, with the error of the Kerberos layer where it cannot be read.
 *
 * @module
 */
import { Asn1Error, type Codec, decode } from "../../asn1/codec.ts";
import { KerberosError } from "../errors.ts";

/**
 * Reads a message.
 *
 * @throws {KerberosError} `BAD_MESSAGE` when the bytes are no such message.
 */
export function readMessage<T>(codec: Codec<T>, message: Uint8Array): T {
  try {
    return decode(codec, message);
  } catch (error) {
    if (!(error instanceof Asn1Error)) throw error;
    throw new KerberosError("BAD_MESSAGE", error.message, { cause: error });
  }
}

/** Reads one of two message types that may stand in the same place. */
export function readEither<T>(first: Codec<T>, second: Codec<T>, message: Uint8Array): T {
  return readMessage(message[0] === first.identifier ? first : second, message);
}
