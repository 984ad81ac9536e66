/**
 * The whole module of the core, as WebAssembly text.
 *
 * @module
 */
import { PAGES, SCRATCH } from "../layout.ts";
import { Aes } from "./aes.ts";
import { sha1, weave } from "./sha1.ts";
import { sha2Functions } from "./sha2.ts";
import { tokenFunctions } from "./tokens.ts";
import { Constants, type Wat } from "./wat.ts";

/** Prints the module. */
export function coreText(): Wat {
  const constants = new Constants();
  const aes = new Aes(constants);
  const functions = aes.functions() + sha1() + weave(aes) + sha2Functions(constants) + tokenFunctions(constants);
  return `(module (memory (export "memory") ${PAGES} ${PAGES})\n${constants.segment(SCRATCH)}${functions})\n`;
}
