/**
 * A person at a shell on a terminal, in a folder of their own, with `gssocks` as a command.
 *
 * @module
 */
import assert from "node:assert/strict";
import { pause } from "../../base/deadline.ts";
import { peer } from "./peers.ts";
import { Terminal } from "./terminal.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
/** Milliseconds that an expected text may take; a shell that waits for keys would wait for ever. */
const PATIENCE = 30_000;

/** A shell with a person who types, reads, and looks at exit codes. */
export class ShellSession implements AsyncDisposable {
  /** The folder. */
  readonly folder: string;
  readonly #terminal: Terminal;
  #from = 0;
  #open = true;

  private constructor(folder: string, env: Record<string, string>) {
    this.folder = folder;
    const rc = `${folder}/.bashrc`;
    const program = `'${Deno.execPath()}' run -q -A --no-check -c '${ROOT}deno.json' '${ROOT}cli/mod.ts'`;
    Deno.mkdirSync(`${folder}/.bin`);
    // A program and no function: signals to a job are signals to it.
    for (const [name, words] of [["gssocks", program], ["deno", `'${Deno.execPath()}'`]]) {
      Deno.writeTextFileSync(`${folder}/.bin/${name}`, `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
    }
    const lines = [`PATH='${folder}/.bin':$PATH`, `cd '${folder}'`, "PS1='ready> '"];
    Deno.writeTextFileSync(rc, lines.join("\n"));
    const bash = [peer("bash"), "--noprofile", "--noediting", "--rcfile", rc, "-i"];
    this.#terminal = new Terminal(bash, { KRB5CCNAME: `FILE:${folder}/cc`, TERM: "dumb", ...env });
  }

  /** Opens a shell in an empty folder. */
  static async open(env: (folder: string) => Record<string, string> = () => ({})): Promise<ShellSession> {
    const folder = await Deno.makeTempDir({ prefix: "gssocks-minutes-" });
    const session = new ShellSession(folder, env(folder));
    await session.sees(/ready> $/);
    return session;
  }

  /** Types keys. */
  async types(keys: string): Promise<void> {
    await this.#terminal.type(keys);
  }

  /** Waits for a text behind what was seen before. */
  async sees(pattern: RegExp): Promise<RegExpMatchArray> {
    const over = new AbortController();
    const late = pause(PATIENCE, over.signal).then(() => {
      if (over.signal.aborted) return undefined!;
      throw new Error(`${pattern} was not shown in time`);
    }, () => undefined!);
    try {
      const found = await Promise.race([this.#terminal.shows(pattern, this.#from), late]);
      this.#from += found.index! + found[0].length;
      return found;
    } finally {
      over.abort();
    }
  }

  /** Waits for a text anywhere on the screen, such as the line of a program in the background, and moves on from nothing. */
  async finds(pattern: RegExp): Promise<RegExpMatchArray> {
    const from = this.#from;
    this.#from = 0;
    try {
      return await this.sees(pattern);
    } finally {
      this.#from = from;
    }
  }

  /** Writes a file into the folder, as an editor does. */
  async writes(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.folder}/${name}`, text);
  }

  /** Enters a command; `answers` are keys to type when a prompt is seen. Returns what it showed, once its code is the one expected. */
  async runs(
    command: string,
    code = 0,
    answers: readonly (readonly [prompt: RegExp, keys: string])[] = [],
  ): Promise<string> {
    const start = this.#from;
    await this.types(`${command}; echo "<code $?>"\r`);
    await this.sees(/<code \$\?>"\r?\n/);
    for (const [prompt, keys] of answers) {
      await this.sees(prompt);
      await this.types(keys);
    }
    const [, ended] = await this.sees(/<code (\d+)>\r?\n[^]*ready> /);
    const shown = (await this.#terminal.shows(/[^]*/, start))[0];
    assert.equal(Number(ended), code, shown);
    return shown;
  }

  /** Enters a command that goes on in the background, and waits for what it says when it is ready. */
  async starts(command: string, ready: RegExp): Promise<RegExpMatchArray> {
    await this.types(`${command} &\r`);
    return await this.sees(ready);
  }

  /** Ends what runs in the background, and the shell. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.types("for job in $(jobs -p); do kill -- -$job; done; wait; exit\r");
    // A person's own program may end with an error that it does not handle.
    const end = await this.#terminal.end({ mayThrow: true });
    await Deno.remove(this.folder, { recursive: true });
    assert.deepEqual([end.echo, end.icanon], [true, true], end.shown);
  }
}
