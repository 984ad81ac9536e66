/** The systemd unit: right for systemd's own check, and tight enough; its flags are those that the server needs. */
import assert from "node:assert/strict";
import { peer, peerTest } from "../support/peers.ts";
import { run } from "../support/process.ts";

const ROOT = new URL("../../", import.meta.url);
const UNIT = new URL("packaging/systemd/gssocks.service", ROOT);

/** A copy of the unit whose program is this test's, in a folder of its own. */
async function withUnit(use: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const text = await Deno.readTextFile(UNIT);
    await Deno.writeTextFile(`${folder}/gssocks.service`, text.replaceAll("/usr/bin/deno", Deno.execPath()));
    await use(`${folder}/gssocks.service`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

peerTest("systemd: the unit passes systemd-analyze verify, with the manual page that it names", [
  "systemd-analyze",
  "man",
], async () => {
  await withUnit(async (path) => {
    const env = { MANPATH: new URL("packaging/man", ROOT).pathname };
    const { code, stdout, stderr } = await run(peer("systemd-analyze"), ["verify", path], { env });
    assert.deepEqual([code, stdout + stderr], [0, ""]);
  });
});

peerTest("systemd: the unit is exposed less than 1.5 by systemd-analyze security", ["systemd-analyze"], async () => {
  await withUnit(async (path) => {
    const args = ["security", "--offline=true", "--threshold=15", "--no-pager", path];
    const { code, stdout, stderr } = await run(peer("systemd-analyze"), args);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /Overall exposure level for gssocks\.service: [01]\.\d OK/);
  });
});

Deno.test("systemd: the unit is of this version, waits for its word, and lets it say it", async () => {
  const { version } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const text = await Deno.readTextFile(UNIT);
  const versions = [...text.matchAll(/jsr:@gssocks\/gssocks@(\S+)\/cli/g)].map(([, one]) => one);
  assert.deepEqual(versions, [version, version]);
  assert.match(text, /^Type=notify$/m);
  assert.match(text, /^DynamicUser=yes$/m);
  assert.match(text, /^LoadCredential=keytab:/m);
  assert.match(text, /--unstable-net/);
  for (const name of ["NOTIFY_SOCKET", "RUNTIME_DIRECTORY", "WATCHDOG_USEC"]) {
    assert.match(text, new RegExp(`--allow-env=\\S*\\b${name}\\b`));
  }
  assert.match(text, /--allow-write=%t\/gssocks,%t\/systemd\/notify/);
});
