/**
 * The time to start: imports, the command line, and the first use of the cryptography, each in a fresh process.
 *
 * @module
 */
import type { Contest } from "./contest.ts";
import type { Field } from "./field.ts";

/** Runs a module in a process of its own; returns the number that it prints. */
async function printed(field: Field, code: string): Promise<number> {
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(path, code);
    const { stdout } = await new Deno.Command(Deno.execPath(), { args: [...field.deno(), path] }).output();
    return Number(new TextDecoder().decode(stdout));
  } finally {
    await Deno.remove(path);
  }
}

/** Everything that starts. */
export async function* start(field: Field): AsyncGenerator<Contest> {
  const imported = (path: string) => `await import(${JSON.stringify(`file://${field.root}${path}`)})`;
  const timed = (before: string, work: string) => () =>
    printed(field, `${before}; const start = performance.now(); ${work}; console.log(performance.now() - start);`);
  const help = async () => {
    const begun = performance.now();
    await new Deno.Command(Deno.execPath(), { args: [...field.deno(), `${field.root}cli/mod.ts`, "--help"] }).output();
    return performance.now() - begun;
  };
  const firstUse = timed(
    `const { KerberosKey } = ${imported("kerberos/mod.ts")}`,
    `await new KerberosKey(18, new Uint8Array(32)).encrypt(1, new Uint8Array(64))`,
  );
  for (
    const [work, most, gssocks] of [
      ["import of the front door in a fresh process", 60, timed("", imported("mod.ts"))],
      ["first message sealed in a fresh process", 5, firstUse],
      ["`gssocks --help`, whole process", 150, help],
    ] as const
  ) {
    yield { measures: [{ work, unit: "ms", goals: [{ most }] }], ours: { gssocks }, turns: 9 };
  }
}
