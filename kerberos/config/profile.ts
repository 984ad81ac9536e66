/**
 * The syntax of krb5.conf: sections, relations, subsections in braces, a `*` after names that later files must not add to, and include
 * directives, whose files the caller reads.
 *
 * @module
 */
import { KerberosError } from "../errors.ts";

/** A section or subsection: values and subsections by name, in the order of the files. */
export interface ProfileSection {
  /** Values of each relation. */
  readonly values: Map<string, string[]>;
  /** Subsections of each name, merged. */
  readonly sections: Map<string, ProfileSection>;
  /** Names that a `*` has closed: later values for them are ignored. */
  readonly closed: Set<string>;
}

/** The text of a configuration file. */
export interface ProfileSource {
  /** Name for error messages, such as a path. */
  readonly name: string;
  /** The text. */
  readonly text: string;
  /** Reads the files that `include` (one) or `includedir` (several) names. @default {both are an error} */
  readonly include?: (path: string, directory: boolean) => readonly ProfileSource[];
}

const MAX_DEPTH = 16;

/** Returns an empty section. */
export function emptySection(): ProfileSection {
  return { values: new Map(), sections: new Map(), closed: new Set() };
}

/**
 * Reads files in order of precedence: the first value of a relation counts.
 *
 * @throws {KerberosError} `BAD_CONFIG`, with file and line.
 */
export function parseProfile(...sources: readonly ProfileSource[]): ProfileSection {
  const root = emptySection();
  for (const source of sources) parseSource(root, source, 0);
  return root;
}

/** A section that is being read; `section` is `undefined` if an earlier file closed it and its contents are ignored. */
interface OpenSection {
  readonly section: ProfileSection | undefined;
  readonly name: string;
}

function parseSource(root: ProfileSection, source: ProfileSource, depth: number): void {
  if (depth > MAX_DEPTH) throw new KerberosError("BAD_CONFIG", `Cannot read ${source.name}: files include each other`);
  const stack: OpenSection[] = [];
  for (const [index, raw] of source.text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    const fail = (problem: string): never => {
      throw new KerberosError("BAD_CONFIG", `Cannot read ${source.name}, line ${index + 1}: ${problem}`);
    };
    if (line === "" || line.startsWith("#") || line.startsWith(";")) continue;
    const include = /^(include|includedir)\s+(\S.*)$/.exec(line);
    if (include !== null && stack.length <= 1) {
      const read = source.include ?? fail("include is not supported here");
      for (const inner of read(include[2]!, include[1] === "includedir")) parseSource(root, inner, depth + 1);
      stack.length = 0;
    } else if (line.startsWith("[")) {
      if (stack.length > 1) fail("a brace is still open");
      const header = /^\[([^\]]+)\]\s*(\*?)\s*([#;].*)?$/.exec(line) ?? fail("expected a section name in brackets");
      const name = header[1]!.trim();
      stack.splice(0, stack.length, { section: openSection(root, name, header[2] === "*"), name });
    } else if (line.startsWith("}")) {
      if (stack.length < 2) fail("closing brace without an opening one");
      const { name } = stack.pop()!;
      if (line.startsWith("}*")) stack.at(-1)!.section?.closed.add(sectionMark(name));
    } else if (stack.length > 0) { // Lines before the first section are ignored.
      const relation = /^([^=\s][^=]*?)\s*=\s*(.*)$/.exec(line) ?? fail("expected name = value");
      parseRelation(stack, relation[1]!, relation[2]!);
    }
  }
  if (stack.length > 1) throw new KerberosError("BAD_CONFIG", `Cannot read ${source.name}: a brace is not closed`);
}

/** Closing a section does not close a relation of the same name, so its mark differs. */
function sectionMark(name: string): string {
  return `[${name}]`;
}

function openSection(parent: ProfileSection, name: string, final: boolean): ProfileSection | undefined {
  if (parent.closed.has(sectionMark(name))) return undefined;
  if (final) parent.closed.add(sectionMark(name));
  let section = parent.sections.get(name);
  if (section === undefined) parent.sections.set(name, section = emptySection());
  return section;
}

function parseRelation(stack: OpenSection[], rawName: string, value: string): void {
  const { section } = stack.at(-1)!;
  const final = rawName.endsWith("*");
  const name = rawName.replace(/\s*\*$/, "");
  if (value.startsWith("{")) {
    stack.push({ section: section === undefined ? undefined : openSection(section, name, final), name });
    return;
  }
  if (section === undefined || section.closed.has(name)) return;
  if (final) section.closed.add(name);
  const values = section.values.get(name);
  if (values === undefined) section.values.set(name, [unquote(value)]);
  else values.push(unquote(value));
}

/**
 * Quotes keep blanks and give backslash escapes a meaning. Without them a comment after the value is removed, which MIT does not do
 * and many files rely on.
 */
function unquote(value: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"/.exec(value);
  if (quoted === null) return value.replace(/\s[#;].*$/, "").trim();
  const escapes: Record<string, string> = { n: "\n", t: "\t", b: "\b" };
  return quoted[1]!.replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter);
}
