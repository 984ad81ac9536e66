/** Manual pages: made from the table of commands, and right for man(1) and mandoc(1). */
import assert from "node:assert/strict";
import { commandPage } from "../../../cli/command/manual.ts";
import { gssocks } from "../../support/run_cli.ts";
import { peer, peerTest } from "../../support/peers.ts";
import { run } from "../../support/process.ts";

const FOLDER = new URL("../../../packaging/man/man1/", import.meta.url);

/** Every page by the name of its file. */
async function pages(): Promise<Map<string, string>> {
  const { out } = await gssocks(["--help"]);
  const commands = [...out.slice(out.indexOf("Commands:")).matchAll(/^ {2}(\w+) /gm)].map(([, name]) => name!);
  const made = new Map([["gssocks.1", (await gssocks(["man"])).out]]);
  for (const name of commands) made.set(`gssocks-${name}.1`, (await gssocks(["man", name])).out);
  return made;
}

Deno.test("manual pages: those that are packaged are those that the table gives", async () => {
  const made = await pages();
  if (Deno.env.has("GSSOCKS_WRITE_MAN")) {
    await Deno.mkdir(FOLDER, { recursive: true });
    for (const [name, text] of made) await Deno.writeTextFile(new URL(name, FOLDER), text);
  }
  const names = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).sort();
  assert.deepEqual(names, [...made.keys()].sort());
  for (const [name, text] of made) {
    assert.equal(await Deno.readTextFile(new URL(name, FOLDER)), text, "run this test with GSSOCKS_WRITE_MAN=1");
  }
});

Deno.test("manual pages: have every option of the help, and what the help says of it", async () => {
  const plain = (roff: string) => roff.replace(/\\f[BIR]/g, "").replaceAll("\\-", "-").replaceAll("\\e", "\\");
  for (const name of ["serve", "bridge", "kinit"]) {
    const page = plain((await gssocks(["man", name])).out);
    const { out } = await gssocks([name, "--help"]);
    const options = [...out.matchAll(/^ {2}(?:-\w, | {4})--([\w-]+)(?: (\S+))?/gm)];
    assert.ok(options.length > 5);
    for (const [, option, value] of options) {
      assert.ok(page.includes(`--${option}${value === undefined ? "" : ` ${value}`}\n`), `${name} --${option}`);
    }
  }
  const none = await gssocks(["man", "sevre"]);
  assert.deepEqual([none.code, none.err.split("\n")[0]], [
    2,
    'gssocks man: there is no command "sevre"; did you mean "serve"?',
  ]);
});

Deno.test("manual pages: what begins a line or has a backslash is text, and examples keep their lines", async () => {
  const { out } = await gssocks(["man", "completions"]);
  assert.match(out, /^\.RS 2\n\.nf\nbash: .*\n(zsh: .*\n)(fish: .*\n)\.fi\n\.RE$/m);
  const page = commandPage("x", {
    summary: "do it",
    usage: "[OPTIONS]",
    options: {},
    details: ".dot is no request\n'nor is this\n\nC:\\new --flag",
    run: () => Promise.resolve(0),
  }, {});
  assert.match(page, /^\.SH DESCRIPTION\n\\&\.dot is no request\n\\&'nor is this\n\.PP\nC:\\enew \\-\\-flag$/m);
});

peerTest("manual pages: man and mandoc have nothing to say against them", ["man", "mandoc"], async () => {
  for (const name of (await pages()).keys()) {
    const path = new URL(name, FOLDER).pathname;
    const env = { LC_ALL: "C.UTF-8", MANWIDTH: "80", MANROFFSEQ: "" };
    const shown = await run(peer("man"), ["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", path], { env });
    assert.deepEqual([shown.code, shown.stderr], [0, ""], name);
    const linted = await run(peer("mandoc"), ["-T", "lint", "-W", "warning", path]);
    assert.deepEqual([linted.code, linted.stdout + linted.stderr], [0, ""], name);
  }
});
