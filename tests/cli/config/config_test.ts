/** The configuration file: what is wrong in it and where, the command line before it, reading it again, its schema. */
import assert from "node:assert/strict";
import { readArguments } from "../../../cli/command/command.ts";
import { configJsonSchema, parseConfig } from "../../../cli/config/server_config.ts";
import { listenPlaces } from "../../../cli/config/listeners.ts";
import { checkShared } from "../../../cli/config/shared_store.ts";
import type { ServerConfig } from "../../../cli/config/settings.ts";
import type { CliIo } from "../../../cli/terminal/io.ts";
import { dropPermissions } from "../../../cli/server/permissions.ts";
import { command as serve } from "../../../cli/commands/serve.ts";
import { readSize, readTime } from "../../../cli/command/units.ts";
import { hashedPasswords, hashPassword, parsePasswordFile, passwordLine } from "../../../cli/passwords/passwords.ts";
import { connect, noAuthentication } from "../../../mod.ts";
import { gssocks } from "../../support/run_cli.ts";
import { certificateFor } from "../../support/certificate.ts";
import { peerTest } from "../../support/peers.ts";
import { Daemon } from "../../support/process.ts";
import { startRealmFolder } from "../../support/realm_folder.ts";
import { echoServer } from "../../support/servers.ts";

const ROOT = new URL("../../..", import.meta.url);
const LOCALHOST = "127.0.0.1";

