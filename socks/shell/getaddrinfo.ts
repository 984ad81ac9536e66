/**
 * The C library's resolver, through `node:dns`. Each look-up holds a thread of the runtime until it is over, and cannot be aborted.
 *
 * @module
 */
import { requireBuiltin } from "../../base/builtin.ts";
import { reasonText } from "../../base/reason.ts";
import { SocksReplyError } from "../errors.ts";

/** Addresses of a name in the order of the system; IPv4 is not moved to the front. */
export async function getAddresses(name: string): Promise<readonly string[]> {
  const { lookup } = dns();
  const found = await lookup(name, { all: true, order: "verbatim" }).catch((error) => {
    throw lookUpError(name, error);
  });
  return found.map(({ address }) => address);
}

/** Names of an address. */
export async function getNames(address: string): Promise<readonly string[]> {
  const { reverse } = dns();
  return await reverse(address).catch((error) => {
    throw lookUpError(address, error);
  });
}

function dns(): typeof import("node:dns/promises") {
  return requireBuiltin("node:dns/promises", "look up names", "pass `resolve`");
}

/** Reasons by the code of the error. */
const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: "there is no such name, or it has no address (EAI_NONAME)",
  EAI_AGAIN: "the name servers failed or did not answer (EAI_AGAIN)",
};

function lookUpError(name: string, error: unknown): SocksReplyError {
  const { code } = error as { readonly code?: unknown };
  const known = typeof code === "string" ? REASONS[code] : undefined;
  const reason = known ?? reasonText(error);
  return new SocksReplyError("HOST_UNREACHABLE", `Cannot find ${name}: ${reason}`, { cause: error });
}
