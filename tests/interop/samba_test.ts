/** A domain controller of Samba's Active Directory, its tickets, and who somebody is in them. */
import assert from "node:assert/strict";
import { peerTest } from "../support/peers.ts";
import { run } from "../support/process.ts";
import { SAMBA_PEERS, startSamba } from "../support/samba.ts";

peerTest(
  "Samba AD: MIT's client gets a service ticket that our keytab opens",
  [...SAMBA_PEERS, "kinit", "kvno"],
  async () => {
    await using domain = await startSamba();
    const { env } = domain;
    const kinit = await run("kinit", ["aduser"], { env, stdin: "aduserpw\n" });
    assert.equal(kinit.code, 0, kinit.stderr);
    const kvno = await run("kvno", ["-k", domain.keytab, "rcmd/localhost"], { env });
    assert.match(kvno.stdout, /kvno = 2, keytab entry valid/);
  },
);
