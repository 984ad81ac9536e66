/**
 * Service records, through Deno or `node:dns`.
 *
 * @module
 */
import { builtin, hasDeno } from "../../../base/builtin.ts";
import type { SrvRecord, SrvResolver } from "../srv.ts";

/**
 * Looks up SRV records through the system's resolver. A runtime without one finds none.
 *
 * @example
 * ```ts
 * import { systemResolveSrv } from "@gssocks/gssocks/kerberos";
 *
 * export async function kdcs(): Promise<string[]> {
 *   return (await systemResolveSrv("_kerberos._tcp.example.com", { signal: AbortSignal.timeout(5_000) })).map(({ target, port }) => `${target}:${port}`);
 * }
 * ```
 */
export const systemResolveSrv: SrvResolver = async (name, { signal }): Promise<readonly SrvRecord[]> => {
  try {
    if (!hasDeno) return await askNode(name, signal);
    return await Deno.resolveDns(name, "SRV", signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof Error && error.name === "NotCapable") throw error;
    return [];
  }
};

async function askNode(name: string, signal: AbortSignal | undefined): Promise<readonly SrvRecord[]> {
  const dns = builtin<typeof import("node:dns/promises")>("node:dns/promises");
  if (dns === undefined) return [];
  const resolver = new dns.Resolver();
  const cancel = () => resolver.cancel();
  signal?.addEventListener("abort", cancel);
  try {
    return (await resolver.resolveSrv(name)).map(({ name: target, ...record }) => ({ target, ...record }));
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}
