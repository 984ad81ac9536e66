/**
 * Real servers and clients under the conformance kit, each as docs/conformance.md says. `GSSOCKS_WRITE_CONFORMANCE=1` writes what is found
 * into tests/conform/published.json and the page.
 */
import assert from "node:assert/strict";
import { clientCommand } from "../../cli/conform/client_process.ts";
import type { CheckResult } from "../../conform/check.ts";
import { checkClient, type CheckClientOptions } from "../../conform/check_client.ts";
import { checkProxy } from "../../conform/check_proxy.ts";
import type { RunningClient } from "../../conform/client/stage.ts";
import { KerberosAcceptorCredential, KerberosInitiatorCredential } from "../../kerberos/mech/credentials.ts";
import { connect, serve } from "../../mod.ts";
import type { Endpoint } from "../../socks/wire/address.ts";
import { PAGE, type Published, PUBLISHED_FILE, publishedOf, tablesOf } from "../conform/published.ts";
import { socksifyEnv, startDante } from "../support/dante.ts";
import { peer, peerTest } from "../support/peers.ts";
import { Daemon, freePort, waitForPort } from "../support/process.ts";
import { type RealmFolder, startRealmFolder } from "../support/realm_folder.ts";
import { startSshd } from "../support/sshd.ts";

const WRITES = Deno.env.get("GSSOCKS_WRITE_CONFORMANCE") !== undefined;
const LOGIN = { username: "alice", password: "a secret" };
const TIMES = { timeout: 1_500, silence: 150 };
const published = JSON.parse(await Deno.readTextFile(PUBLISHED_FILE)) as Published;

/** Compares a run with what is published. */
async function isPublished(role: keyof Published, name: string, results: readonly CheckResult[]): Promise<void> {
  assert.deepEqual(results.filter(({ outcome }) => outcome === "error"), []);
  const found = publishedOf(results);
  if (WRITES) {
    const all = { ...published, [role]: { ...published[role], [name]: found } };
    Object.assign(published, all);
    await Deno.writeTextFile(PUBLISHED_FILE, `${JSON.stringify(published, null, 2)}\n`);
    const page = await Deno.readTextFile(PAGE);
    await Deno.writeTextFile(PAGE, `${page.split(MARK)[0]}${MARK}\n${tablesOf(published)}`);
  } else assert.deepEqual(found, published[role][name]);
}

/** Where the tables begin in the page. */
const MARK = "<!-- Written by tests/interop/conformance_test.ts. -->\n";

Deno.test("conformance page: shows what is published", async () => {
  assert.equal((await Deno.readTextFile(PAGE)).split(MARK)[1], `\n${tablesOf(published)}`);
});

async function servers(name: string, proxy: Endpoint, realm?: RealmFolder, login?: typeof LOGIN): Promise<void> {
  const credential = realm && new KerberosInitiatorCredential(realm.tickets);
  const { results } = await checkProxy({ proxy, credential, login, ...TIMES });
  await isPublished("servers", name, results);
}

Deno.test("conformance of servers: this package's", async () => {
  await using realm = await startRealmFolder();
  await using server = serve({
    port: 0,
    keytab: realm.keytab,
    rules: ["allow localhost"],
    commands: ["connect", "bind", "udp"],
    passwords: ({ username, password }) => username === LOGIN.username && password === LOGIN.password,
  });
  await servers("gssocks serve", { hostname: "localhost", port: server.addr.port }, realm, LOGIN);
});

peerTest("conformance of servers: Dante's", ["sockd", "root's rights"], async () => {
  await using realm = await startRealmFolder();
  await using dante = await startDante({ ...realm, levels: "integrity confidentiality" });
  await servers("Dante", { hostname: "localhost", port: dante.port }, realm);
});

