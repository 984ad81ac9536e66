/**
 * The context flags of tests that do not choose their own.
 *
 * @module
 */
import type { GssFlags } from "../../gss/context.ts";

/** All flags but delegation. */
export const ALL_FLAGS: Required<GssFlags> = {
  delegation: false,
  mutual: true,
  replay: true,
  sequence: true,
  confidentiality: true,
  integrity: true,
};
