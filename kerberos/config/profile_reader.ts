/**
 * The syntax of krb5.conf as MIT's library reads it: sections, relations, subsections in braces, a `*` after names that nothing later
 * may add to, and include directives, whose files the caller reads.
 *
 * @module
 */
import { KerberosError } from "../errors.ts";
import { emptySection, placeText, type ProfileSection, type ProfileSource, withoutComment } from "./profile.ts";
import { systemFailure } from "./system_error.ts";

/** Files that may include each other in a chain. */
const MAX_CHAIN = 16;
/** Files that may be included in all. */
const MAX_SOURCES = 1_000;
/** Braces that may be open in one another. */
const MAX_NESTING = 64;

/** Something that was read otherwise than its author may think. */
export interface ProfileNote {
  /** Name of the file. */
  readonly source: string;
  /** Line, from 1. */
  readonly line: number;
  /** What is to be said about it. */
  readonly text: string;
}

/** What was read, and out of which files. */
export interface ProfileReading {
  /** Values of all files. */
  readonly profile: ProfileSection;
  /** Names of the files, with those that were included, in the order in which they were read. */
  readonly sources: readonly string[];
  /** What was read otherwise than its author may think. */
  readonly notes: readonly ProfileNote[];
}

/**
 * Reads files in order of precedence: the first value of a relation counts.
 *
 * @throws {KerberosError} `BAD_CONFIG`, with file and line.
 */
export function readProfile(...sources: readonly ProfileSource[]): ProfileReading {
  const reader = new ProfileReader();
  for (const source of sources) reader.read(source);
  return reader;
}

/** A section that is being read; `section` is `undefined` if its contents are ignored, since an earlier one was closed. */
interface OpenSection {
  readonly section: ProfileSection | undefined;
  readonly name: string;
}

/** One file that is being read. Each begins anew: what another file has left open is not continued. */
interface OpenFile {
  readonly source: ProfileSource;
  /** Number of the line. */
  line: number;
  /** What the next line may be: everything before the first section is passed over. */
  state: "before" | "inside" | "brace";
  /** The section and the subsections that are open; empty before the first section. */
  readonly stack: OpenSection[];
  /** Number of files that it is included by. */
  readonly depth: number;
}

/** Reads files into one tree of sections. */
class ProfileReader implements ProfileReading {
  readonly profile: ProfileSection = emptySection();
  readonly sources: string[] = [];
  readonly notes: ProfileNote[] = [];

  /**
   * Reads a file, and those that it includes.
   *
   * @throws {KerberosError} `BAD_CONFIG`, with file and line.
   */
  read(source: ProfileSource, depth = 0): void {
    this.sources.push(source.name);
    const file: OpenFile = { source, line: 0, state: "before", stack: [], depth };
    // MIT takes a byte order mark for a comment, and with it the first section; nobody means that.
    const lines = source.text.replace(/^\uFEFF/, "").split("\n");
    if (lines.at(-1) === "") lines.pop();
    for (const raw of lines) {
      file.line++;
      const end = raw.indexOf("\0");
      this.#readLine(file, end < 0 ? raw : raw.slice(0, end));
    }
    if (file.stack.length > 1) {
      this.#note(file, `the file ends before the brace of ${file.stack.at(-1)!.name} is closed`);
    }
  }

