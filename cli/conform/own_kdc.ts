/**
 * The embedded KDC of `gssocks conform --write-keytab`: the peer under test gets the keytab, the kit takes tickets itself.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import { randomBytes } from "../../base/runtime.ts";
import { startTestKdc, type TestKdc } from "../../kerberos/kdc/start.ts";
import { keytabKey } from "../../kerberos/exchange/client_key.ts";
import { FileCredentialCache, writeKeytab } from "../../kerberos/credentials/shell/stores.ts";
import { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { parsePrincipal } from "../../kerberos/principal.ts";
import { systemTickets } from "../../kerberos/system.ts";
import { ownLoopback } from "../../socks/stream/localhost.ts";
import { listenTcp } from "../../socks/shell/tcp.ts";
import { UsageError } from "../command/command.ts";

/** Client of the realm. */
const CLIENT = "conform";

/** The realm, and tickets of its client. */
export interface OwnKdc extends AsyncDisposable {
  readonly kdc: TestKdc;
  readonly tickets: KerberosTickets;
}

/**
 * Starts the KDC, and writes the keys of a service and a krb5.conf, neither over a file that is there. Both are removed with the KDC, without
 * which they are good for nothing.
 */
export async function startOwnKdc(
  service: string,
  files: { readonly keytab: string; readonly krb5Conf: string },
): Promise<OwnKdc> {
  for (const path of [files.keytab, files.krb5Conf]) checkNew(path);
  const password = encodeHex(randomBytes(16));
  const kdc = await startTestKdc({
    hostname: ownLoopback(listenTcp),
    principals: { [CLIENT]: password, [service]: {} },
  });
  const end = async () => {
    await kdc[Symbol.asyncDispose]();
    for (const path of [files.keytab, files.krb5Conf]) await Deno.remove(path).catch(() => {});
  };
  try {
    await writeKeytab(files.keytab, kdc.keytab(service));
    await Deno.writeTextFile(files.krb5Conf, kdc.krb5Conf);
  } catch (error) {
    await end();
    throw error;
  }
  const tickets = systemTickets({ config: kdc.config, principal: CLIENT, password });
  return { kdc, tickets, [Symbol.asyncDispose]: end };
}

/** Writes a cache with a ticket of the realm's client, for a client under test. */
export async function writeClientCache({ kdc }: OwnKdc, path: string): Promise<void> {
  checkNew(path);
  const client = parsePrincipal(CLIENT, { defaultRealm: kdc.realm.name });
  const initial = { client, key: keytabKey(kdc.keytab(CLIENT), client) };
  const cache = new FileCredentialCache(`FILE:${path}`);
  await new KerberosTickets({ config: kdc.config, kdc: kdc.client, cache, initial }).initialTicket();
}

function checkNew(path: string): void {
  try {
    Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  throw new UsageError(`${path} is there already; name a new file`);
}
