/** Tickets of a client whose keys are in a file. */
import assert from "node:assert/strict";
import { writeKeytab } from "../../kerberos/credentials/shell/stores.ts";
import { startTestKdc } from "../../kerberos/kdc/mod.ts";
import { systemTickets } from "../../kerberos/system.ts";

Deno.test("systemTickets(): reads a keytab file for each request, and says what is in it where it fails", async () => {
  await using kdc = await startTestKdc({ principals: { backup: {}, other: {} } });
  const directory = await Deno.makeTempDir();
  try {
    const keytab = `${directory}/client.keytab`;
    await writeKeytab(keytab, kdc.keytab("other"));
    const { config, clock: runtime } = kdc;
    const tickets = systemTickets({ config, runtime, principal: "backup", keytab });
    const held = /no key of it of aes256.*; keytab .*client\.keytab has other@GSSOCKS\.TEST kvno 1 aes256/;
    await assert.rejects(tickets.initialTicket(), { code: "NO_CREDENTIALS", message: held });
    await writeKeytab(keytab, kdc.keytab("backup"));
    await tickets.initialTicket();
    // The keys are replaced at the KDC and in the file; while that cannot be read, those read before are used.
    await kdc.realm.addPrincipal("backup", { kvno: 2 });
    await assert.rejects(tickets.initialTicket(), { code: "KDC_ERR_PREAUTH_FAILED" });
    await writeKeytab(keytab, kdc.keytab("backup"));
    await tickets.initialTicket();
    await Deno.remove(keytab);
    await tickets.initialTicket();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
