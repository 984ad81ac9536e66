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
import { Asn1Error } from "./errors.ts";
import { derEngine } from "./der.ts";
import {
  type DerEngine,
  type Element,
  ELEMENT_LIMITS,
  type NewElement,
  STRANGER_ELEMENTS,
  type Tag,
} from "./element.ts";
import { lengthSize } from "./length.ts";

type Node = asn1js.BaseBlock;

/** The engine. */
export const asn1jsEngine: DerEngine = {
  read(bytes, path, { elements = STRANGER_ELEMENTS } = {}): Element {
    const node = parse(bytes, path, elements);
    if (wholeLength(node) > bytes.length) throw new Asn1Error(path, "cut short");
    return toElement(node, path);
  },
  write: (element) => new Uint8Array(toNode(element).toBER()),
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

function toElement(node: Node, path: string): Element {
  const { tagClass, tagNumber, isConstructed: constructed } = node.idBlock;
  const { isIndefiniteForm, length, blockLength } = node.lenBlock;
  if (isIndefiniteForm || blockLength !== lengthSize(length)) throw new Asn1Error(path, "length is not in DER form");
  if (tagNumber > 30) throw new Asn1Error(path, `tag number ${tagNumber}`);
  const whole = node.valueBeforeDecodeView as Bytes;
  const contents = whole.subarray(whole.length - length);
  return { tagClass, tagNumber, constructed, contents, whole, children: constructed ? children(node, path) : [] };
}

/** asn1js reads an element to its own end, even if that is beyond the end of the element around it. */
function children(node: Node, path: string): Element[] {
  const { value } = (node as asn1js.Constructed).valueBlock;
  if (!Array.isArray(value)) throw new Asn1Error(path, "primitive type in constructed form");
  const nodes = value as Node[];
  const inside = nodes.reduce((sum, child) => sum + wholeLength(child), 0);
  const { length } = node.lenBlock;
  if (inside !== length) throw new Asn1Error(path, `elements of ${inside} bytes in ${length}`);
  return nodes.map((child) => toElement(child, path));
}

/** Number of bytes of an element according to its own header. */
function wholeLength(node: Node): number {
  return node.idBlock.blockLength + node.lenBlock.blockLength + node.lenBlock.length;
}

function toNode(element: NewElement): Node {
  if ("whole" in element) {
    const { tagClass, tagNumber, constructed, contents } = derEngine.read(element.whole, "element");
    return leaf({ tagClass, tagNumber, constructed }, contents);
  }
  if ("contents" in element) return leaf(element, element.contents);
  const idBlock = { tagClass: element.tagClass, tagNumber: element.tagNumber };
  const value = element.children.map(toNode) as unknown as asn1js.AsnType[];
  return new asn1js.Constructed({ idBlock, value } as asn1js.ConstructedParams);
}

/** A node whose contents are written as given, even if the element is constructed. */
function leaf({ tagClass, tagNumber, constructed }: Tag, contents: Uint8Array): Node {
  const node = new asn1js.Primitive({ idBlock: { tagClass, tagNumber }, valueHex: asBytes(contents) });
  node.idBlock.isConstructed = constructed;
  return node;
}
