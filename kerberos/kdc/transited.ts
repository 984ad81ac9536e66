/**
 * The realms that a client was vouched for by, as tickets carry them: DOMAIN-X500-COMPRESS (RFC 4120 section 3.3.3.2).
 *
 * @module
 */
import { type Bytes, concat, EMPTY, lenientText, utf8 } from "../../gss/bytes.ts";

/** DOMAIN-X500-COMPRESS, the one encoding there is. */
export const TRANSITED_TYPE = 1;

/**
 * The realms in a transited field; `undefined` where it leaves some out (a null subfield stands for all realms between its
 * neighbours), so that they cannot be listed.
 */
export function transitedRealms(contents: Uint8Array): readonly string[] | undefined {
  if (contents.length === 0) return [];
  const realms: string[] = [];
  let previous = "";
  for (const { text, suffix, alone } of subfields(lenientText(contents))) {
    if (text === "") return undefined;
    if (suffix) previous = text + previous;
    else if (text.startsWith("/") && !alone) previous += text;
    else previous = text;
    realms.push(previous);
  }
  return realms;
}

interface Subfield {
  readonly text: string;
  /** Whether it ends in a "." that is not quoted: the previous realm follows. */
  readonly suffix: boolean;
  /** Whether a space in front says that it stands by itself. */
  readonly alone: boolean;
}

function subfields(whole: string): Subfield[] {
  const found: Subfield[] = [];
  let text = "";
  let quoted = false;
  let alone = false;
  const end = () => {
    found.push({ text, suffix: text.endsWith(".") && !quoted, alone });
    text = "";
    quoted = alone = false;
  };
  for (let at = 0; at < whole.length; at++) {
    const character = whole[at]!;
    if (character === ",") end();
    else if (character === " " && text === "" && !quoted) alone = true;
    else {
      quoted = character === "\\" && at + 1 < whole.length;
      text += quoted ? whole[++at]! : character;
    }
  }
  end();
  return found;
}

/** A transited field with one realm more, written out so that it cannot be read as anything else. */
export function withRealm(contents: Bytes, realm: string): Bytes {
  if (transitedRealms(contents)?.includes(realm)) return contents;
  const quoted = realm.replace(/[,\\]/g, "\\$&").replace(/^ +/, (spaces) => spaces.replaceAll(" ", "\\ "))
    .replace(/\.+$/, (dots) => dots.replaceAll(".", "\\."));
  // A realm that begins with a slash would be appended to the one before.
  const written = realm.startsWith("/") && contents.length > 0 ? ` ${quoted}` : quoted;
  return concat(contents, contents.length === 0 ? EMPTY : utf8(","), utf8(written));
}

/**
 * Whether a realm lies on the way between two others in the hierarchy of their names (RFC 4120 section 1.2): `EXAMPLE.COM`
 * and `A.EXAMPLE.COM` between `B.A.EXAMPLE.COM` and `C.EXAMPLE.COM`.
 */
export function isBetween(realm: string, from: string, to: string): boolean {
  const above = (name: string) => name === realm || name.endsWith(`.${realm}`);
  const common = commonDomain(from, to);
  return (above(from) || above(to)) && (realm === common || realm.endsWith(`.${common}`));
}

/** The longest domain that two realms are in. */
function commonDomain(a: string, b: string): string {
  const left = a.split(".");
  const right = b.split(".");
  let same = 0;
  while (same < Math.min(left.length, right.length) && left.at(-1 - same) === right.at(-1 - same)) same++;
  return left.slice(left.length - same).join(".");
}
