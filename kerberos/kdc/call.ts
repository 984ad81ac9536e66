/**
 * A request to the embedded KDC.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { KdcReq } from "../messages/kdc.ts";
import type { KdcRealm } from "./realm.ts";

/** A request that a realm's KDC answers. */
export interface KdcCall {
  /** The realm. */
  readonly realm: KdcRealm;
  /** The request, decoded. */
  readonly request: KdcReq;
  /** Its bytes as they came: checksums cover these. */
  readonly message: Bytes;
}
