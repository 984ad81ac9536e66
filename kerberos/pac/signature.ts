/**
 * The signatures of a PAC (MS-PAC section 2.8). A service has the key of the server signature only: that of the KDC it cannot
 * verify.
 *
 * @module
 */
import { ByteReader, type Bytes, ByteWriter } from "../../base/bytes.ts";
import type { KerberosKey } from "../crypto/key.ts";
import { KerberosError } from "../errors.ts";
import { KeyUsage } from "../registry/key_usages.ts";
import { bufferOf, type PacBuffer, PacType, type PlacedBuffer, readPacBuffers, writePac } from "./container.ts";

/** Bytes of the type before a signature. */
const TYPE = 4;
/** Bytes that the KDC of a branch, an RODC, adds after its signature. */
const RODC_IDENTIFIER = 2;
/** Buffers whose signatures are zero while a PAC is signed for its service (section 2.8.4). */
const ZEROED: readonly number[] = [PacType.ServerSignature, PacType.KdcSignature];

/**
 * Verifies the server signature with the key that the ticket was sealed with. "The checksum type corresponds to the key": a
 * signature of another type is not genuine, whatever it is over, so HMAC-MD5 (-138), which an RC4 key has, is none under
 * an AES key.
 *
 * @throws {KerberosError} `INTEGRITY` when there is none, or it is not genuine.
 */
export async function verifyServerSignature(
  pac: Bytes,
  buffers: readonly PlacedBuffer[],
  key: KerberosKey,
): Promise<void> {
  const server = bufferOf(buffers, PacType.ServerSignature);
  if (server === undefined) throw new KerberosError("INTEGRITY", "it has no server signature");
  if (bufferOf(buffers, PacType.KdcSignature) === undefined) {
    throw new KerberosError("INTEGRITY", "it has no KDC signature");
  }
  const reader = new ByteReader(server.data);
  const type = reader.i32(true);
  if (type !== key.checksumType) {
    throw new KerberosError(
      "INTEGRITY",
      `its signature has type ${type}, and ${key.enctypeName}, the service's key, makes type ${key.checksumType}`,
    );
  }
  const signature = reader.take(key.checksumLength);
  if (reader.remaining !== 0 && reader.remaining !== RODC_IDENTIFIER) {
    throw new KerberosError("INTEGRITY", "its signature has a wrong length");
  }
  if (!await key.verifyChecksum(KeyUsage.PacSignature, zeroed(pac, buffers), signature)) {
    throw new KerberosError("INTEGRITY", "its signature is not the service's key's");
  }
}

/** Returns a copy in which both signatures are zero, with what follows them in their buffers. */
function zeroed(pac: Bytes, buffers: readonly PlacedBuffer[]): Bytes {
  const copy = pac.slice();
  for (const type of ZEROED) {
    const buffer = bufferOf(buffers, type);
    if (buffer !== undefined) copy.fill(0, buffer.offset + TYPE, buffer.offset + buffer.data.length);
  }
  return copy;
}

/** Keys that sign a PAC. */
export interface SigningKeys {
  /** Key that seals the ticket. */
  readonly server: KerberosKey;
  /** Key of the ticket-granting service. */
  readonly kdc: KerberosKey;
}

/** Writes a PAC and signs it for a service: the server signature over all, the KDC's over the server's. */
export async function signPac(contents: readonly PacBuffer[], { server, kdc }: SigningKeys): Promise<Bytes> {
  const unsigned = writePac([
    ...contents,
    { type: PacType.ServerSignature, data: signature(server, new Uint8Array(server.checksumLength)) },
    { type: PacType.KdcSignature, data: signature(kdc, new Uint8Array(kdc.checksumLength)) },
  ]);
  const signed = unsigned.slice();
  const buffers = readPacBuffers(signed);
  const ofServer = await server.checksum(KeyUsage.PacSignature, unsigned);
  bufferOf(buffers, PacType.ServerSignature)!.data.set(ofServer, TYPE);
  bufferOf(buffers, PacType.KdcSignature)!.data.set(await kdc.checksum(KeyUsage.PacSignature, ofServer), TYPE);
  return signed;
}

function signature({ checksumType }: KerberosKey, bytes: Bytes): Bytes {
  return new ByteWriter().u32(checksumType >>> 0, true).bytes(bytes).finish();
}