async function inFolder(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("configuration: each error has its place and reason on a line", () => {
  const cases: [unknown, RegExp][] = [
    ["{", /^f: .*JSON/],
    [[], /^f: .*object/],
    [{ lisen: [] }, /^f: .*lisen/],
    [{ listen: [] }, /^f: listen: /],
    [{ methods: ["magic"] }, /^f: methods\[0\]: /],
    [{ timeouts: { idle: "soon" } }, /^f: timeouts\.idle: a time is wanted/],
    [{ limits: { bandwidthPerUser: "fast" } }, /^f: limits\.bandwidthPerUser: bytes are wanted/],
    [{ limits: { sessions: 0 } }, /^f: limits\.sessions: /],
    [{ gssapi: { ticketExpiry: "never" } }, /^f: gssapi\.ticketExpiry: /],
    [{ rules: ["allow *", { action: "permit" }] }, /^f: rules\[1\]: a rule is wanted/],
    [{ shared: { redis: "redis://x" } }, /^f: shared\.onLoss: /],
    [{ shared: { redis: [], onLoss: "allow" } }, /^f: shared\.redis: /],
    [{ shared: { redis: "redis://x", onLoss: "allow", replicas: -1 } }, /^f: shared\.replicas: /],
    [{ proxyProtocol: [] }, /^f: proxyProtocol: /],
    [{ log: "xml", workers: -1 }, /^f: workers: .*\nf: log: /],
  ];
  for (const [value, message] of cases) {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    assert.throws(() => parseConfig(text, "f"), { name: "ConfigError", message }, text);
  }
  for (const text of ['{"shared": secret}', "secret", '{"a": "secret"', '{"a": "b" secret}']) {
    assert.throws(
      () => parseConfig(text, "f"),
      (error) => !String(error).includes("secret") && /JSON/.test(String(error)),
      text,
    );
  }
});

Deno.test("serve --check: finds errors beyond the shape", async () => {
  await inFolder(async (directory) => {
    const file = `${directory}/c.json`;
    const check = async (config: unknown) => {
      await Deno.writeTextFile(file, JSON.stringify(config));
      return await gssocks(["serve", "--check", "--config", file]);
    };
    const none = { methods: ["none"], listen: ["127.0.0.1:0"] };
    const good = await check({ ...none, listen: ["127.0.0.1:0"], rules: ["allow 10.0.0.0/8", { action: "deny" }] });
    const said = `listen[0]: 127.0.0.1:0 is free\nreload: SIGHUP has these files read again: ${file}\n`;
    assert.deepEqual([good.code, good.out, good.err], [0, `${said}The configuration is good.\n`, ""]);
    const announce = ["192.0.2.1", "2001:db8::1"];
    assert.equal((await check({ ...none, datagrams: { announce } })).code, 0);
    const given = announce.flatMap((address) => ["--announce", address]);
    assert.equal((await gssocks(["serve", "--check", "-l", "127.0.0.1:0", "--method", "none", ...given])).code, 0);
    const twice = await gssocks(["serve", "--check", "--method", "none", "--announce", "192.0.2.1", ...given]);
    assert.match(twice.err, /at most one IPv4 address is allowed/);
    const cases: [Record<string, unknown>, RegExp][] = [
      [{ ...none, rules: ["allow 10.0.0.1/8"] }, /rules\[0\]: .*bits behind/],
      [
        { ...none, rules: [{ action: "allow", users: ["a"], methods: ["none"] }] },
        /rules\[0\]: .*clients of method none have no user/,
      ],
      [
        { ...none, rules: ["allow *", "deny *,enctype=aes"] },
        /rules\[1\]: Cannot use rule .*"aes" is no encryption type/,
      ],
      [{ ...none, datagrams: { announce: "a b" } }, /datagrams\.announce: Cannot use host "a b"/],
      [
        { ...none, datagrams: { announce: ["192.0.2.1", "192.0.2.2"] } },
        /announce: Cannot announce .*at most one IPv4 address is allowed/,
      ],
      [{ ...none, datagrams: { announce: [] } }, /announce: Too small/],
      [{ ...none, rules: [{ action: "allow", upstream: "x" }] }, /rules\[0\]: there is no upstream "x"/],
      [{ ...none, upstreams: { a: { proxy: "p", via: "b" }, b: { proxy: "p", via: "a" } } }, /goes around in a circle/],
      [{ ...none, upstreams: { a: { proxy: "p", via: "b" } } }, /upstreams\.a\.via: there is no upstream "b"/],
      [{ ...none, upstreams: { a: { proxy: "p", user: "u" } } }, /upstreams\.a: user and passwordFile go together/],
      [{ methods: ["password"] }, /passwordFile: is needed/],
      [{ methods: ["password"], passwordFile: "/nowhere" }, /passwordFile: .*\/nowhere/],
      [
        { methods: ["gssapi"], keytab: "/nowhere", protocols: ["http"] },
        /protocols: clients of http do not authenticate/,
      ],
      [{ ...none, listen: ["tls://127.0.0.1:1"] }, /tls: a certificate and a key/],
      [{ ...none, clients: ["allow user=alice"] }, /nothing else is known before a client has sent/],
      [{ ...none, admin: "0.0.0.0:1" }, /admin: .*it must be a loopback address/],
    ];
    for (const [config, message] of cases) {
      const got = await check(config);
      assert.notEqual(got.code, 0, JSON.stringify(config));
      assert.match(got.err, message);
      assert.equal(got.out, "");
    }
  });
});

Deno.test("configuration: what is shared goes through one store with a valid address", async () => {
  const onLoss = "refuse";
  const cases: [unknown, RegExp][] = [
    [{ shared: { onLoss } }, /shared: either redis or kv is wanted/],
    [{ shared: { redis: "redis://x", kv: "y", onLoss } }, /shared: either redis or kv is wanted/],
    [{ shared: { kv: "y", replicas: 1, onLoss } }, /shared: replicas: Redis alone has this/],
    [{ shared: { redis: "http://u:s3cret@x", onLoss } }, /shared\.redis: Cannot connect to Redis: it cannot be read/],
    [{ shared: { redis: "redis+sentinel://:s3cret@x,y", onLoss } }, /shared\.redis: .*name of the master is missing/],
    [{ shared: { redis: ["redis://x", "redis+sentinel://y/z"], onLoss } }, /shared\.redis: .*address of their own/],
    [{ proxyProtocol: ["balancer.example.com"] }, /proxyProtocol: .*"balancer\.example\.com" is neither an address/],
  ];
  await inFolder(async (directory) => {
    const check = async (config: object) => {
      await Deno.writeTextFile(
        `${directory}/c.json`,
        JSON.stringify({ methods: ["none"], listen: ["[::1]:0"], ...config }),
      );
      return await gssocks(["serve", "--check", "--config", `${directory}/c.json`]);
    };
    for (const [config, message] of cases) {
      const got = await check(config as object);
      assert.equal(got.code, 2, JSON.stringify(config));
      assert.match(got.err, message);
      assert.ok(!got.err.includes("s3cret"));
    }
    const good = [
      { redis: "redis://x" },
      { redis: ["redis://x", "rediss://u:p@y:1/2"], replicas: 1, passwordFile: "f" },
      { redis: "rediss+sentinel://u:p@a,b:1,[::1]:2/mymaster/3", sentinelPasswordFile: "f", caFile: "g" },
      { kv: "shared.kv" },
    ];
    for (const shared of good) {
      const config = { methods: ["none"], shared: { ...shared, onLoss }, proxyProtocol: ["10.0.0.5", "fd00::/8"] };
      const read = parseConfig(JSON.stringify(config), "f");
      checkShared(read.shared);
      assert.equal(listenPlaces(read).length, 1);
    }
  });
});

Deno.test("configuration: the published schema is the one used", async () => {
  const file = new URL("docs/config.schema.json", ROOT);
  const text = `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`;
  if (Deno.env.get("GSSOCKS_WRITE_SCHEMA") !== undefined) await Deno.writeTextFile(file, text);
  assert.equal(await Deno.readTextFile(file), text, "run this test with GSSOCKS_WRITE_SCHEMA=1");
});

peerTest("configuration: those in the operator's guide are valid", ["openssl"], async () => {
  await inFolder(async (directory) => {
    const { cert, key } = await certificateFor();
    await Deno.writeTextFile(`${directory}/cert.pem`, cert);
    await Deno.writeTextFile(`${directory}/key.pem`, key);
    await using realm = await startRealmFolder();
    const guides = ["operating", "surroundings", "howto/several-machines"].map((name) =>
      Deno.readTextFile(new URL(`docs/${name}.md`, ROOT))
    );
    const guide = (await Promise.all(guides)).join("\n");
    const blocks = [...guide.matchAll(/```json\n([\s\S]*?)```/g)].map(([, block]) => block!);
    assert.ok(blocks.length >= 3);
    await Deno.writeTextFile(`${directory}/users`, `${await passwordLine("bob", "pw")}\n`);
    await Deno.writeTextFile(`${directory}/tokens`, "carol 0123456789abcdef0123456789abcdef\n");
    for (const block of blocks) {
      const config = JSON.parse(block);
      if (config.keytab !== undefined) config.keytab = realm.keytab;
      if (config.egress !== undefined) config.egress.addresses = ["127.0.0.1"];
      if (config.tls !== undefined) config.tls = { certificate: `${directory}/cert.pem`, key: `${directory}/key.pem` };
      if (config.passwordFile !== undefined) config.passwordFile = `${directory}/users`;
      for (const upstream of Object.values(config.upstreams ?? {}) as { passwordFile?: string }[]) {
        if (upstream.passwordFile !== undefined) upstream.passwordFile = `${directory}/users`;
      }
      // What the machine of the guide has and this one has not.
      config.listen = ["127.0.0.1:0", `unix:${directory}/socket`];
      delete config.reusePort; // It needs --unstable-net.
      for (const port of ["admin", "health"]) {
        if (typeof config[port] === "string") config[port] = "127.0.0.1:0";
        else if (config[port] !== undefined) {
          config[port] = { listen: "127.0.0.1:0", endSessions: `${directory}/tokens` };
        }
      }
      if (config.shared !== undefined) config.shared = { redis: "redis://127.0.0.1:1", onLoss: "refuse" };
      await Deno.writeTextFile(`${directory}/c.json`, JSON.stringify(config));
      const got = await gssocks(["serve", "--check", "--config", `${directory}/c.json`]);
      assert.equal(got.code, 0, `${block}\n${got.err}`);
    }
  });
});

Deno.test("configuration: reads times and sizes", () => {
  const times = ["500ms", "90s", "30m", "8h", "1d", "never"].map(readTime);
  assert.deepEqual(times, [500, 90_000, 1_800_000, 28_800_000, 86_400_000, Infinity]);
  assert.deepEqual(["64KiB", "10MiB", "1GiB"].map(readSize), [65_536, 10_485_760, 1_073_741_824]);
  const { timeouts, limits } = parseConfig(
    JSON.stringify({
      timeouts: { idle: "never", connect: 7, drain: "1d" },
      limits: { bandwidthPerUser: "64KiB", bandwidthPerSession: 5, sessionsPerUser: "any" },
    }),
    "f",
  );
  assert.deepEqual(timeouts, { idle: Infinity, connect: 7, drain: 86_400_000 });
  assert.deepEqual(limits, { bandwidthPerUser: 65_536, bandwidthPerSession: 5, sessionsPerUser: Infinity });
});

Deno.test("SIGHUP: reads the configuration again; sessions continue, and a bad one changes nothing", async () => {
  await inFolder(async (directory) => {
    await using echo = echoServer();
    await using other = echoServer();
    const file = `${directory}/c.json`;
    const write = (rules: string[], more = {}) =>
      Deno.writeTextFile(file, JSON.stringify({ listen: ["127.0.0.1:0"], methods: ["none"], rules, ...more }));
    await write([`allow localhost:${echo.port}`]);
    const cli = new URL("cli/mod.ts", ROOT).pathname;
    await using server = new Daemon(Deno.execPath(), [
      ...["run", "-q", "--allow-net", `--allow-read=${directory}`, "-c", new URL("deno.json", ROOT).pathname],
      ...[cli, "serve", "--config", file],
    ]);
    const port = Number((await server.waitFor(/Listening on 127\.0\.0\.1:(\d+)/))[1]);
    const open = (to: number) =>
      connect({ proxy: { hostname: LOCALHOST, port }, auth: [noAuthentication()], hostname: LOCALHOST, port: to });
    await using first = await open(echo.port);
    await assert.rejects(open(other.port), { code: "NOT_ALLOWED" });

    await write([`allow localhost:${other.port}`]);
    Deno.kill(server.pid, "SIGHUP");
    await server.waitFor(/Configuration read again/);
    await using second = await open(other.port);
    await assert.rejects(open(echo.port), { code: "NOT_ALLOWED" });
    for (const connection of [first, second]) {
      await connection.write(Uint8Array.of(7));
      assert.equal(await connection.read(new Uint8Array(9)), 1);
    }
    await write(["allow nonsense/8"]);
    Deno.kill(server.pid, "SIGHUP");
    await server.waitFor(/the old one stays: .*rules\[0\]/);
    (await open(other.port)).close();
  });
});

Deno.test("serve: lets sessions end when it stops, and cuts the others", async () => {
  await using echo = echoServer();
  const stop = new AbortController();
  const port = Promise.withResolvers<number>();
  const serving = gssocks(
    ["serve", "-m", "none", "-l", "127.0.0.1:0", "--allow", "localhost", "--drain-timeout", "300"],
    { signal: stop.signal, onErr: (text) => port.resolve(Number(/Listening on .*:(\d+)/.exec(text)?.[1])) },
  );
  const proxy = { hostname: LOCALHOST, port: await port.promise };
  const open = () => connect({ proxy, auth: [noAuthentication()], hostname: LOCALHOST, port: echo.port });
  const [ending, staying] = [await open(), await open()];
  stop.abort();
  await assert.rejects(open());
  await ending.write(Uint8Array.of(7));
  assert.equal(await ending.read(new Uint8Array(9)), 1);
  ending.close();
  const { code, err } = await serving;
  assert.equal(code, 0);
  assert.match(
    err,
    /closed 127\.0\.0\.1:\d+ \(unauthenticated\) to 127\.0\.0\.1:\d+, 1 bytes sent, 1 received, rule 1 "allow localhost"\n/,
  );
  assert.match(err, /0 bytes sent, 0 received, rule 1 "allow localhost": Server is shutting down/);
  staying.close();
});

Deno.test("command line: takes precedence over the file, rules first", async () => {
  await inFolder(async (directory) => {
    await using echo = echoServer();
    await Deno.writeTextFile(
      `${directory}/c.json`,
      JSON.stringify({ methods: ["gssapi"], rules: ["allow localhost"] }),
    );
    const stop = new AbortController();
    const port = Promise.withResolvers<number>();
    const args = ["-f", `${directory}/c.json`, "-m", "none", "-l", "127.0.0.1:0", "--deny", "127.0.0.9"];
    const serving = gssocks(["serve", ...args], {
      signal: stop.signal,
      onErr: (text) => port.resolve(Number(/Listening on .*:(\d+)/.exec(text)?.[1])),
    });
    const proxy = { hostname: LOCALHOST, port: await port.promise };
    const open = (hostname: string) => connect({ proxy, auth: [noAuthentication()], hostname, port: echo.port });
    (await open(LOCALHOST)).close();
    await assert.rejects(open("127.0.0.9"), { code: "NOT_ALLOWED" });
    stop.abort();
    assert.equal((await serving).code, 0);
  });
});

Deno.test("passwords: are hashed, checked in constant time, and read from a file", async () => {
  const line = await passwordLine("bob", "s3cret");
  assert.match(line, /^bob:\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.notEqual(await hashPassword("s3cret"), await hashPassword("s3cret"));
  const check = hashedPasswords(parsePasswordFile(`# users\n\n${line}\n`, "f"));
  const asks: [string, string, boolean][] = [
    ["bob", "wrong", false],
    ["bob", "s3cret", true],
    ["bob", "s3cret", true],
    ["bob", "wrong", false],
    ["eve", "s3cret", false],
    ["__proto__", "", false],
  ];
  for (const [username, password, right] of asks) assert.equal(await check({ username, password }), right, password);
  // RFC 7914 section 12: N 16384, r 8, p 1 over "pleaseletmein" and "SodiumChloride", the first 32 bytes.
  const vector = "a:$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI";
  const known = hashedPasswords(parsePasswordFile(vector, "f"));
  assert.equal(await known({ username: "a", password: "pleaseletmein" }), true);
  assert.equal(await known({ username: "a", password: "pleaseletmeout" }), false);
  for (const bad of ["bob:s3cret", "bob", ":x", `bob:${line.slice(4).replace("ln=15", "ln=30")}`]) {
    assert.throws(() => parsePasswordFile(bad, "users"), /users, line 1/);
  }
  await assert.rejects(passwordLine("a:b", "x"), TypeError);
  await assert.rejects(passwordLine("a", ""), TypeError);
});

Deno.test("passwd: sets, changes and deletes users in a private file", async () => {
  await inFolder(async (directory) => {
    const file = `${directory}/users`;
    const set = (user: string, password: string) => gssocks(["passwd", file, user], { password });
    assert.equal((await set("bob", "one")).code, 0);
    assert.equal((await set("alice", "two")).code, 0);
    assert.equal((await set("bob", "three")).code, 0);
    if (Deno.build.os !== "windows") assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
    const check = hashedPasswords(parsePasswordFile(await Deno.readTextFile(file), file));
    assert.equal(await check({ username: "bob", password: "one" }), false);
    assert.equal(await check({ username: "bob", password: "three" }), true);
    assert.equal((await gssocks(["passwd", "-D", file, "bob"])).code, 0);
    assert.deepEqual([...parsePasswordFile(await Deno.readTextFile(file), file).keys()], ["alice"]);
    assert.equal((await gssocks(["passwd", file])).code, 2);
    assert.equal((await set("a:b", "x")).code, 2);
  });
});

Deno.test("permissions: serve gives up those that it no longer needs, and no others", async () => {
  await inFolder(async (directory) => {
    const runs = async (args: string[], config?: unknown) => {
      if (config !== undefined) await Deno.writeTextFile(`${directory}/c.json`, JSON.stringify(config));
      const stop = new AbortController();
      const revoked: string[] = [];
      const { code, err } = await gssocks(["serve", "-m", "none", "-l", "127.0.0.1:0", ...args], {
        signal: stop.signal,
        revoke: (names) => {
          revoked.push(...names);
          stop.abort();
          return Promise.resolve();
        },
      });
      assert.equal(code, 0, err);
      return revoked.sort().join(" ");
    };
    assert.equal(await runs([]), "env ffi read run sys write");
    assert.equal(await runs(["-f", `${directory}/c.json`], {}), "env ffi run sys write");
    const upstreams = { a: { proxy: "p", unauthenticated: true } };
    assert.equal(await runs(["-f", `${directory}/c.json`], { upstreams }), "ffi run");
  });
});

Deno.test("permissions: stay for a socket file of workers and for a database that is reopened", async () => {
  const dropped = async (config: ServerConfig) => {
    const names: string[] = [];
    const revoke = (revoked: readonly string[]) => Promise.resolve(void names.push(...revoked));
    const args = readArguments(serve, []);
    await dropPermissions({ args, config: { methods: ["none"], ...config }, io: { revoke } as CliIo });
    return names.sort().join(" ");
  };
  const unix = { listen: ["127.0.0.1:0", "unix:/run/s"] };
  assert.equal(await dropped(unix), "env ffi read run sys write");
  assert.equal(await dropped({ workers: 2 }), "env ffi run sys write");
  assert.equal(await dropped({ ...unix, workers: 2 }), "env ffi run sys");
  assert.equal(await dropped({ shared: { kv: "/k", onLoss: "refuse" } }), "env ffi run sys");
});

Deno.test("serve: survives a lack of file descriptors", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using echo = echoServer();
  const cli = new URL("cli/mod.ts", ROOT).pathname;
  const command = [
    ...[Deno.execPath(), "run", "-q", "--allow-net", "-c", new URL("deno.json", ROOT).pathname, cli, "serve"],
    ...["-l", "127.0.0.1:0", "-m", "none", "--allow", "localhost", "--quiet"],
  ];
  await using server = new Daemon("/bin/sh", ["-c", 'ulimit -n 64; exec "$@"', "sh", ...command]);
  const port = Number((await server.waitFor(/Listening on 127\.0\.0\.1:(\d+)/))[1]);
  // More than there is room for: some are served, the others wait in the system's queue or are refused their target.
  const waiting = await Promise.all(Array.from({ length: 100 }, () => Deno.connect({ hostname: LOCALHOST, port })));
  for (const connection of waiting) await connection.write(Uint8Array.of(5, 1, 0));
  assert.equal(await waiting[0]!.read(new Uint8Array(2)), 2);
  for (const connection of waiting) connection.close();
  const proxy = { hostname: LOCALHOST, port };
  await using connection = await connect({ proxy, auth: [noAuthentication()], hostname: LOCALHOST, port: echo.port });
  await connection.write(Uint8Array.of(7));
  assert.equal(await connection.read(new Uint8Array(9)), 1);
});
