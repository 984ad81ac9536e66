/** The types of `mod.ts` in users' programs, under several compiler settings. */
import assert from "node:assert/strict";
import { run } from "./support/process.ts";

const ROOT = new URL("..", import.meta.url);
const PROGRAM = new URL("./support/types_program.ts", import.meta.url);

/** Compiler settings, by what is special about them. */
const SETTINGS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "of Deno": {},
  "of browsers, with whatever is strict": {
    // Only Deno's stable types: in a copy of the package the compiler reads the code, not only the types.
    lib: ["dom", "dom.iterable", "dom.asynciterable", "esnext", "deno.ns"],
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    noImplicitReturns: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
    isolatedDeclarations: true,
    noImplicitOverride: true,
    verbatimModuleSyntax: true,
    erasableSyntaxOnly: true,
  },
};

/** Returns the entry points by their public specifiers. */
function entries(exports: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(exports).map(([name, path]) => [`@gssocks/gssocks${name.slice(1)}`, new URL(path, ROOT).href]),
  );
}

/** Returns the compiler's errors in a program. */
async function check(
  programs: Readonly<Record<string, string>>,
  compilerOptions: Readonly<Record<string, unknown>>,
): Promise<string> {
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const directory = await Deno.makeTempDir({ prefix: "gssocks-types-" });
  try {
    await Deno.writeTextFile(
      `${directory}/deno.json`,
      JSON.stringify({
        imports: { ...config.imports, ...entries(config.exports) },
        links: config.links.map((link: string) => new URL(link, ROOT).pathname),
        compilerOptions,
      }),
    );
    const paths = Object.keys(programs).map((name) => `${directory}/${name}`);
    for (const [i, text] of Object.values(programs).entries()) await Deno.writeTextFile(paths[i]!, text);
    const { HOME = "", DENO_DIR, PATH = "" } = Deno.env.toObject();
    const env = { HOME, PATH, NO_COLOR: "1", ...(DENO_DIR === undefined ? {} : { DENO_DIR }) };
    const args = ["check", "--no-lock", `--config=${directory}/deno.json`, ...paths];
    const { code, stderr } = await run(Deno.execPath(), args, { env, timeout: 120_000 });
    assert.equal(code !== 0, stderr.includes("[ERROR]"), stderr);
    return stderr;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

for (const [name, compilerOptions] of Object.entries(SETTINGS)) {
  Deno.test(`public types: right programs compile and wrong ones do not, with settings ${name}`, async () => {
    const program = await Deno.readTextFile(PROGRAM);
    // The same without `@ts-expect-error`: every marked line is an error, and no other line is.
    const unmarked = program.replaceAll("// @ts-expect-error", "// refused:");
    const { exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
    const all = Object.keys(entries(exports)).map((name, i) => `export * as entry${i} from "${name}";\n`).join("");
    const programs = { "program.ts": program, "unmarked.ts": unmarked, "all.ts": all };
    const text = await check(programs, compilerOptions);
    const errors = [...text.matchAll(/^ {4}at file:\/\/\S+\/([\w.]+):(\d+):\d+/gm)].map(([, file, line]) =>
      `${file}:${line}`
    );
    const wanted = unmarked.split("\n").flatMap((line, i) =>
      line.includes("// refused:") ? [`unmarked.ts:${i + 2}`] : []
    );
    assert.ok(wanted.length > 5);
    const missing = wanted.filter((line) => !errors.includes(line));
    const others = errors.filter((line) => !wanted.includes(line));
    assert.deepEqual(
      { missing, others },
      { missing: [], others: [] },
      `${missing} are missing, ${others} were not expected:\n${text}`,
    );
  });
}
