/**
 * All parts that are played to a client, in their order.
 *
 * @module
 */
import type { Check } from "../check.ts";
import { DATA_PARTS } from "./data.ts";
import { ILLEGAL_PARTS } from "./illegal.ts";
import { LEGAL_PARTS } from "./legal.ts";
import type { Stage } from "./stage.ts";

/** All parts. */
export const CLIENT_PARTS: readonly Check<Stage>[] = [...LEGAL_PARTS, ...ILLEGAL_PARTS, ...DATA_PARTS];
