/**
 * Whether the entries of the lists fit the tree as it is, and which of them are tried.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import type { ListedMutant } from "./all.ts";

/** An entry that does not fit. */
export interface Misfit {
  readonly mutant: ListedMutant;
  readonly why: string;
}

/** What is wrong with entries; nothing where all fit. `root` is the checkout, with a slash at its end. */
export async function misfits(mutants: readonly ListedMutant[], root: string): Promise<Misfit[]> {
  const wrong: Misfit[] = [];
  const seen = new Set<string>();
  const texts = new Map<string, string | undefined>();
  const text = async (path: string): Promise<string | undefined> => {
    if (!texts.has(path)) texts.set(path, await Deno.readTextFile(`${root}${path}`).catch(() => undefined));
    return texts.get(path);
  };
  for (const mutant of mutants) {
    const { area, rule, file, find, replace, tests } = mutant;
    const complain = (why: string) => void wrong.push({ mutant, why });
    // One rule may stand in several places.
    const place = JSON.stringify([area, rule, file, find]);
    if (seen.has(place)) complain("the list has this twice");
    seen.add(place);
    const source = await text(file);
    if (source === undefined) complain(`there is no ${file}`);
    else {
      const times = find === "" ? 0 : source.split(find).length - 1;
      if (times !== 1) complain(`what is to be changed stands ${times} times in ${file}, not once: ${find}`);
    }
    if (find === replace) complain("the change changes nothing");
    if (tests.length === 0) complain("no test is named");
    for (const test of tests) if (await text(test) === undefined) complain(`there is no ${test}`);
  }
  return wrong;
}

/**
 * Mutants in an order that a seed decides, so that the first of them are a fair sample: another commit tries others, and
 * the same one tries the same.
 */
export async function shuffled(mutants: readonly ListedMutant[], seed: string): Promise<ListedMutant[]> {
  const placed = await Promise.all(mutants.map(async (mutant) => {
    const name = new TextEncoder().encode(`${seed} ${mutant.area} ${mutant.rule} ${mutant.file} ${mutant.find}`);
    return { mutant, place: encodeHex(await crypto.subtle.digest("SHA-256", name)) };
  }));
  return placed.sort((a, b) => a.place < b.place ? -1 : 1).map(({ mutant }) => mutant);
}
