/**
 * What krb5.conf says: sections, relations and their values, merged out of all files, each with its place.
 *
 * @module
 */

/** Where a value stands. */
export interface ProfilePlace {
  /** Name of the file. */
  readonly source: string;
  /** Line, from 1. */
  readonly line: number;
  /** Whether the value stands in quotes, so that ` #` in it begins no comment. */
  readonly quoted: boolean;
}

/** A section or subsection: values and subsections by name, in the order of the files. */
export interface ProfileSection {
  /** Values of each relation. */
  readonly values: Map<string, string[]>;
  /** Subsections of each name, merged. */
  readonly sections: Map<string, ProfileSection>;
  /** Names that a `*` has closed: later values for them are ignored. */
  readonly closed: Set<string>;
  /** Where each of the values stands. @default {not known} */
  readonly places?: Map<string, ProfilePlace[]> | undefined;
}

/** The text of a configuration file. */
export interface ProfileSource {
  /** Name for error messages, such as a path. */
  readonly name: string;
  /** The text. */
  readonly text: string;
  /**
   * Reads the files that `include` (one) or `includedir` (several) names; the message of an error is the reason.
   *
   * @default {both are an error}
   */
  readonly include?: (path: string, directory: boolean) => readonly ProfileSource[];
}

/** Returns an empty section. */
export function emptySection(): ProfileSection {
  return { values: new Map(), sections: new Map(), closed: new Set(), places: new Map() };
}

/**
 * Section at a path, such as `["realms", "EXAMPLE.COM"]`; `undefined` if there is none.
 *
 * @param path Names of sections, the outermost first.
 */
export function sectionAt(profile: ProfileSection, ...path: readonly string[]): ProfileSection | undefined {
  return path.reduce<ProfileSection | undefined>((section, name) => section?.sections.get(name), profile);
}

/** One value of a relation, without a comment behind it. */
export interface PlacedValue {
  /** The value. */
  readonly text: string;
  /** Where it stands; `undefined` if that is not known. */
  readonly place: ProfilePlace | undefined;
}

/**
 * Values of a relation. What follows a blank and `#` or `;` is a comment unless the value is quoted: MIT takes it for a part of the
 * value, which no file means that has it.
 */
export function placedValues(section: ProfileSection | undefined, name: string): readonly PlacedValue[] {
  const places = section?.places?.get(name) ?? [];
  return (section?.values.get(name) ?? []).map((value, i) => {
    const place = places[i];
    return { text: place?.quoted ? value : withoutComment(value), place };
  });
}

/** Removes a comment behind a value. */
export function withoutComment(value: string): string {
  const comment = /[ \t\v\f\r][#;]/.exec(value);
  return comment === null ? value : value.slice(0, comment.index).trimEnd();
}

/** `krb5.conf, line 3`, for messages. */
export function placeText({ source, line }: Pick<ProfilePlace, "source" | "line">): string {
  return `${source}, line ${line}`;
}
