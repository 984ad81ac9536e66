/**
 * The lists of all areas.
 *
 * @module
 */
import { ADMIN_MUTANTS } from "./admin.ts";
import { ACCOUNTS_MUTANTS } from "./accounts.ts";
import { AUTH_MUTANTS } from "./auth.ts";
import { BRIDGE_MUTANTS } from "./bridge.ts";
import { CLI_MUTANTS } from "./cli.ts";
import { CLIENT_MUTANTS } from "./client.ts";
import { CONF_MUTANTS } from "./conf.ts";
import { CONFORM_MUTANTS } from "./conform.ts";
import { COMMANDS_MUTANTS } from "./commands.ts";
import { CONNECTION_MUTANTS } from "./connection.ts";
import { CONTEXTS_MUTANTS } from "./contexts.ts";
import { CORE_MUTANTS } from "./core.ts";
import { GSS_MUTANTS } from "./gss.ts";
import { HTTP_MUTANTS } from "./http.ts";
import { KDC_MUTANTS } from "./kdc.ts";
import { KDCS_MUTANTS } from "./kdcs.ts";
import { MECH_MUTANTS } from "./mech.ts";
import type { Mutant } from "./mutant.ts";
import { NAMES_MUTANTS } from "./names.ts";
import { NODE_MUTANTS } from "./node.ts";
import { OPERATING_MUTANTS } from "./operating.ts";
import { PRINCIPALS_MUTANTS } from "./principals.ts";
import { RULES_MUTANTS } from "./rules.ts";
import { RUNTIMES_MUTANTS } from "./runtimes.ts";
import { SERVER_MUTANTS } from "./server.ts";
import { SHARED_MUTANTS } from "./shared.ts";
import { SESSION_MUTANTS } from "./session.ts";
import { STORES_MUTANTS } from "./stores.ts";
import { SUITE_MUTANTS } from "./suite.ts";
import { SURROUNDINGS_MUTANTS } from "./surroundings.ts";
import { TICKETS_MUTANTS } from "./tickets.ts";
import { TLS_MUTANTS } from "./tls.ts";
import { TRANSPORTS_MUTANTS } from "./transports.ts";
import { UDP_MUTANTS } from "./udp.ts";
import { WIRE_MUTANTS } from "./wire.ts";

/** A mutant, and the list that it is from. */
export interface ListedMutant extends Mutant {
  /** Name of the list. */
  readonly area: string;
}

const LISTS: Readonly<Record<string, readonly Mutant[]>> = {
  admin: ADMIN_MUTANTS,
  accounts: ACCOUNTS_MUTANTS,
  auth: AUTH_MUTANTS,
  bridge: BRIDGE_MUTANTS,
  cli: CLI_MUTANTS,
  client: CLIENT_MUTANTS,
  conf: CONF_MUTANTS,
  conform: CONFORM_MUTANTS,
  commands: COMMANDS_MUTANTS,
  connection: CONNECTION_MUTANTS,
  contexts: CONTEXTS_MUTANTS,
  core: CORE_MUTANTS,
  gss: GSS_MUTANTS,
  http: HTTP_MUTANTS,
  kdc: KDC_MUTANTS,
  kdcs: KDCS_MUTANTS,
  mech: MECH_MUTANTS,
  names: NAMES_MUTANTS,
  node: NODE_MUTANTS,
  operating: OPERATING_MUTANTS,
  principals: PRINCIPALS_MUTANTS,
  rules: RULES_MUTANTS,
  runtimes: RUNTIMES_MUTANTS,
  server: SERVER_MUTANTS,
  shared: SHARED_MUTANTS,
  session: SESSION_MUTANTS,
  stores: STORES_MUTANTS,
  suite: SUITE_MUTANTS,
  surroundings: SURROUNDINGS_MUTANTS,
  tickets: TICKETS_MUTANTS,
  tls: TLS_MUTANTS,
  transports: TRANSPORTS_MUTANTS,
  udp: UDP_MUTANTS,
  wire: WIRE_MUTANTS,
};

/** Names of the lists. */
export const AREAS: readonly string[] = Object.keys(LISTS);

/** Every mutant. */
export const ALL_MUTANTS: readonly ListedMutant[] = Object.entries(LISTS).flatMap(([area, mutants]) =>
  mutants.map((mutant) => ({ ...mutant, area }))
);
