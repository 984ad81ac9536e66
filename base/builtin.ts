/**
 * What is built into the runtime. Nothing here is imported, so every file loads in every runtime.
 *
 * @module
 */

/** Whether this is Deno, whose own functions come first. */
export const hasDeno: boolean = "Deno" in globalThis;

/** Returns one of Node's modules; `undefined` if the runtime has none. Deno, Bun and Cloudflare's workers may have it too. */
export function builtin<T>(name: `node:${string}`): T | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  return process?.getBuiltinModule?.(name) as T | undefined;
}

/** Returns one of Node's modules for a function that cannot do without. @throws {TypeError} As {@linkcode unsupported} says. */
export function requireBuiltin<T>(name: `node:${string}`, what: string, instead: string): T {
  const found = builtin<T>(name);
  if (found === undefined) throw unsupported(what, instead);
  return found;
}

/**
 * The error of a function that this runtime cannot carry out.
 *
 * @param what What cannot be done, after "Cannot".
 * @param instead What to pass instead.
 */
export function unsupported(what: string, instead: string): TypeError {
  return new TypeError(`Cannot ${what}: this runtime has no means for it; ${instead}`);
}
