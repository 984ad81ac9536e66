/**
 * `gssocks kdestroy`.
 *
 * @module
 */
import { parseStoreName } from "../../kerberos/config/store_name.ts";
import type { CredentialCache } from "../../kerberos/credentials/cache.ts";
import { type Command, errorLine, exclude, ExitCode, exitCodeFor, type ParsedArguments } from "../command/command.ts";
import { cacheFrom, cacheNamed, cacheOfPrincipal, CCACHE_OPTION, membersOf, namedOnce } from "../command/options.ts";
import type { CliIo } from "../terminal/io.ts";

/** The command. */
export const command: Command = {
  summary: "destroy a credential cache",
  usage: "[OPTIONS] [CACHE]",
  words: [0, 1],
  options: {
    ...CCACHE_OPTION,
    all: { short: "A", help: "Destroy all caches of the collection" },
    principal: { value: "PRINCIPAL", short: "p", help: "Destroy the cache of this principal, in the collection" },
    quiet: { short: "q", help: "Say nothing where there is no cache, and of links" },
  },
  details: `
Without -A or -p, the primary cache of a collection (DIR:, KCM:) is destroyed.
Of a symbolic link the link alone is removed, never what it points to.`,
  async run(args, io): Promise<number> {
    exclude(args, "all", "principal");
    const [name] = args.words;
    namedOnce(name, args.value("ccache"));
    const named = name === undefined ? cacheFrom(args) : cacheNamed(name);
    const say = args.has("quiet") ? () => {} : (text: string) => io.err(`gssocks kdestroy: ${text}\n`);
    if (!args.has("all")) return await destroyOne(named, args, say);
    return await destroyAll(await membersOf(named), io, say);
  },
};

/** Destroys all of them: one that cannot be destroyed keeps none of the others. */
async function destroyAll(caches: readonly CredentialCache[], io: CliIo, say: CliIo["err"]): Promise<number> {
  let failure: number = ExitCode.Ok;
  for (const cache of caches) {
    try {
      await destroy(cache, say);
    } catch (error) {
      io.err(`gssocks kdestroy: ${errorLine(error)}\n`);
      failure = exitCodeFor(error);
    }
  }
  return failure;
}

async function destroyOne(named: CredentialCache, args: ParsedArguments, say: CliIo["err"]): Promise<number> {
  const principal = args.value("principal");
  const cache = principal === undefined
    ? await named.collection?.primary() ?? named
    : await cacheOfPrincipal(named, principal);
  const found = await destroy(cache, say);
  if (!found) say(`No credentials cache found: there is no ${cache.name}`);
  const others = named.collection === undefined ? [] : await named.collection.caches();
  if (others.length > 0) say("Other credential caches present, use -A to destroy all");
  return found ? ExitCode.Ok : ExitCode.Failure;
}

/** Destroys a cache; returns whether there was one. */
async function destroy(cache: CredentialCache, say: CliIo["err"]): Promise<boolean> {
  const { kind, rest } = parseStoreName(cache.name);
  const path = kind === "FILE" ? rest : kind === "DIR" ? rest.slice(1) : undefined;
  const target = path === undefined ? await cache.load() && "" : linkTarget(path);
  if (target === undefined) return false;
  await cache.destroy();
  if (target !== "") say(`${path} was a symbolic link; ${target} is as it was`);
  return true;
}

/** What a symbolic link points to, nothing for another file; `undefined` where there is no file. */
function linkTarget(path: string): string | undefined {
  try {
    return Deno.lstatSync(path).isSymlink ? Deno.readLinkSync(path) : "";
  } catch (error) {
    // What else is wrong with it, destroying it will say.
    return error instanceof Deno.errors.NotFound ? undefined : "";
  }
}
