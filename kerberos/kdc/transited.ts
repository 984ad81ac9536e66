/**
 * The realms on a client's path, as a KDC adds to them and checks them (RFC 4120 sections 2.7 and 3.3.3.2).
 *
 * @module
 */
import { type Bytes, concat, EMPTY, utf8 } from "../../base/bytes.ts";
import { decodeTransited } from "../messages/transited.ts";

/**
 * Returns the realms in a transited field, or `undefined` if it leaves some out: a null subfield stands for all realms
 * between its neighbours.
 *
 * @throws {RangeError} When the field cannot be read.
 */
export function transitedRealms(contents: Uint8Array): readonly string[] | undefined {
  const realms: string[] = [];
  for (const realm of decodeTransited(contents)) {
    if (realm === undefined) return undefined;
    realms.push(realm);
  }
  return realms;
}

/**
 * Returns a transited field with one more realm, quoted so that it is read back as it is.
 *
 * @throws {RangeError} When the field cannot be read: it would change the meaning of what is appended.
 */
export function withRealm(contents: Bytes, realm: string): Bytes {
  if (transitedRealms(contents)?.includes(realm)) return contents;
  const quoted = realm.replace(/[,\\]/g, "\\$&").replace(/^ +/, (spaces) => spaces.replaceAll(" ", "\\ "))
    .replace(/\.+$/, (dots) => dots.replaceAll(".", "\\."));
  // A realm that begins with a slash would be read as a suffix of the one before.
  const written = realm.startsWith("/") && contents.length > 0 ? ` ${quoted}` : quoted;
  return concat(contents, contents.length === 0 ? EMPTY : utf8(","), utf8(written));
}

/**
 * Whether a realm is on the path between two others in the hierarchy of their names (RFC 4120 section 1.2), such as
 * `EXAMPLE.COM` and `A.EXAMPLE.COM` between `B.A.EXAMPLE.COM` and `C.EXAMPLE.COM`.
 */
export function isBetween(realm: string, from: string, to: string): boolean {
  const above = (name: string) => name === realm || name.endsWith(`.${realm}`);
  const common = commonDomain(from, to);
  return (above(from) || above(to)) && (realm === common || realm.endsWith(`.${common}`));
}

/** Returns the longest domain that two realms have in common. */
function commonDomain(a: string, b: string): string {
  const left = a.split(".");
  const right = b.split(".");
  let same = 0;
  while (same < Math.min(left.length, right.length) && left.at(-1 - same) === right.at(-1 - same)) same++;
  return left.slice(left.length - same).join(".");
}
