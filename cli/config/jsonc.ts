/**
 * JSON as people write it by hand: with comments, and a comma behind the last item. Errors have their place in the text.
 *
 * @module
 */
import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";

/** What was read. */
export interface JsonText {
  /** The value. */
  readonly value: unknown;
  /** Returns where a value is, as `line 3, column 5`: with `key` where that member of it is. */
  place(path: readonly PropertyKey[], key?: string): string;
}

/** Thrown for a text that is none; the message does not quote the text, which may hold a secret. */
export class JsonTextError extends Error {
  /** Name of the class. */
  override readonly name = "JsonTextError";
}

/** What the parser's codes mean. */
const MEANINGS: Readonly<Record<string, string>> = {
  InvalidSymbol: "a word that is not JSON: text stands in double quotation marks",
  InvalidNumberFormat: "a number that cannot be read",
  PropertyNameExpected: "a name in double quotation marks is wanted",
  ValueExpected: "a value is wanted",
  ColonExpected: "a colon is wanted",
  CommaExpected: "a comma is wanted",
  CloseBraceExpected: "a closing brace } is missing",
  CloseBracketExpected: "a closing bracket ] is missing",
  EndOfFileExpected: "the text goes on behind its end",
  UnexpectedEndOfComment: "a comment is not ended",
  UnexpectedEndOfString: "a text is not ended",
  InvalidCommentToken: "this begins no comment",
  InvalidUnicode: "\\u wants four hexadecimal digits",
  InvalidEscapeCharacter: "a backslash stands before a character that needs none; write \\\\ for one",
  InvalidCharacter: "a control character stands in a text",
};

/**
 * Reads a text.
 *
 * @throws {JsonTextError} With the place of the first error.
 */
export function parseJsonText(text: string): JsonText {
  const errors: ParseError[] = [];
  let root: Node | undefined;
  try {
    root = parseTree(text, errors, { allowTrailingComma: true });
  } catch (error) {
    if (error instanceof RangeError) throw new JsonTextError("not JSON: it is nested too deeply");
    throw error;
  }
  const [first] = errors;
  if (first !== undefined || root === undefined) {
    const code = first === undefined ? "ValueExpected" : printParseErrorCode(first.error);
    throw new JsonTextError(`not JSON: ${MEANINGS[code] ?? code} (${placeOf(text, first?.offset ?? 0)})`);
  }
  return { value: valueOf(root, text), place: (path, key) => placeOf(text, offsetOf(root, path, key)) };
}

/** A value of its own members only: a member `__proto__` is one like others. Two of one name are a mistake. */
function valueOf(node: Node, text: string): unknown {
  const { type, children = [], value } = node;
  if (type === "array") return children.map((child) => valueOf(child, text));
  if (type !== "object") return value;
  const members = new Map<string, unknown>();
  for (const { children: [name, member] = [], offset } of children) {
    const key = String(name!.value);
    if (members.has(key)) {
      throw new JsonTextError(`not good JSON: ${JSON.stringify(key)} stands twice (${placeOf(text, offset)})`);
    }
    members.set(key, valueOf(member!, text));
  }
  return Object.fromEntries(members);
}

function offsetOf(root: Node, path: readonly PropertyKey[], key: string | undefined): number {
  // What is missing has no place; what it is missing in has one.
  for (let length = path.length; length >= 0; length--) {
    const node = findNodeAtLocation(root, path.slice(0, length) as (string | number)[]);
    if (node === undefined) continue;
    const member = key === undefined || length < path.length
      ? undefined
      : node.children?.find(({ children }) => children?.[0]?.value === key);
    return (member ?? node).offset;
  }
  return root.offset;
}

function placeOf(text: string, offset: number): string {
  const lines = text.slice(0, offset).split(/\r\n|\n|\r/);
  return `line ${lines.length}, column ${lines.at(-1)!.length + 1}`;
}
