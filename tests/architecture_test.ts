/** The direction of imports, and who may touch sockets, files, clock, randomness and console. */
import assert from "node:assert/strict";

const ROOT = new URL("..", import.meta.url);

/** Source files of the package, by path from its root. */
function sources(): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (directory: string) => {
    for (const entry of Deno.readDirSync(new URL(directory, ROOT))) {
      const path = `${directory}${entry.name}`;
      if (entry.isDirectory) visit(`${path}/`);
      else if (path.endsWith(".ts")) found.set(path, Deno.readTextFileSync(new URL(path, ROOT)));
    }
  };
  for (const top of ["gss/", "kerberos/", "socks/", "proxy/", "cli/"]) visit(top);
  found.set("mod.ts", Deno.readTextFileSync(new URL("mod.ts", ROOT)));
  return found;
}

/** Imports of a file: paths from the root for relative ones, specifiers for the rest. Types count too. */
function imports(path: string, text: string): string[] {
  const specifiers = [
    ...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom\s+"([^"]+)"/gm),
    ...text.matchAll(/\bimport\("([^"]+)"\)/g),
  ];
  return specifiers.map(([, specifier]) => {
    if (!specifier!.startsWith(".")) return specifier!;
    return new URL(specifier!, new URL(path, "file:///")).pathname.slice(1);
  });
}

/** Code without comments and the text of strings. */
function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[^:"'`\\])\/\/.*$/gm, "$1").replace(
    /"(?:[^"\\\n]|\\.)*"/g,
    '""',
  );
}

function layer(path: string): string {
  if (!path.startsWith("kerberos/")) return path.split("/")[0]!;
  return path.split("/").length === 2 ? "kerberos" : path.split("/").slice(0, 2).join("/");
}

/** What each layer may import beside itself. */
const ALLOWED: Record<string, readonly string[]> = {
  gss: [],
  "kerberos/messages": ["gss"],
  "kerberos/crypto": ["gss", "kerberos"],
  "kerberos/stores": ["gss", "kerberos", "kerberos/crypto", "kerberos/messages"],
  "kerberos/config": ["gss", "kerberos", "kerberos/crypto", "kerberos/stores"],
  "kerberos/client": ["gss", "kerberos", "kerberos/crypto", "kerberos/messages", "kerberos/stores", "kerberos/config"],
  "kerberos/mech": ["gss", "kerberos", "kerberos/crypto", "kerberos/messages", "kerberos/stores", "kerberos/client"],
  "kerberos/kdc": [
    "gss",
    "kerberos",
    "kerberos/crypto",
    "kerberos/messages",
    "kerberos/stores",
    "kerberos/config",
    "kerberos/client",
  ],
  socks: ["gss"],
};

/** Files at the top of kerberos/ that lower layers may use, and the ones that compose all of them. */
const KERBEROS_COMMON = ["kerberos/constants.ts", "kerberos/errors.ts", "kerberos/principal.ts"];
const KERBEROS_ROOTS = ["kerberos/mod.ts", "kerberos/system.ts"];

