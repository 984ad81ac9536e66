/** The public API: types that fit together, and an example of every function and class. */
import assert from "node:assert/strict";
import {
  associate,
  bind,
  type ClientAuthMethod,
  connect,
  type ConnectOptions,
  noAuthentication,
  type SocksConnection,
  systemTickets,
} from "../mod.ts";
import { run } from "./support/process.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const { exports: ENTRIES } = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`)) as {
  exports: Readonly<Record<string, string>>;
};

/** The part of `deno doc --json` that is used here. */
interface Documented {
  readonly name: string;
  readonly declarations: readonly {
    readonly kind: string;
    readonly jsDoc?: { readonly tags?: readonly { readonly kind: string }[] };
    readonly def: unknown;
  }[];
}

async function documented(entries: readonly string[]): Promise<Documented[]> {
  const { code, stdout, stderr } = await run(Deno.execPath(), [
    ...["doc", "--json", "--config", `${ROOT}deno.json`],
    ...entries.map((path) => `${ROOT}${path.slice(2)}`),
  ]);
  assert.equal(code, 0, stderr);
  const { nodes } = JSON.parse(stdout) as { nodes: Record<string, { symbols: Documented[] }> };
  return Object.values(nodes).flatMap(({ symbols }) => symbols);
}

// deno-lint-ignore no-explicit-any
type Json = any;

/** Returns optional properties without `undefined` in a type, and in its inline types. */
function narrow(where: string, value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap((inner) => narrow(where, inner));
  if (typeof value !== "object" || value === null) return [];
  const own = (value.properties ?? []).filter((property: Json) =>
    property.optional && !/\bundefined\b|^(?:unknown|any)$/.test(textOf(property.tsType))
  ).map((property: Json) => `${where}.${property.name}`);
  return [...own, ...Object.values(value).flatMap((inner) => narrow(where, inner))];
}

function textOf(type: Json): string {
  return type?.kind === "union" ? type.value.map(textOf).join(" | ") : type?.repr ?? "";
}

/** Interfaces that callers fill in; results and messages leave absent fields out. */
const FILLED_IN = /(?:Options|Init|Bindings)$/;

Deno.test("public types: every option may be undefined (exactOptionalPropertyTypes)", async () => {
  const all = await documented(Object.values(ENTRIES));
  const interfaces = all.filter(({ name, declarations }) =>
    FILLED_IN.test(name) && declarations[0]!.kind === "interface"
  );
  assert.ok(interfaces.length > 30, `${interfaces.length}`);
  const callable = all.filter(({ declarations }) => /^(?:function|class|variable)$/.test(declarations[0]!.kind));
  const wrong = [
    ...interfaces.flatMap(({ name, declarations }) => narrow(name, declarations.map(({ def }) => def))),
    ...callable.flatMap(({ name, declarations }) =>
      declarations.flatMap(({ def }) => parameters(def).flatMap((parameter) => narrow(`${name}()`, parameter)))
    ),
  ];
  assert.deepEqual([...new Set(wrong)], []);
  // The scan finds what it must.
  const property = (type: Json) => ({ properties: [{ name: "x", optional: true, tsType: type }] });
  const [text, none] = [{ kind: "keyword", repr: "string" }, { kind: "keyword", repr: "undefined" }];
  assert.deepEqual(narrow("A", [property(text)]), ["A.x"]);
  assert.deepEqual(narrow("A", property({ kind: "union", value: [text, none] })), []);
});

/** Returns the parameters of a function, or of a class's constructor and methods. */
function parameters(def: Json): Json[] {
  const methods = [...(def?.constructors ?? []), ...(def?.methods ?? []).map((method: Json) => method.functionDef)];
  return [...(def?.params ?? []), ...methods.flatMap((method) => method?.params ?? [])];
}

Deno.test("public types: every function and class has an example", async () => {
  const callable = (declarations: Documented["declarations"]) =>
    declarations.some(({ kind, def }) =>
      kind === "function" || kind === "class" || (kind === "variable" && isFunctionType(def))
    );
  const without: string[] = [];
  let seen = 0;
  for (const [entry, path] of Object.entries(ENTRIES)) {
    // The one function of ./cli has its example at the module.
    if (entry === "./cli") continue;
    for (const { name, declarations } of await documented([path])) {
      if (!callable(declarations)) continue;
      seen++;
      if (!declarations.some(({ jsDoc }) => jsDoc?.tags?.some(({ kind }) => kind === "example"))) {
        without.push(`${entry}: ${name}`);
      }
    }
  }
  assert.ok(seen > 150, `${seen}`);
  assert.deepEqual([...new Set(without)], []);
});

/** Types of constants that are functions. */
const FUNCTION_TYPES = /^(?:Dialer|ListenTcp|BindDatagrams|SrvResolver|Resolver|SystemResolver|ReverseResolver)$/;

function isFunctionType(def: unknown): boolean {
  return FUNCTION_TYPES.test((def as { tsType?: { repr?: string } })?.tsType?.repr ?? "");
}

Deno.test("public types: every entry exports all types of its signatures", async () => {
  const lint = async (entry: string) => {
    const { code, stderr } = await run(Deno.execPath(), [
      "doc",
      "--lint",
      "--config",
      `${ROOT}deno.json`,
      `${ROOT}${entry.slice(2)}`,
    ], { env: { NO_COLOR: "1" } });
    return code === 0 ? [] : [`${entry}: ${stderr}`];
  };
  const wrong: string[] = [];
  for (const entry of Object.values(ENTRIES)) wrong.push(...await lint(entry));
  assert.deepEqual(wrong, []);
});

Deno.test("public types: undefined options and platform types compile", () => {
  // The compiler is the test: this code is never run.
  const maybe = <T>(): T | undefined => undefined;
  const options: ConnectOptions = {
    proxy: new URL("socks5h://p"),
    hostname: "h",
    port: 1,
    signal: maybe(),
    timeout: maybe(),
    credentials: maybe(),
    service: maybe(),
    protection: maybe(),
    minimumProtection: maybe(),
    spnego: maybe(),
    delegate: maybe(),
    insecureNecMode: maybe(),
    dial: maybe(),
  };
  const uses = async () => {
    const made = await connect(options);
    const others: ConnectOptions = { proxy: "p", hostname: "h", port: 1, auth: maybe<readonly ClientAuthMethod[]>() };
    await connect(others);
    // @ts-expect-error: methods and options of GSS-API exclude each other.
    await connect({ ...options, auth: [noAuthentication()] });
    made.readable.pipeThrough(new DecompressionStream("gzip"));
    using pending = await bind({ proxy: "p", expected: maybe(), signal: maybe() });
    const accepted: SocksConnection = await pending.accept({ timeout: maybe(), signal: maybe() });
    using datagrams = await associate({ proxy: "p", signal: maybe() });
    const [data] = await datagrams.receive({ signal: maybe() });
    const source: BufferSource = data;
    for await (const [next] of datagrams) new Blob([next]);
    await crypto.subtle.digest("SHA-256", data);
    await datagrams.send(new ArrayBuffer(1), { hostname: "h", port: 1 });
    systemTickets({ keytab: "/etc/krb5.keytab", principal: "backup", cache: maybe(), config: maybe() });
    systemTickets({ principal: maybe<undefined>(), cache: maybe(), transport: maybe() });
    return { accepted, source };
  };
  assert.equal(typeof uses, "function");
});
