/** Exports: what a file exports is used outside of it, or is part of the public API. */
import assert from "node:assert/strict";
import { bareCode, importsOf, sources } from "./support/sources.ts";

const ROOT = new URL("..", import.meta.url);
const { exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT))) as {
  readonly exports: Readonly<Record<string, string>>;
};

/** Entry points, by path from the root: all that they export is public. */
const ENTRIES = new Set(Object.values(exports).map((path) => path.replace("./", "")));

/** Returns the names that a file declares and exports. */
function declared(text: string): string[] {
  const declaration = /^export (?:async |abstract )*(?:const|let|function\*?|class|interface|type) (\w+)/gm;
  return [...bareCode(text).matchAll(declaration)].map(([, name]) => name!);
}

/** Returns the names that a file imports or exports again, as `path name`; `path *` where all of a file may be used. */
function used(path: string, text: string): string[] {
  const found: string[] = [];
  for (const [, names, from] of text.matchAll(/^(?:import|export) (?:type )?\{([^}]*)\} from "(\.[^"]+)"/gm)) {
    const [target] = importsOf(path, `export {} from "${from}";`);
    for (const name of names!.split(",").map((part) => part.trim().replace(/^type /, "").split(" as ")[0]!)) {
      if (name !== "") found.push(`${target} ${name}`);
    }
  }
  for (const [, from] of text.matchAll(/(?:import\("|(?:import|export) \* (?:as \w+ )?from ")(\.[^"]+)"/g)) {
    found.push(`${importsOf(path, `export {} from "${from}";`)[0]} *`);
  }
  // Programs in tests name files by their path.
  for (const [, target] of text.matchAll(/["`/]((?:base|asn1|gss|kerberos|socks|proxy|conform|cli)\/[\w/]+\.ts)/g)) {
    found.push(`${target} *`);
  }
  return found;
}

/** Returns exports that no other file of those given uses. */
function unused(files: ReadonlyMap<string, string>, entries: ReadonlySet<string>): string[] {
  const uses = new Set([...files].flatMap(([path, text]) => used(path, text)));
  return [...files].filter(([path]) => !entries.has(path) && !path.startsWith("tests/")).flatMap(([path, text]) =>
    uses.has(`${path} *`)
      ? []
      : declared(text).filter((name) => !uses.has(`${path} ${name}`)).map((name) => `${path}: ${name}`)
  );
}

Deno.test("exports: each is used by another file or public", () => {
  const files = new Map([...sources(), ...sources(["tests/"])].filter(([path]) => !path.startsWith("tests/mutants/")));
  assert.deepEqual(unused(files, ENTRIES), []);
});

Deno.test("exports: the scan finds what nothing uses", () => {
  const files = new Map([
    ["a.ts", "export const one: number = 1;\nexport interface Two {}\nexport function three() {}\n"],
    ["b.ts", 'import { one } from "./a.ts";\nexport type { Two as Second } from "./a.ts";\n'],
    ["mod.ts", 'export { four } from "./b.ts";\nexport const five: number = 5;\n'],
  ]);
  assert.deepEqual(unused(files, new Set(["mod.ts"])), ["a.ts: three"]);
});