Deno.test("imports run one way: socks -> gss <- kerberos, proxy puts them together, and cli is above all", () => {
  const wrong: string[] = [];
  for (const [path, text] of sources()) {
    const own = layer(path);
    if (own === "cli" || own === "mod.ts" || KERBEROS_ROOTS.includes(path)) continue;
    if (own === "proxy") {
      wrong.push(
        ...imports(path, text).filter((target) => layer(target) === "cli").map((at) => `${path} imports ${at}`),
      );
      continue;
    }
    const allowed = own === "kerberos" ? ["gss", "kerberos", "kerberos/messages"] : ALLOWED[own];
    assert.ok(allowed, `${path} is in no layer`);
    for (const target of imports(path, text)) {
      if (!target.endsWith(".ts")) continue;
      const other = layer(target);
      const fine = other === own ||
        (allowed.includes(other) && (other !== "kerberos" || KERBEROS_COMMON.includes(target)));
      if (!fine) wrong.push(`${path} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("packages are imported where they belong", () => {
  const homes: Record<string, readonly string[]> = {
    "asn1js": ["asn1/asn1js.ts"],
    "@std/crypto/crypto": ["gss/channel_bindings.ts"],
    "@std/crypto/timing-safe-equal": ["kerberos/crypto/", "kerberos/mech/", "socks/auth/password.ts"],
    "@std/encoding/hex": ["kerberos/ap/replay/replay_cache.ts", "kerberos/credentials/shell/change_file.ts", "cli/"],
    "node:fs": ["kerberos/credentials/shell/change_file.ts"],
    "node:dgram": ["kerberos/reach/shell/transports.ts", "kerberos/kdc/shell/listener.ts", "socks/shell/udp.ts"],
    "node:dns/promises": ["socks/shell/getaddrinfo.ts", "kerberos/reach/shell/kdc_addresses.ts"],
    "node:net": ["socks/shell/dial_from.ts"],
    "node:stream": ["socks/shell/tls.ts", "socks/shell/carrier.ts", "socks/shell/duplex.ts"],
    "node:tls": ["socks/shell/tls.ts", "socks/shell/tls_over.ts"],
    "node:buffer": ["cli/server/passwords.ts"],
    "node:crypto": ["cli/server/passwords.ts", "kerberos/crypto/primitives/node.ts"],
    "@opentelemetry/api": ["proxy/telemetry.ts", "proxy/shared/redis_client.ts"],
    "@redis/client": ["proxy/shared/redis_client.ts"],
    "zod": ["cli/config/server_config.ts"],
    "node:util": ["cli/command.ts", "cli/server/reload.ts"],
  };
  const wrong: string[] = [];
  for (const [path, text] of sources()) {
    for (const target of imports(path, text)) {
      if (target.endsWith(".ts") || path === "mod.ts") continue;
      if (target.startsWith("@gssocks/")) continue; // examples in documentation
      if (!homes[target]?.some((home) => path.startsWith(home))) wrong.push(`${path} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("sockets, files, environment, clock, randomness, timers and console are touched in few places", () => {
  const homes: [RegExp, readonly string[]][] = [
    [/\bDeno\./, [
      "kerberos/reach/shell/transports.ts",
      "kerberos/kdc/shell/listener.ts",
      "kerberos/credentials/shell/change_file.ts",
      "kerberos/credentials/shell/files.ts",
      "kerberos/credentials/shell/held_file.ts",
      "kerberos/config/shell/load.ts",
      "socks/shell/system_files.ts",
      "socks/shell/tcp.ts",
      "socks/shell/udp.ts",
      "proxy/shared/deno_kv.ts",
      "cli/",
    ]],
    [/\bDate\.now\b|\bperformance\./, ["base/runtime.ts"]],
    [/\bnew Date\(/, ["asn1/contents.ts", "cli/"]],
    [/\bgetRandomValues\b|\brandomUUID\b|\bMath\.random\b/, ["base/runtime.ts"]],
    [/\bsetTimeout\b|\bsetInterval\b|\bAbortSignal\.timeout\b/, ["base/deadline.ts", "cli/monitor/page.ts"]],
    [/\bconsole\./, []],
    [/\bfetch\(/, ["cli/commands/demo.ts", "cli/monitor/page.ts"]],
    [/\bcrypto\.subtle\b/, ["kerberos/crypto/primitives/primitives.ts", "socks/auth/password.ts"]],
    [/\bprocess\b|\bBuffer\b/, ["kerberos/crypto/primitives/node.ts", "cli/server/passwords.ts"]],
  ];
  const wrong: string[] = [];
  for (const [path, text] of sources()) {
    const bare = code(text);
    for (const [pattern, allowed] of homes) {
      if (pattern.test(bare) && !allowed.some((home) => path.startsWith(home))) wrong.push(`${path}: ${pattern}`);
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("Kerberos asks the DNS for the KDCs of a realm and for nothing else, so for no name of a service", () => {
  const asks = [...sources()].filter(([path]) => path.startsWith("kerberos/") || path.startsWith("gss/")).flatMap((
    [path, text],
  ) =>
    text.split("\n").filter((line) => /\bresolveDns\(|\blookup\w*\(|node:dns/.test(line)).map((line) =>
      `${path}: ${/resolveDns\(name, "SRV"/.test(line) ? "SRV" : line.trim()}`
    )
  );
  // Names of KDCs are looked up in one file, which is the transport's alone.
  const files = new Set(asks.map((ask) => ask.split(": ")[0]));
  assert.deepEqual([...files].toSorted(), [
    "kerberos/reach/shell/kdc_addresses.ts",
    "kerberos/reach/shell/transports.ts",
  ]);
  assert.deepEqual(asks.filter((ask) => ask.startsWith("kerberos/reach/shell/transports.ts")), [
    "kerberos/reach/shell/transports.ts: SRV",
  ]);
  const users = [...sources()].filter(([path, text]) =>
    imports(path, text).includes("kerberos/reach/shell/kdc_addresses.ts")
  );
  assert.deepEqual(users.map(([path]) => path), ["kerberos/reach/shell/transports.ts"]);
});

Deno.test("the scan itself sees what it is to see", () => {
  assert.deepEqual(
    imports(
      "socks/auth/x.ts",
      'import type {\n  A,\n} from "../../gss/names.ts";\nexport { b } from "npm";\nawait import("./c.ts");',
    ),
    [
      "gss/names.ts",
      "npm",
      "socks/auth/c.ts",
    ],
  );
  assert.equal(code('a(); // Deno.x\n/* fetch( */ b("setTimeout");').includes("Deno"), false);
  assert.match(code("x = Date.now();"), /Date\.now/);
  assert.equal(layer("kerberos/mech/tokens/tokens.ts"), "kerberos/mech");
});

Deno.test("every file of the package starts with what it is for", () => {
  const without = [...sources()].filter(([, text]) => !/^\/\*\*[\s\S]*?@module[\s\S]*?\*\//.test(text)).map(([path]) =>
    path
  );
  assert.deepEqual(without, []);
});
