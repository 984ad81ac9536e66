/**
 * Environment variables of this process, set for one test.
 *
 * @module
 */

/** Sets variables; disposing it sets them back. */
export class Environment implements Disposable {
  readonly #before: ReadonlyMap<string, string | undefined>;

  constructor(variables: Readonly<Record<string, string>>) {
    this.#before = new Map(Object.keys(variables).map((name) => [name, Deno.env.get(name)]));
    for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
  }

  [Symbol.dispose](): void {
    for (const [name, value] of this.#before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
}
