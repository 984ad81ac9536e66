/** This package's own server under the conformance kit: what it breaks, and what it says where the RFCs leave it open. */
import assert from "node:assert/strict";
import { checkProxy } from "../../conform/check_proxy.ts";
import { resultText } from "../../conform/report.ts";
import { KerberosInitiatorCredential } from "../../kerberos/mech/credentials.ts";
import { serve, type ServeOptions } from "../../mod.ts";
import { startRealmFolder } from "../support/realm_folder.ts";

const LOGIN = { username: "alice", password: "a secret" };

/** Options under which every check has something to judge. */
const EVERYTHING: Partial<ServeOptions> = {
  commands: ["connect", "bind", "udp"],
  passwords: ({ username, password }) => username === LOGIN.username && password === LOGIN.password,
};

/** What the server says where the RFCs leave it open. */
const NOTES: Readonly<Record<string, string>> = {
  "hello.methods": "01 gssapi, 02 password",
  "hello.order": "no: chooses method 1 in either order",
  "hello.http": "no byte",
  "token.spnego": "accepts it",
  "token.unordered": "refuses it",
  "level.sealed": "takes it",
  "protection.sealed-at-1": "hands it on",
  "connect.reserved": "carries it out",
};

Deno.test("conformance of the server: it passes every check", async () => {
  await using realm = await startRealmFolder();
  await using server = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"], ...EVERYTHING });
  const { results, verdict } = await checkProxy({
    proxy: { hostname: "localhost", port: server.addr.port },
    credential: new KerberosInitiatorCredential(realm.tickets),
    login: LOGIN,
    silence: 60,
  });
  assert.deepEqual(results.filter(({ outcome }) => outcome !== "pass").map(resultText), []);
  assert.equal(verdict, "ok");
  const notes = results.filter(({ severity }) => severity === "note").map(({ id, detail }) => [id, detail]);
  assert.deepEqual(Object.fromEntries(notes), NOTES);
});

Deno.test("conformance of the server: without methods that authenticate, it passes what is left", async () => {
  await using server = serve({
    port: 0,
    allowUnauthenticated: true,
    rules: ["allow localhost"],
    commands: ["connect", "udp"],
  });
  const { results, verdict } = await checkProxy({
    proxy: { hostname: "127.0.0.1", port: server.addr.port },
    silence: 60,
  });
  assert.equal(verdict, "ok");
  assert.deepEqual(results.filter(({ outcome }) => outcome === "fail" || outcome === "error").map(resultText), []);
  const why = new Set(results.filter(({ outcome }) => outcome === "skip").map(({ detail }) => detail));
  assert.deepEqual(
    [...why].sort(),
    [
      "the proxy accepts a single method",
      'the proxy does not choose the method "gssapi"',
      'the proxy does not choose the method "password"',
      "the proxy does not have it (reply 07)",
      "the proxy has no method that authenticates",
    ].sort(),
  );
});

Deno.test("conformance of the server: at an address of IPv6, with a user whom the kit does not know", async () => {
  await using server = serve({
    hostname: "::1",
    port: 0,
    allowUnauthenticated: true,
    rules: ["allow localhost"],
    ...EVERYTHING,
  });
  const { results } = await checkProxy({
    proxy: { hostname: "::1", port: server.addr.port },
    only: ["connect", "bind", "udp"],
    silence: 60,
  });
  const notPassed = results.filter(({ outcome }) => outcome !== "pass").map(({ id, detail }) => [id, detail]);
  assert.deepEqual(notPassed, [["udp.source", "the kit has no second address to send from"]]);
});

Deno.test("conformance of the server: one that grants level 0 breaks the rule of it, and no other", async () => {
  await using realm = await startRealmFolder();
  await using server = serve({
    port: 0,
    keytab: realm.keytab,
    rules: ["allow localhost"],
    protection: ["none", "integrity", "confidentiality", "selective"],
  });
  const { results } = await checkProxy({
    proxy: { hostname: "localhost", port: server.addr.port },
    credential: new KerberosInitiatorCredential(realm.tickets),
    only: ["level"],
    silence: 60,
  });
  assert.deepEqual(results.filter(({ outcome }) => outcome !== "pass").map(({ id, got }) => [id, got]), [
    ["level.0", "level 00"],
  ]);
});
