/**
 * The primitives of the system: what was chosen, at the time of each call.
 *
 * @module
 */
import { chosenCrypto, currentCore } from "../core/choice.ts";
import { nodePrimitives } from "./node.ts";
import type { CryptoPrimitives } from "./seam.ts";
import { webCrypto } from "./web.ts";

const fastest = nodePrimitives(webCrypto) ?? webCrypto;
const chosen = () => chosenCrypto() === "webcrypto" ? webCrypto : fastest;

/** The fastest primitives that the runtime has, or WebCrypto's if these were chosen. */
export const systemPrimitives: CryptoPrimitives = {
  get core() {
    return currentCore();
  },
  cbc: (key) => chosen().cbc(key),
  encryptBlocks: (key, blocks) => chosen().encryptBlocks(key, blocks),
  hmac: (hash, key) => chosen().hmac(hash, key),
  digest: (hash, data) => chosen().digest(hash, data),
  pbkdf2: (input) => chosen().pbkdf2(input),
};
