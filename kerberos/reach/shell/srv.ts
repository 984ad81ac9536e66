/**
 * Service records, through Deno.
 *
 * @module
 */
import type { SrvRecord, SrvResolver } from "../srv.ts";

/**
 * Looks up SRV records through the system's resolver.
 *
 * @example
 * ```ts
 * import { denoResolveSrv } from "@gssocks/gssocks/kerberos";
 *
 * export async function kdcs(): Promise<string[]> {
 *   return (await denoResolveSrv("_kerberos._tcp.example.com", { signal: AbortSignal.timeout(5_000) })).map(({ target, port }) => `${target}:${port}`);
 * }
 * ```
 */
export const denoResolveSrv: SrvResolver = async (name, { signal }): Promise<readonly SrvRecord[]> => {
  try {
    return await Deno.resolveDns(name, "SRV", signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof Deno.errors.NotCapable) throw error;
    return [];
  }
};
