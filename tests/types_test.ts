/** The front door's types in programs of others, under the settings that these have. */
import assert from "node:assert/strict";
import { run } from "./support/process.ts";

const ROOT = new URL("..", import.meta.url);
const PROGRAM = new URL("./support/user_program.ts", import.meta.url);

/** Settings of programs, each by what is special in it. */
const SETTINGS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "Deno's own": {},
  "strict, with exactOptionalPropertyTypes": {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
  },
  "with the library of browsers": {
    exactOptionalPropertyTypes: true,
    lib: ["dom", "dom.iterable", "dom.asynciterable", "esnext", "deno.ns", "deno.unstable"],
  },
  "with whatever is strict": {
    exactOptionalPropertyTypes: true,
    lib: ["deno.window", "deno.unstable"],
    noUncheckedIndexedAccess: true,
    noImplicitOverride: true,
    verbatimModuleSyntax: true,
    erasableSyntaxOnly: true,
  },
};

/** What the compiler says of a program. */
async function check(
  program: string,
  compilerOptions: Readonly<Record<string, unknown>>,
): Promise<{ code: number; text: string }> {
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const directory = await Deno.makeTempDir({ prefix: "gssocks-types-" });
  try {
    await Deno.writeTextFile(
      `${directory}/deno.json`,
      JSON.stringify({
        imports: { ...config.imports, "@gssocks/gssocks": new URL("mod.ts", ROOT).href },
        links: config.links.map((link: string) => new URL(link, ROOT).pathname),
        compilerOptions,
      }),
    );
    await Deno.writeTextFile(`${directory}/program.ts`, program);
    const { HOME = "", DENO_DIR, PATH = "" } = Deno.env.toObject();
    const env = { HOME, PATH, NO_COLOR: "1", ...(DENO_DIR === undefined ? {} : { DENO_DIR }) };
    const args = ["check", "--no-lock", `--config=${directory}/deno.json`, `${directory}/program.ts`];
    const { code, stderr } = await run(Deno.execPath(), args, { env, timeout: 120_000 });
    return { code, text: stderr };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const program = await Deno.readTextFile(PROGRAM);

for (const [name, compilerOptions] of Object.entries(SETTINGS)) {
  Deno.test(`the types do what programs do, and refuse what they must, with settings ${name}`, async () => {
    const { code, text } = await check(program, compilerOptions);
    assert.equal(code, 0, text);
  });
}

Deno.test("the compiler is asked in earnest: every refusal that is not marked is an error", async () => {
  const unmarked = program.replaceAll(/^ *\/\/ @ts-expect-error.*\n/gm, "");
  const marks = program.split("// @ts-expect-error").length - 1;
  const { code, text } = await check(unmarked, { exactOptionalPropertyTypes: true });
  assert.notEqual(code, 0);
  const lines = new Set([...text.matchAll(/program\.ts:(\d+):\d+/g)].map(([, line]) => line));
  assert.equal(lines.size, marks, text);
});
