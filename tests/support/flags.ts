/**
 * What contexts are asked for and grant where a test does not say otherwise.
 *
 * @module
 */
import type { GssFlags } from "../../gss/context.ts";

/** All services of a context; the credential stays at home. */
export const ALL_FLAGS: Required<GssFlags> = {
  delegation: false,
  mutual: true,
  replay: true,
  sequence: true,
  confidentiality: true,
  integrity: true,
};
