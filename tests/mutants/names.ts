/**
 * Rules of this area, each with the change that switches it off: hosts and their rules, what is answered to what cannot be read,
 * sessions and relays.
 *
 * @module
 */
import type { Mutant } from "./mutant.ts";
import { DESTINATIONS } from "./names/destinations.ts";
import { HOST_NAMES } from "./names/hosts.ts";
import { FRONTS, MESSAGES } from "./names/messages.ts";
import { RESOLVER } from "./names/resolver.ts";
import { SESSIONS } from "./names/sessions.ts";

/** The rules. */
export const NAMES_MUTANTS: readonly Mutant[] = [
  ...HOST_NAMES,
  ...MESSAGES,
  ...FRONTS,
  ...DESTINATIONS,
  ...RESOLVER,
  ...SESSIONS,
];
