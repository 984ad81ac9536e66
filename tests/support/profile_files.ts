/**
 * Files in the syntax of krb5.conf, valid ones and odd ones, by a seed.
 *
 * @module
 */
import type { Random } from "../fuzz/random.ts";

/** One configuration: files and folders below a folder, and the list that is read. */
export interface ProfileCase {
  /** Contents by name; `undefined` for an empty folder. */
  readonly files: ReadonlyMap<string, string | undefined>;
  /** Names in KRB5_CONFIG. */
  readonly list: readonly string[];
}

const SECTIONS = ["libdefaults", "realms", "domain_realm", "A", "ü", " a b "];
const NAMES = ["kdc", "A.TEST", "x", "default_realm", ".a.test", "X", "y-1", "ü"];
const VALUES = [
  "1",
  "A.TEST",
  "k1 k2",
  "a = b",
  "{ x",
  "{}",
  "}",
  "[x]",
  "x # c",
  "; c",
  '"q"',
  '" a "',
  '"a\\n\\t\\"b\\\\',
  "ü\u00a0",
];
const BLANKS = ["", "", " ", "\t", "  ", "\v", "\f"];
const INCLUDED = ["more", "d", "d/b.conf", "gone", "e", "more "];
/** Names in a folder that is included; not all of them are read. */
const IN_FOLDER = ["d/a", "d/b.conf", "d/.c.conf", "d/c~", "d/x-1_Z", "d/sub/inner", "d/e.f", "d/ä.conf"];

/** What a file may have. */
interface Drawing {
  /** Where it stands. */
  readonly folder: string;
  /** Whether names have stars; then none comes twice, since versions of MIT differ in what that means. */
  readonly starred: boolean;
  /** Whether it may include others. */
  readonly includes: boolean;
}

/** Draws the lines of one file. */
class Lines {
  readonly #random: Random;
  readonly #folder: string;
  /** Names that were used with a star or may not come again. */
  readonly #used: Set<string> | undefined;
  readonly lines: string[] = [];

  /** Whether it may include others: loops would keep MIT busy for long. */
  readonly #includes: boolean;

  constructor(random: Random, { folder, starred, includes }: Drawing) {
    this.#random = random;
    this.#folder = folder;
    this.#used = starred ? new Set() : undefined;
    this.#includes = includes && !starred;
  }

  #blank(): string {
    return this.#random.pick(BLANKS);
  }

  #star(): string {
    return this.#used !== undefined && this.#random.once(3) ? "*" : "";
  }

  #fresh(names: readonly string[], prefix: string): string | undefined {
    const name = this.#random.pick(names);
    if (this.#used === undefined) return name;
    if (this.#used.has(prefix + name)) return undefined;
    this.#used.add(prefix + name);
    return name;
  }

  /** A section with what is in it. */
  section(): void {
    const random = this.#random;
    const name = this.#fresh(SECTIONS, "");
    if (name === undefined) return;
    const indent = this.lines.length > 0 && random.once(4) ? " " : "";
    this.lines.push(`${indent}[${name}]${this.#star()}${this.#blank()}`);
    this.#body(`${name}/`, 0);
  }

  #body(prefix: string, depth: number): void {
    for (let left = this.#random.below(5); left > 0; left--) {
      if (this.#random.once(8)) this.lines.push(this.#random.pick(["", " ", "# c", " ; c", "\t#}"]));
      else if (this.#includes && this.#random.once(12)) this.#include();
      else if (depth < 4 && this.#random.once(4)) this.#subsection(prefix, depth);
      else this.#relation(prefix);
    }
  }

  #relation(prefix: string): void {
    const name = this.#fresh(NAMES, prefix);
    if (name === undefined) return;
    const value = this.#random.pick(VALUES);
    this.lines.push(`${this.#blank()}${name}${this.#blank()}=${this.#blank()}${value}${this.#blank()}`);
  }

  #subsection(prefix: string, depth: number): void {
    const name = this.#fresh(NAMES, prefix);
    if (name === undefined) return;
    const tag = `${this.#blank()}${name}${this.#star()}${this.#blank()}=${this.#blank()}`;
    if (this.#random.once(3)) this.lines.push(tag.trimEnd(), `${this.#blank()}{${this.#random.pick(["", " x"])}`);
    else this.lines.push(`${tag}{${this.#blank()}`);
    this.#body(`${prefix}${name}/`, depth + 1);
    this.lines.push(`${this.#blank()}}${this.#star()}${this.#random.pick(["", " x"])}`);
  }

  #include(): void {
    const directive = this.#random.pick(["include", "includedir"]);
    const good = directive === "include" ? ["more", "d/b.conf", "e"] : ["d", "d/", "e"];
    const target = this.#random.once(6) ? this.#random.pick(INCLUDED) : this.#random.pick(good);
    this.lines.push(`${directive}${this.#random.pick([" ", "\t", "  "])}${this.#folder}/${target}`);
  }
}

function fileText(random: Random, drawing: Drawing): string {
  const { starred } = drawing;
  const lines = new Lines(random, drawing);
  if (random.once(6)) lines.lines.push(random.pick(["before = 1", " [before]", "# c", ""]));
  for (let left = 1 + random.below(3); left > 0; left--) lines.section();
  let text = lines.lines.join(random.once(4) ? "\r\n" : "\n") + random.pick(["", "\n", "\n\n"]);
  for (let left = !starred && random.once(3) ? 1 + random.below(3) : 0; left > 0; left--) text = changed(random, text);
  return text;
}

/** Changes a text in one place, so that some become wrong; but not what is included, which might become a loop. */
function changed(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  const end = text.indexOf("\n", at);
  if (text.slice(text.lastIndexOf("\n", at - 1) + 1, end < 0 ? undefined : end).includes("include")) return text;
  const piece = random.pick([
    "{",
    "}",
    "=",
    "[",
    "]",
    "\n",
    "\r",
    "#",
    '"',
    "\\",
    " ",
    "\0",
    "x",
    "\n}\n",
    "=\n",
    "\nmodule x:y\n",
  ]);
  return text.slice(0, at) + piece + text.slice(at + random.below(3));
}

/** Draws a configuration that is to stand in `folder`. */
export function drawProfile(random: Random, folder: string): ProfileCase {
  const starred = random.once(4);
  const files = new Map<string, string | undefined>();
  const list = ["one", "two", "three"].slice(0, starred ? 2 + random.below(2) : 1 + random.below(2));
  const draw = (name: string) => {
    const includes = list.includes(name);
    files.set(name, fileText(random, { folder, starred, includes }));
  };
  for (const name of list) draw(name);
  if (!starred) {
    draw("more");
    files.set("e", undefined);
    for (const name of IN_FOLDER) if (random.once(2)) draw(name);
    files.set("d/b.conf", files.get("d/b.conf") ?? "");
  }
  if (random.once(5)) list.splice(random.below(list.length + 1), 0, "none");
  return { files, list };
}
