/** A domain controller of Samba's Active Directory: this client with it, its tickets, and who somebody is by them. */
import assert from "node:assert/strict";
import type { GssAccount } from "../../gss/account.ts";
import type { GssContext } from "../../gss/context.ts";
import { hostbasedService } from "../../gss/names.ts";
import type { KerberosConfig } from "../../kerberos/config/krb5_conf.ts";
import { readKeytab } from "../../kerberos/credentials/shell/stores.ts";
import { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { passwordKey } from "../../kerberos/exchange/client_key.ts";
import { KerberosContext } from "../../kerberos/mech/context.ts";
import { KerberosAcceptorCredential, KerberosInitiatorCredential } from "../../kerberos/mech/credentials.ts";
import { parsePrincipal } from "../../kerberos/principal.ts";
import { KdcClient } from "../../kerberos/reach/kdc_client.ts";
import { systemTransport } from "../../kerberos/reach/shell/transport.ts";
import { NameType } from "../../kerberos/registry/name_types.ts";
import { userKey } from "../../socks/rules/users.ts";
import { identityOf } from "../../socks/auth/gssapi/channel.ts";
import { connect } from "../../mod.ts";
import { GssPeer } from "../support/gss_peer.ts";
import { peerTest } from "../support/peers.ts";
import { run } from "../support/process.ts";
import { gssocks } from "../support/run_cli.ts";
import { SAMBA_PEERS, type SambaDomain, startSamba } from "../support/samba.ts";
import { echoServer } from "../support/servers.ts";

const MIT = [...SAMBA_PEERS, "kinit", "gss_peer"];
const [DELEG, MUTUAL] = [1, 2];

/** How users spell themselves. An enterprise name has an `@` in it. */
const SPELLINGS = ["aduser", "ADUSER", "AdUser", "aduser\\@ad.test", "ADUSER\\@AD.TEST"];

/** Tickets of a user who types this name. */
function ticketsOf(
  domain: SambaDomain,
  name: string,
  password: string,
  changes: Partial<KerberosConfig> = {},
): KerberosTickets {
  const typed = parsePrincipal(name, { defaultRealm: "AD.TEST" });
  const client = name.includes("\\@") ? { ...typed, nameType: NameType.Enterprise } : typed;
  const config = { ...domain.config, ...changes };
  const kdc = new KdcClient({ config, transport: systemTransport });
  return new KerberosTickets({ config, kdc, initial: { client, key: passwordKey(password) } });
}

/** Accepts a token of a client of `rcmd@localhost`. */
async function accepted(domain: SambaDomain, token: Uint8Array | undefined): Promise<GssContext> {
  const step = await new KerberosAcceptorCredential({ keys: readKeytab(domain.keytab) }).accept().step(token);
  assert.ok(step.done);
  return step.context;
}

/** Establishes a context with the domain's service, and returns the acceptor's side. */
async function contextOf(domain: SambaDomain, tickets: KerberosTickets): Promise<GssContext> {
  const initiator = await new KerberosInitiatorCredential(tickets).initiate(hostbasedService("rcmd", "localhost"));
  return await accepted(domain, (await initiator.step()).token);
}

/** The account as the directory itself shows it. */
async function directoryAccount(domain: SambaDomain, name: string, groups: readonly string[]): Promise<GssAccount> {
  const attributes = await domain.attributes("user", name);
  const sid = attributes.get("objectSid")!;
  const primaryGroup = `${sid.slice(0, sid.lastIndexOf("-"))}-${attributes.get("primaryGroupID")}`;
  const others = await Promise.all(
    groups.map(async (group) => (await domain.attributes("group", group)).get("objectSid")!),
  );
  return {
    name: attributes.get("sAMAccountName")!,
    domain: "ADTEST",
    realm: "AD.TEST",
    dnsDomain: "AD.TEST",
    upn: attributes.get("userPrincipalName")!,
    sid,
    primaryGroup,
    // The last one says that the domain itself asserts who the user is.
    groups: [primaryGroup, ...others, "S-1-18-1"].toSorted(),
  };
}

peerTest("Samba AD: an account is the one that the directory has, however its user spells it", MIT, async () => {
  await using domain = await startSamba();
  const groups = ["Proxy Users", "Everywhere", "Proxy Access"];
  const expected = await directoryAccount(domain, "aduser", groups);
  const keys = new Set<string>();
  for (const canonicalize of [false, true]) {
    for (const spelling of SPELLINGS) {
      using context = await contextOf(domain, ticketsOf(domain, spelling, "aduserpw", { canonicalize }));
      const { account } = context;
      assert.ok(account, `${spelling}: ${context.attributes["unverifiedAccount"]}`);
      assert.deepEqual({ ...account, groups: account.groups.toSorted() }, expected, spelling);
      keys.add(userKey(identityOf(context)));
    }
  }
  assert.deepEqual([...keys], [`sid:${expected.sid}`]);

  using camel = await contextOf(domain, ticketsOf(domain, "camelUSER", "CamelUserpw"));
  assert.deepEqual([camel.account?.name, camel.peer.text], ["CamelUser", "camelUSER@AD.TEST"]);
  using upn = await contextOf(domain, ticketsOf(domain, "first.last\\@corp.example", "upnuserpw"));
  assert.deepEqual([upn.account?.name, upn.account?.upn], ["upnuser", "first.last@corp.example"]);
});

peerTest("Samba AD: says why a user gets no ticket", SAMBA_PEERS, async () => {
  await using domain = await startSamba();
  const code = async (name: string, password: string) =>
    await ticketsOf(domain, name, password).initialTicket().then(() => "", ({ codeName, code }) => codeName ?? code);
  assert.equal(await code("adbob", "wrong"), "KDC_ERR_PREAUTH_FAILED");
  assert.equal(await code("nobody", "wrong"), "KDC_ERR_C_PRINCIPAL_UNKNOWN");
  assert.equal(await code("addisabled", "addisabledpw"), "KDC_ERR_CLIENT_REVOKED");
  assert.equal(await code("admustchange", "admustchangepw"), "KDC_ERR_KEY_EXPIRED");
  for (let i = 0; i < 3; i++) await code("adlocked", "wrong");
  assert.equal(await code("adlocked", "adlockedpw"), "KDC_ERR_CLIENT_REVOKED");
  assert.equal(await code("adbob", "adbobpw"), "");
});

peerTest("Samba AD: MIT's client proves its account, and delegates", MIT, async () => {
  await using domain = await startSamba();
  for (const [name, delegation] of [["aduser", true], ["ADUSER", false]] as const) {
    const kinit = await run("kinit", [name], { env: domain.env, stdin: "aduserpw\n" });
    assert.equal(kinit.code, 0, kinit.stderr);
    await using mit = new GssPeer(domain.env);
    await mit.command(`init rcmd@localhost ${MUTUAL | (delegation ? DELEG : 0)}`);
    using context = await accepted(domain, (await mit.step()).token);
    assert.equal(context.peer.text, `${name}@AD.TEST`);
    assert.deepEqual([context.account?.name, context.account?.domain], ["aduser", "ADTEST"]);
    assert.ok(context instanceof KerberosContext);
    const [ticket] = context.delegatedCredentials?.credentials ?? [];
    assert.equal(ticket?.server.components[0], delegation ? "krbtgt" : undefined);
  }
});

/** Starts `serve` with rules, and tries who may connect to an echo server. */
async function whoMayConnect(
  domain: SambaDomain,
  rules: readonly string[],
  users: readonly string[],
): Promise<{ allowed: string[]; log: string }> {
  await using echo = echoServer();
  const config = `${domain.directory}/config.json`;
  await Deno.writeTextFile(config, JSON.stringify({ rules }));
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  const serving = gssocks(
    ["serve", "-f", config, "-l", "127.0.0.1:0", "-k", domain.keytab, "--drain-timeout", "0"],
    {
      signal: stop.signal,
      onErr: (text) => {
        const port = /Listening on 127\.0\.0\.1:(\d+)/.exec(text)?.[1];
        if (port !== undefined) listening.resolve(Number(port));
      },
    },
  );
  const proxy = { hostname: "localhost", port: await listening.promise };
  const allowed: string[] = [];
  for (const user of users) {
    const password = /adbob/i.test(user) ? "adbobpw" : "aduserpw";
    try {
      const credentials = ticketsOf(domain, user, password);
      await using _connection = await connect({ proxy, credentials, hostname: "127.0.0.1", port: echo.port });
      allowed.push(user);
    } catch (error) {
      assert.equal((error as { code?: string }).code, "NOT_ALLOWED", user);
    }
  }
  stop.abort();
  return { allowed, log: (await serving).err };
}

peerTest("Samba AD: rules by account, SID and group hold in a server", SAMBA_PEERS, async () => {
  await using domain = await startSamba();
  const [user, users, access] = await Promise.all([
    domain.attributes("user", "adbob"),
    domain.attributes("group", "Proxy Users"),
    domain.attributes("group", "Proxy Access"),
  ]);
  const [bob, proxyUsers, proxyAccess] = [user, users, access].map((one) => one.get("objectSid")!);
  const everyone = [...SPELLINGS, "adbob", "ADBOB"];
  const bobs = ["adbob", "ADBOB"];
  const cases: readonly (readonly [rules: readonly string[], allowed: readonly string[]])[] = [
    [["deny *,user=aduser@AD.TEST", "allow localhost"], bobs],
    [["deny *,account=aduser", "allow localhost"], bobs],
    [["allow localhost,account=adbob@ad.test"], bobs],
    [[`allow localhost,sid=${bob}`], bobs],
    [[`deny *,group=${proxyAccess}`, "allow localhost"], bobs],
    [[`allow localhost,group=${proxyUsers}`], SPELLINGS],
    [["allow localhost,group=Domain Users@ad.test"], everyone],
    [["allow localhost,group=Domain Admins@ad.test"], []],
  ];
  for (const [rules, expected] of cases) {
    const { allowed, log } = await whoMayConnect(domain, rules, everyone);
    assert.deepEqual(allowed, expected, rules.join("; "));
    assert.match(
      log,
      /authenticated \S+ ADUSER@AD\.TEST by gssapi, protection \w+, account ADTEST\\aduser S-1-5-21-\S+-\d+$/m,
    );
  }
});
