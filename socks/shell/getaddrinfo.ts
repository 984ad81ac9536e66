/**
 * The C library's resolver, where something else than the hosts file and name servers knows names, or nothing else may be asked.
 * Each look-up holds a thread until it is over, and cannot be ended.
 *
 * @module
 */
import { reasonText } from "../../base/reason.ts";
import { lookup, reverse } from "node:dns/promises";
import { SocksReplyError } from "../errors.ts";

/** Addresses of a name, in the order in which the system gives them, and not with IPv4 in front. */
export async function getAddresses(name: string): Promise<readonly string[]> {
  const found = await lookup(name, { all: true, order: "verbatim" }).catch((error) => {
    throw lookUpError(name, error);
  });
  return found.map(({ address }) => address);
}

/** Names of an address. */
export async function getNames(address: string): Promise<readonly string[]> {
  return await reverse(address).catch((error) => {
    throw lookUpError(address, error);
  });
}

/** What the C library tells apart. */
const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: "there is no such name, or it has no address (EAI_NONAME)",
  EAI_AGAIN: "the name servers failed or did not answer (EAI_AGAIN)",
};

function lookUpError(name: string, error: unknown): SocksReplyError {
  const { code } = error as { readonly code?: unknown };
  const known = typeof code === "string" ? REASONS[code] : undefined;
  const reason = known ?? (reasonText(error));
  return new SocksReplyError("HOST_UNREACHABLE", `Cannot find ${name}: ${reason}`, { cause: error });
}
