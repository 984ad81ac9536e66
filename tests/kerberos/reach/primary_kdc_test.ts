/** A secret that a replica refuses. */
import assert from "node:assert/strict";
import { KdcClient } from "../../../kerberos/reach/kdc_client.ts";
import type { KdcTransport } from "../../../kerberos/reach/transport.ts";
import { KerberosTickets } from "../../../kerberos/credentials/tickets/tickets.ts";
import { passwordKey } from "../../../kerberos/exchange/client_key.ts";
import { DEFAULT_CONFIG } from "../../../kerberos/config/krb5_conf.ts";
import { inProcessTransport } from "../../../kerberos/kdc/mod.ts";
import { parsePrincipal } from "../../../kerberos/principal.ts";
import { memoryRealm } from "../../support/gss_pair.ts";

const KDC = "GSSOCKS.TEST";

/** A realm whose replica does not know alice's new password yet, nor bob. */
async function staleReplica(primaryKdc: readonly string[], acts: Record<string, (count: number) => boolean> = {}) {
  const [replica, primary] = await Promise.all([
    memoryRealm({ principals: { alice: "old" } }),
    memoryRealm({ principals: { alice: "new", bob: "bobpw" } }),
  ]);
  const asked: string[] = [];
  const transport: KdcTransport = {
    async send(address, message, options) {
      asked.push(address.hostname);
      const count = asked.filter((one) => one === address.hostname).length;
      if (acts[address.hostname]?.(count)) throw new Error("gone");
      const realm = address.hostname === "primary" ? primary : replica;
      return await inProcessTransport(realm).send({ ...address, hostname: KDC }, message, options);
    },
  };
  const realm = { kdc: ["replica", "other"], primaryKdc };
  const config = { ...DEFAULT_CONFIG, realms: new Map([[KDC, realm]]) };
  const login = (name: string, password: string) =>
    new KerberosTickets({
      config,
      kdc: new KdcClient({ config, transport }),
      initial: { client: parsePrincipal(`${name}@${KDC}`), key: passwordKey(password) },
    }).initialTicket();
  return { asked, login };
}

Deno.test("runWithSecret(): asks the primary KDC after a replica has refused", async () => {
  const { asked, login } = await staleReplica(["primary"]);
  await login("alice", "new");
  assert.deepEqual(asked.splice(0), ["replica", "replica", "primary", "primary"]);
  await login("bob", "bobpw");
  assert.deepEqual(asked.splice(0), ["replica", "primary", "primary"]);
  // The answer of the primary KDC is final.
  await assert.rejects(login("alice", "wrong"), { code: "KDC_ERR_PREAUTH_FAILED" });
  assert.deepEqual(asked.splice(0), ["replica", "replica", "primary", "primary"]);
  await login("alice", "old");
  assert.deepEqual(asked, ["replica", "replica"]);
});

Deno.test("runWithSecret(): keeps the replica's refusal if no other primary KDC answers", async () => {
  const refused = { code: "KDC_ERR_PREAUTH_FAILED" };
  const none = await staleReplica([]);
  await assert.rejects(none.login("alice", "new"), refused);
  assert.deepEqual(none.asked, ["replica", "replica"]);
  const same = await staleReplica(["REPLICA:88"]);
  await assert.rejects(same.login("alice", "new"), refused);
  assert.deepEqual(same.asked, ["replica", "replica"]);
  const gone = await staleReplica(["primary"], { primary: () => true });
  await assert.rejects(gone.login("alice", "new"), refused);
  assert.deepEqual(gone.asked, ["replica", "replica", "primary", "primary"]);
  // Without a KDC that can be asked there is no refusal.
  const silent = await staleReplica(["primary"], { replica: () => true, other: () => true });
  await assert.rejects(silent.login("alice", "new"), { code: "KDC_UNREACHABLE" });
  assert.ok(!silent.asked.includes("primary"));
  const half = await staleReplica(["primary"], { replica: (count) => count > 1, other: () => true });
  await assert.rejects(half.login("alice", "new"), { code: "KDC_UNREACHABLE" });
  assert.ok(!half.asked.includes("primary"));
});
