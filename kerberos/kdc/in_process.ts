/**
 * The embedded KDC as a client's transport: Kerberos without a network.
 *
 * @module
 */
import { KerberosError } from "../errors.ts";
import type { KdcTransport } from "../reach/transport.ts";
import { handleKdcMessage } from "./handle.ts";
import type { KdcRealm } from "./realm.ts";

/**
 * Returns a transport that hands messages to realms in this process.
 *
 * @example
 * ```ts
 * import { createRealm, inProcessTransport } from "@gssocks/gssocks/kerberos/kdc";
 * import { DEFAULT_CONFIG, KdcClient } from "@gssocks/gssocks/kerberos";
 *
 * const realm = await createRealm({ realm: "EXAMPLE.TEST", principals: { alice: "secret" } });
 * const realms = new Map([["EXAMPLE.TEST", { kdc: ["EXAMPLE.TEST"], primaryKdc: [] }]]);
 * const kdc = new KdcClient({ config: { ...DEFAULT_CONFIG, realms }, transport: inProcessTransport(realm) });
 * if (!(kdc instanceof KdcClient)) throw new Error();
 * ```
 */
export function inProcessTransport(...realms: readonly KdcRealm[]): KdcTransport {
  return {
    async send(address, message, { signal }) {
      const realm = realms.find(({ name }) => name === address.hostname);
      if (realm === undefined) throw new KerberosError("KDC_UNREACHABLE", `There is no realm ${address.hostname} here`);
      const reply = await handleKdcMessage(realm, message, { transport: address.protocol });
      signal.throwIfAborted();
      if (reply === undefined) throw new KerberosError("KDC_UNREACHABLE", `The KDC of ${realm.name} did not answer`);
      return reply;
    },
  };
}
