/**
 * The request for an initial ticket that follows from a configuration.
 *
 * @module
 */
import type { Runtime } from "../../../base/runtime.ts";
import type { KerberosConfig } from "../../config/krb5_conf.ts";
import type { AsExchangeInput } from "../../exchange/as_input.ts";

/** Returns the request for an initial ticket of a client, with the lifetimes and flags of a configuration. */
export function initialRequest(
  config: KerberosConfig,
  { client, key, service, startDelay }: Pick<AsExchangeInput, "client" | "key" | "service" | "startDelay">,
  runtime: Runtime,
): AsExchangeInput {
  return {
    client,
    key,
    service,
    startDelay,
    enctypes: config.defaultTktEnctypes,
    lifetime: config.ticketLifetime,
    renewLifetime: config.renewLifetime,
    forwardable: config.forwardable,
    proxiable: config.proxiable,
    canonicalize: config.canonicalize,
    timesync: config.kdcTimesync,
    clockskew: config.clockskew,
    runtime,
  };
}
