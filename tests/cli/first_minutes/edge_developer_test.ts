/** The first ten minutes of a developer at the edge: own sockets, credentials out of bytes, no permission but for the net. */
import assert from "node:assert/strict";
import { newcomer, startProject, startProxy } from "../../support/newcomer.ts";
import { peerTest } from "../../support/peers.ts";
import { origin } from "../../support/servers.ts";

/** Names and secrets are constants of a module, as an edge platform builds them in. */
const PROGRAM = `
import { connect, type Dialer, kdcThrough, systemTickets } from "jsr:@gssocks/gssocks";
import { decodeCcache, MemoryCredentialCache, parseKrb5Conf } from "jsr:@gssocks/gssocks/kerberos";
import { connectionFromStreams } from "jsr:@gssocks/gssocks/socks";
import { krb5Conf, ticket } from "./secrets.ts";

const [proxy, port, password] = Deno.args as [string, string, string?];
const granted: string[] = [];
for (const name of ["env", "ffi", "net", "read", "run", "sys", "write"] as const) {
  if ((await Deno.permissions.query({ name })).state === "granted") granted.push(name);
}

// The sockets of the platform: here Deno's, at the edge those of cloudflare:sockets or a WebSocket.
let sockets = 0;
const dial: Dialer = async ({ hostname, port }) => {
  sockets++;
  return connectionFromStreams(await Deno.connect({ hostname, port }));
};
const text = (base64: string) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
const config = parseKrb5Conf({ name: "krb5.conf", text: new TextDecoder().decode(text(krb5Conf)) });
const transport = kdcThrough(dial);
const credentials = password === undefined
  ? systemTickets({ config, transport, cache: new MemoryCredentialCache(decodeCcache(text(ticket))) })
  : systemTickets({ config, transport, principal: "alice", password });
await using connection = await connect({ proxy, hostname: "localhost", port: Number(port), dial, credentials });
await connection.write(new TextEncoder().encode("GET / HTTP/1.0\\r\\n\\r\\n"));
const page = await new Response(connection.readable).text();
console.log(\`\${granted}; \${sockets} sockets; \${connection.protection}; \${page.split("\\r\\n\\r\\n")[1]}\`);
`;

const SECRETS =
  `{ echo "export const krb5Conf = '$(base64 -w0 krb5.conf)';"; echo "export const ticket = '$(base64 -w0 cc)';"; }`;

peerTest("first minutes: an edge developer brings sockets, configuration and tickets", ["bash", "script"], async () => {
  await using place = await newcomer();
  const { shell, login, password } = place;
  await using site = origin("the page");
  const proxy = `localhost:${await startProxy(shell)}`;
  await startProject(shell);
  await shell.writes("edge.ts", PROGRAM);
  await shell.runs("gssocks kinit alice", 0, login);
  await shell.runs(`${SECRETS} > secrets.ts`);
  const run = `env -u KRB5_CONFIG -u KRB5CCNAME deno run -q --no-lock --no-prompt --allow-net edge.ts`;
  const target = `${proxy} ${site.addr.port}`;
  // The ticket out of the cache's bytes: one socket to the KDC for the service's ticket, one to the proxy.
  assert.match(await shell.runs(`${run} ${target}`), /^net; 2 sockets; confidentiality; the page\r$/m);
  assert.match(await shell.runs(`${run} ${target} ${password}`), /^net; [34] sockets; confidentiality; the page\r$/m);
  assert.match(await shell.runs(`${run} ${target} wrong`, 1), /SocksAuthError: .*wrong password or key/);
  assert.match(
    await shell.runs(`${run} localhost:1 1 ${password}`, 1),
    /SocksProxyError: Cannot reach proxy localhost:1/,
  );
  await shell.runs("gssocks kdestroy");
  assert.match(await shell.runs(`${run} ${target}`), /the page/, "the program has the ticket in memory");
  await shell.runs("kill %1; wait %1");
  assert.match(await shell.runs(`${run} ${target}`, 1), /Cannot reach a KDC of GSSOCKS\.TEST/);
});
