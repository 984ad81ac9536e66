/**
 * GSS-API and Kerberos in a browser, with WebCrypto only: a password becomes a key, both roles establish a context,
 * messages are encrypted and signed, and a forged one is refused.
 */
import { hostbasedService } from "../../gss/mod.ts";
import { passwordKey } from "../../kerberos/exchange/client_key.ts";
import { KdcClient } from "../../kerberos/reach/kdc_client.ts";
import { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { DEFAULT_CONFIG } from "../../kerberos/config/krb5_conf.ts";
import { handleKdcMessage } from "../../kerberos/kdc/handle.ts";
import { KdcRealm } from "../../kerberos/kdc/realm.ts";
import { KerberosAcceptorCredential, KerberosInitiatorCredential } from "../../kerberos/mech/credentials.ts";
import { parsePrincipal } from "../../kerberos/principal.ts";

async function main(): Promise<string> {
  const done: string[] = [];
  for (const enctype of [17, 18, 19, 20]) {
    const realm = await KdcRealm.create("WEB.TEST", { enctypes: [enctype] });
    await realm.addPrincipal("alice", { password: "secret" });
    await realm.addPrincipal("rcmd/localhost");
    const realms = new Map([["WEB.TEST", { kdc: ["kdc"], primaryKdc: [] }]]);
    const config = { ...DEFAULT_CONFIG, defaultRealm: "WEB.TEST", realms };
    const kdc = new KdcClient({
      config,
      transport: { send: async (_, message) => (await handleKdcMessage(realm, message))! },
    });
    const initial = { client: parsePrincipal("alice@WEB.TEST"), key: passwordKey("secret") };
    const credential = new KerberosInitiatorCredential(new KerberosTickets({ config, kdc, initial }));
    const initiator = await credential.initiate(hostbasedService("rcmd", "localhost"), {
      channelBindings: { applicationData: new TextEncoder().encode("channel") },
    });
    const request = await initiator.step();
    const acceptor = new KerberosAcceptorCredential({ keys: realm.keytab("rcmd/localhost") });
    const accepted = await acceptor.accept({
      channelBindings: { applicationData: new TextEncoder().encode("channel") },
    }).step(request.token);
    const established = await initiator.step(accepted.token);
    if (!accepted.done || !established.done || !accepted.context.channelBound) throw new Error("not established");
    for (const confidential of [true, false]) {
      const token = await established.context.wrap(new Uint8Array(100_000), { confidential });
      const forged = token.slice();
      forged[50_000]! ^= 1;
      const refused = await accepted.context.unwrap(forged).then(() => "", (error) => error.major);
      const { data } = await accepted.context.unwrap(token);
      if (refused !== "BAD_SIG" || data.length !== 100_000) throw new Error("wrong");
    }
    done.push(String(established.context.attributes.enctype));
  }
  return `ok ${done.join(" ")}`;
}

await fetch("/result", { method: "POST", body: await main().catch((error) => `failed ${error.stack ?? error}`) });
