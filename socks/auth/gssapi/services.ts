/**
 * Services that a protection level needs of its context (RFC 1961 sections 3.2 and 4.1).
 *
 * @module
 */
import type { GssFlags } from "../../../gss/context.ts";
import type { ProtectionLevel } from "../../protection.ts";

/** Name of a service that a context may lack, for messages. */
export type MissingService =
  | "mutual authentication"
  | "integrity"
  | "confidentiality"
  | "replay detection"
  | "sequence detection";

/**
 * Returns the services that a level needs and the context lacks. A service counts only if the flags of the established context have it
 * (RFC 2743 section 1.2).
 */
export function missingServices(flags: Readonly<Required<GssFlags>>, level: ProtectionLevel): MissingService[] {
  const missing: MissingService[] = [];
  if (!flags.mutual) missing.push("mutual authentication");
  if (level === "none") return missing;
  if (!flags.integrity) missing.push("integrity");
  if (level !== "integrity" && !flags.confidentiality) missing.push("confidentiality");
  if (!flags.replay) missing.push("replay detection");
  if (!flags.sequence) missing.push("sequence detection");
  return missing;
}
