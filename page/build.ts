/**
 * Builds what the admin port sends to browsers: `deno task page` writes `cli/monitor/page/assets.ts`.
 *
 * @module
 */
import * as esbuild from "esbuild";

/** Where uPlot is, once Deno has it. */
const CHART = new URL(import.meta.resolve("uplot"));

/** Returns the text of that file. The same files give the same text. */
export async function assetsFile(): Promise<string> {
  const [html, css, chartCss, license] = await Promise.all([
    read(new URL("page.html", import.meta.url)),
    read(new URL("page.css", import.meta.url)),
    read(new URL("../dist/uPlot.min.css", CHART)),
    read(new URL("../LICENSE", CHART)),
  ]);
  const notice = `/*!\nuPlot, of which parts are in here:\n\n${license.trim()}\n*/\n`;
  return [
    "/**",
    " * What the admin port sends to browsers, as text, so that it needs no permission to read. Written by `deno task page` from `page/`",
    " * and the package uPlot, whose license is in the texts.",
    " *",
    " * @module",
    " */",
    "",
    ...constant("PAGE_HTML", "The page.", html),
    ...constant("PAGE_CSS", "Its style.", `${notice}${chartCss.trim()}\n${css}`),
    ...constant("PAGE_JS", "Its script.", `${notice}${await script()}`),
  ].join("\n");
}

async function read(file: URL): Promise<string> {
  return await Deno.readTextFile(file);
}

function constant(name: string, what: string, text: string): string[] {
  return [`/** ${what} */`, `export const ${name}: string =`, `  ${JSON.stringify(text)};`, ""];
}

async function script(): Promise<string> {
  try {
    const { outputFiles } = await esbuild.build({
      entryPoints: [new URL("page.ts", import.meta.url).pathname],
      bundle: true,
      format: "iife",
      minify: true,
      legalComments: "none",
      target: "es2022",
      alias: { uplot: new URL("../dist/uPlot.esm.js", CHART).pathname },
      write: false,
    });
    return outputFiles[0]!.text;
  } finally {
    await esbuild.stop();
  }
}

if (import.meta.main) {
  await Deno.writeTextFile(new URL("../cli/monitor/page/assets.ts", import.meta.url), await assetsFile());
}
