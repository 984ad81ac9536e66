/**
 * The realms on a client's path, as tickets carry them: DOMAIN-X500-COMPRESS (RFC 4120 section 3.3.3.2).
 *
 * @module
 */
import { exactText } from "../../base/bytes.ts";

/** DOMAIN-X500-COMPRESS, the only encoding that is assigned (section 7.5.5). */
export const DOMAIN_X500_COMPRESS = 1;

/** At most this many realms may be listed: compression lets a short field stand for many. */
export const MAX_TRANSITED = 64;

/**
 * Returns the realms of a transited field, and `undefined` for each null subfield, which stands for all realms between its
 * neighbours in the hierarchy.
 *
 * @throws {RangeError} When the field cannot be read, or lists more than {@linkcode MAX_TRANSITED}.
 */
export function decodeTransited(contents: Uint8Array): readonly (string | undefined)[] {
  // An empty field has no subfield.
  if (contents.length === 0) return [];
  // The realm before, which compressed subfields are joined to; the client's own realm is not listed.
  let listed = "";
  let count = 0;
  return readSubfields(contents).map((subfield) => {
    if (subfield === undefined) return undefined;
    listed = whole(subfield, listed);
    if (listed === "") throw new RangeError("a realm without a name is on it");
    if (++count > MAX_TRANSITED) throw new RangeError(`more than ${MAX_TRANSITED} realms are on it`);
    return listed;
  });
}

/** A subfield without its quotes. */
interface Subfield {
  readonly name: string;
  /** Where it is joined to the realm before: behind (it begins with a slash) or in front (it ends in a dot). */
  readonly joined: "behind" | "in front" | undefined;
}

function whole({ name, joined }: Subfield, before: string): string {
  if (joined === undefined) return name;
  return joined === "behind" ? before + name : name + before;
}

/**
 * Returns the subfields, `undefined` for null ones. A backslash quotes the next character; a leading space keeps a name from
 * being joined.
 */
function readSubfields(contents: Uint8Array): (Subfield | undefined)[] {
  const text = exactText(contents);
  const fields: (Subfield | undefined)[] = [];
  let [name, alone, slash, dot] = ["", false, false, false];
  for (let i = 0; i <= text.length; i++) {
    const character = text[i];
    if (character === "," || character === undefined) {
      const joined = alone ? undefined : slash ? "behind" : dot ? "in front" : undefined;
      fields.push(name === "" && !alone ? undefined : { name, joined });
      [name, alone, slash, dot] = ["", false, false, false];
    } else if (character === "\\") {
      const quoted = text[++i];
      if (quoted === undefined) throw new RangeError("the list of realms on it ends in a backslash");
      name += quoted;
      dot = false;
    } else if (character === " " && name === "") alone = true;
    else {
      slash ||= character === "/" && name === "";
      dot = character === ".";
      name += character;
    }
  }
  return fields;
}
