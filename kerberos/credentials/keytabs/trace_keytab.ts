/**
 * Shows an observer which keytab is used for a client.
 *
 * @module
 */
import { formatPrincipal, type Principal, samePrincipal } from "../../principal.ts";
import { type KerberosTracer, trace } from "../../reach/trace.ts";
import type { Keytab } from "../formats/keytab.ts";

/** What {@linkcode traceKeytab} shows. */
interface UsedKeytab {
  /** Name of the keytab. */
  readonly keytab: string;
  /** Its contents, of which the enctypes are shown. */
  readonly keys: Keytab;
  /** The client whose keys are used. */
  readonly client: Principal;
}

/** Shows an observer which keytab is used for a client, and the enctypes of the client's keys in it. */
export function traceKeytab(tracer: KerberosTracer | undefined, { keytab, keys, client }: UsedKeytab): void {
  trace(tracer, () => ({
    ...{ type: "keytab", keytab, client: formatPrincipal(client) },
    enctypes: keys.entries.filter(({ principal }) => samePrincipal(principal, client)).map(({ key }) => key.enctype),
  }));
}
