/**
 * The choice of primitives: `node:crypto` where the runtime has it, WebCrypto elsewhere.
 *
 * @module
 */
import { nodePrimitives } from "./node.ts";
import type { CryptoPrimitives } from "./seam.ts";
import { webCrypto } from "./web.ts";

/** The fastest primitives that the runtime has. */
export const systemPrimitives: CryptoPrimitives = nodePrimitives(webCrypto) ?? webCrypto;
