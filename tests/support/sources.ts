/**
 * The source files of the package, as text, for the rules of the house.
 *
 * @module
 */

const ROOT = new URL("../../", import.meta.url);

/** Trees of the package. */
export const TOPS: readonly string[] = ["base/", "asn1/", "gss/", "kerberos/", "socks/", "proxy/", "conform/", "cli/"];

/** Returns the TypeScript files below folders of the checkout, and `mod.ts`, by path from its root. */
export function sources(tops: readonly string[] = TOPS): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (directory: string) => {
    for (const entry of Deno.readDirSync(new URL(directory, ROOT))) {
      const path = `${directory}${entry.name}`;
      if (entry.isDirectory) visit(`${path}/`);
      else if (path.endsWith(".ts")) found.set(path, Deno.readTextFileSync(new URL(path, ROOT)));
    }
  };
  for (const top of tops) visit(top);
  found.set("mod.ts", Deno.readTextFileSync(new URL("mod.ts", ROOT)));
  return found;
}

/** Returns what a file imports: paths from the root for relative specifiers, the specifiers themselves for the rest. Types count too. */
export function importsOf(path: string, text: string): string[] {
  const specifiers = [
    ...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom\s+"([^"]+)"/gm),
    ...text.matchAll(/\bimport\("([^"]+)"\)/g),
  ];
  return specifiers.map(([, specifier]) => {
    if (!specifier!.startsWith(".")) return specifier!;
    return new URL(specifier!, new URL(path, "file:///")).pathname.slice(1);
  });
}

/** Returns the code of a file without comments and without the text of strings. */
export function bareCode(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[^:"'`\\])\/\/.*$/gm, "$1").replace(
    /"(?:[^"\\\n]|\\.)*"/g,
    '""',
  );
}
