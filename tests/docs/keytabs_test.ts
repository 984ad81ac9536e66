/** The pages on keytabs: their commands work with the KDCs that they are for. */
import assert from "node:assert/strict";
import { readKeytab } from "../../kerberos/credentials/shell/stores.ts";
import { formatPrincipal } from "../../kerberos/principal.ts";
import { startHeimdalKdc } from "../support/heimdal_kdc.ts";
import { type MitKdc, startMitKdc } from "../support/mit_kdc.ts";
import { heimdal, peer, peerTest } from "../support/peers.ts";
import { run } from "../support/process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Returns the commands of the first block behind a text of a page. */
async function commandsOf(page: string, behind: string): Promise<string> {
  const text = await Deno.readTextFile(`${ROOT}docs/howto/${page}.md`);
  assert.ok(text.includes(behind), behind);
  return /```sh\n([^]*?)```/.exec(text.slice(text.indexOf(behind)))![1]!;
}

/** Runs commands of a page in a folder in the place of /etc/gssocks. */
async function follow(
  commands: string,
  { directory, env }: { readonly directory: string; readonly env: Record<string, string> },
): Promise<void> {
  const here = commands.replaceAll("/etc/gssocks", directory).replaceAll(/ new\.keytab/g, ` ${directory}/new.keytab`);
  const { code, stderr } = await run("bash", ["-ec", here], { env });
  assert.equal(code, 0, stderr);
}

/** Names and key versions in a keytab, each once. */
function contents(path: string): string[] {
  const names = readKeytab(path).entries.map(({ principal, kvno }) => `${formatPrincipal(principal)} ${kvno}`);
  return [...new Set(names)].sort();
}

/** What `gssocks kvno` shows a user who has just logged in. */
async function shownTo({ directory, env }: MitKdc, service: string): Promise<string> {
  await Deno.writeTextFile(`${directory}/password`, "alicepw\n");
  const words = ["run", "-q", "-A", "--no-check", "-c", `${ROOT}deno.json`, `${ROOT}cli/mod.ts`];
  const gssocks = (...args: string[]) => run(Deno.execPath(), [...words, ...args], { env });
  const login = await gssocks("kinit", "--password-file", `${directory}/password`, "alice");
  assert.equal(login.code, 0, login.stderr);
  return (await gssocks("kvno", service)).stdout;
}

const SERVICE = "rcmd/proxy.example.com";

peerTest("keytabs: MIT's commands make one that fits, and change its keys while the old ones stay", [
  ...["krb5kdc", "kdb5_util", "kadmin.local", "ktutil", "bash"],
], async () => {
  await using kdc = await startMitKdc();
  const local = (commands: string) =>
    commands.replace(/kadmin -p admin\/admin|kadmin\.local/g, `'${peer("kadmin.local")}' -r MIT.TEST`);
  const [keytab, added] = [`${kdc.directory}/keytab`, `${kdc.directory}/new.keytab`];
  await follow(local(await commandsOf("keytabs", "## MIT krb5")), kdc);
  assert.deepEqual(contents(keytab), [`${SERVICE}@MIT.TEST 2`]);
  assert.match(await shownTo(kdc, SERVICE), /kvno = 2 /);
  await follow(local(await commandsOf("rotation", "**MIT krb5**")), kdc);
  assert.deepEqual(contents(added), [`${SERVICE}@MIT.TEST 2`, `${SERVICE}@MIT.TEST 3`]);
  assert.match(await shownTo(kdc, SERVICE), /kvno = 3 /);
  await follow(await commandsOf("rotation", "With `ktpass`"), kdc);
  assert.deepEqual(contents(keytab), contents(added), "both are in one");
});

peerTest("keytabs: Heimdal's commands make one", ["heimdal", "bash"], async () => {
  await using kdc = await startHeimdalKdc();
  const commands = await commandsOf("keytabs", "## Heimdal");
  await follow(commands.replaceAll(/^kadmin/gm, `'${heimdal("kadmin")}' -l -r HEIMDAL.TEST`), kdc);
  assert.deepEqual(contents(`${kdc.directory}/keytab`), [`${SERVICE}@HEIMDAL.TEST 1`]);
});
