/**
 * Forged per-message tokens of Kerberos contexts: MIC and Wrap tokens, wrong in the fields that a test names.
 *
 * @module
 */
import { type Bytes, concat, EMPTY, utf8 } from "../../base/bytes.ts";
import { KeyUsage } from "../../kerberos/registry/key_usages.ts";
import type { KerberosKey } from "../../kerberos/crypto/key.ts";
import { type Rewrite, unchanged } from "./forge_ap.ts";

/** A per-message token, header field by header field (RFC 4121 section 4.2.6). */
export interface TokenShape {
  /** Key of the context. */
  readonly key: KerberosKey;
  /** The message. @default {"hello"} */
  readonly data?: Uint8Array;
  /** Whether the acceptor sent it, which also selects the key usage. @default {false} */
  readonly byAcceptor?: boolean;
  /** The Flags byte. @default {as the other fields say, with AcceptorSubkey} */
  readonly flags?: number;
  /** Sequence number. @default {1000} */
  readonly sequence?: number | bigint;
  /** Filler bytes of the header. @default {all 0xff} */
  readonly filler?: readonly number[];
  /** TOK_ID. @default {0x0504 for Wrap, 0x0404 for MIC} */
  readonly id?: number;
  /** Key usage. @default {as RFC 4121 section 2 says} */
  readonly usage?: number;
}

/** Fields of a Wrap token. */
export interface WrapShape extends TokenShape {
  /** Whether it is encrypted. @default {true} */
  readonly sealed?: boolean;
  /** Extra count in clear. @default {the length of the filler, or of the checksum} */
  readonly ec?: number;
  /** Filler between message and header. @default {none} */
  readonly padding?: Uint8Array;
  /** Changes the copy of the header that is encrypted or signed. */
  readonly rewriteInner?: Rewrite;
  /** Right rotation count in clear; {@linkcode rotated} rotates the body. @default {0} */
  readonly rrc?: number;
  /** How far the body is rotated. @default {by rrc} */
  readonly rotated?: number;
}

/** Returns a MIC token. */
export async function micToken(shape: TokenShape): Promise<Bytes> {
  const { key, data = utf8("hello"), byAcceptor = false, filler = [255, 255, 255, 255, 255] } = shape;
  const header = tokenHeader(shape, { id: 0x0404, flags: (byAcceptor ? 1 : 0) | 4, middle: filler });
  const usage = shape.usage ?? (byAcceptor ? KeyUsage.GssAcceptorSign : KeyUsage.GssInitiatorSign);
  return concat(header, await key.checksum(usage, data, header));
}

/** Returns a Wrap token. */
export async function wrapToken(shape: WrapShape): Promise<Bytes> {
  const { key, data = utf8("hello"), byAcceptor = false, sealed = true, padding = EMPTY, rewriteInner = unchanged } =
    shape;
  const [filler = 255] = shape.filler ?? [];
  const flags = (byAcceptor ? 1 : 0) | (sealed ? 2 : 0) | 4;
  const ec = shape.ec ?? (sealed ? padding.length : key.checksumLength);
  const { rrc = 0, rotated = rrc } = shape;
  const header = (ec: number, rrc: number) =>
    tokenHeader(shape, { id: 0x0504, flags, middle: [filler, ec >> 8, ec & 255, rrc >> 8, rrc & 255] });
  const usage = shape.usage ?? (byAcceptor ? KeyUsage.GssAcceptorSeal : KeyUsage.GssInitiatorSeal);
  const inner = rewriteInner(header(sealed ? ec : 0, 0));
  const body = sealed
    ? await key.encrypt(usage, concat(data, padding, inner))
    : concat(data, await key.checksum(usage, data, inner));
  const by = body.length - rotated % body.length;
  return concat(header(ec, rrc), body.subarray(by), body.subarray(0, by));
}

function tokenHeader(
  shape: TokenShape,
  usual: { readonly id: number; readonly flags: number; readonly middle: readonly number[] },
): Bytes {
  const out = new Uint8Array(16);
  const view = new DataView(out.buffer);
  view.setUint16(0, shape.id ?? usual.id);
  view.setUint8(2, shape.flags ?? usual.flags);
  out.set(usual.middle, 3);
  view.setBigUint64(8, BigInt(shape.sequence ?? 1000));
  return out;
}
