/** What the types of the npm package have to allow, for TypeScript's own compiler in an empty project. */
import { connect, type Connection as _Connection, serve, type SocksConnection, systemTickets } from "@gssocks/gssocks";
import { startTestKdc } from "@gssocks/gssocks/kerberos/kdc";
import { KerberosTickets } from "@gssocks/gssocks/kerberos";
import { hostbasedService } from "@gssocks/gssocks/gss";
import { dialTcp } from "@gssocks/gssocks/socks";
import { connect as edgeConnect, connectionFromStreams, ticketsFrom } from "@gssocks/gssocks/edge";
import * as nodeEntry from "@gssocks/gssocks/node";
export async function f(): Promise<string> {
  const kdc = await startTestKdc({ principals: { alice: "secret" } });
  const c: SocksConnection = await connect({
    proxy: "localhost",
    hostname: "a",
    port: 1,
    credentials: systemTickets({ config: kdc.config, principal: "alice", password: "x" }),
  });
  await kdc[Symbol.asyncDispose]();
  return await new Response(c.readable).text();
}
export {
  connectionFromStreams,
  dialTcp,
  edgeConnect,
  hostbasedService,
  KerberosTickets,
  nodeEntry,
  serve,
  ticketsFrom,
};
