/** Passwords: what the keys of a terminal do, the terminal behind it, and passwords from a file or another program. */
import assert from "node:assert/strict";
import { pause } from "../../../base/deadline.ts";
import { readPipedLine, SecretLine } from "../../../cli/terminal/secret_line.ts";
import { gssocks } from "../../support/run_cli.ts";
import { peer, peerTest } from "../../support/peers.ts";
import { run } from "../../support/process.ts";
import { noneUncaughtIn } from "../../support/unhandled.ts";
import { startRealmFolder } from "../../support/realm_folder.ts";
import { Terminal } from "../../support/terminal.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
const GSSOCKS = [Deno.execPath(), "run", "-A", "-q", "--no-check", "-c", `${ROOT}deno.json`, `${ROOT}cli/mod.ts`];

/** Types a text byte by byte; the state it ends in, and the line. */
function typed(keys: string): [string, string] {
  const line = new SecretLine();
  let state = "open";
  for (const byte of new TextEncoder().encode(keys)) {
    assert.equal(state, "open", `${JSON.stringify(keys)} goes on behind its end`);
    state = line.type(byte);
  }
  return [state, line.text];
}

Deno.test("SecretLine: edits by characters, as a terminal does", () => {
  const cases: [string, string, string][] = [
    ["secret\r", "done", "secret"],
    ["secret\n", "done", "secret"],
    ["wrongx\x15secret\r", "done", "secret"],
    ["my old  \x17new\r", "done", "my new"],
    ["word\x17\x17\r", "done", ""],
    ["secre\u00e9\x7ft\r", "done", "secret"],
    ["secre\u{1f511}\bt\r", "done", "secret"],
    ["\x7f\x7fa\r", "done", "a"],
    ["a\x1ab\r", "done", "ab"],
    ["\ufeffa\r", "done", "\ufeffa"],
    ["abc\x03", "interrupted", "abc"],
    ["abc\x1c", "interrupted", "abc"],
    ["\x04", "ended", ""],
    ["abc\x04", "open", "abc"],
    ["abc\x04\x04", "done", "abc"],
    ["abc\x04d\x04", "open", "abcd"],
    ["e\u0301\x7fa\r", "done", "a"],
    ["ab\u{1f469}\u200d\u{1f467}\x7f\x7f\r", "done", "a"],
    ["\u{1f1e9}\u{1f1ea}\x7f\u5bc6\u7801\x7f\r", "done", "\u5bc6"],
    ["a\x1b[200~b c\x1b[201~d\r", "done", "ab cd"],
    ["\x1b[200~secret\r\n\x1b[201~\r", "done", "secret"],
    ["\x1b[200~a\x7f\x15\x04b\x1b[201~", "open", "a\x7f\x15\x04b"],
    ["\x1b[200~a\x03", "interrupted", "a"],
    ["one\x17\x1b[200~", "open", ""],
    ["abc\x15\x04", "ended", ""],
    ["abc", "open", "abc"],
  ];
  for (const [keys, state, text] of cases) assert.deepEqual(typed(keys), [state, text], JSON.stringify(keys));
  assert.equal(typed(`${"x".repeat(1024)}\r`)[1].length, 1024);
  assert.throws(() => typed("x".repeat(1025)), /more than 1024 bytes/);
  assert.throws(() => typed(`\x1b[200~${"x".repeat(1025)}`), /more than 1024 bytes/);
  assert.throws(() => typed("\x1b[200~one\ntwo\x1b[201~"), /several lines were pasted/);
  const line = new SecretLine();
  line.type(0xc3);
  assert.throws(() => line.type(0x28), /not in UTF-8/);
});

Deno.test("readPipedLine(): takes one line as it is", async () => {
  const from = (bytes: Uint8Array) => {
    let at = 0;
    return (into: Uint8Array) => {
      if (at === bytes.length) return Promise.resolve(null);
      into[0] = bytes[at++]!;
      return Promise.resolve(1);
    };
  };
  const lines = async (bytes: Uint8Array, count: number) => {
    const read = from(bytes);
    const found = [];
    for (let i = 0; i < count; i++) found.push(await readPipedLine(read));
    return found;
  };
  const text = (value: string) => new TextEncoder().encode(value);
  assert.deepEqual(await lines(text("one\ntwo\n"), 3), ["one", "two", undefined]);
  assert.deepEqual(await lines(text("one\r\ntwo\r\n"), 3), ["one", "two", undefined]);
  assert.deepEqual(await lines(text("\nlast"), 3), ["", "last", undefined]);
  assert.deepEqual(await lines(text("a\x7fb\x15\x03\n"), 1), ["a\x7fb\x15\x03"]);
  await assert.rejects(readPipedLine(from(Uint8Array.of(0xe9, 0x0a))), /not in UTF-8/);
  await assert.rejects(readPipedLine(from(text("x".repeat(1025)))), /more than 1024 bytes/);
});

