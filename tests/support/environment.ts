/**
 * Environment variables for one test. Test files run in threads of one process, which share its environment, so variables are set for this
 * thread's reads alone; programs that a test starts get theirs from the test.
 *
 * @module
 */

const own = new Map<string, string>();
const shared = Deno.env.get.bind(Deno.env);
Deno.env.get = (name) => own.get(name) ?? shared(name);

/** Sets variables; disposing it sets them back. */
export class Environment implements Disposable {
  readonly #before: ReadonlyMap<string, string | undefined>;

  constructor(variables: Readonly<Record<string, string>>) {
    this.#before = new Map(Object.keys(variables).map((name) => [name, own.get(name)]));
    for (const [name, value] of Object.entries(variables)) own.set(name, value);
  }

  [Symbol.dispose](): void {
    for (const [name, value] of this.#before) {
      if (value === undefined) own.delete(name);
      else own.set(name, value);
    }
  }
}
