/**
 * Encodings as trees of elements, for tests that take them apart and put them together.
 *
 * @module
 */
import { derEngine } from "../../asn1/der.ts";
import { CONSTRUCTED, type DerEngine, type DerWriter, VOUCHED_ELEMENTS } from "../../asn1/element.ts";
import { FieldPath } from "../../asn1/path.ts";
import { DerReader } from "../../asn1/reader.ts";
import { asBytes, type Bytes } from "../../base/bytes.ts";

/** An element with those in it. */
export interface DerTree {
  readonly identifier: number;
  readonly whole: Bytes;
  readonly contents: Bytes;
  readonly children: readonly DerTree[];
}

/** An element to write, out of elements or out of its bytes. */
export type NewTree = { readonly identifier: number; readonly children: readonly NewTree[] } | {
  readonly whole: Bytes;
};

/** Reads the tree of an encoding that an engine has checked. */
export function readTree(bytes: Uint8Array, engine: DerEngine = derEngine): DerTree {
  engine.check(asBytes(bytes), "tree", { elements: VOUCHED_ELEMENTS });
  return treeAt(new DerReader(asBytes(bytes), "tree"));
}

function treeAt(reader: DerReader): DerTree {
  const { identifier, body, end, contents } = reader;
  const whole = reader.copy();
  const children: DerTree[] = [];
  for (let at = body; (identifier & CONSTRUCTED) !== 0 && at < end;) {
    reader.open(at);
    at = reader.end;
    children.push(treeAt(reader));
  }
  return { identifier, whole, contents, children };
}

/** Writes a tree through an engine. */
export function writeTree(tree: NewTree, engine: DerEngine = derEngine): Bytes {
  const writer = engine.writer(new FieldPath("tree"));
  put(writer, tree);
  return writer.finish();
}

function put(writer: DerWriter, tree: NewTree): void {
  if ("whole" in tree) return writer.whole(tree.whole);
  const begun = writer.begin();
  for (const child of tree.children.toReversed()) put(writer, child);
  writer.end(tree.identifier, begun);
}
