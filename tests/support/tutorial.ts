/**
 * Plays a tutorial as a reader does: enters its commands in one shell, writes its files, types at its prompts, and compares
 * what is shown with what the tutorial says.
 *
 * In a tutorial the block behind a block of commands is what they show. A line `...` in it stands for any lines. Words
 * behind the language of a block:
 *
 * | block | |
 * | --- | --- |
 * | `sh` | commands; `exit=N`: the code of the last one; `types=TEXT`: what is typed at its prompt |
 * | `sh checkout` | commands for the folder of the checkout |
 * | `sh elsewhere` | commands that need JSR; an import map stands in for `deno add` |
 * | `text` | what the commands before show |
 * | any other, with `file=NAME` | a file that the reader writes |
 *
 * @module
 */
import assert from "node:assert/strict";
import { pause } from "../../base/deadline.ts";
import { startProject } from "./newcomer.ts";
import { ShellSession } from "./shell_session.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
/** Folder of the reader in what a tutorial shows. */
const HOME = "/home/you";
/** What Deno says of an import map that leads into a checkout. */
const STAND_IN = /^Warning "links" field .*\n {4}at file:.*\n/gm;
/** Milliseconds that a program in the background may take until its log has what the tutorial shows. */
const PATIENCE = 20_000;
/** Milliseconds between two looks at its log. */
const LOOK_AGAIN = 100;

/** One block of a tutorial. */
export interface TutorialStep {
  /** Line of the tutorial, for messages. */
  readonly line: number;
  /** Words of its fence. */
  readonly words: readonly string[];
  readonly text: string;
  /** What the block behind it shows, where it is one of commands. */
  shows?: string;
}

/** Returns the blocks of a tutorial; what commands show is with them. */
export function tutorialSteps(markdown: string): TutorialStep[] {
  const steps: TutorialStep[] = [];
  for (const match of markdown.matchAll(/^```(.+)\n([^]*?)^```$/gm)) {
    const words = match[1]!.split(" ");
    const line = markdown.slice(0, match.index).split("\n").length;
    const last = steps.at(-1);
    if (words[0] !== "text") steps.push({ line, words, text: match[2]! });
    else if (last?.words[0] === "sh" && last.shows === undefined) last.shows = match[2]!;
    else throw new Error(`line ${line}: no commands show this`);
  }
  return steps;
}

/** Returns the commands of a block: lines, joined where one ends with a backslash. */
function commandsIn(text: string): string[] {
  return text.replaceAll("\\\n", " ").split("\n").filter((line) => line !== "");
}

/** Times, durations, ports of clients and job numbers, which differ each time. */
const DIFFERENT: readonly (readonly [RegExp, string])[] = [
  [/^(?:\[\d+\][-+ ].*|\(wd now: .*\))(?:\n|$)/gm, ""],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z/g, "TIME"],
  [/\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d/g, "TIME"],
  [/\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/g, "TIME"],
  [/\(\d+m?s\)/g, "(DURATION)"],
  [/(127\.0\.0\.1):\d{5}\b/g, "$1:PORT"],
  [/[ \t]+$/gm, ""],
];

function comparable(text: string): string {
  return DIFFERENT.reduce((result, [pattern, word]) => result.replace(pattern, word), text).trim();
}

/** Whether what is shown is what a tutorial says, where `...` stands for any lines. */
export function isShown(shown: string, said: string): boolean {
  const parts = comparable(said).split(/^\.\.\.$/m).map((part) => RegExp.escape(part.trim()));
  return new RegExp(`^${parts.join("[^]*")}$`).test(comparable(shown));
}

