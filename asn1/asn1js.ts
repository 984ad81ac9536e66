/**
 * The engine on asn1js, the only importer of that package. It writes messages of our own that are rare, and is compared with
 * the engine in `der.ts` by tests. It reads nothing that other parties send.
 *
 * asn1js splits bytes into a tree and joins a tree into bytes, and validates little. So the rules of DER for identifiers and
 * lengths (X.690 section 10.1) are checked here, and those for contents in `types.ts` and `contents.ts`.
 *
 * @module
 */
import * as asn1js from "asn1js";
import { asBytes, type Bytes } from "../base/bytes.ts";
import {
  CONSTRUCTED,
  type DerEngine,
  type DerWriter,
  ELEMENT_LIMITS,
  STRANGER_ELEMENTS,
  TAG_NUMBER,
} from "./element.ts";
import { Asn1Error } from "./errors.ts";
import { lengthSize } from "./length.ts";
import type { FieldPath } from "./path.ts";
import { DerReader } from "./reader.ts";

type Node = asn1js.BaseBlock;

/** The engine. */
export const asn1jsEngine: DerEngine = {
  check(bytes, path, { elements = STRANGER_ELEMENTS } = {}): number {
    const node = parse(bytes, path, elements);
    const length = wholeLength(node);
    if (length > bytes.length) throw new Asn1Error(path, "cut short");
    checkNode(node, path);
    return length;
  },
  writer: (path) => new TreeWriter(path),
};

function parse(bytes: Bytes, path: string, elements: number): Node {
  let parsed: ReturnType<typeof asn1js.fromBER>;
  try {
    const { depth, bytes: maxContentLength } = ELEMENT_LIMITS;
    parsed = asn1js.fromBER(bytes, { maxDepth: depth, maxNodes: elements, maxContentLength });
  } catch (error) {
    throw new Asn1Error(path, "not DER", { cause: error });
  }
  if (parsed.offset === -1) throw new Asn1Error(path, "not DER, or cut short");
  return parsed.result;
}

/** asn1js reads an element to its own end, even if that is beyond the end of the element around it. */
function checkNode(node: Node, path: string): void {
  const { tagClass, tagNumber, isConstructed } = node.idBlock;
  const { isIndefiniteForm, length, blockLength } = node.lenBlock;
  if (isIndefiniteForm || blockLength !== lengthSize(length)) throw new Asn1Error(path, "length is not in DER form");
  if (tagNumber > 30) throw new Asn1Error(path, `tag number ${tagNumber}`);
  // X.690 section 8.1.5: the tag of end-of-contents, at which asn1js ends an element of definite length, too.
  if (tagClass === UNIVERSAL && tagNumber === 0) throw new Asn1Error(path, "tag 0, which no type has");
  if (!isConstructed) return;
  const { value } = (node as asn1js.Constructed).valueBlock;
  if (!Array.isArray(value)) throw new Asn1Error(path, "primitive type in constructed form");
  const nodes = value as Node[];
  const inside = nodes.reduce((sum, child) => sum + wholeLength(child), 0);
  if (inside !== length) throw new Asn1Error(path, `elements of ${inside} bytes in ${length}`);
  for (const child of nodes) checkNode(child, path);
}

/** Number of bytes of an element according to its own header. */
function wholeLength(node: Node): number {
  return node.idBlock.blockLength + node.lenBlock.blockLength + node.lenBlock.length;
}

/** Builds the tree that asn1js joins. */
class TreeWriter implements DerWriter {
  readonly path: FieldPath;
  /** The elements that were written and are in no other yet, in order. */
  #nodes: Node[] = [];

  constructor(path: FieldPath) {
    this.path = path;
  }

  primitive(identifier: number, contents: Uint8Array): void {
    const node = new asn1js.Primitive({ idBlock: idBlock(identifier), valueHex: asBytes(contents) });
    // Contents are written as given, even if the element is constructed.
    node.idBlock.isConstructed = (identifier & CONSTRUCTED) !== 0;
    this.#nodes.unshift(node);
  }

  whole(encoding: Bytes): void {
    const { identifier, contents } = new DerReader(encoding, "element");
    this.primitive(identifier, contents);
  }

  begin(): number {
    return this.#nodes.length;
  }

  end(identifier: number, begun: number): void {
    const value = this.#nodes.splice(0, this.#nodes.length - begun) as unknown as asn1js.AsnType[];
    this.#nodes.unshift(new asn1js.Constructed({ idBlock: idBlock(identifier), value } as asn1js.ConstructedParams));
  }

  finish(): Bytes {
    return new Uint8Array(this.#nodes[0]!.toBER());
  }
}

/** asn1js numbers the classes of tags from 1. */
const UNIVERSAL = 1;

function idBlock(identifier: number): { readonly tagClass: number; readonly tagNumber: number } {
  return { tagClass: 1 + (identifier >> 6), tagNumber: identifier & TAG_NUMBER };
}
