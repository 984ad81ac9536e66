/**
 * WebAssembly text, printed: expressions, functions whose variables are declared by their use, and constants in memory.
 *
 * @module
 */

/** Text of an expression or of statements. */
export type Wat = string;

/** A variable. Its name says its type: `v_` for 128 bits, `i_` for 32, `l_` for 64. */
export const get = (name: string): Wat => `(local.get $${name})`;
export const set = (name: string, value: Wat): Wat => `(local.set $${name} ${value})\n`;
export const i32 = (n: number): Wat => `(i32.const ${n | 0})`;
export const add = (a: Wat, b: Wat): Wat => `(i32.add ${a} ${b})`;
export const sub = (a: Wat, b: Wat): Wat => `(i32.sub ${a} ${b})`;
export const shr = (a: Wat, by: number): Wat => `(i32.shr_u ${a} ${i32(by)})`;
export const shl = (a: Wat, by: number): Wat => `(i32.shl ${a} ${i32(by)})`;
export const bits = (a: Wat, mask: number): Wat => `(i32.and ${a} ${i32(mask)})`;
export const less = (a: Wat, b: Wat): Wat => `(i32.lt_u ${a} ${b})`;
export const select = (condition: Wat, yes: Wat, no: Wat): Wat => `(select ${yes} ${no} ${condition})`;
export const increment = (name: string, by: number): Wat => set(name, add(get(name), i32(by)));

export const load = (at: Wat, offset = 0): Wat => `(v128.load offset=${offset} ${at})`;
export const store = (at: Wat, value: Wat, offset = 0): Wat => `(v128.store offset=${offset} ${at} ${value})\n`;
export const xor = (first: Wat, ...rest: readonly Wat[]): Wat => rest.reduce((a, b) => `(v128.xor ${a} ${b})`, first);
export const and = (a: Wat, b: Wat): Wat => `(v128.and ${a} ${b})`;
export const ZERO: Wat = "(v128.const i64x2 0 0)";
/** Bytes by constant places: 0 to 15 of `a`, 16 to 31 of `b`. */
export const shuffle = (a: Wat, b: Wat, places: readonly number[]): Wat =>
  `(i8x16.shuffle ${places.join(" ")} ${a} ${b})`;
/** The first `n` bytes of a vector as ones, for any signed `n`; the rest zeros. */
export const firstBytes = (n: Wat): Wat =>
  `(i8x16.lt_s (v128.const i8x16 ${Array.from({ length: 16 }, (_, i) => i).join(" ")}) (i8x16.splat ${n}))`;

/** Bytes of `table` by the indexes in a vector: 0 to 15, or 128 and more for zero. There the relaxed instruction is exact too. */
export const lookUp = (table: Wat, indexes: Wat): Wat => `(i8x16.relaxed_swizzle ${table} ${indexes})`;

export const when = (condition: Wat, then: Wat, otherwise: Wat = ""): Wat =>
  `(if ${condition} (then\n${then})${otherwise === "" ? "" : ` (else\n${otherwise})`})\n`;
let labels = 0;
/** Repeats `body` while `condition` holds. */
export function loop(condition: Wat, body: Wat): Wat {
  const label = `$l${labels++}`;
  return when(condition, `(loop ${label}\n${body}(br_if ${label} ${condition}))\n`);
}
/** Repeats `body` until `condition` fails, once at least. */
export function repeat(body: Wat, condition: Wat): Wat {
  const label = `$l${labels++}`;
  return `(loop ${label}\n${body}(br_if ${label} ${condition}))\n`;
}
export const call = (name: string, ...args: readonly Wat[]): Wat => `(call $${name} ${args.join(" ")})`;

const TYPES: Readonly<Record<string, string>> = { v: "v128", i: "i32", l: "i64" };

/** What a function returns, and whether the host calls it. */
export interface Signature {
  readonly result?: "i32" | "v128";
  readonly exported?: boolean;
}

/** A function; it declares the variables that stand in its body. */
export function fn(name: string, params: readonly string[], body: Wat, signature: Signature = {}): Wat {
  const declare = (kind: string) => (variable: string) => `(${kind} $${variable} ${TYPES[variable[0]!]})`;
  const used = new Set([...body.matchAll(/\$([vil]_\w+)/g)].map(([, variable]) => variable!));
  for (const param of params) used.delete(param);
  const { result, exported = false } = signature;
  return [
    `(func $${name}${exported ? ` (export "${name}")` : ""}`,
    ...params.map(declare("param")),
    ...result === undefined ? [] : [`(result ${result})`],
    ...[...used].map(declare("local")),
    `${body})\n`,
  ].join("\n");
}

/** Constants in memory, from its start. */
export class Constants {
  readonly #bytes: number[] = [];
  readonly #known = new Map<string, number>();

  /** Where these bytes lie, on a boundary of 16. */
  place(bytes: readonly number[]): number {
    const key = bytes.join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const at = this.#bytes.length;
    this.#bytes.push(...bytes, ...new Array<number>(-bytes.length & 15).fill(0));
    this.#known.set(key, at);
    return at;
  }

  /** The 16 bytes as a vector. */
  vector(bytes: readonly number[]): Wat {
    return load(i32(0), this.place(bytes));
  }

  /** The data segment. */
  segment(limit: number): Wat {
    if (this.#bytes.length > limit) throw new RangeError(`${this.#bytes.length} bytes of constants`);
    return `(data (i32.const 0) "${this.#bytes.map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("")}")\n`;
  }
}
