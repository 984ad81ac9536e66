/** The system's files: the hosts file, resolv.conf, nsswitch.conf; and the order of addresses. */
import assert from "node:assert/strict";
import { parseHosts } from "../../../socks/names/hosts_file.ts";
import { sortAddresses } from "../../../socks/names/address_order.ts";
import {
  candidates,
  parseResolvConf,
  type ResolverEnvironment,
  usesFilesThenDns,
  withEnvironment,
} from "../../../socks/names/resolv_conf.ts";
import { run } from "../../support/process.ts";
import { RecheckedValue } from "../../../socks/names/rechecked_value.ts";
import { denoFileReader } from "../../../socks/shell/deno_names.ts";
import { nodeFileReader } from "../../../socks/shell/node_names.ts";
import { parsedFile } from "../../../socks/shell/system_file.ts";

Deno.test("parseHosts(): reads hosts(5) and ignores malformed lines", () => {
  const { byName, byAddress } = parseHosts([
    "# 9.9.9.9 commented",
    "127.0.0.1\tlocalhost",
    "::1 localhost ip6-localhost\r",
    "  10.0.0.7  DB.corp.test www db  # the database",
    "10.0.0.8 www",
    "10.0.0.7 db.corp.test",
    "nonsense here",
    "10.0.0.9",
    "fe80::1%eth0 zoned",
    "# what JavaScript takes for the end of a line is none:\u2028 10.0.0.6 sneaky",
    "",
  ].join("\n"));
  assert.deepEqual(byName.get("localhost"), { addresses: ["127.0.0.1", "::1"], names: [] });
  assert.deepEqual(byName.get("ip6-localhost"), { addresses: ["::1"], names: ["localhost"] });
  assert.deepEqual(byName.get("www"), { addresses: ["10.0.0.7", "10.0.0.8"], names: ["db.corp.test"] });
  assert.deepEqual(byName.get("db.corp.test"), { addresses: ["10.0.0.7"], names: [] });
  assert.deepEqual([...byName.keys()].sort(), ["db", "db.corp.test", "ip6-localhost", "localhost", "www"]);
  assert.deepEqual(byAddress.get("10.0.0.7"), ["db.corp.test"]);
});

Deno.test("parseResolvConf(): reads resolv.conf(5) within its limits", () => {
  const conf = parseResolvConf([
    "; comment",
    "# nameserver 9.9.9.9",
    "nameserver 192.0.2.1",
    "nameserver nonsense",
    "nameserver fe80::1%eth0",
    "nameserver 192.0.2.3",
    "nameserver 192.0.2.4",
    "domain first.test",
    "search Corp.test test. . bad..name",
    "options ndots:2 timeout:3 attempts:4 rotate",
    "options ndots:99 use-vc no-aaaa edns0",
  ].join("\n"));
  assert.deepEqual(conf.servers.map(({ hostname }) => hostname), ["192.0.2.1", "fe80::1%eth0", "192.0.2.3"]);
  assert.deepEqual(conf.servers.map(({ port }) => port), [53, 53, 53]);
  assert.deepEqual(conf.search, ["corp.test", "test"]);
  const { ndots, timeout, attempts, rotate, tcp, noIpv6 } = conf;
  assert.deepEqual([ndots, timeout, attempts, rotate, tcp, noIpv6], [15, 3_000, 4, true, true, true]);
  assert.deepEqual(parseResolvConf("search a.test\ndomain one.test two.test").search, ["one.test"]);
  // What stands for all addresses of this machine's answers from one of them.
  const hosts = parseResolvConf("nameserver 0.0.0.0\nnameserver ::\nnameserver ::ffff:192.0.2.1").servers;
  assert.deepEqual(hosts.map(({ hostname }) => hostname), ["127.0.0.1", "::1", "192.0.2.1"]);
  const bare = parseResolvConf("");
  assert.deepEqual(bare.servers, [{ hostname: "127.0.0.1", port: 53 }]);
  assert.deepEqual([bare.search, bare.ndots, bare.timeout, bare.attempts], [[], 1, 5_000, 2]);
  assert.deepEqual([bare.rotate, bare.tcp, bare.noIpv6], [false, false, false]);
  const most = parseResolvConf(
    "options timeout:9999 attempts:9999\n" + `search ${Array.from({ length: 99 }, (_, i) => `d${i}`).join(" ")}`,
  );
  assert.deepEqual([most.timeout, most.attempts, most.search.length], [30_000, 5, 16]);
  assert.deepEqual(parseResolvConf("options timeout:0 attempts:0").timeout, 1_000);
});

Deno.test("withEnvironment(): the environment overrides resolv.conf, which overrides the host's domain", () => {
  const read = (text: string, environment: ResolverEnvironment) => {
    const { search, ndots, attempts } = parseResolvConf(withEnvironment(text, environment));
    return [search, ndots, attempts];
  };
  assert.deepEqual(read("", { host: "proxy.corp.test" }), [["corp.test"], 1, 2]);
  assert.deepEqual(read("", { host: "proxy" }), [[], 1, 2]);
  assert.deepEqual(read("search a.test\noptions ndots:2", { host: "proxy.corp.test" }), [["a.test"], 2, 2]);
  assert.deepEqual(read("search .", { host: "proxy.corp.test" }), [[], 1, 2]);
  assert.deepEqual(
    read("search a.test\noptions ndots:2", { localDomain: "b.test c.test", options: "ndots:3 attempts:4" }),
    [
      ["b.test", "c.test"],
      3,
      4,
    ],
  );
  assert.deepEqual(read("search a.test", { localDomain: "." }), [[], 1, 2]);
  const [injected] = read("", { options: "ndots:1\nsearch evil.test", localDomain: "b.test\nnameserver 9.9.9.9" });
  assert.deepEqual(injected, ["b.test", "nameserver", "9.9.9.9"]);
});

