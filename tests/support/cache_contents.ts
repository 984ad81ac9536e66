/**
 * Contents of credential caches for tests that do not open the tickets.
 *
 * @module
 */
import { KerberosKey } from "../../kerberos/crypto/key.ts";
import { parsePrincipal } from "../../kerberos/principal.ts";
import type { CredentialCacheData } from "../../kerberos/credentials/cache.ts";
import { Credential } from "../../kerberos/credential.ts";

/** Returns a credential with a random key. */
export function ticket(client: string, service: string): Credential {
  return new Credential({
    client: parsePrincipal(client),
    server: parsePrincipal(service),
    key: KerberosKey.generate(18),
    authtime: 0,
    endtime: 2e12,
    flags: 0,
    ticket: new Uint8Array(300),
  });
}

/** Returns the contents of a cache with a ticket-granting ticket. */
export function contents(client: string): CredentialCacheData {
  return { principal: parsePrincipal(client), credentials: [ticket(client, "krbtgt/R.TEST@R.TEST")] };
}
