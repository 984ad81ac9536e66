/**
 * Builds the npm package from the same sources: one file of JavaScript and one of types for each source, in a folder from which
 * `npm pack` and `npm publish` take it.
 *
 * TypeScript's own compiler does it. No file needs another one's types for that (`isolatedDeclarations`), so the types of Deno may be
 * missing. What `@std/*` gives comes from `links/`: npm's registry does not have these packages.
 *
 * ```sh
 * deno task npm /tmp/gssocks-npm && npm pack /tmp/gssocks-npm
 * ```
 *
 * @module
 */
import ts from "typescript";

const ROOT = new URL("../../", import.meta.url);

/** Entries that run in Node and Bun: not those of the program and of Deno KV. */
const LEFT_OUT: readonly string[] = ["./cli", "./kv"];

/** Packages that only the entry of their name needs: whoever imports it installs them. */
const OPTIONAL = ["@opentelemetry/api", "@redis/client"];

/**
 * Files for which bundles for browsers and workers have another one: those runtimes compile no WebAssembly from bytes, or get it as a file
 * (`./core.wasm`, see `useCryptoModule`).
 */
const SWAPPED: Readonly<Record<string, { readonly name: string; readonly text: string }>> = {
  "kerberos/crypto/core/module": {
    name: "#core-module",
    text: '/** No core: runtimes of this kind compile none. */\nexport const MODULE: string = "";\n',
  },
};

/** Of what is newer than ES2022, the types name this alone. */
const LIBRARY = '/// <reference lib="esnext.disposable" />\n';

/** What of the configuration is used. */
interface Config {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
  readonly publish: { readonly include: readonly string[] };
}

/** Builds the package in a folder, which is made. */
export async function buildPackage(to: string): Promise<void> {
  const config: Config = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const entries = Object.entries(config.exports).filter(([name]) => !LEFT_OUT.includes(name));
  const { files, packages } = await collect(entries.map(([, path]) => path.replace("./", "")));
  const typed = new Set(entries.map(([, path]) => `${outputOf(path.replace("./", ""))}.d.ts`));
  for (const [path, { text }] of Object.entries(SWAPPED)) files.set(`${path}.none.ts`, text);
  for (const [path, text] of compile(files)) await write(`${to}/${path}`, typed.has(path) ? LIBRARY + text : text);
  await bundleProgram(to);
  await write(`${to}/package.json`, JSON.stringify(manifest(config, entries, packages), null, 2));
  for await (const path of otherFiles(config.publish.include)) {
    await Deno.mkdir(`${to}/${path}`.replace(/[^/]*$/, ""), { recursive: true });
    await Deno.copyFile(new URL(path, ROOT), `${to}/${path}`);
  }
}

/** What is published beside code: documents, and the core as a file. */
async function* otherFiles(patterns: readonly string[]): AsyncGenerator<string> {
  for (const pattern of patterns.filter((one) => !/\.ts$|^deno\.json$/.test(one))) {
    const glob = pattern.replace(/[.+]/g, "\\$&").replace(/\*\*\/?|\*/g, (stars) => stars === "*" ? "[^/]*" : ".*");
    const folder = pattern.slice(0, pattern.split("*")[0]!.lastIndexOf("/") + 1);
    for await (const path of filesBelow(folder)) if (new RegExp(`^${glob}$`).test(path)) yield path;
  }
}

async function* filesBelow(folder: string): AsyncGenerator<string> {
  const entries = await Array.fromAsync(Deno.readDir(new URL(folder, ROOT))).catch((error) => {
    // A pattern may stand for nothing.
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  });
  for (const { name, isDirectory, isFile } of entries) {
    if (isDirectory && folder !== "") yield* filesBelow(`${folder}${name}/`);
    else if (isFile) yield `${folder}${name}`;
  }
}

/** Bundles the program, which runs in Deno, and its worker beside it. */
async function bundleProgram(to: string): Promise<void> {
  for (const [source, name] of [["cli/mod.ts", "gssocks.js"], ["cli/server/worker.ts", "worker.js"]] as const) {
    const path = `${to}/program/${name}`;
    const args = [
      "bundle",
      "--quiet",
      "--platform=deno",
      "--minify",
      "--config",
      "deno.json",
      "--output",
      path,
      source,
    ];
    const { code, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT.pathname }).output();
    if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
    await write(path, (await Deno.readTextFile(path)).replaceAll('"./worker.ts"', '"./worker.js"'));
  }
  await Deno.copyFile(new URL("gssocks.mjs", import.meta.url), `${to}/program/gssocks.mjs`);
}

/** The sources of some entries, by their path in the package, and the other packages that they import. */
interface Collected {
  readonly files: Map<string, string>;
  readonly packages: ReadonlySet<string>;
}

/** Returns the entries and all that they import. */
async function collect(entries: readonly string[]): Promise<Collected> {
  const files = new Map<string, string>();
  const packages = new Set<string>();
  const left = [...entries];
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    if (files.has(`${outputOf(path)}.ts`)) continue;
    const { text, targets, others } = rewrite(path, await Deno.readTextFile(new URL(path, ROOT)));
    for (const name of others) packages.add(name);
    // Of what is newer than ES2022, the types name this alone.
    files.set(
      `${outputOf(path)}.ts`,
      entries.includes(path) ? `/// <reference lib="esnext.disposable" />\n${text}` : text,
    );
    left.push(...targets);
  }
  return { files, packages };
}

