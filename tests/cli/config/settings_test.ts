/** The one table of settings: each option of the command line gives a setting of the file, and nothing stands twice. */
import assert from "node:assert/strict";
import { readArguments } from "../../../cli/command/command.ts";
import { SERVE_OPTIONS, serverConfig } from "../../../cli/config/serve_arguments.ts";
import { parseConfig, PLACED_OPTIONS } from "../../../cli/config/server_config.ts";

const ROOT = new URL("../../..", import.meta.url);

const read = (args: readonly string[]) => serverConfig(readArguments({ usage: "", options: SERVE_OPTIONS }, args));

/** What the command line gives, and the file that says the same. */
const SAME: readonly [string[], unknown][] = [
  [["--prefer-gssapi"], { gssapi: { prefer: true } }],
  [["--service", "rcmd", "--service", "socks"], { gssapi: { services: ["rcmd", "socks"] } }],
  [["--idle-timeout", "never"], { timeouts: { idle: "never" } }],
  [["--connect-timeout", "700"], { timeouts: { connect: 700 } }],
  [["--udp-idle-timeout", "5m"], { datagrams: { idleTimeout: "5m" } }],
  [["--max-associations", "7"], { datagrams: { maxAssociations: 7 } }],
  [["--announce", "192.0.2.1"], { datagrams: { announce: ["192.0.2.1"] } }],
  [["--max-sessions-per-user", "any"], { limits: { sessionsPerUser: "any" } }],
  [["--nat64", "discover"], { egress: { nat64: ["discover"] } }],
  [["--protection", "none, integrity"], { protection: ["none", "integrity"] }],
  [["--deny", "10.0.0.1", "--allow", "*"], { rules: ["deny 10.0.0.1", "allow *"] }],
  [["--deny-client", "*"], { clients: ["deny *"] }],
  [["--redis", "redis://a"], { shared: { redis: ["redis://a"], onLoss: "refuse" } }],
  [["--tls-certificate", "c", "--tls-key", "k"], { tls: { certificate: "c", key: "k" } }],
  [["--workers", "0", "--quiet"], { workers: 0, log: "none" }],
];

Deno.test("settings: the command line gives what the file gives", () => {
  const groups = { gssapi: {}, egress: {}, datagrams: {}, timeouts: {}, limits: {}, rules: [] };
  for (const [args, file] of SAME) {
    assert.deepEqual(read(args), { ...groups, ...parseConfig(JSON.stringify(file), "f") }, args.join(" "));
  }
});

Deno.test("settings: each option stands once, with a help", () => {
  const names = PLACED_OPTIONS.flatMap(({ options }) => Object.keys(options));
  assert.deepEqual(names.toSorted(), [...new Set(names)].toSorted());
  assert.deepEqual(Object.keys(SERVE_OPTIONS), ["config", "verbose", "check", "strict", ...names]);
  for (const { help } of Object.values(SERVE_OPTIONS)) assert.ok(help.length > 5 && !help.endsWith("."), help);
});

Deno.test("settings: a setting that has moved is refused with its new place", () => {
  const moved: readonly [unknown, string][] = [
    [{ preferGssapi: true }, "it is written as gssapi.prefer"],
    [{ gssapi: { keytab: "k" } }, "it is written as keytab"],
    [{ nat64: ["discover"] }, "it is written as egress.nat64"],
    [{ egress: ["127.0.0.1"] }, "write the addresses as egress.addresses"],
    [{ announce: "a" }, "it is written as datagrams.announce"],
    [{ timeouts: { udpIdle: 5 } }, "it is written as datagrams.idleTimeout"],
    [{ limits: { associations: 5 } }, "it is written as datagrams.maxAssociations"],
  ];
  for (const [file, place] of moved) {
    const message = new RegExp(`^f: .*; ${place.replaceAll(".", "\\.")}\\b`);
    assert.throws(() => parseConfig(JSON.stringify(file), "f"), { name: "ConfigError", code: "BAD_CONFIG", message });
  }
});

/** Files of proxy/ and cli/ that name each setting: the table, and those that use it. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  halfClose: ["cli/commands/bridge.ts", "cli/config/settings.ts"],
  maxDestinations: [
    "cli/config/server_config.ts",
    "cli/config/settings.ts",
    "proxy/moved_options.ts",
    "proxy/serve_options.ts",
    "proxy/server_options.ts",
  ],
  insecureUnordered: ["cli/config/settings.ts", "cli/server/warnings.ts", "proxy/moved_options.ts"],
  sessionsPerUser: ["cli/config/settings.ts"],
  bandwidthPerUser: ["cli/config/settings.ts"],
};

Deno.test("settings: between the table and its use no file names a setting", async () => {
  const files: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
      if (isDirectory) await walk(`${folder}${name}/`);
      else if (name.endsWith(".ts")) files.push(`${folder}${name}`);
    }
  };
  for (const folder of ["proxy/", "cli/"]) await walk(folder);
  const texts = await Promise.all(files.map((file) => Deno.readTextFile(new URL(file, ROOT))));
  for (const [name, wanted] of Object.entries(NAMED)) {
    const found = files.filter((_, i) => new RegExp(`\\b${name}\\b`).test(texts[i]!));
    assert.deepEqual(found.toSorted(), wanted, name);
  }
});
