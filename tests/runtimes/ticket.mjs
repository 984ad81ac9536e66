/** What a test of a user does who has Kerberos in it, under any test runner. */
import { systemTickets } from "@gssocks/gssocks";
import { startTestKdc } from "@gssocks/gssocks/kerberos/kdc";

/** Returns the first component of the server of a ticket from a test KDC. */
export async function ticketOfTestKdc() {
  const kdc = await startTestKdc({ principals: { alice: "secret" } });
  const tickets = systemTickets({ config: kdc.config, principal: "alice", password: "secret" });
  const { credential } = await tickets.initialTicket();
  await kdc[Symbol.asyncDispose]();
  return credential.server.components[0];
}
