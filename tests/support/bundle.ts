/**
 * Bundles of this package for other runtimes.
 *
 * @module
 */
import assert from "node:assert/strict";
import { peer } from "./peers.ts";
import { run } from "./process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Bundles a file of the checkout for a runtime without Deno and Node; returns the text. */
export async function bundle(path: string, external: readonly string[] = []): Promise<string> {
  const file = await Deno.makeTempFile({ suffix: ".js" });
  try {
    const outside = external.map((name) => `--external=${name}`);
    const how = [...outside, "--platform=browser", "--minify", "-c", `${ROOT}deno.json`, "-o", file];
    const { code, stderr } = await run(Deno.execPath(), ["bundle", "-q", ...how, `${ROOT}${path}`]);
    assert.equal(code, 0, stderr);
    return await Deno.readTextFile(file);
  } finally {
    await Deno.remove(file);
  }
}

/** The same text as a script, without what is newer than ES2022, as the tools of such runtimes make it. */
export async function asScript(text: string): Promise<string> {
  const esbuild = `${peer("runtimes")}/node_modules/esbuild/bin/esbuild`;
  const { code, stdout, stderr } = await run(esbuild, ["--target=es2022", "--format=iife", "--minify"], {
    stdin: text,
  });
  assert.equal(code, 0, stderr);
  return stdout;
}
