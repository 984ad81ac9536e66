/**
 * Rules of this area, each with the change that switches it off.
 *
 * @module
 */
import { ACCEPTOR_MUTANTS } from "./mech/acceptor.ts";
import { CRYPTO_MUTANTS } from "./mech/crypto.ts";
import { INITIATOR_MUTANTS } from "./mech/initiator.ts";
import { MESSAGES_MUTANTS } from "./mech/messages.ts";
import { REPLAYS_MUTANTS } from "./mech/replays.ts";
import { TRANSITED_MUTANTS } from "./mech/transited.ts";
import type { Mutant } from "./mutant.ts";

/** The rules. */
export const MECH_MUTANTS: readonly Mutant[] = [
  ...ACCEPTOR_MUTANTS,
  ...TRANSITED_MUTANTS,
  ...REPLAYS_MUTANTS,
  ...INITIATOR_MUTANTS,
  ...MESSAGES_MUTANTS,
  ...CRYPTO_MUTANTS,
];
