/**
 * Exchanges with KDCs are generators: each yields a request and is resumed with the reply. They know nothing of networks,
 * time-outs, or which KDC of a realm answers.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";

/** A message for some KDC of a realm. */
export interface KdcRequest {
  /** Realm whose KDC is to answer. */
  readonly realm: string;
  /** DER of the request. */
  readonly message: Bytes;
}

/** An exchange with KDCs that ends with a `T`. */
export type KdcExchange<T> = AsyncGenerator<KdcRequest, T, Bytes>;
