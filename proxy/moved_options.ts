/**
 * Options of `serve` and `bridge` that have moved into groups, and groups that only `serve` has.
 *
 * @module
 */
import { checkGroups, checkMoved, MOVED_OPTIONS } from "../socks/server/moved_options.ts";

/** New place of each option that was at the top of the options of `serve`. */
const MOVED_OF_SERVE: Readonly<Record<string, string>> = {
  ...MOVED_OPTIONS,
  services: "gssapi.services",
  replayCache: "gssapi.replayCache",
  capaths: "gssapi.capaths",
  onKeytab: "gssapi.onKeytab",
  ticketExpiry: "gssapi.ticketExpiry",
  preferGssapi: "gssapi.prefer",
  insecureNecMode: "gssapi.insecureNecMode",
  insecureWithoutMutual: "gssapi.insecureWithoutMutual",
  insecureUnordered: "gssapi.insecureUnordered",
  nat64: "egress.nat64",
  onNat64: "egress.onNat64",
};

/**
 * Checks where the options of `serve` are.
 *
 * @throws {TypeError} With the new place of an option, or the name of a group that is not an object or a list that is not a list.
 */
export function checkServePlaces(options: object): void {
  if (Array.isArray((options as { readonly egress?: unknown }).egress)) {
    throw new TypeError("Cannot use egress: write the addresses as egress.addresses");
  }
  checkGroups(options, ["timeouts", "limits", "datagrams", "gssapi", "egress"]);
  checkMoved(options, MOVED_OF_SERVE);
  for (const path of LISTS) {
    const value = valueAt(options, path);
    if (value !== undefined && !Array.isArray(value)) throw new TypeError(`Cannot use ${path}: it must be a list`);
  }
}

/** Lists in groups. A text would be taken for a list of its characters. */
const LISTS = ["gssapi.services", "gssapi.enctypes", "egress.addresses", "egress.nat64"];

function valueAt(options: object, path: string): unknown {
  return path.split(".").reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], options);
}

/** Options of `serve` that a bridge does not have: it authenticates no client, and the proxy reaches the targets. */
const SERVE_ONLY = ["gssapi", "egress", "datagrams.maxDestinations", "datagrams.answersFromAnyPort"];

/**
 * Checks where the options of `bridge` are.
 *
 * @throws {TypeError} With the new place of an option, or the name of one that only `serve` has.
 */
export function checkBridgePlaces(options: object): void {
  checkGroups(options, ["timeouts", "limits", "datagrams"]);
  checkMoved(options, MOVED_OPTIONS);
  for (const path of SERVE_ONLY) {
    const value = valueAt(options, path);
    if (value !== undefined) {
      throw new TypeError(`Cannot use ${path}: a bridge has no such option, only serve() has it`);
    }
  }
}
