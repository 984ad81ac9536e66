/**
 * Service records, through Deno.
 *
 * @module
 */
import type { SrvRecord, SrvResolver } from "../srv.ts";

/** Looks up SRV records through the system's resolver. */
export const denoResolveSrv: SrvResolver = async (name, { signal }): Promise<readonly SrvRecord[]> => {
  try {
    return await Deno.resolveDns(name, "SRV", signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof Deno.errors.NotCapable) throw error;
    return [];
  }
};
