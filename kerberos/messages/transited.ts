/**
 * The realms that a client was vouched for by, as tickets carry them: DOMAIN-X500-COMPRESS (RFC 4120 section 3.3.3.2).
 *
 * @module
 */
import { exactText } from "../../base/bytes.ts";

/** DOMAIN-X500-COMPRESS, the only encoding that there is (section 7.5.5). */
export const DOMAIN_X500_COMPRESS = 1;

/** So that a short field cannot stand for much: realms that a field may list. */
export const MAX_TRANSITED = 64;

/**
 * The realms of a transited field, `undefined` for each null subfield: that stands for all realms between its neighbours, which
 * only who knows a hierarchy can say.
 *
 * @throws {RangeError} When it cannot be read, or lists more than {@linkcode MAX_TRANSITED}.
 */
export function decodeTransited(contents: Uint8Array): readonly (string | undefined)[] {
  // Nothing at all is no null subfield.
  if (contents.length === 0) return [];
  // The realm listed before, for subfields that are put together with it; the client's realm is not one of those listed.
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

/** One name of the list, without its quotes. */
interface Subfield {
  readonly name: string;
  /** Where it goes on the realm before: behind it (it begins with a slash) or in front of it (it ends in a dot). */
  readonly joined: "behind" | "in front" | undefined;
}

function whole({ name, joined }: Subfield, before: string): string {
  if (joined === undefined) return name;
  return joined === "behind" ? before + name : name + before;
}

/**
 * The subfields, `undefined` for null ones. A backslash takes its meaning from what is behind it; a blank in front makes a
 * name stand by itself, whatever it begins with or ends in.
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
