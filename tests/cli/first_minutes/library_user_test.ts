/** The first ten minutes with the library: the README's client and server out of an empty folder, and errors that programs tell apart. */
import assert from "node:assert/strict";
import { newcomer, startProject, startProxy } from "../../support/newcomer.ts";
import { peerTest } from "../../support/peers.ts";
import { origin } from "../../support/servers.ts";

const README = await Deno.readTextFile(new URL("../../../README.md", import.meta.url));

/** Permissions that the README names for tickets of the default cache. */
const RUN =
  "deno run -q --no-lock --no-prompt --allow-net --allow-read --allow-write --allow-env=KRB5_CONFIG,KRB5CCNAME,KRB5_KTNAME";

/** Returns an example of the README with other values; each must be in it. */
function example(pattern: RegExp, values: Readonly<Record<string, string>>): string {
  let text = pattern.exec(README)?.[1] ?? "";
  for (const [value, other] of Object.entries(values)) {
    assert.ok(text.includes(value), `README: ${value} is not in ${text}`);
    text = text.replace(value, other);
  }
  return text;
}

peerTest("first minutes: the README's client and server run out of an empty folder", ["bash", "script"], async () => {
  await using place = await newcomer();
  const { shell, login } = place;
  await using site = origin("the page");
  await startProject(shell);
  const server = example(/\b(serve\(\{.*?\}\))/, {
    'hostname: "0.0.0.0"': 'hostname: "localhost", port: 0',
    "/etc/proxy.keytab": "proxy.keytab",
    "allow 10.0.0.0/8": "allow localhost",
  });
  await shell.writes(
    "server.ts",
    `import { serve } from "jsr:@gssocks/gssocks";\nconst server = ${server};\nconsole.log("port", server.addr.port);\n`,
  );
  const [, port] = await shell.starts(`${RUN} server.ts`, /port (\d+)/);
  const client = example(/```ts ignore\n(import \{ connect \}[^]*?)```/, {
    "proxy.example.com:1080": `localhost:${port}`,
    '"intranet"': '"localhost"',
    "port: 80 ": `port: ${site.addr.port} `,
  });
  await shell.writes("client.ts", client);
  const unpermitted = await shell.runs("deno run -q --no-lock --no-prompt --allow-net client.ts", 1);
  assert.match(unpermitted, /KerberosError: .*KRB5_CONFIG may not be read; allow it with --allow-env=KRB5_CONFIG/);
  assert.match(
    await shell.runs(`${RUN} client.ts`, 1),
    /SocksAuthError: .*no credentials cache found.*run kinit first/,
  );
  await shell.runs("gssocks kinit alice", 0, login);
  assert.match(await shell.runs(`${RUN} client.ts`), /HTTP\/1\.\d 200[^]*the page/);
});

/** A program that tries several mistakes, and prints each error as a program sees it. */
const FAILURES = `
import { connect, type ConnectOptions, systemTickets } from "jsr:@gssocks/gssocks";

const [port, password] = Deno.args;
const proxy = \`localhost:\${port}\`;
const alice = systemTickets({ principal: "alice", password });
const good = { proxy, hostname: "localhost", port: 1, credentials: alice };
const mistakes: Record<string, ConnectOptions> = {
  "proxy down": { ...good, proxy: "localhost:1" },
  "proxy by its address": { ...good, proxy: \`127.0.0.1:\${port}\` },
  "target down": good,
  "target denied": { ...good, hostname: "10.9.9.9" },
  "no such name": { ...good, hostname: "bad name" },
  "wrong realm": { ...good, credentials: systemTickets({ principal: "alice@OTHER.TEST", password }) },
  "wrong password": { ...good, credentials: systemTickets({ principal: "alice", password: "wrong" }) },
  "another kind of proxy": { ...good, proxy: "http://localhost:1" },
};
for (const [name, options] of Object.entries(mistakes)) {
  try {
    (await connect(options)).close();
    console.log(name, "no error");
  } catch (error) {
    const { cause, code, message } = error as Error & { code?: string; cause?: { code?: string } };
    console.log(\`<\${name}> \${(error as Error).name} \${code} \${cause?.code}: \${message}\`);
  }
}
`;

/** What each mistake is to say. */
const SAID: Readonly<Record<string, RegExp>> = {
  "proxy down": /SocksProxyError PROXY_UNREACHABLE CONNECTION_REFUSED: Cannot reach proxy localhost:1: .*refused/,
  "proxy by its address":
    /SocksAuthError GSSAPI_FAILED KDC_ERR_S_PRINCIPAL_UNKNOWN: .*asked for rcmd@127\.0\.0\.1: give/,
  "target down":
    /SocksReplyError CONNECTION_REFUSED .*: Proxy localhost:\d+ cannot reach localhost:1: the host refused/,
  "target denied": /SocksReplyError NOT_ALLOWED .*: Proxy localhost:\d+ cannot reach 10\.9\.9\.9:1: its rules/,
  "no such name": /HostNameError NOT_A_HOST .*: Cannot use host "bad name"/,
  "wrong realm":
    /SocksAuthError GSSAPI_FAILED KDC_UNREACHABLE: .*Cannot find a KDC of OTHER\.TEST: krb5\.conf names none/,
  "wrong password": /SocksAuthError GSSAPI_FAILED KDC_ERR_PREAUTH_FAILED: .*wrong password or key/,
  "another kind of proxy": /TypeError undefined .*: Cannot use proxy "http:\/\/localhost:1": .*SOCKS5 \(socks5h:/,
};

peerTest("first minutes: errors of the library say which part failed, and why", ["bash", "script"], async () => {
  await using place = await newcomer();
  const { shell, password } = place;
  await startProject(shell);
  await shell.writes("failures.ts", FAILURES);
  const shown = await shell.runs(`${RUN} failures.ts ${await startProxy(shell)} ${password}`);
  const said = new Map([...shown.matchAll(/^<([^>]*)> (.*)\r$/gm)].map(([, name, text]) => [name!, text!]));
  assert.deepEqual([...said.keys()], Object.keys(SAID), shown);
  for (const [name, pattern] of Object.entries(SAID)) assert.match(said.get(name)!, pattern, name);
  assert.doesNotMatch([...said.values()].join(), new RegExp(password), "no secret");
});