peerTest("conformance of servers: microsocks", ["microsocks"], async () => {
  const port = freePort();
  const args = ["-i", "127.0.0.1", "-p", String(port), "-u", LOGIN.username, "-P", LOGIN.password];
  await using _daemon = new Daemon(peer("microsocks"), args);
  await waitForPort(port);
  await servers("microsocks", { hostname: "127.0.0.1", port }, undefined, LOGIN);
});

peerTest("conformance of servers: ssh -D", ["ssh", "sshd", "ssh-keygen", "root's rights"], async () => {
  const directory = await Deno.makeTempDir();
  try {
    await using sshd = await startSshd(directory);
    const port = freePort();
    await using _ssh = new Daemon(peer("ssh"), [
      ...["-N", "-D", `127.0.0.1:${port}`, "-p", String(sshd.port), "-i", `${directory}/id`],
      ...["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "root@127.0.0.1"],
    ]);
    await waitForPort(port);
    await servers("ssh -D", { hostname: "127.0.0.1", port });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

/** Parts that are played beside each other, each to a client of its own: they mostly wait. */
const GROUPS = ["client", "refuse", "data"];

async function clients(
  name: string,
  realm: RealmFolder,
  options: (group: string) => Promise<Pick<CheckClientOptions, "start" | "shows" | "listen">>,
): Promise<void> {
  const credential = new KerberosAcceptorCredential({ keys: realm.kdc.keytab("rcmd/localhost") });
  const reports = await Promise.all(
    GROUPS.map(async (group) => await checkClient({ credential, ...TIMES, only: [group], ...await options(group) })),
  );
  await isPublished("clients", name, reports.flatMap(({ results }) => results));
}

const env = ({ krb5Conf, ccache }: RealmFolder) => ({ KRB5_CONFIG: krb5Conf, KRB5CCNAME: ccache });

Deno.test("conformance of clients: this package's", async () => {
  await using realm = await startRealmFolder();
  const options: Pick<CheckClientOptions, "start"> = {
    start({ proxy, target }): RunningClient {
      const stop = new AbortController();
      let output = "";
      const run = async () => {
        const { signal } = stop;
        await using connection = await connect({ proxy, ...target, credentials: realm.tickets, signal });
        signal.addEventListener("abort", () => connection.close());
        await connection.write(new TextEncoder().encode(`GET http://${target.hostname}/ HTTP/1.0\r\n\r\n`));
        const decoder = new TextDecoder();
        for await (const data of connection.readable) output += decoder.decode(data, { stream: true });
      };
      return { ended: run().then(() => ({ code: 0, output }), () => ({ code: 1, output })), stop: () => stop.abort() };
    },
  };
  await clients("gssocks connect", realm, () => Promise.resolve(options));
});

peerTest("conformance of clients: Dante's", ["libdsocks.so", "sockd", "curl"], async () => {
  await using realm = await startRealmFolder();
  await clients("Dante's library", realm, async () => {
    const listen = { hostname: "localhost", port: freePort() };
    const socksified = await socksifyEnv({ ...realm, proxyPort: listen.port, level: "confidentiality" });
    // The library has the address of the proxy in its configuration.
    return { listen, start: clientCommand(`${peer("curl")} -sS -m 5 http://{target}/?{proxy_port}`, socksified) };
  });
});

peerTest("conformance of clients: curl", ["curl-gssapi"], async () => {
  await using realm = await startRealmFolder();
  const run = `${peer("curl-gssapi")} -sS -m 5 --socks5-gssapi --proxy socks5h://{proxy} http://{target}/`;
  await clients("curl", realm, () => Promise.resolve({ start: clientCommand(run, env(realm)) }));
});

peerTest("conformance of clients: OpenConnect", ["openconnect"], async () => {
  await using realm = await startRealmFolder();
  const run = `${peer("openconnect")} --proxy socks5://{proxy} --proxy-auth gssapi https://{target_host}/`;
  await clients("OpenConnect", realm, () => Promise.resolve({ start: clientCommand(run, env(realm)), shows: false }));
});