  #readLine(file: OpenFile, raw: string): void {
    const include = /^(include|includedir)(?=[ \t\v\f\r]|$)/.exec(raw)?.[1];
    if (include !== undefined) return this.#include(file, include, withoutEnd(withoutStart(raw.slice(include.length))));
    const line = withoutStart(withoutEnd(raw));
    if (file.state === "before") {
      if (/^module(?:[ \t\v\f\r]|$)/.test(raw)) fail(file, `"${line}": modules cannot be loaded here`);
      if (!raw.startsWith("[")) {
        if (line !== "" && !isComment(line)) this.#note(file, "what stands before the first section is passed over");
        return;
      }
      file.state = "inside";
    }
    if (file.state === "brace") {
      if (!line.startsWith("{")) fail(file, "expected an opening brace, since the line before ends after the =");
      file.state = "inside";
    } else if (line !== "" && !isComment(line)) this.#readStatement(file, line);
  }

  #readStatement(file: OpenFile, line: string): void {
    if (line.startsWith("[")) this.#openTop(file, line);
    else if (line.startsWith("}")) closeBrace(file, line.startsWith("}*"));
    else this.#readRelation(file, line);
  }

  #openTop(file: OpenFile, line: string): void {
    if (file.stack.length > 1) fail(file, "a section begins while a brace is still open");
    const end = line.indexOf("]");
    const final = line[end + 1] === "*";
    if (end < 0 || trimBlanks(line.slice(end + (final ? 2 : 1))) !== "") {
      fail(file, "expected a section name in brackets, and nothing behind it");
    }
    const name = line.slice(1, end);
    file.stack.splice(0, file.stack.length, { section: this.#open(this.profile, name, final), name });
  }

  #readRelation(file: OpenFile, line: string): void {
    const equals = line.indexOf("=");
    const tag = trimBlanks(line.slice(0, Math.max(equals, 0)));
    if (equals <= 0 || /[ \t\v\f\r]/.test(tag)) fail(file, "expected name = value");
    const star = tag.indexOf("*");
    const name = star < 0 ? tag : tag.slice(0, star);
    const value = withoutStart(line.slice(equals + 1));
    const { section } = file.stack.at(-1)!;
    if (value === "" || /^\{[ \t\v\f\r]*$/.test(value)) {
      if (file.stack.length > MAX_NESTING) fail(file, `more than ${MAX_NESTING} braces are open`);
      if (value === "") file.state = "brace";
      const inner = section === undefined ? undefined : this.#open(section, name, star >= 0);
      file.stack.push({ section: inner, name });
    } else if (section !== undefined) this.#addValue(file, section, { name, value, final: star >= 0 });
  }

  #addValue(
    file: OpenFile,
    section: ProfileSection,
    { name, value, final }: { readonly name: string; readonly value: string; readonly final: boolean },
  ): void {
    if (section.closed.has(name)) return;
    if (final) section.closed.add(name);
    const quoted = value.startsWith('"');
    append(section.values, name, quoted ? unquote(value) : trimBlanks(value));
    append(section.places!, name, { source: file.source.name, line: file.line, quoted });
    if (!quoted && withoutComment(value) !== trimBlanks(value)) {
      this.#note(file, `MIT krb5 takes what follows # or ; for a part of the value of ${name}`);
    }
  }

  /** A section to read into; `undefined` if an earlier one of this name was closed. */
  #open(parent: ProfileSection, name: string, final: boolean): ProfileSection | undefined {
    if (parent.closed.has(sectionMark(name))) return undefined;
    if (final) parent.closed.add(sectionMark(name));
    let section = parent.sections.get(name);
    if (section === undefined) parent.sections.set(name, section = emptySection());
    return section;
  }

  #include(file: OpenFile, directive: string, path: string): void {
    const { source, depth } = file;
    if (source.include === undefined) fail(file, `${directive} is not supported here`);
    if (depth >= MAX_CHAIN) fail(file, `${directive} ${path}: files include each other`);
    let inner: readonly ProfileSource[];
    try {
      inner = source.include(path, directive === "includedir");
    } catch (error) {
      throw systemFailure("BAD_CONFIG", `Cannot read ${placeOf(file)}: ${directive} ${path}`, error);
    }
    if (this.sources.length + inner.length > MAX_SOURCES) fail(file, `more than ${MAX_SOURCES} files are included`);
    if (inner.length === 0 && directive === "include") {
      this.#note(file, `${path} is a folder; includedir reads its files`);
    }
    for (const one of inner) this.read(one, depth + 1);
  }

  #note({ source, line }: OpenFile, text: string): void {
    this.notes.push({ source: source.name, line, text });
  }
}

function placeOf({ source, line }: OpenFile): string {
  return placeText({ source: source.name, line });
}

function fail(file: OpenFile, problem: string): never {
  throw new KerberosError("BAD_CONFIG", `Cannot read ${placeOf(file)}: ${problem}`);
}

function closeBrace(file: OpenFile, final: boolean): void {
  if (file.stack.length < 2) fail(file, "closing brace without an opening one");
  const { name } = file.stack.pop()!;
  if (final) file.stack.at(-1)!.section?.closed.add(sectionMark(name));
}

/** Closing a section does not close a relation of the same name, so its mark differs. */
function sectionMark(name: string): string {
  return `[${name}]`;
}

function append<T>(lists: Map<string, T[]>, name: string, item: T): void {
  const list = lists.get(name);
  if (list === undefined) lists.set(name, [item]);
  else list.push(item);
}

function isComment(line: string): boolean {
  return line.startsWith("#") || line.startsWith(";");
}

/** Removes the line's end, of any system. */
function withoutEnd(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === "\r") end--;
  return line.slice(0, end);
}

const BLANKS = new Set([" ", "\t", "\v", "\f", "\r"]);

/** Removes blanks in front. Those are blanks of the C locale: other white space belongs to names and values. */
function withoutStart(text: string): string {
  let start = 0;
  while (BLANKS.has(text[start]!)) start++;
  return text.slice(start);
}

/** Removes blanks at both ends. */
function trimBlanks(text: string): string {
  let end = text.length;
  while (end > 0 && BLANKS.has(text[end - 1]!)) end--;
  return withoutStart(text.slice(0, end));
}

const ESCAPES: ReadonlyMap<string, string> = new Map([["n", "\n"], ["t", "\t"], ["b", "\b"]]);

/** The text up to the closing quote, or to the end of the line; a backslash gives letters a meaning. */
function unquote(value: string): string {
  const parts: string[] = [];
  let start = 1;
  for (let i = 1; i < value.length && value[i] !== '"'; i++) {
    if (value[i] !== "\\" || i + 1 === value.length) continue;
    const letter = value[i + 1]!;
    parts.push(value.slice(start, i), ESCAPES.get(letter) ?? letter);
    start = ++i + 1;
  }
  const end = value.indexOf('"', start);
  return parts.join("") + value.slice(start, end < 0 ? value.length : end);
}
