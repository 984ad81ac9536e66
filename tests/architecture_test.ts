/** The house: who may import whom, no circles, and who may touch sockets, files, clock, randomness and console. */
import assert from "node:assert/strict";
import { bareCode, importsOf, sources } from "./support/sources.ts";

/**
 * The trees, lowest first: a file may import files of its own tree and of the trees before it. `kerberos` and `socks` stand beside each
 * other: neither imports the other.
 */
const TREES = ["base", "asn1", "gss", "kerberos", "socks", "proxy", "conform", "cli", "mod.ts"];
const APART: readonly (readonly [string, string])[] = [["kerberos", "socks"], ["socks", "kerberos"]];

/**
 * The folders of each tree, and files at its top, lowest first. A path stands for everything below it that has no entry of its own. A
 * file may import what stands in its own entry or in an earlier one. `mod.ts` lists what an entry point exports and may import all.
 */
const ORDER: Readonly<Record<string, readonly string[]>> = {
  gss: ["gss/", "gss/spnego/", "gss/mod.ts"],
  kerberos: [
    "kerberos/registry/",
    "kerberos/clock_text.ts",
    "kerberos/refusal_advice.ts",
    "kerberos/errors.ts",
    "kerberos/principal.ts",
    "kerberos/messages/",
    "kerberos/crypto/core/",
    "kerberos/crypto/core/source/",
    "kerberos/crypto/primitives/",
    "kerberos/crypto/",
    "kerberos/pac/",
    "kerberos/credential.ts",
    "kerberos/ap/replay/",
    "kerberos/ap/",
    "kerberos/exchange/preauth/",
    "kerberos/exchange/",
    "kerberos/config/",
    "kerberos/config/shell/",
    "kerberos/reach/",
    "kerberos/reach/shell/",
    "kerberos/credentials/",
    "kerberos/credentials/formats/",
    "kerberos/credentials/caches/",
    "kerberos/credentials/keytabs/",
    "kerberos/credentials/tickets/",
    "kerberos/credentials/shell/",
    "kerberos/mech/tokens/",
    "kerberos/mech/",
    "kerberos/kdc/",
    "kerberos/kdc/shell/",
    "kerberos/kdc/start.ts",
    "kerberos/kdc/mod.ts",
    "kerberos/tickets_from.ts",
    "kerberos/system.ts",
    "kerberos/mod.ts",
  ],
  socks: [
    "socks/errors.ts",
    "socks/protection.ts",
    "socks/identity.ts",
    "socks/wire/",
    "socks/argument_checks.ts",
    "socks/stream/",
    "socks/rules/",
    "socks/names/",
    "socks/handshake.ts",
    "socks/handshake_io.ts",
    "socks/auth/",
    "socks/auth/gssapi/",
    "socks/client/",
    "socks/server/limits/",
    "socks/server/relay/",
    "socks/server/front/",
    "socks/server/targets/",
    "socks/server/datagrams/",
    "socks/server/commands/",
    "socks/server/",
    "socks/shell/",
    "socks/mod.ts",
  ],
  proxy: ["proxy/shared/", "proxy/", "proxy/shell/", "proxy/node.ts", "proxy/edge.ts"],
  conform: [
    "conform/",
    "conform/proxy/",
    "conform/client/",
    "conform/check_proxy.ts",
    "conform/check_client.ts",
    "conform/mod.ts",
  ],
  cli: [
    "cli/terminal/",
    "cli/log/",
    "cli/command/",
    "cli/passwords/",
    "cli/config/",
    "cli/krb5conf/",
    "cli/snapshot/",
    "cli/monitor/page/",
    "cli/monitor/",
    "cli/server/",
    "cli/check/",
    "cli/conform/",
    "cli/commands/",
    "cli/",
  ],
};

const FILES = sources();

/** Entry of a file in the order of its tree: the longest one that its path begins with; -1 if there is none. */
function rank(path: string, order: readonly string[]): number {
  let best = -1;
  order.forEach((entry, i) => {
    if (path.startsWith(entry) && (best < 0 || entry.length > order[best]!.length)) best = i;
  });
  return best;
}

