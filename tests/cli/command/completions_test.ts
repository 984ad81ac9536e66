/** Completions: what the table of commands offers at a cursor, and real shells that ask for it. */
import assert from "node:assert/strict";
import { completions } from "../../../cli/command/completions.ts";
import type { Command, CommandTable } from "../../../cli/command/command.ts";
import { gssocks } from "../../support/run_cli.ts";
import { peer, peerTest } from "../../support/peers.ts";
import { run } from "../../support/process.ts";
import { Terminal } from "../../support/terminal.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
const PROGRAM = `'${Deno.execPath()}' run -q --no-check -c '${ROOT}deno.json' '${ROOT}cli/mod.ts'`;

const SHOW: Command = {
  summary: "show it",
  usage: "[OPTIONS] [NAME]",
  words: [0, 1],
  completes: ["one", "other"],
  options: {
    keytab: { value: "FILE", short: "t", help: "The keytab" },
    level: { value: "LEVEL", short: "p", completes: ["none", "integrity"], help: "A level" },
    user: { value: "NAME", multiple: true, help: "A user" },
    kind: { short: "k", help: "A switch" },
  },
  run: () => Promise.resolve(0),
};
const TABLE: CommandTable = {
  show: ["Show it", () => Promise.resolve({ command: SHOW })],
  serve: ["Serve it", () => Promise.resolve({ command: { ...SHOW, completes: "file" } })],
};

/** What a command line offers: texts, and for files the prefix that stays. */
async function offered(line: string): Promise<string[]> {
  const all = await completions(line.split(" "), TABLE);
  return all.map((one) => one.kind === "literal" ? one.text : `${one.prefix}<${one.type}>`);
}

Deno.test("completions: commands, options, values and words come from the table", async () => {
  const cases: Record<string, string[]> = {
    "": ["show", "serve", "--help", "--version"],
    "s": ["show", "serve"],
    "sh": ["show"],
    "--v": ["--version"],
    "nothing ": [],
    "constructor ": [],
    "show ": ["one", "other"],
    "show ot": ["other"],
    "serve ": ["<any>"],
    "show -": ["--keytab", "--level", "--user", "--kind", "--help"],
    "show --k": ["--keytab", "--kind"],
    "show --kind --k": ["--keytab"],
    "show --keytab=x --user a --": ["--level", "--user", "--kind", "--help"],
    "show --keytab ": ["<any>"],
    "show -t ": ["<any>"],
    "show -kt ": ["<any>"],
    "show -k ": ["one", "other"],
    "show --keytab=/e": ["--keytab=<any>"],
    "show --level ": ["none", "integrity"],
    "show --level=i": ["--level=integrity"],
    "show -p n": ["none"],
    "show --user ": [],
    "show --constructor=": [],
    "show -- --k": [],
    "show -- o": ["one", "other"],
  };
  for (const [line, expected] of Object.entries(cases)) assert.deepEqual(await offered(line), expected, line);
});

Deno.test("completions: a script for a shell, or an error that names the shells", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const got = await gssocks(["completions", shell]);
    assert.equal(got.code, 0);
    assert.match(got.stdout, /gssocks 'completions' '\w+' '--'/);
  }
  const wrong = await gssocks(["completions", "fsh"]);
  assert.deepEqual([wrong.code, wrong.stdout], [2, ""]);
  assert.match(wrong.err, /"fsh" is none of bash, zsh, fish; did you mean "fish"\?/);
});

/** Runs a shell on a terminal with the completions, types, and waits for what it makes of that. */
async function typeInto(words: readonly string[], env: Record<string, string>): Promise<void> {
  const terminal = new Terminal(words, { ...env, TERM: "dumb" });
  await terminal.shows(/ready> /);
  const cases: [string, RegExp][] = [
    ["gssocks kini\t", /gssocks kinit /],
    ["gssocks klist --keytab-f\t", /gssocks klist --keytab-file/],
    ["gssocks completions fi\t", /gssocks completions fish/],
    [`gssocks kinit -kt ${ROOT}deno.js\t`, /deno\.json /],
    [`gssocks kinit --keytab=${ROOT}deno.js\t`, /--keytab=\S*deno\.json /],
  ];
  for (const [keys, shown] of cases) {
    await terminal.type(keys);
    await terminal.shows(shown);
    await terminal.type("\x15");
  }
  await terminal.type("exit\r");
  assert.equal((await terminal.end()).code, 0);
}

peerTest("completions: bash offers them on a terminal", ["bash", "script"], async () => {
  const directory = await Deno.makeTempDir();
  try {
    const rc = `${directory}/rc`;
    const lines = [`gssocks() { ${PROGRAM} "$@"; }`, "source <(gssocks completions bash)", "PS1='ready> '"];
    await Deno.writeTextFile(rc, lines.join("\n"));
    await typeInto([peer("bash"), "--noprofile", "--rcfile", rc, "-i"], {});
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

peerTest("completions: zsh offers them on a terminal", ["zsh", "script"], async () => {
  const directory = await Deno.makeTempDir();
  try {
    const lines = [`gssocks() { ${PROGRAM} "$@"; }`, "autoload -U compinit", "compinit -u -D"];
    lines.push("source <(gssocks completions zsh)", "PS1='ready> '");
    await Deno.writeTextFile(`${directory}/.zshrc`, lines.join("\n"));
    await typeInto([peer("zsh"), "-d", "-i"], { ZDOTDIR: directory });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

peerTest("completions: fish offers them", ["fish"], async () => {
  const program = `function gssocks; ${PROGRAM} $argv; end; gssocks completions fish | source;`;
  const asked = ["kini", "kinit --use", `kinit --keytab ${ROOT}deno.js`].map((line) => `complete -C "gssocks ${line}"`);
  const got = await run(peer("fish"), ["--no-config", "-c", `${program} ${asked.join("; ")}`]);
  assert.match(got.stdout, /^kinit\tGet an initial ticket\n--use-keytab\t.*\n\S*deno\.json/, got.stderr);
});
