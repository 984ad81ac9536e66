/**
 * The parts of the guides that are generated: each stands between two comments that name it.
 *
 * @module
 */
import { commandSections } from "./commands.ts";
import { errorCodes, kdcRefusals, proxyReplies } from "./errors.ts";
import { settingSections } from "./settings.ts";

const DOCS = new URL("../../../docs/", import.meta.url);

/** Parts by name. */
const PARTS: Readonly<Record<string, () => string | Promise<string>>> = {
  commands: commandSections,
  settings: settingSections,
  "kdc-refusals": kdcRefusals,
  "proxy-replies": proxyReplies,
  "error-codes": errorCodes,
};

/** Pages that have such parts. */
export const GENERATED_PAGES: readonly string[] = [
  "reference-cli.md",
  "reference-config.md",
  "howto/troubleshooting.md",
];

/** Reads a page. */
export function readPage(name: string): Promise<string> {
  return Deno.readTextFile(new URL(name, DOCS));
}

/** Returns a page with its parts as they must be. */
export async function renewed(page: string): Promise<string> {
  let result = page;
  for (const [, name] of page.matchAll(/^<!-- deno task docs: ([\w-]+) -->$/gm)) {
    const part = PARTS[name!];
    if (part === undefined) throw new Error(`There is no part "${name}"`);
    const begin = `<!-- deno task docs: ${name} -->\n`;
    const from = result.indexOf(begin) + begin.length;
    const to = result.indexOf("<!-- end -->", from);
    if (to < from) throw new Error(`Part "${name}" has no end`);
    result = `${result.slice(0, from)}\n${await part()}\n${result.slice(to)}`;
  }
  return result;
}

if (import.meta.main) {
  for (const name of GENERATED_PAGES) {
    await Deno.writeTextFile(new URL(name, DOCS), await renewed(await readPage(name)));
  }
}