/** Ports that a tutorial uses, each with one that is free. */
function freePorts(markdown: string): Map<string, string> {
  const ports = new Set(
    [...markdown.matchAll(/(?:localhost:|127\.0\.0\.1:|port: |localhost |--port |ts )(\d{4})\b/g)].map(([, port]) =>
      port!
    ),
  );
  const listeners = [...ports].map(() => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  const free = new Map([...ports].map((port, i) => [port, String(listeners[i]!.addr.port)]));
  for (const listener of listeners) listener.close();
  return free;
}

/** A reader in the middle of a tutorial. */
class Reader {
  readonly #shell: ShellSession;
  readonly #ports: ReadonlyMap<string, string>;
  #folder = "";

  constructor(shell: ShellSession, ports: ReadonlyMap<string, string>) {
    this.#shell = shell;
    this.#ports = ports;
  }

  /** Does what a block says. */
  async follows({ words, text, shows, line }: TutorialStep): Promise<void> {
    const option = (name: string) => words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
    const file = option("file");
    if (file !== undefined) return await this.#shell.writes(`${this.#folder}${file}`, this.#here(text));
    if (words[0] !== "sh") return;
    const commands = commandsIn(this.#here(text));
    if (words.includes("elsewhere")) return await this.#standsIn(commands);
    if (words.includes("checkout")) commands.unshift(`cd '${ROOT}'`), commands.push("cd - > /dev/null");
    const typed = option("types");
    const last = commands.pop()!;
    let shown = "";
    for (const command of commands) shown += await this.#enters(command);
    const final = () => this.#enters(last, Number(option("exit") ?? 0), typed);
    const before = shown;
    const looks = /^(?:cat|tail|grep) /.test(last);
    const complete = async () => {
      shown = before + await final().catch((error) => looks ? String(error) : Promise.reject(error));
      return isShown(shown, shows ?? "");
    };
    // A reader whose program has not said yet what it will say waits, and looks again.
    const over = performance.now() + PATIENCE;
    let whole = await complete();
    while (!whole && looks && performance.now() < over) {
      await pause(LOOK_AGAIN);
      whole = await complete();
    }
    if (!whole) assert.equal(comparable(shown), comparable(shows ?? ""), `line ${line}: ${last}`);
  }

  /** Enters a command; returns what it shows, in the tutorial's words. */
  async #enters(command: string, code = 0, typed?: string): Promise<string> {
    const [, folder] = /^mkdir (\S+) && cd \1$/.exec(command) ?? [];
    if (folder !== undefined) this.#folder = `${folder}/`;
    const line = command.endsWith("&") ? `{ ${command} }` : command;
    const shown = await this.#shell.runs(line, code, typed === undefined ? [] : [[/: $/, `${typed}\r`]]);
    const output = /<code \$\?>"\r?\n([^]*)<code \d+>/.exec(shown)![1]!.replaceAll(/\r+\n/g, "\n");
    // What a terminal overwrites is not seen.
    return this.#there(output.replaceAll(/^.*\r/gm, ""));
  }

  /** The package's own sources stand in for those of JSR. */
  async #standsIn(commands: readonly string[]): Promise<void> {
    for (const command of commands) {
      if (/^deno install -g .* jsr:@gssocks\/gssocks\/cli$/.test(command)) continue;
      assert.equal(command, "deno add jsr:@gssocks/gssocks");
      await startProject(this.#shell, this.#folder);
    }
  }

  /** A text of the tutorial with this machine's ports. Deno checks the types of a checkout, but not those of packages of JSR. */
  #here(text: string): string {
    return text.replace(/\bdeno test /g, "$&--no-check ").replace(
      /\b\d{4}\b/g,
      (port) => this.#ports.get(port) ?? port,
    );
  }

  /** What this machine shows, with the tutorial's ports and folder. */
  #there(text: string): string {
    let result = text.replaceAll(STAND_IN, "").replaceAll(this.#shell.folder, HOME);
    for (const [port, free] of this.#ports) result = result.replaceAll(new RegExp(`\\b${free}\\b`, "g"), port);
    return result;
  }
}

/** Plays a tutorial from its first block to its last. */
export async function playTutorial(markdown: string): Promise<void> {
  const steps = tutorialSteps(markdown);
  await using shell = await ShellSession.open();
  const reader = new Reader(shell, freePorts(markdown));
  for (const step of steps) await reader.follows(step);
}