Deno.test("candidates(): a name of few dots is first looked up with the search list", () => {
  const search = ["corp.test", "test"];
  assert.deepEqual(candidates("www", { search, ndots: 1 }), ["www.corp.test", "www.test", "www"]);
  assert.deepEqual(candidates("db.corp", { search, ndots: 1 }), ["db.corp", "db.corp.corp.test", "db.corp.test"]);
  assert.deepEqual(candidates("db.corp", { search, ndots: 2 }), ["db.corp.corp.test", "db.corp.test", "db.corp"]);
  const long = `${"a".repeat(61)}.${"b".repeat(60)}.${"c".repeat(60)}.${"d".repeat(60)}`;
  assert.deepEqual(candidates(long, { search, ndots: 1 }), [long, `${long}.test`]);
});

Deno.test("usesFilesThenDns(): accepts `files dns` only", () => {
  for (const text of ["", "passwd: files sss\n", "hosts:\t files  dns\n", " hosts: files dns # and no more\n"]) {
    assert.equal(usesFilesThenDns(text), true, text);
  }
  for (
    const services of [
      "files mdns4_minimal [NOTFOUND=return] dns",
      "files sss dns",
      "dns files",
      "files",
      "files dns myhostname",
      "files resolve dns",
      "wins files dns",
    ]
  ) {
    assert.equal(usesFilesThenDns(`hosts: ${services}\n`), false, services);
  }
});

Deno.test("sortAddresses(): reachable ones first, then IPv6, otherwise as they came (RFC 6724)", () => {
  const found = ["192.0.2.2", "2001:db8::2", "192.0.2.1", "2001:db8::1", "fd00::1"];
  const [v4, v6, ula] = [["192.0.2.2", "192.0.2.1"], ["2001:db8::2", "2001:db8::1"], ["fd00::1"]] as const;
  assert.deepEqual(sortAddresses(found, undefined), [...v6, ...v4, ...ula]);
  assert.deepEqual(sortAddresses(found, ["127.0.0.1", "::1", "10.0.0.1", "2001:db8::99"]), [...v6, ...v4, ...ula]);
  assert.deepEqual(sortAddresses(found, ["127.0.0.1", "::1", "fe80::1", "10.0.0.1"]), [...v4, ...v6, ...ula]);
  assert.deepEqual(sortAddresses(found, ["::1", "2001:db8::99"]), [...v6, ...v4, ...ula]);
  assert.deepEqual(sortAddresses(found, ["10.0.0.1", "fd00::99"]), [...v4, ...ula, ...v6]);
  assert.deepEqual(sortAddresses(["127.0.0.1", "::1"], ["127.0.0.1", "::1"]), ["::1", "127.0.0.1"]);
  assert.deepEqual(sortAddresses(["127.0.0.1", "::1"], ["127.0.0.1"]), ["127.0.0.1", "::1"]);
});

for (const [platform, reader] of Object.entries({ Deno: denoFileReader, "node:fs": nodeFileReader })) {
  Deno.test(`parsedFile(), ${platform}: reads a changed file again; a missing one is empty`, async () => {
    const directory = await Deno.makeTempDir();
    try {
      const path = `${directory}/file`;
      assert.equal(parsedFile(path, (text) => text, reader)(), "");
      Deno.writeTextFileSync(path, "one");
      let parsed = 0;
      let now = 0;
      const read = parsedFile(path, (text) => (parsed++, text), reader, () => now);
      assert.deepEqual([read(), read(), parsed], ["one", "one", 1]);
      // Within a second nobody looks.
      Deno.writeTextFileSync(path, "and another");
      assert.equal(read(), "one");
      now = 1_000;
      assert.deepEqual([read(), parsed], ["and another", 2]);
      now = 2_000;
      assert.deepEqual([read(), parsed], ["and another", 2]);
      assert.equal(parsedFile(path, (text) => text, reader)(), "and another");
      Deno.writeTextFileSync(path, "x".repeat(9 * 1_048_576));
      assert.equal(parsedFile(path, ({ length }) => length, reader)(), 8 * 1_048_576);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

Deno.test("parsedFile(): never prompts for a permission, and keeps what it read before", async () => {
  const root = new URL("../../..", import.meta.url).pathname;
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, "as it was");
    const text = `import { denoFileReader } from "file://${root}socks/shell/deno_names.ts";
      import { parsedFile } from "file://${root}socks/shell/system_file.ts";
      let now = 0;
      const [read, never] = [1, 2].map(() => parsedFile(${
      JSON.stringify(file)
    }, (text) => text, denoFileReader, () => now));
      console.log(read());
      await Deno.permissions.revoke({ name: "read" });
      now = 5_000;
      console.log(read(), never());`;
    const url = `data:application/typescript,${encodeURIComponent(text)}`;
    const args = ["run", "-q", "--no-prompt", "-c", `${root}deno.json`];
    assert.equal((await run(Deno.execPath(), [...args, "-A", url])).stdout, "as it was\nas it was undefined\n");
    assert.equal((await run(Deno.execPath(), [...args, url])).stdout, "undefined\nundefined undefined\n");
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("RecheckedValue: keeps its value if a check fails", () => {
  let now = 0;
  let broken = false;
  const fresh = new RecheckedValue<number>((before) => {
    if (broken) throw new Error("no more");
    return (before ?? 0) + 1;
  }, () => now);
  assert.deepEqual([fresh.value, fresh.value], [1, 1]);
  now = 999;
  assert.equal(fresh.value, 1);
  now = 1_000;
  assert.equal(fresh.value, 2);
  [now, broken] = [2_000, true];
  assert.equal(fresh.value, 2);
});
