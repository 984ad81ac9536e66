/** The program as a command of the shell, out of a checkout. */
import assert from "node:assert/strict";
import { run } from "../support/process.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("install: deno install -g makes a command out of a checkout, which runs from anywhere", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
    const words: string[] = tasks.install.split(" ");
    const args = words.slice(1).map((word) => word === "cli/mod.ts" ? new URL(word, ROOT).pathname : word);
    const env = { DENO_INSTALL_ROOT: folder };
    const installed = await run(Deno.execPath(), args, { env });
    assert.equal(installed.code, 0, installed.stderr);
    const shown = await run(`${folder}/bin/gssocks`, ["--version"], {
      env: { PATH: `${Deno.execPath().replace(/[^/]*$/, "")}:${Deno.env.get("PATH")}` },
    });
    assert.deepEqual([shown.code, shown.stderr], [0, ""]);
    assert.match(shown.stdout, /^gssocks \d/);
    // The checkout is where it is; what the command has beside it is its configuration.
    assert.match(await Deno.readTextFile(`${folder}/bin/gssocks`), /--allow-net/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
