/**
 * Fuzzes everything that decodes foreign bytes: `deno run -A tests/fuzz/decoders.ts [--seed N] [--seconds S] [--runs
 * N]`. Exits with 1 if it finds something, and prints the input in hex.
 *
 * @module
 */
import { asn1Targets } from "./asn1_targets.ts";
import { fuzz, fuzzArguments, report, type Target } from "./fuzz.ts";
import { gssTargets } from "./gss_targets.ts";
import { pacTargets } from "./pac_targets.ts";
import { httpTargets } from "./http_targets.ts";
import { socksTargets } from "./socks_targets.ts";
import { textTargets } from "./text_targets.ts";

/** Returns the targets of all decoders. */
export async function decoderTargets(): Promise<Target[]> {
  return [
    ...asn1Targets(),
    ...pacTargets(),
    ...textTargets(),
    ...httpTargets(),
    ...socksTargets(),
    ...await gssTargets(),
  ];
}

if (import.meta.main) {
  const options = fuzzArguments(Deno.args);
  // deno-lint-ignore no-console
  console.log(`decoders: seed ${options.seed}`);
  Deno.exit(report("decoders", options, await fuzz(await decoderTargets(), options)));
}
