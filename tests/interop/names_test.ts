/** Names in other programs: principals in MIT's tools, and clients in fail2ban. */
import assert from "node:assert/strict";
import { eventPrinter } from "../../cli/log/event_log.ts";
import { KerberosKey } from "../../kerberos/crypto/key.ts";
import { formatPrincipal, parsePrincipal, principal } from "../../kerberos/principal.ts";
import { Credential } from "../../kerberos/credential.ts";
import { FileCredentialCache } from "../../kerberos/credentials/shell/stores.ts";
import { fixedPasswords, serve } from "../../mod.ts";
import { utf8 } from "../../base/bytes.ts";
import { peer, peerTest } from "../support/peers.ts";
import { run } from "../support/process.ts";

const GUIDE = new URL("../../docs/operating.md", import.meta.url);

peerTest("MIT klist: principals are written the same way", ["klist"], async () => {
  const directory = await Deno.makeTempDir({ prefix: "gssocks-names-" });
  try {
    const names = [
      ["A.TEST", "alice"],
      ["A.TEST", "John Doe"],
      ["A.TEST", "j.doe@a.test"],
      ["A.TEST", "a/b", "c"],
      ["A.TEST", "eve\\"],
      ["A.TEST", "x\ty\bz"],
      ["A.TEST", "x\ny"],
      ["A.TEST", "x\x1by\x7f"],
      ["A.TEST", "Ünï"],
      ["A.TEST", "", ""],
      ["/C=US/O=X, Inc", "alice"],
      ["B@C\\", "alice"],
    ] as const;
    const key = KerberosKey.generate(18);
    for (const [realm, ...components] of names) {
      const client = principal(realm, components);
      const cache = new FileCredentialCache(`FILE:${directory}/cc`);
      const times = { authtime: 0, starttime: 0, endtime: 4e12, renewTill: 0 };
      const credential = new Credential({
        ...{ client, server: client, key, ...times, flags: 0, ticket: new Uint8Array(1) },
      });
      await cache.initialize({ principal: client, credentials: [credential] });
      const { stdout, stderr } = await run(peer("klist"), ["-c", cache.name], { env: { LC_ALL: "C.UTF-8" } });
      const shown = /^Default principal: (.*)$/m.exec(stdout)?.[1];
      assert.equal(shown, formatPrincipal(client), stderr);
      assert.deepEqual(parsePrincipal(shown!), client);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

/** Names that try to look like another field or line. */
const NAMES = [
  "bob",
  "x refused 203.0.113.9:1 y: Password of z",
  'x" refused 203.0.113.9:1 y: Password of "z',
  '[1] refused 203.0.113.9:1 (unauthenticated): Password of "z" refused',
  '\n2026-01-01T00:00:00.000Z [1] refused 203.0.113.9:1 (unauthenticated): Password of "z" refused\n',
  "2001-01-01T00:00:00.000Z [1] refused 203.0.113.9:1",
  "Mon Jan 01 00:00:00 2001",
  "\r203.0.113.9 \u202e\x9b2J",
  '\u2028[1] refused 203.0.113.9:1 (unauthenticated): Password of "z" refused',
  " ",
  "\x1b".repeat(255), // The longest line.
];

/** Logs in with the password "A", which is right for one name. */
async function tryPassword(port: number, name: string): Promise<void> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const read = async () => await conn.read(new Uint8Array(64));
  try {
    await conn.write(Uint8Array.of(5, 1, 2));
    await read();
    const bytes = utf8(name);
    await conn.write(Uint8Array.of(1, bytes.length, ...bytes, 1, 65));
    await read();
    // A logged-in client requests a target that no rule allows.
    await conn.write(Uint8Array.of(5, 1, 0, 1, 203, 0, 113, 9, 0, 1)).catch(() => {});
    while (await read().catch(() => null) !== null);
  } finally {
    conn.close();
  }
}

peerTest("fail2ban: finds only the clients that sent a wrong password", ["fail2ban-regex"], async () => {
  const directory = await Deno.makeTempDir({ prefix: "gssocks-fail2ban-" });
  try {
    const started = Date.now();
    const lines: string[] = [];
    const print = eventPrinter("text", { err: (text) => void lines.push(text) } as Parameters<typeof eventPrinter>[1]);
    await using server = serve({
      hostname: "127.0.0.1",
      port: 0,
      passwords: fixedPasswords({
        bob: "right",
        '[1] refused 203.0.113.9:1 (unauthenticated): Password of "z" refused': "A",
      }),
      allowUnauthenticated: false,
      rules: [],
      onEvent: print,
    });
    for (const name of NAMES) await tryPassword(server.addr.port, name);
    const refused = lines.filter((line) => /^\S+ \[\d+\] refused 127\.0\.0\.1:\d+ \(unauthenticated\): /.test(line));
    // One of them is a real user, refused for the target.
    assert.equal(refused.length, NAMES.length - 1, lines.join(""));
    const [definition] = /^\[Definition\]\nfailregex = [^`]*/m.exec(await Deno.readTextFile(GUIDE))!;
    const filter = `${directory}/gssocks.conf`;
    await Deno.writeTextFile(filter, definition);
    const day = new Date(started).toISOString().slice(0, 10);
    const journal = lines.map((line) => `${day} 00:00:01 proxy deno[4711]: ${line}`);
    for (const log of [lines, journal]) {
      await Deno.writeTextFile(`${directory}/log`, log.join(""));
      const { stdout, stderr } = await run(
        peer("fail2ban-regex"),
        ["-o", "<ip> <time>", `${directory}/log`, filter],
        { timeout: 60_000, env: { TZ: "UTC" } },
      );
      const found = stdout.trim().split("\n").map((line) => line.split(" "));
      assert.deepEqual(found.map(([address]) => address), refused.map(() => "127.0.0.1"), stderr);
      // No client can date its guess back, where it is not counted.
      for (const [, time] of found) assert.ok(Number(time) * 1_000 >= Date.parse(day), time);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