peerTest("kinit asks on a terminal, and leaves it as it was, however that ends", ["script"], async (t) => {
  await using realm = await startRealmFolder();
  const cache = `FILE:${realm.directory}/typed`;
  const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: cache };
  const ways: [string, (terminal: Terminal) => Promise<void>, number, RegExp][] = [
    ["the password", (terminal) => terminal.type("alicepw\r"), 0, /Password for alice@GSSOCKS\.TEST: /],
    ["Control-U", (terminal) => terminal.type("wrong\x15alicepw\r"), 0, /Password/],
    ["Control-W", (terminal) => terminal.type("wrong one\x17\x17alicepw\r"), 0, /Password/],
    ["Control-D twice behind it", (terminal) => terminal.type("alicepw\x04\x04"), 0, /Password/],
    ["a letter with an accent", (terminal) => terminal.type("alicepe\u0301\x7fw\r"), 0, /Password/],
    ["a paste", (terminal) => terminal.type("\x1b[200~alicepw\n\x1b[201~\r"), 0, /Password/],
    ["a paste of lines", (terminal) => terminal.type("\x1b[200~ali\ncepw\x1b[201~"), 1, /several lines/],
    ["what is no UTF-8", (terminal) => terminal.type(Uint8Array.of(0xc3, 0x28)), 1, /not in UTF-8/],
    ["a character of two bytes", (terminal) => terminal.type("alicep\u00e9\x7fw\r"), 0, /Password/],
    ["Control-C", (terminal) => terminal.type("ali\x03"), 1, /Password read interrupted/],
    ["Control-C twice", (terminal) => terminal.type("\x03\x03"), 1, /Password read interrupted/],
    ["Control-D", (terminal) => terminal.type("\x04"), 1, /input has ended/],
    ["SIGINT", (terminal) => terminal.kill("SIGINT"), 1, /Password read interrupted/],
    ["SIGTERM", (terminal) => terminal.kill("SIGTERM"), 1, /Password read interrupted/],
    ["SIGHUP", (terminal) => terminal.kill("SIGHUP"), 1, /Password read interrupted/],
    ["SIGQUIT", (terminal) => terminal.kill("SIGQUIT"), 1, /Password read interrupted/],
    ["SIGUSR1", (terminal) => terminal.kill("SIGUSR1"), 1, /Password read interrupted/],
    ["SIGALRM", (terminal) => terminal.kill("SIGALRM"), 1, /Password read interrupted/],
  ];
  for (const [name, act, code, shown] of ways) {
    await t.step(name, async () => {
      const terminal = new Terminal([...GSSOCKS, "kinit", "alice"], env);
      await terminal.shows(/Password for alice@GSSOCKS\.TEST: /);
      await act(terminal);
      const end = await terminal.end();
      assert.deepEqual([end.code, end.echo, end.icanon], [code, true, true], end.shown);
      assert.match(end.shown, shown);
      assert.doesNotMatch(end.shown, /ali(?!ce@)|wrong/);
    });
  }
});

peerTest("kinit takes keys as MIT's kinit does", ["script", "kinit"], async (t) => {
  await using realm = await startRealmFolder();
  const keys: Record<string, [string, boolean]> = {
    "the password": ["alicepw\r", true],
    "a line end of pasted text": ["alicepw\nnot ours\n", true],
    "Control-U": ["wrong\x15alicepw\r", true],
    "Control-W": ["wrong one\x17\x17alicepw\r", true],
    "backspaces": ["alicexx\x7f\x7fpw\r", true],
    "Control-D twice": ["alicepw\x04\x04", true],
    "another password": ["alicepx\r", false],
    "Control-C": ["ali\x03", false],
    "Control-D": ["\x04", false],
  };
  for (const [name, [typed, good]] of Object.entries(keys)) {
    await t.step(name, async () => {
      const programs = [[...GSSOCKS, "kinit", "alice"], [peer("kinit"), "alice"]];
      const ends = await Promise.all(programs.map(async (words, i) => {
        const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: `FILE:${realm.directory}/beside${i}` };
        const terminal = new Terminal(words, env);
        await terminal.shows(/Password for alice@GSSOCKS\.TEST: /);
        await terminal.type(typed);
        return await terminal.end();
      }));
      for (const { code, echo, icanon, shown } of ends) {
        assert.deepEqual([code === 0, echo, icanon], [good, true, true], shown);
        assert.doesNotMatch(shown, /alice[px]|wrong one/);
      }
    });
  }
});

