/**
 * The table over Deno KV, in a process that has `--unstable-kv`. Says what has passed.
 *
 * @module
 */
import { connectDenoKv } from "../../../proxy/shell/deno_kv.ts";
import { STORE_TESTS } from "./store_suite.ts";

for (const { name, run } of STORE_TESTS) {
  const folder = await Deno.makeTempDir({ prefix: "gssocks-kv-" });
  try {
    await run((options) => connectDenoKv({ ...options, path: `${folder}/shared.kv` }));
    // deno-lint-ignore no-console
    console.log(`passed: ${name}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
