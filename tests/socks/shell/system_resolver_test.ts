/** The system's resolver, over a name server on loopback that says what a test wants. */
import assert from "node:assert/strict";
import { resolverOf, reverseOf, type SystemResolverOptions } from "../../../socks/names/system_resolver.ts";
import { denoNames } from "../../../socks/shell/deno_names.ts";
import { systemResolverWith, systemReverseWith } from "../../../socks/shell/system_resolver.ts";
import { connect, fixedPasswords, passwordClient, serve, type ServeOptions, type ServerEvent } from "../../../mod.ts";
import { parseHosts } from "../../../socks/names/hosts_file.ts";
import { SilentServers } from "../../../socks/names/silent_servers.ts";
import { yieldMicrotasks } from "../../../socks/stream/settling.ts";
import { run } from "../../support/process.ts";
import { type Reply, type Said, type Script, startNameServer } from "../../support/name_server.ts";
import { echoServer } from "../../support/servers.ts";

const ADDRESS = (name: string, type: string): Said =>
  type === "A" ? [name, "A", "192.0.2.1"] : [name, "AAAA", "2001:db8::1"];
/** Both addresses of any name. */
const GOOD: Script = (name, type) => ({ records: [ADDRESS(name, type)] });

/** A resolver over a script, with files of its own. */
async function lab(script: Script, conf = "", options: SystemResolverOptions = {}) {
  const server = await startNameServer(script);
  const directory = await Deno.makeTempDir();
  const hostsFile = `${directory}/hosts`;
  const resolvConf = `${directory}/resolv.conf`;
  Deno.writeTextFileSync(hostsFile, "192.0.2.66 File.corp.test file\n");
  Deno.writeTextFileSync(resolvConf, conf);
  const all = { nameServers: [server], hostsFile, resolvConf, timeout: 10_000, attempts: 1, ...options };
  return {
    server,
    resolve: systemResolverWith(all),
    reverse: systemReverseWith(all),
    async [Symbol.asyncDispose](): Promise<void> {
      await server[Symbol.asyncDispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

Deno.test("systemResolver(): hosts file first, then name servers for both families; never for localhost", async () => {
  await using at = await lab(GOOD);
  assert.deepEqual(await at.resolve("file", {}), { addresses: ["192.0.2.66"], names: ["file.corp.test"] });
  assert.deepEqual(await at.resolve("FILE.corp.test", {}), { addresses: ["192.0.2.66"], names: [] });
  for (const name of ["localhost", "a.localhost"]) {
    const { addresses } = await at.resolve(name, {});
    assert.deepEqual([...addresses].sort(), ["127.0.0.1", "::1"]);
  }
  assert.deepEqual(at.server.questions, []);
  const found = await at.resolve("a_b.test", {});
  assert.deepEqual([[...found.addresses].sort(), found.names], [["192.0.2.1", "2001:db8::1"], []]);
  assert.deepEqual([...at.server.questions].sort(), ["a_b.test A", "a_b.test AAAA"]);
});

Deno.test("systemResolver(): says why a name has no address", async () => {
  const replies: Readonly<Record<string, Reply | undefined>> = {
    "nx.test": { code: 3 },
    "servfail.test": { code: 2 },
    "refused.test": { code: 5 },
    "nodata.test": {},
    "loop.test": { records: [["loop.test", "CNAME", "loop.test"]] },
    "silent.test": undefined,
  };
  await using at = await lab((name) => replies[name], "", { timeout: 500 });
  const place = `name server 127.0.0.1:${at.server.port}`;
  const words: Readonly<Record<string, string>> = {
    "nx.test": "there is no such name (NXDOMAIN)",
    "servfail.test": `${place} failed (SERVFAIL)`,
    "refused.test": `${place} refused to answer (REFUSED)`,
    "nodata.test": "the name exists but has no address (NODATA)",
    "loop.test": "its CNAME records form a loop",
    "silent.test": `${place} did not answer`,
  };
  for (const [name, reason] of Object.entries(words)) {
    await assert.rejects(at.resolve(name, {}), {
      code: "HOST_UNREACHABLE",
      message: `Cannot find ${name}: ${reason}`,
    });
  }
});

Deno.test("systemResolver(): follows CNAMEs and the search list, and returns each name", async () => {
  await using at = await lab((name, type) => {
    if (name === "www.corp.test") return { records: [[name, "CNAME", "Db.corp.test"], ADDRESS("db.corp.test", type)] };
    if (name === "deep.corp.corp.test") return { records: [ADDRESS(name, type)] };
    return { code: 3 };
  }, "search other.test corp.test\n");
  const names = async (name: string) => (await at.resolve(name, {})).names;
  assert.deepEqual(await names("www.corp.test"), ["db.corp.test"]);
  assert.deepEqual(await names("www"), ["www.corp.test", "db.corp.test"]);
  assert.deepEqual(await names("deep.corp"), ["deep.corp.corp.test"]);
  assert.deepEqual([...new Set(at.server.questions.filter((asked) => asked.endsWith(" A")).slice(1, 3))], [
    "www.other.test A",
    "www.corp.test A",
  ]);
  await assert.rejects(at.resolve("none", {}), /Cannot find none: there is no such name/);
});

Deno.test("systemResolver(): asks again over TCP if an answer does not fit", async () => {
  await using at = await lab((name, type, over) =>
    over === "udp" ? { truncated: true } : { records: type === "A" ? [ADDRESS(name, type)] : [] }
  );
  assert.deepEqual(await at.resolve("big.test", {}), { addresses: ["192.0.2.1"], names: [] });
  assert.equal(at.server.questions.length, 4);
  await using tcp = await lab(
    (name, type, over) => over === "udp" ? undefined : GOOD(name, type, over),
    "options use-vc no-aaaa\n",
  );
  assert.deepEqual(await tcp.resolve("tcp.test", {}), { addresses: ["192.0.2.1"], names: [] });
  assert.deepEqual(tcp.server.questions, ["tcp.test A"]);
});

Deno.test("systemResolver(): ignores an answer to another question or from elsewhere", async () => {
  await using at = await lab(
    (name, type) => ({
      records: [ADDRESS(name, type)],
      ...(name === "forged.test" ? { forge: (message) => (message[1]! ^= 1, message) } : { elsewhere: true }),
    }),
    "",
    { timeout: 500 },
  );
  await assert.rejects(at.resolve("forged.test", {}), /did not answer/);
  await assert.rejects(at.resolve("elsewhere.test", {}), /did not answer/);
});

Deno.test("systemResolver(): asks the next server after a failure or silence, as often as configured", async () => {
  await using second = await startNameServer(GOOD);
  for (const first of [() => undefined, () => ({ code: 2 }), () => ({ code: 5 })] as Script[]) {
    await using at = await lab(first);
    const resolve = systemResolverWith({ nameServers: [at.server, second], timeout: 500 });
    assert.equal((await resolve("next.test", {})).addresses.length, 2);
  }
  await using nobody = await lab(() => undefined, "options attempts:3\n", { attempts: undefined, timeout: 20 });
  await assert.rejects(nobody.resolve("x.test", {}), /did not answer/);
  assert.equal(nobody.server.questions.length, 6, "two families, three times");
  await using fails = await lab(() => ({ code: 2 }), "options attempts:3\n", { attempts: undefined });
  await assert.rejects(fails.resolve("x.test", {}), /SERVFAIL/);
  assert.equal(fails.server.questions.length, 2, "who says that he cannot say is not asked again");
});

Deno.test("systemResolver(): rotates servers if configured", async () => {
  await using one = await startNameServer(GOOD);
  await using two = await startNameServer(GOOD);
  await using at = await lab(GOOD, "options rotate no-aaaa\n", { nameServers: [one, two] });
  for (const name of ["a.test", "b.test", "c.test", "d.test"]) await at.resolve(name, {});
  assert.deepEqual([one.questions.length, two.questions.length], [2, 2]);
});

Deno.test("systemResolver(): a family without an answer neither removes nor delays the other", async () => {
  for (const other of [undefined, { code: 2 }, {}] as (Reply | undefined)[]) {
    await using at = await lab((name, type) => type === "A" ? { records: [ADDRESS(name, type)] } : other, "", {
      timeout: 5_000,
    });
    const began = performance.now();
    assert.deepEqual(await at.resolve("half.test", {}), { addresses: ["192.0.2.1"], names: [] });
    assert.ok(performance.now() - began < 4_000);
  }
  await using at = await lab((_name, type) => type === "A" ? { code: 3 } : undefined, "", { timeout: 60_000 });
  await assert.rejects(at.resolve("nx.test", { signal: AbortSignal.timeout(20_000) }), /NXDOMAIN/);
});

Deno.test("systemResolver(): NXDOMAIN for IPv6 keeps the IPv4 address (RFC 4074 section 4.2)", async () => {
  await using at = await lab(async (name, type) => {
    if (type === "AAAA") return { code: 3 };
    // The other answer is there before.
    await new Promise((later) => setTimeout(later, 100));
    return { records: [ADDRESS(name, type)] };
  });
  assert.deepEqual(await at.resolve("old.test", {}), { addresses: ["192.0.2.1"], names: [] });
});

Deno.test("systemResolver(): a silent server has one second until it answers, if there is another", async () => {
  let isThere = false;
  await using first = await startNameServer((name, type) => isThere ? { records: [ADDRESS(name, type)] } : undefined);
  await using second = await startNameServer((name) => ({ records: [[name, "A", "192.0.2.2"]] }));
  const files = { hostsFile: "/dev/null", resolvConf: "/dev/null" };
  const times = { timeout: 60_000, attempts: 1 };
  const both = systemResolverWith({ nameServers: [first, second], ...files, ...times });
  const within = (milliseconds: number) => ({ signal: AbortSignal.timeout(milliseconds) });
  // Whoever has less time than the server does not get to the second one, and those behind him do.
  await assert.rejects(both("x.test", within(1_050)), { name: "TimeoutError" });
  assert.deepEqual(second.questions, []);
  assert.deepEqual((await both("x.test", within(30_000))).addresses, ["192.0.2.2"]);
  const alone = systemResolverWith({ nameServers: [first], ...files, ...times });
  await assert.rejects(alone("x.test", within(1_250)), { name: "TimeoutError" });
  isThere = true;
  assert.ok((await both("x.test", within(30_000))).addresses.includes("192.0.2.1"), "it is still the first");
  isThere = false;
  const before = second.questions.length;
  await assert.rejects(both("x.test", within(1_250)), { name: "TimeoutError" });
  assert.equal(second.questions.length, before, "it has answered, and has its time again");
});

Deno.test("SilentServers: a server that answers others, or had little time, is not silent", () => {
  let now = 0;
  const server = { hostname: "192.0.2.53", port: 53 };
  const servers = new SilentServers(() => now);
  const short = servers.asked(server);
  now += 999;
  short(false);
  assert.ok(!servers.has(server));
  const [slow, other] = [servers.asked(server), servers.asked(server)];
  now += 5_000;
  other(true);
  slow(false);
  assert.ok(!servers.has(server));
  const gone = servers.asked(server);
  now += 1_000;
  gone(false);
  assert.ok(servers.has(server));
  assert.ok(!servers.has({ ...server, port: 54 }));
  servers.asked(server)(true);
  assert.ok(!servers.has(server));
});

Deno.test("systemResolver(): takes addresses, refuses invalid names, and obeys a dot at the end", async () => {
  await using at = await lab(
    (name, type) => name.includes(".corp") ? GOOD(name, type, "udp") : { code: 3 },
    "search corp.test\n",
  );
  assert.deepEqual(await at.resolve("192.0.2.7", {}), { addresses: ["192.0.2.7"], names: [] });
  assert.deepEqual(await at.resolve("::ffff:192.0.2.7", {}), { addresses: ["192.0.2.7"], names: [] });
  for (const name of ["", "a..b", "no name", "x".repeat(64), "fe80::1%eth0"]) {
    await assert.rejects(at.resolve(name, {}), { name: "HostNameError" }, name);
  }
  assert.deepEqual(at.server.questions, []);
  await assert.rejects(at.resolve("www.", {}), /NXDOMAIN/);
  assert.deepEqual([...at.server.questions].sort(), ["www A", "www AAAA"]);
  assert.deepEqual((await at.resolve("www", {})).names, ["www.corp.test"]);
});

Deno.test("systemReverse(): finds names in the hosts file and in the reverse zone", async () => {
  const zone: Readonly<Record<string, string>> = {
    "7.2.0.192.in-addr.arpa": "seven.test",
    [`${"1." + "0.".repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`]: "six.test",
  };
  await using at = await lab((name, type) =>
    type === "PTR" && zone[name] !== undefined ? { records: [[name, "PTR", zone[name]!]] } : { code: 3 }
  );
  assert.deepEqual(await at.reverse("192.0.2.66", {}), ["file.corp.test"]);
  assert.deepEqual(await at.reverse("192.0.2.7", {}), ["seven.test"]);
  assert.deepEqual(await at.reverse("2001:db8::1", {}), ["six.test"]);
  await assert.rejects(
    () => at.reverse("192.0.2.8", {}),
    /Cannot find 192\.0\.2\.8: there is no such name/,
  );
  await assert.rejects(at.reverse("name", {}), { code: "ADDRESS_TYPE_NOT_SUPPORTED" });
});

Deno.test("systemResolver(): a look-up ends with its last caller and leaves no socket", async () => {
  await using at = await lab(() => undefined, "", { timeout: 60_000 });
  const gone = new AbortController();
  const waiting = at.resolve("silent.test", { signal: gone.signal });
  await at.server.asked(2);
  gone.abort(new Error("gone"));
  await assert.rejects(waiting, /gone/);
  const tcp = await lab(() => undefined, "options use-vc\n", { timeout: 60_000 });
  await using _ = tcp;
  const again = new AbortController();
  const other = tcp.resolve("silent.test", { signal: again.signal });
  await tcp.server.asked(2);
  again.abort(new Error("gone too"));
  await assert.rejects(other, /gone too/);
});

/** Serves with names that a script knows. */
function serving(options: Partial<ServeOptions> & Pick<ServeOptions, "resolve">) {
  const events: ServerEvent[] = [];
  const server = serve({
    port: 0,
    passwords: fixedPasswords({ alice: "a", mallory: "m" }),
    rules: ["allow 127.0.0.0/8", "allow *"],
    onEvent: (event) => void events.push(event),
    ...options,
  });
  const ask = (user: string, hostname: string, port: number, signal?: AbortSignal) =>
    connect({
      proxy: `127.0.0.1:${server.addr.port}`,
      auth: [passwordClient({ username: user, password: user[0]! })],
      hostname,
      port,
      signal,
    });
  return { server, events, ask };
}

Deno.test("systemResolver(): a thousand names with silent servers delay no one else", async () => {
  await using echo = echoServer();
  await using at = await lab(
    (name, type) => name.startsWith("silent") ? undefined : { records: type === "A" ? [[name, "A", "127.0.0.1"]] : [] },
    "",
    { timeout: 60_000 },
  );
  const { server, ask } = serving({ resolve: at.resolve });
  await using _ = server;
  const gone = new AbortController();
  const slow = Array.from(
    { length: 1_000 },
    (_, i) => ask("mallory", `silent${i}.test`, 80, gone.signal).catch(() => {}),
  );
  // He has his share, and no more.
  await at.server.asked(256);
  const began = performance.now();
  const key = await crypto.subtle.importKey("raw", new Uint8Array(32), "AES-CBC", false, ["encrypt"]);
  await crypto.subtle.encrypt({ name: "AES-CBC", iv: new Uint8Array(16) }, key, new Uint8Array(65_536));
  await Deno.readTextFile(new URL(import.meta.url));
  await using good = await ask("alice", "good.test", echo.port);
  await good.write(Uint8Array.of(7));
  assert.deepEqual(await good.read(new Uint8Array(1)), 1);
  const took = performance.now() - began;
  assert.ok(took < 5_000, `${took} ms`);
  assert.equal(new Set(at.server.questions.filter((asked) => asked.startsWith("silent"))).size, 256);
  gone.abort();
  await Promise.all(slow);
});

Deno.test("serve(): blames the name server that did not answer, not the target", async () => {
  await using at = await lab(() => undefined, "", { timeout: 60_000 });
  const { server, events, ask } = serving({ resolve: at.resolve, timeouts: { connect: 300 } });
  await using _ = server;
  await assert.rejects(ask("alice", "silent.test", 80), { code: "HOST_UNREACHABLE" });
  const refused = events.find((event) => event.type === "refused");
  assert.match(String(refused?.error), /Cannot find silent\.test: name servers did not answer within 100 ms/);
});

Deno.test("systemResolver(): asks the C library for six names at a time, and two of one user", async () => {
  const begun: string[] = [];
  const silent = (name: string) => {
    begun.push(name);
    return over.promise;
  };
  const over = Promise.withResolvers<readonly string[]>();
  const hosts = parseHosts("192.0.2.66 file.test");
  const system = { ...denoNames, getAddresses: silent, getNames: silent };
  const resolve = resolverOf(() => ({ hosts, servers: undefined }), system);
  const reverse = reverseOf(() => ({ hosts, servers: undefined }), system);
  assert.deepEqual(await resolve("file.test", { user: "mallory" }), { addresses: ["192.0.2.66"], names: [] });
  const gone = new AbortController();
  const { signal } = gone;
  const slow = Array.from(
    { length: 1_000 },
    (_, i) => resolve(`silent${i}.test`, { user: "mallory", signal }).catch(String),
  );
  await yieldMicrotasks();
  assert.deepEqual(begun, ["silent0.test.", "silent1.test."], "the search list is for single labels");
  gone.abort(new Error("gone"));
  assert.equal((await Promise.all(slow)).every((text) => text === "Error: gone"), true);
  const others = [
    resolve("silent0.test", { user: "alice" }),
    resolve("single", { user: "alice" }),
    reverse("192.0.2.7", { user: "alice" }),
    resolve("third.test", { user: "alice" }),
    resolve("b1.test", { source: "192.0.2.1" }),
    resolve("b2.test", { source: "192.0.2.1" }),
    resolve("c1.test", { source: "192.0.2.2" }),
  ];
  await yieldMicrotasks();
  // Threads that nobody waits for are threads still.
  assert.deepEqual(begun.slice(2), ["single", "192.0.2.7", "b1.test.", "b2.test."]);
  over.resolve(["192.0.2.9"]);
  assert.deepEqual(await others[1], { addresses: ["192.0.2.9"], names: [] });
  await Promise.all(others);
  assert.deepEqual(begun.slice(6).sort(), ["c1.test.", "third.test."]);
});

Deno.test("systemResolver(): without the hosts file, asks the C library for a name as it is", async () => {
  const asked: string[] = [];
  const resolve = resolverOf(
    () => ({ hosts: undefined, servers: undefined }),
    { ...denoNames, getAddresses: (name) => Promise.resolve((asked.push(name), ["192.0.2.9"])) },
  );
  assert.deepEqual((await resolve("intranet.test", {})).addresses, ["192.0.2.9"]);
  await resolve("localhost", {});
  assert.deepEqual(asked, ["intranet.test", "localhost"]);
});

Deno.test("systemResolver(): works without a prompt if permissions are missing", async () => {
  const root = new URL("../../..", import.meta.url).pathname;
  const text = `import { systemResolver } from "file://${root}socks/mod.ts";
    console.log(JSON.stringify((await systemResolver("localhost", {})).addresses));
    console.log(await systemResolver("no.such.name.invalid", {}).catch((error) => error.code + " " + error.message));`;
  const url = `data:application/typescript,${encodeURIComponent(text)}`;
  for (const permissions of [["--allow-net"], ["--allow-net=localhost,no.such.name.invalid"], ["-A"]]) {
    const got = await run(Deno.execPath(), ["run", "-q", "--no-prompt", "-c", `${root}deno.json`, ...permissions, url]);
    assert.match(
      got.stdout,
      /^\["(127\.0\.0\.1|::1)".*\]\nHOST_UNREACHABLE Cannot find no\.such\.name\.invalid: /,
      `${permissions} ${got.stderr}`,
    );
  }
});