peerTest("kinit is stopped by Control-Z and asks again in the foreground", ["script", "bash"], async () => {
  await using realm = await startRealmFolder();
  const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: `FILE:${realm.directory}/stopped`, PS1: "ready> " };
  const terminal = new Terminal([peer("bash"), "--norc", "--noprofile", "-i"], env);
  await terminal.shows(/ready> /);
  await terminal.type(`${GSSOCKS.map((word) => `'${word}'`).join(" ")} kinit alice; echo "kinit=$?"\r`);
  await terminal.shows(/Password for alice@GSSOCKS\.TEST: /);
  await terminal.type("alice\x1a");
  await terminal.shows(/Stopped[^]*ready> /);
  await terminal.type("echo seen; fg\r");
  await terminal.shows(/\rseen\r?\n[^]*Password for alice@GSSOCKS\.TEST: /);
  await terminal.type("alicepw\r");
  await terminal.shows(/Password for [^]*ready> $/);
  await terminal.type("exit\r");
  const end = await terminal.end();
  assert.deepEqual([end.code, end.echo, end.icanon], [0, true, true], end.shown);
  assert.match(await Deno.readTextFile(`${realm.directory}/stopped`).catch(() => ""), /alice/);
});

peerTest("passwd asks twice on a terminal, and changes nothing where the two differ", ["script"], async () => {
  const directory = await Deno.makeTempDir();
  try {
    const file = `${directory}/users`;
    for (const [second, code] of [["s3cret", 0], ["s3cert", 1]] as const) {
      const before = await Deno.readTextFile(file).catch(() => "");
      const terminal = new Terminal([...GSSOCKS, "passwd", file, "bob"], {});
      await terminal.shows(/Password for bob: /);
      await terminal.type("s3cret\r");
      await terminal.shows(/again: /);
      await terminal.type(`${second}\r`);
      const end = await terminal.end();
      assert.deepEqual([end.code, end.echo, end.icanon], [code, true, true], end.shown);
      assert.doesNotMatch(end.shown, /s3c/);
      const after = await Deno.readTextFile(file);
      if (code === 0) assert.match(after, /^bob:\$scrypt\$/);
      else assert.equal(after, before);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

peerTest("the terminal is as it was behind the question, while the program goes on", ["script"], async () => {
  const terminal = new Terminal([...GSSOCKS, "kdc", "--user-from-stdin", "alice"], {});
  for (const prompt of [/Password for alice: /, /again: /]) {
    await terminal.shows(prompt);
    await terminal.type("s3cret\r");
  }
  await terminal.shows(/listens on/);
  // What is typed is shown again, and Control-C is a signal again. Where it is not, the program ends all the same.
  const over = new AbortController();
  const ending = pause(5_000, over.signal).then(() => over.signal.aborted ? undefined : terminal.kill("SIGTERM"));
  await terminal.type("hello\r");
  await terminal.shows(/hello/).catch(() => {});
  await terminal.type("\x03").catch(() => {});
  const end = await terminal.end();
  over.abort();
  await ending;
  assert.match(end.shown, /hello/);
  assert.doesNotMatch(end.shown, /s3cret/);
  assert.deepEqual([end.code, end.echo, end.icanon], [0, true, true], end.shown);
});

Deno.test("password prompt: reads from a pipe, and refuses an end without a line", async () => {
  await using realm = await startRealmFolder();
  const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: `FILE:${realm.directory}/piped` };
  const [command, ...args] = GSSOCKS as [string, ...string[]];
  assert.equal((await run(command, [...args, "kinit", "alice"], { env, stdin: "alicepw\r\n" })).code, 0);
  const none = await run(command, [...args, "kinit", "alice"], { env });
  assert.deepEqual([none.code, /standard input has ended/.test(none.stderr)], [1, true]);
  const { code } = await gssocks(["passwd", `${realm.directory}/users`, "bob"], { password: "" });
  assert.equal(code, 2);
});

Deno.test("password prompt: a signal ends the wait for a pipe", async () => {
  const [command, ...args] = GSSOCKS as [string, ...string[]];
  const over = new AbortController();
  const child = new Deno.Command(command, {
    args: [...args, "kdc", "--user", "alice", "--user-from-stdin", "bob"],
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  // Without the rule the end of the pipe ends it.
  const late = pause(3_000, over.signal).then(() => child.stdin.close(), () => child.stdin.close());
  let said = "";
  for await (const chunk of child.stderr) {
    const first = said === "";
    said += new TextDecoder().decode(chunk);
    if (first) child.kill("SIGTERM");
  }
  noneUncaughtIn(said);
  assert.match(said, /^Password of alice: [0-9a-f]+\ngssocks kdc: Stopped by a signal\n$/);
  assert.equal((await child.status).code, 1);
  over.abort();
  await late.catch(() => {});
});
