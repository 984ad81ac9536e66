/**
 * Messages between a client and a KCM daemon (Heimdal's `kcm`, SSSD's `sssd-kcm`), which keeps credential caches. A request and a reply
 * follow one another; each is a length and so many bytes, and before the bytes of a reply stands the state
 * of the transport.
 *
 * @module
 */
import { ByteReader, type Bytes, ByteWriter, EMPTY, exactText, utf8 } from "../../../base/bytes.ts";
import type { Credential } from "../../credential.ts";
import { KerberosError } from "../../errors.ts";
import type { Principal } from "../../principal.ts";
import { RecordReader, writeCredential, writePrincipal } from "./credential_records.ts";

/** Version 4 of the format of cache files, in which principals and credentials are sent. */
const RECORD_VERSION = 4;
/** Most bytes of a reply. */
const MAX_REPLY = 10 * 1024 * 1024;
/** Most bytes of the name of a cache. */
const MAX_NAME = 1024;
const UUID_LENGTH = 16;
/** Most caches or credentials in one list. */
const MAX_LIST = 10_000;
/** An offset of the KDC's clock that was never set. */
const NO_OFFSET = 0x7fffffff;

/** Operations of a KCM daemon. */
export const KcmOperation = {
  GenNew: 3,
  Initialize: 4,
  Destroy: 5,
  Store: 6,
  GetPrincipal: 8,
  GetCredUuidList: 9,
  GetCredByUuid: 10,
  GetCacheUuidList: 18,
  GetCacheByUuid: 19,
  GetDefaultCache: 20,
  SetDefaultCache: 21,
  GetKdcOffset: 22,
  SetKdcOffset: 23,
} as const;

/** Parameters of a request, in the order in which they are sent. */
export interface KcmParameters {
  /** Name of a cache. */
  readonly name?: string;
  /** A number that an earlier reply has listed. */
  readonly uuid?: Bytes;
  /** Owner of a new cache. */
  readonly principal?: Principal;
  /** A ticket. */
  readonly credential?: Credential;
  /** Offset of the KDC's clock, in seconds. */
  readonly offset?: number;
}

/** Returns a request with its length in front. */
export function encodeKcmRequest(operation: number, parameters: KcmParameters = {}): Bytes {
  const { name, uuid, principal, credential, offset } = parameters;
  const body = new ByteWriter().u8(2).u8(0).u16(operation);
  if (name !== undefined) body.bytes(utf8(name)).u8(0);
  if (uuid !== undefined) body.bytes(uuid);
  if (principal !== undefined) writePrincipal(body, principal);
  if (credential !== undefined) writeCredential(body, credential);
  if (offset !== undefined) body.u32(offset);
  const bytes = body.finish();
  return new ByteWriter().u32(bytes.length).bytes(bytes).finish();
}

/** A reply: a code, 0 for success, and what belongs to it. */
export interface KcmReply {
  /** 0, or an error code of the com_err library. */
  readonly code: number;
  /** Results. */
  readonly results: Bytes;
}

/** Puts one reply together out of the parts in which it arrives. */
export class KcmReplyReader {
  readonly #received = new ByteWriter();

  /**
   * Takes a part.
   *
   * @returns The reply once it is whole.
   * @throws {KerberosError} `BAD_FILE` if it is malformed or too long, or if something follows it.
   */
  push(part: Uint8Array): KcmReply | undefined {
    const bytes = this.#received.bytes(part).finish();
    if (bytes.length < 8) return undefined;
    const head = new ByteReader(bytes);
    const length = head.u32();
    const state = head.i32();
    if (length > MAX_REPLY) throw malformed(`it announces ${length} bytes`);
    // SSSD's daemon says here why it refuses, and no reply follows, whatever its length was to be.
    const end = state === 0 ? 8 + length : 8;
    if (state === 0 && length < 4) throw malformed(`it has ${length} bytes`);
    if (bytes.length > end) throw malformed(`${bytes.length - end} bytes follow its end`);
    if (state !== 0) return { code: state, results: EMPTY };
    if (bytes.length < end) return undefined;
    const body = new ByteReader(bytes.subarray(8));
    return { code: body.i32(), results: body.rest() };
  }
}

function malformed(problem: string): KerberosError {
  return new KerberosError("BAD_FILE", `Cannot read the reply of the KCM daemon: ${problem}`);
}

/** Runs a decoder; what it finds malformed becomes our error. */
function decoded<T>(results: Bytes, decode: (reader: ByteReader) => T): T {
  const reader = new ByteReader(results);
  try {
    const value = decode(reader);
    reader.end();
    return value;
  } catch (error) {
    if (error instanceof RangeError) throw malformed(error.message);
    throw error;
  }
}

/** Reads the name of a cache. */
export function readKcmName(results: Bytes): string {
  return decoded(results, (reader) => {
    const length = results.indexOf(0);
    if (length < 1 || length > MAX_NAME) throw new RangeError("it has no name of a cache");
    const name = exactText(reader.take(length));
    reader.u8();
    return name;
  });
}

/** Reads a list of numbers of 16 bytes. */
export function readKcmUuids(results: Bytes): readonly Bytes[] {
  const count = results.length / UUID_LENGTH;
  if (!Number.isInteger(count) || count > MAX_LIST) throw malformed(`its list has ${results.length} bytes`);
  return Array.from({ length: count }, (_, i) => results.slice(i * UUID_LENGTH, (i + 1) * UUID_LENGTH));
}

/** Reads a principal; `undefined` if there is none, which stands for a cache that was never initialized. */
export function readKcmPrincipal(results: Bytes): Principal | undefined {
  if (results.length === 0) return undefined;
  return decoded(results, (reader) => new RecordReader(reader, RECORD_VERSION).principal());
}

/** Reads a credential; `undefined` if it is of no use to anyone. */
export function readKcmCredential(results: Bytes): Credential | undefined {
  return decoded(results, (reader) => new RecordReader(reader, RECORD_VERSION).credential());
}

/** Reads the offset of the KDC's clock, in seconds; `undefined` if it was never set. */
export function readKcmOffset(results: Bytes): number | undefined {
  const offset = decoded(results, (reader) => reader.i32());
  return offset === NO_OFFSET ? undefined : offset;
}
