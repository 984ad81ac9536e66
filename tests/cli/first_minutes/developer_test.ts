/** The first ten minutes of developers: the README's example out of an empty folder, and a runtime with its own sockets. */
import assert from "node:assert/strict";
import { serve } from "../../../mod.ts";
import { peerTest } from "../../support/peers.ts";
import { type RealmFolder, startRealmFolder } from "../../support/realm_folder.ts";
import { origin } from "../../support/servers.ts";
import { ShellSession } from "../../support/shell_session.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;

/** Settings of a project in which `jsr:@gssocks/gssocks` is this checkout. */
async function projectSettings(): Promise<string> {
  const { imports, links } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const entries = { "jsr:@gssocks/gssocks": "mod.ts", "jsr:@gssocks/gssocks/kerberos": "kerberos/mod.ts" };
  const own = Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, `file://${ROOT}${path}`]));
  return JSON.stringify({
    imports: { ...imports, ...own },
    links: links.map((path: string) => new URL(path, `file://${ROOT}`).pathname),
  });
}

interface Place {
  readonly realm: RealmFolder;
  readonly shell: ShellSession;
  readonly proxy: string;
  readonly port: number;
}

async function inEmptyFolder(body: (place: Place) => Promise<void>): Promise<void> {
  await using realm = await startRealmFolder();
  await using site = origin("the page");
  await using server = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"] });
  await using shell = await ShellSession.open(() => ({ KRB5_CONFIG: realm.krb5Conf }));
  await Deno.writeTextFile(`${shell.folder}/deno.json`, await projectSettings());
  await body({ realm, shell, proxy: `localhost:${server.addr.port}`, port: site.addr.port });
}

peerTest("first minutes: the README's example runs out of an empty folder", ["bash", "script"], async () => {
  await inEmptyFolder(async ({ shell, proxy, port }) => {
    const readme = await Deno.readTextFile(`${ROOT}README.md`);
    const example = /```ts ignore\n(import \{ connect \}[^]*?)```/.exec(readme)![1]!;
    const here = example.replace("proxy.example.com:1080", proxy).replace('"intranet"', '"localhost"')
      .replace("port: 80 ", `port: ${port} `);
    await Deno.writeTextFile(`${shell.folder}/main.ts`, here);
    const run = "deno run -q --no-lock --allow-net --allow-read --allow-write --allow-env main.ts";
    assert.match(await shell.runs(run, 1), /run kinit first/);
    await shell.runs("gssocks kinit alice", 0, [[/Password for alice@GSSOCKS\.TEST: /, "alicepw\r"]]);
    assert.match(await shell.runs(run), /HTTP\/1\.\d 200[^]*the page/);
  });
});

peerTest("first minutes: an edge developer brings sockets and configuration", ["bash", "script"], async () => {
  await inEmptyFolder(async ({ realm, shell, proxy, port }) => {
    const program = `
      import { connect, kdcThrough, systemTickets } from "jsr:@gssocks/gssocks";
      import { parseKrb5Conf } from "jsr:@gssocks/gssocks/kerberos";

      // The sockets of the platform; here Deno's.
      const closed = (socket) => {
        try {
          socket.close();
        } catch {
          // It has ended on both sides.
        }
      };
      const dial = async ({ hostname, port }) => {
        const socket = await Deno.connect({ hostname, port });
        const reader = socket.readable.getReader();
        const writer = socket.writable.getWriter();
        return {
          read: async () => (await reader.read()).value ?? null,
          write: (bytes) => writer.write(bytes),
          closeWrite: () => writer.close(),
          close: () => closed(socket),
          [Symbol.asyncDispose]: () => Promise.resolve(closed(socket)),
        };
      };
      const config = parseKrb5Conf({ name: "krb5.conf", text: ${JSON.stringify(realm.kdc.krb5Conf)} });
      const password = Deno.args[0];
      const credentials = systemTickets({ config, principal: "alice", password, transport: kdcThrough(dial) });
      await using connection = await connect({ proxy: "${proxy}", hostname: "localhost", port: ${port}, dial, credentials });
      await connection.write(new TextEncoder().encode("GET / HTTP/1.0\\r\\n\\r\\n"));
      console.log(connection.protection, await new Response(connection.readable).text());`;
    await Deno.writeTextFile(`${shell.folder}/edge.js`, program);
    const run = "deno run -q --no-lock --allow-net edge.js";
    assert.match(await shell.runs(`${run} wrong`, 1), /wrong password or key/);
    assert.match(await shell.runs(`${run} alicepw`), /confidentiality HTTP\/1\.\d 200[^]*the page/);
  });
});
