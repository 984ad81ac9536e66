/**
 * Lists of enctypes in krb5.conf: names, families, `DEFAULT`, and a minus in front of what is left out.
 *
 * @module
 */
import { DEFAULT_ENCTYPES, enctypeByName, isSupported } from "../crypto/enctypes.ts";
import { KerberosError } from "../errors.ts";

/** Families, in MIT's order. */
const FAMILIES: ReadonlyMap<string, readonly number[]> = new Map([
  ["des3", [16]],
  ["aes", [18, 17, 20, 19]],
  ["rc4", [23]],
  ["camellia", [26, 25]],
]);

/** Enctypes of MIT krb5 that this library does not have: lists name them, and what is left out must be known, too. */
const OTHERS: ReadonlyMap<string, number> = new Map([
  ["des3-cbc-raw", 6],
  ["des3-cbc-sha1", 16],
  ["des3-hmac-sha1", 16],
  ["des3-cbc-sha1-kd", 16],
  ["arcfour-hmac", 23],
  ["rc4-hmac", 23],
  ["arcfour-hmac-md5", 23],
  ["arcfour-hmac-exp", 24],
  ["rc4-hmac-exp", 24],
  ["arcfour-hmac-md5-exp", 24],
  ["camellia128-cts-cmac", 25],
  ["camellia128-cts", 25],
  ["camellia256-cts-cmac", 26],
  ["camellia256-cts", 26],
]);

/** Enctypes that MIT calls weak. */
const WEAK: ReadonlySet<number> = new Set([6, 24]);

/** What a list says. */
export interface EnctypeList {
  /** Enctypes, in order of preference; not all of them need be supported here. */
  readonly enctypes: readonly number[];
  /** Words that name no enctype; they have no effect. */
  readonly unknown: readonly string[];
}

/** Options of {@linkcode readEnctypeList}. */
export interface EnctypeListOptions {
  /** What `DEFAULT` stands for. @default {the enctypes that are requested by default} */
  readonly defaults?: readonly number[] | undefined;
  /** Whether `allow_weak_crypto` is on. @default {false} */
  readonly weak?: boolean | undefined;
}

/** Reads a list. */
export function readEnctypeList(text: string, options: EnctypeListOptions = {}): EnctypeList {
  const { defaults = DEFAULT_ENCTYPES, weak = false } = options;
  const chosen = new Set<number>();
  const unknown: string[] = [];
  for (const word of text.split(/[ \t\r\n,]+/).filter((item) => item !== "")) {
    const name = word.replace(/^[+-]/, "").toLowerCase();
    const named = name === "default" ? defaults : enctypesNamed(name);
    if (named.length === 0) unknown.push(word);
    for (const enctype of named) {
      if (WEAK.has(enctype) && !weak) continue;
      if (word.startsWith("-")) chosen.delete(enctype);
      else chosen.add(enctype);
    }
  }
  return { enctypes: [...chosen], unknown };
}

function enctypesNamed(name: string): readonly number[] {
  const family = FAMILIES.get(name);
  if (family !== undefined) return family;
  const enctype = enctypeByName(name) ?? OTHERS.get(name);
  return enctype === undefined ? [] : [enctype];
}

/**
 * Reads a list and keeps what this library supports.
 *
 * @param name Of the list, for the message.
 * @throws {KerberosError} `BAD_CONFIG` if nothing is left.
 */
export function parseEnctypes(name: string, text: string, options: EnctypeListOptions = {}): readonly number[] {
  const list = readEnctypeList(text, options).enctypes.filter(isSupported);
  if (list.length > 0) return list;
  throw new KerberosError(
    "BAD_CONFIG",
    `Cannot use ${name}: none of the enctypes ${JSON.stringify(text)} is supported`,
  );
}
