/**
 * What of krb5.conf has an effect, what has none, and what cannot be used.
 *
 * @module
 */
import { DEFAULT_NAMES } from "../../kerberos/config/load.ts";
import { configOf, RELATIONS } from "../../kerberos/config/parse.ts";
import type { KerberosConfig } from "../../kerberos/config/krb5_conf.ts";
import { type PlacedValue, placedValues, type ProfileSection, sectionAt } from "../../kerberos/config/profile.ts";
import type { ProfileNote, ProfileReading } from "../../kerberos/config/profile_reader.ts";
import { placedHosts } from "../../kerberos/config/realms.ts";
import { enctypeName } from "../../kerberos/crypto/enctypes.ts";
import { parseEndpoint } from "../../kerberos/reach/locate.ts";
import { isKnownRelation } from "./known_relations.ts";

/** One value. */
export interface ReportedValue {
  /** Names of its sections and its own name. */
  readonly path: readonly string[];
  /** The value as it counts. */
  readonly value: string;
  /** File; `null` for a default. */
  readonly source: string | null;
  /** Line in the file; `null` for a default. */
  readonly line: number | null;
  /** What is wrong with it, or why it has no effect. */
  readonly problem?: string | undefined;
}

/** The report. */
export interface ConfigReport {
  /** Files that were read, in their order. */
  readonly files: readonly string[];
  /** Values that count. */
  readonly settings: readonly ReportedValue[];
  /** Values that cannot be used. */
  readonly bad: readonly ReportedValue[];
  /** Values that other programs use, or that an earlier one hides. */
  readonly unused: readonly ReportedValue[];
  /** Relations that neither this library nor MIT krb5 knows. */
  readonly unknown: readonly ReportedValue[];
  /** What was read otherwise than its author may think. */
  readonly notes: readonly ProfileNote[];
}

/** Values of a report while it is made. */
type Draft = { readonly [K in "settings" | "bad" | "unused" | "unknown"]: ReportedValue[] };

/** Makes the report. */
export function reportOf({ profile, sources, notes }: ProfileReading): ConfigReport {
  const draft: Draft = { settings: [], bad: [], unused: [], unknown: [] };
  addLibdefaults(draft, profile);
  for (const realm of sectionAt(profile, "realms")?.sections.keys() ?? []) addKdcs(draft, profile, realm);
  addRest(draft, profile, []);
  return { files: sources, ...draft, notes };
}

/** Relations of `[libdefaults]` that have an effect, by name. */
const EFFECTIVE: ReadonlyMap<string, keyof typeof RELATIONS> = new Map(
  Object.entries(RELATIONS).map(([key, { relation }]) => [relation, key as keyof typeof RELATIONS]),
);

const KDC_RELATIONS: ReadonlySet<string> = new Set(["kdc", "primary_kdc", "master_kdc"]);

function addLibdefaults(draft: Draft, profile: ProfileSection): void {
  const config = configOf(profile);
  for (const [relation, key] of EFFECTIVE) {
    const path = ["libdefaults", relation];
    const [first, ...hidden] = placedValues(sectionAt(profile, "libdefaults"), relation);
    for (const value of hidden) draft.unused.push(placed(path, value, "an earlier value counts"));
    const problem = problemOf(() => config[key]);
    if (first === undefined) {
      // A list that is bad is named once, where it stands, and not again for those whose default it is.
      if (problem === undefined) draft.settings.push({ path, value: textOf(config, key), source: null, line: null });
    } else if (problem !== undefined) draft.bad.push(placed(path, first, problem));
    else draft.settings.push({ ...placed(path, first), value: textOf(config, key) });
  }
}

function addKdcs(draft: Draft, profile: ProfileSection, realm: string): void {
  for (const relation of ["kdc", "primary_kdc"] as const) {
    for (const host of placedHosts(profile, realm, relation)) {
      const problem = problemOf(() => parseEndpoint(host.text));
      (problem === undefined ? draft.settings : draft.bad).push(placed(["realms", realm, relation], host, problem));
    }
  }
}

/** All values that are not reported yet. */
function addRest(draft: Draft, section: ProfileSection, path: readonly string[]): void {
  for (const name of section.values.keys()) {
    const own = [...path, name];
    if (isReported(own)) continue;
    const list = isMapping(own) ? draft.settings : isKnownRelation(own) ? draft.unused : draft.unknown;
    for (const value of placedValues(section, name)) list.push(placed(own, value));
  }
  for (const [name, inner] of section.sections) addRest(draft, inner, [...path, name]);
}

function isReported(path: readonly string[]): boolean {
  const [section, name, inner] = path;
  return (section === "libdefaults" && path.length === 2 && EFFECTIVE.has(name!)) ||
    (section === "realms" && path.length === 3 && KDC_RELATIONS.has(inner!));
}

/** Whether the relation says which realm a host belongs to, or which realms vouch for others. */
function isMapping([section, ...rest]: readonly string[]): boolean {
  return (section === "domain_realm" && rest.length === 1) || (section === "capaths" && rest.length === 2);
}

function placed(path: readonly string[], { text, place }: PlacedValue, problem?: string): ReportedValue {
  const where = { source: place?.source ?? null, line: place?.line ?? null };
  return { path, value: text, ...where, ...(problem === undefined ? {} : { problem }) };
}

function problemOf(use: () => unknown): string | undefined {
  try {
    use();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** A setting as text, times in seconds. */
function textOf(config: KerberosConfig, key: keyof typeof RELATIONS): string {
  switch (key) {
    case "clockskew":
    case "ticketLifetime":
    case "renewLifetime":
      return `${config[key] / 1000}s`;
    case "permittedEnctypes":
    case "defaultTktEnctypes":
    case "defaultTgsEnctypes":
      return config[key].map(enctypeName).join(" ");
    case "defaultCcacheName":
      return config[key] ?? DEFAULT_NAMES.ccache;
    case "defaultKeytabName":
      return config[key] ?? DEFAULT_NAMES.keytab;
    case "defaultClientKeytabName":
      return config[key] ?? DEFAULT_NAMES.clientKeytab;
    case "kcmSocket":
      return config[key] ?? DEFAULT_NAMES.kcmSocket;
    default:
      return String(config[key] ?? "");
  }
}
