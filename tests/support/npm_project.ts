/**
 * The npm package, and empty projects that it is installed in.
 *
 * @module
 */
import assert from "node:assert/strict";
import { buildPackage } from "../../packaging/npm/build.ts";
import { peer } from "./peers.ts";
import { run, type RunResult } from "./process.ts";

/** A project in a folder of its own, with the package and others installed. */
export interface NpmProject extends AsyncDisposable {
  readonly folder: string;
  /** Writes a file; returns its path. */
  write(name: string, text: string): Promise<string>;
  /** Runs a program in the folder, and fails if it fails. */
  runs(command: string, args: readonly string[], env?: Record<string, string>): Promise<RunResult>;
}

/** Builds the package, packs it, and installs the tarball in an empty project. Other packages are taken from the folder of runtimes. */
export async function npmProject(others: readonly string[] = []): Promise<NpmProject> {
  const folder = await Deno.makeTempDir({ prefix: "gssocks-npm-" });
  try {
    return await projectIn(folder, others);
  } catch (error) {
    await Deno.remove(folder, { recursive: true });
    throw error;
  }
}

async function projectIn(folder: string, others: readonly string[]): Promise<NpmProject> {
  const runs = async (command: string, args: readonly string[], env: Record<string, string> = {}) => {
    const done = await run("env", ["-C", folder, command, ...args], { env, timeout: 60_000 });
    assert.equal(done.code, 0, `${command} ${args.join(" ")}:\n${done.stdout}${done.stderr}`);
    return done;
  };
  await buildPackage(`${folder}/package`);
  const cache = ["--cache", `${peer("runtimes")}/../cache`, "--prefer-offline", "--no-audit", "--no-fund", "--silent"];
  const { stdout: tarball } = await runs(peer("npm"), ["pack", ...cache, "./package"]);
  await Deno.writeTextFile(`${folder}/package.json`, '{ "type": "module", "private": true }');
  await runs(peer("npm"), ["install", ...cache, `./${tarball.trim()}`]);
  for (const name of others) {
    const path = `${folder}/node_modules/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.symlink(`${peer("runtimes")}/node_modules/${name}`, path);
  }
  return {
    folder,
    runs,
    async write(name, text) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
      return `${folder}/${name}`;
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