/** Node 22 has all of ES2024 in its library, and of the language all but `using`. */
const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ["lib.esnext.d.ts", "lib.dom.d.ts"],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  isolatedDeclarations: true,
  declaration: true,
  verbatimModuleSyntax: true,
  // `deno check` has checked them.
  noCheck: true,
  types: [],
};

/** Compiles the sources; returns what is written. */
function compile(files: ReadonlyMap<string, string>): Map<string, string> {
  const host = ts.createCompilerHost(OPTIONS);
  const libraries = { read: host.getSourceFile, has: host.fileExists };
  const known = (name: string) => files.get(name.replace(/^\/package\//, ""));
  host.getCurrentDirectory = () => "/package";
  host.fileExists = (name) => known(name) !== undefined || libraries.has(name);
  host.getSourceFile = (name, how) => {
    const text = known(name);
    return text === undefined ? libraries.read(name, how) : ts.createSourceFile(name, text, how, true);
  };
  const written = new Map<string, string>();
  host.writeFile = (name, text) => void written.set(name.replace(/^\/package\//, ""), text);
  const program = ts.createProgram([...files.keys()].map((name) => `/package/${name}`), OPTIONS, host);
  const problems = [...program.getSyntacticDiagnostics(), ...program.emit().diagnostics];
  if (problems.length > 0) throw new Error(ts.formatDiagnostics(problems, host));
  return written;
}

/** A source, and what it imports. */
interface Rewritten {
  readonly text: string;
  readonly targets: readonly string[];
  readonly others: readonly string[];
}

/** Gives imports the names that they have in the package. */
function rewrite(path: string, source: string): Rewritten {
  const targets: string[] = [];
  const others: string[] = [];
  const from = `${outputOf(path)}.js`;
  const text = source.replaceAll(
    /^((?:import|export)\b[^;"']*?\bfrom |import |(?:[^*\n]|\*[^ ])*?\bimport\()"([^"]+)"/gm,
    (whole, before: string, specifier: string) => {
      const target = sourceOf(path, specifier);
      if (target === undefined) {
        // Examples in comments import this package itself.
        if (!/^node:|^@gssocks\//.test(specifier)) others.push(/^(?:@[^/]+\/)?[^/]+/.exec(specifier)![0]);
        return whole;
      }
      targets.push(target);
      return `${before}"${SWAPPED[outputOf(target)]?.name ?? relative(from, `${outputOf(target)}.js`)}"`;
    },
  );
  return { text, targets, others };
}

/** The file that an import stands for; `undefined` for another package. */
function sourceOf(path: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) return new URL(specifier, new URL(path, "file:///")).pathname.slice(1);
  const [, name, entry] = /^@std\/([a-z]+)\/([a-z-]+)$/.exec(specifier) ?? [];
  return name === undefined ? undefined : `links/std-${name}/${entry!.replaceAll("-", "_")}.ts`;
}

/** Path of what is built of a file, without its extension. */
function outputOf(path: string): string {
  return path.replace(/\.ts$/, "").replace(/^links\/std-/, "std/");
}

/** One file as seen from another one. */
function relative(from: string, to: string): string {
  const [a, b] = [from.split("/"), to.split("/")];
  while (a.length > 1 && a[0] === b[0]) {
    a.shift();
    b.shift();
  }
  return a.length === 1 ? `./${b.join("/")}` : "../".repeat(a.length - 1) + b.join("/");
}

/** The package's own description. */
function manifest(
  config: Config,
  entries: readonly (readonly [string, string])[],
  packages: ReadonlySet<string>,
): unknown {
  const needed = [...packages].filter((name) => !OPTIONAL.includes(name)).sort();
  const exported = entries.map(([name, path]) => {
    const file = `./${outputOf(path.replace("./", ""))}`;
    return [name, { types: `${file}.d.ts`, default: `${file}.js` }] as const;
  });
  const swapped = Object.entries(SWAPPED).map(([file, { name }]) =>
    [name, { node: `./${file}.js`, bun: `./${file}.js`, deno: `./${file}.js`, default: `./${file}.none.js` }] as const
  );
  return {
    name: config.name,
    version: config.version,
    description: "SOCKS5 with Kerberos (GSS-API): client, server and bridge",
    license: config.license,
    ...repository(),
    type: "module",
    sideEffects: false,
    engines: { node: ">=22" },
    bin: { gssocks: "./program/gssocks.mjs" },
    exports: { ...Object.fromEntries(exported), "./core.wasm": "./kerberos/crypto/core/core.wasm" },
    imports: Object.fromEntries(swapped),
    dependencies: versions(config, needed),
    // The program needs Deno; the library does not.
    peerDependencies: { ...versions(config, OPTIONAL), deno: ">=2.9" },
    peerDependenciesMeta: Object.fromEntries([...OPTIONAL, "deno"].map((name) => [name, { optional: true }])),
  };
}

/** Where it is built, without which npm takes no provenance. */
function repository(): Record<string, unknown> {
  const name = Deno.env.get("GITHUB_REPOSITORY");
  return name === undefined ? {} : { repository: { type: "git", url: `git+https://github.com/${name}.git` } };
}

function versions({ imports }: Config, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, imports[name]!.replace(`npm:${name}@`, "")]));
}

async function write(path: string, text: string): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, text);
}

if (import.meta.main) {
  const [to] = Deno.args;
  if (to === undefined) throw new TypeError("Name the folder in which the package is built");
  await buildPackage(to);
}
