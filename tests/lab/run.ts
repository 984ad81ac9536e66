/**
 * Tries the faults in labs, and prints each outcome beside the one before it was handled.
 *
 * ```sh
 * deno task lab                       # all faults, some 20 minutes
 * deno task lab --short               # the short form, as in the tests
 * deno task lab --group store         # one group
 * deno task lab --only frozen         # faults with the word in their name
 * deno task lab --out docs/faults.md  # writes the table too
 * ```
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { parseArgs } from "node:util";
import { type FaultGroup, tryFault } from "./fault.ts";
import { GROUPS } from "./groups.ts";
import { Lab } from "./setup.ts";

const { values } = parseArgs({
  options: {
    short: { type: "boolean" },
    group: { type: "string" },
    only: { type: "string" },
    out: { type: "string" },
  },
});

/** Outcome of a fault. */
interface Row {
  readonly name: string;
  readonly before: string;
  readonly now: string;
}

function chosen(): FaultGroup[] {
  return GROUPS.filter(({ name }) => values.group === undefined || name === values.group).map((group) => ({
    ...group,
    faults: group.faults.filter((fault) =>
      (!values.short || fault.short) && (values.only === undefined || fault.name.includes(values.only))
    ),
  })).filter(({ faults }) => faults.length > 0);
}

const rows: Row[] = [];
let failed = 0;

/** Formats an error for a table cell. */
function words(error: unknown): string {
  console.error(error);
  failed++;
  return `**FAILED**: ${error instanceof Error ? error.message : error}`.replaceAll("\n", " ").slice(0, 600);
}

for (const { name: group, lab: options, faults } of chosen()) {
  let lab = await Lab.start(options);
  for (const fault of faults) {
    const begun = performance.now();
    let now: string;
    try {
      now = await tryFault(fault, lab, values.short ?? false);
    } catch (error) {
      now = words(error);
      // The fault may have left the lab broken.
      await lab[Symbol.asyncDispose]().catch(console.error);
      lab = await Lab.start(options);
    }
    const { name, before } = fault;
    console.log(`${((performance.now() - begun) / 1_000).toFixed(1).padStart(6)} s  ${group}: ${name} | ${now}`);
    rows.push({ name, before, now });
  }
  await lab[Symbol.asyncDispose]().catch((error) =>
    rows.push({ name: `${group}: the end`, before: "", now: words(error) })
  );
}
if (values.out !== undefined) {
  const cell = (text: string) => text.replaceAll("|", "\\|");
  const table = rows.map(({ name, before, now }) => `| ${cell(name)} | ${cell(before)} | ${cell(now)} |`).join("\n");
  await Deno.writeTextFile(values.out, `| fault | before | now |\n| --- | --- | --- |\n${table}\n`);
}
console.log(`${rows.length - failed} as they have to be, ${failed} failed`);
Deno.exit(failed === 0 ? 0 : 1);