Deno.test("architecture: trees import earlier trees only", () => {
  const wrong: string[] = [];
  const tree = (path: string) => path.split("/")[0]!;
  for (const [path, text] of FILES) {
    for (const target of importsOf(path, text).filter((to) => FILES.has(to))) {
      const [from, to] = [tree(path), tree(target)];
      const later = TREES.indexOf(to) > TREES.indexOf(from);
      // What the commands are built on is the front door itself.
      const frontDoor = to === "mod.ts" && from === "cli";
      if ((later && !frontDoor) || APART.some(([a, b]) => a === from && b === to)) {
        wrong.push(`${path} imports ${target}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("architecture: folders of a tree import earlier folders only", () => {
  const wrong: string[] = [];
  for (const order of Object.values(ORDER)) {
    for (const [path, text] of FILES) {
      const own = rank(path, order);
      if (own < 0) continue;
      for (const target of importsOf(path, text)) {
        if (rank(target, order) > own) wrong.push(`${path} imports ${target}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
  for (const [tree, order] of Object.entries(ORDER)) {
    const homeless = [...FILES.keys()].filter((path) => path.startsWith(`${tree}/`) && rank(path, order) < 0);
    assert.deepEqual(homeless, [], "every file has a place in the order");
    const empty = order.filter((_, i) => ![...FILES.keys()].some((path) => rank(path, order) === i));
    assert.deepEqual(empty, [], "every place in the order has a file");
  }
});

/** A chain of imports that ends where it begins; `undefined` if there is none. */
function circle(graph: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>();
  const visit = (node: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const found = visit(next, [...path, node]);
      if (found !== undefined) return found;
    }
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const found = visit(node, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Imports between the files of the package. */
function fileGraph(): Map<string, readonly string[]> {
  return new Map([...FILES].map(([path, text]) => [path, importsOf(path, text).filter((to) => FILES.has(to))]));
}

Deno.test("architecture: no circles between files", () => {
  assert.equal(circle(fileGraph())?.join("\n  imports "), undefined);
});

Deno.test("architecture: no circles between folders", () => {
  // A file at the top of a tree is a node of its own; `mod.ts` only lists what others export.
  const node = (path: string) => path.split("/").length < 3 ? path : path.slice(0, path.lastIndexOf("/"));
  const graph = new Map<string, string[]>();
  for (const [path, targets] of fileGraph()) {
    if (path.endsWith("mod.ts")) continue;
    const others = targets.map(node).filter((to) => to !== node(path));
    graph.set(node(path), [...graph.get(node(path)) ?? [], ...others]);
  }
  assert.equal(circle(graph)?.join("\n  imports "), undefined);
});

Deno.test("architecture: the search finds circles", () => {
  const graph = (edges: Record<string, string[]>) => circle(new Map(Object.entries(edges)));
  assert.equal(graph({ a: ["b"], b: ["c"], c: [] }), undefined);
  assert.deepEqual(graph({ a: ["b"], b: ["c"], c: ["b"] }), ["b", "c", "b"]);
  assert.deepEqual(graph({ a: ["a"] }), ["a", "a"]);
});

Deno.test("architecture: only shells and composing modules import a shell", () => {
  /** Files that put the parts together; everything else takes them as arguments. */
  const composers =
    /^(proxy\/|cli\/|conform\/check_\w+\.ts$|kerberos\/system\.ts$|kerberos\/kdc\/start\.ts$|mod\.ts$|.*\/mod\.ts$)|\/shell\//;
  const wrong = [...FILES].filter(([path]) => !composers.test(path)).flatMap(([path, text]) =>
    importsOf(path, text).filter((to) => to.includes("/shell/")).map((to) => `${path} imports ${to}`)
  );
  assert.deepEqual(wrong, []);
});

Deno.test("architecture: ./edge has nothing of Deno, of Node and of the machine in it", () => {
  const graph = new Set<string>(["proxy/edge.ts"]);
  const packages = new Set<string>();
  for (const path of graph) {
    for (const target of importsOf(path, FILES.get(path)!)) {
      if (FILES.has(target)) graph.add(target);
      else if (!target.startsWith("@gssocks/")) packages.add(target);
    }
  }
  assert.deepEqual([...packages].filter((name) => !/^(?:asn1js$|@std\/)/.test(name)), []);
  // An interface, and the implementation that has nothing.
  const shells = [...graph].filter((path) => path.includes("/shell/")).sort();
  assert.deepEqual(shells, ["socks/shell/no_platform.ts", "socks/shell/platform.ts"]);
  const named = [...graph].filter((path) => /\bDeno\b|\bprocess\b|\bBuffer\b/.test(bareCode(FILES.get(path)!)));
  assert.deepEqual(named, ["base/builtin.ts"], "whether there is node:crypto, which is fast, is asked at run time");
});

Deno.test("architecture: packages are imported where they belong", () => {
  const homes: Readonly<Record<string, readonly string[]>> = {
    "asn1js": ["asn1/asn1js.ts"],
    "@std/crypto/crypto": ["kerberos/mech/tokens/channel_bindings.ts"],
    "@std/crypto/timing-safe-equal": ["kerberos/", "socks/auth/password.ts", "cli/monitor/end_session.ts"],
    "@std/encoding/hex": ["kerberos/", "proxy/shared/", "conform/", "cli/"],
    "@std/encoding/base64": ["kerberos/crypto/core/source/build.ts"],
    "wabt": ["kerberos/crypto/core/source/build.ts"],
    "@opentelemetry/api": ["proxy/telemetry.ts", "proxy/shared/redis_client.ts"],
    "@optique/core/completion": ["cli/commands/completions.ts"],
    "@optique/core/parser": ["cli/command/completions.ts"],
    "@redis/client": ["proxy/shared/redis_client.ts"],
    "leven": ["cli/command/suggestion.ts"],
    "zod": ["cli/config/"],
    "jsonc-parser": ["cli/config/jsonc.ts"],
  };
  const wrong: string[] = [];
  for (const [path, text] of FILES) {
    for (const target of importsOf(path, text)) {
      if (target.endsWith(".ts") || target.startsWith("@gssocks/")) continue; // The latter are examples in documentation.
      const allowed = target.startsWith("node:")
        ? path.includes("/shell/") || path.startsWith("cli/")
        : homes[target]?.some((home) => path.startsWith(home));
      if (!allowed) wrong.push(`${path} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("architecture: only named places use sockets, files, clock, randomness, timers and console", () => {
  const homes: [RegExp, readonly string[]][] = [
    [/\bDeno\./, ["/shell/", "cli/", "kerberos/crypto/core/source/build.ts"]],
    [/\bDate\.now\b|\bperformance\./, ["base/runtime.ts"]],
    [/\bnew Date\(/, ["asn1/contents.ts", "cli/"]],
    [/\bgetRandomValues\b|\brandomUUID\b|\bMath\.random\b/, ["base/runtime.ts"]],
    [/\bsetTimeout\b|\bsetInterval\b|\bAbortSignal\.timeout\b/, [
      "base/shared_timers.ts",
      "cli/monitor/page",
      "proxy/shell/node_socket.ts",
    ]],
    [/\bconsole\./, []],
    [/\bfetch\(/, ["cli/commands/demo.ts", "cli/monitor/page"]],
    [/\bcrypto\.subtle\b/, ["kerberos/crypto/primitives/", "socks/auth/password.ts"]],
    [
      /\bprocess\b|\bBuffer\b/,
      ["base/builtin.ts", "cli/passwords/", "proxy/shell/"],
    ],
  ];
  const wrong: string[] = [];
  for (const [path, text] of FILES) {
    const bare = bareCode(text);
    for (const [pattern, allowed] of homes) {
      if (pattern.test(bare) && !allowed.some((home) => path.startsWith(home) || path.includes(home))) {
        wrong.push(`${path}: ${pattern}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("architecture: Kerberos asks the DNS for KDCs only, never for a service", () => {
  const own = [...FILES].filter(([path]) => path.startsWith("kerberos/") || path.startsWith("gss/"));
  const asking = own.filter(([, text]) => /\bresolveDns\(|\blookup\w*\(|node:dns/.test(text)).map(([path]) => path);
  const [hosts, services] = ["kerberos/reach/shell/addresses.ts", "kerberos/reach/shell/srv.ts"] as const;
  assert.deepEqual(asking.sort(), [hosts, services]);
  const calls = [...FILES.get(services)!.matchAll(/\.(?:resolve\w*|lookup\w*|reverse)\(.*/g)].map(([call]) => call);
  assert.equal(calls.length, 2);
  for (const call of calls) assert.match(call, /^\.(?:resolveDns\(name, "SRV"|resolveSrv\(name\))/);
  const users = own.filter(([path, text]) => importsOf(path, text).includes(hosts)).map(([path]) => path);
  assert.ok(users.length > 0 && users.every((path) => path.startsWith("kerberos/reach/shell/")), users.join());
});

Deno.test("architecture: the scan sees imports and code", () => {
  const text = 'import type {\n  A,\n} from "../../gss/names.ts";\nexport { b } from "npm";\nawait import("./c.ts");';
  assert.deepEqual(importsOf("socks/auth/x.ts", text), ["gss/names.ts", "npm", "socks/auth/c.ts"]);
  assert.equal(bareCode('a(); // Deno.x\n/* fetch( */ b("setTimeout");').includes("Deno"), false);
  assert.match(bareCode("x = Date.now();"), /Date\.now/);
  assert.equal(
    rank("kerberos/mech/tokens/x.ts", ORDER["kerberos"]!),
    ORDER["kerberos"]!.indexOf("kerberos/mech/tokens/"),
  );
});

Deno.test("architecture: every file begins with a module comment", () => {
  const without = [...FILES].filter(([, text]) => !/^\/\*\*[\s\S]*?@module[\s\S]*?\*\//.test(text));
  assert.deepEqual(without.map(([path]) => path), []);
});
