/**
 * This resolver and the C library's with the same files and name server find the same addresses in the same
 * order.
 */
import assert from "node:assert/strict";
import { systemResolverWith, systemReverseWith } from "../../socks/shell/system_resolver.ts";
import { startDnsmasq } from "../support/dnsmasq.ts";
import { peerTest } from "../support/peers.ts";
import { run } from "../support/process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Runs a program in mount and network namespaces of its own; returns `undefined` where that is not allowed. */
async function inOwnNamespaces(
  files: Readonly<Record<string, string>>,
  addresses: readonly string[],
  program: readonly string[],
) {
  const probe = await run("unshare", ["-mn", "ip", "link", "set", "lo", "up"]).catch(() => undefined);
  if (probe?.code !== 0) return undefined;
  const directory = await Deno.makeTempDir();
  try {
    const steps = ["mount --make-rprivate /", "ip link set lo up"];
    for (const address of addresses) {
      steps.push(`ip address add ${address} dev lo${address.includes(":") ? " nodad" : ""}`);
    }
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${directory}/${name}`, text);
      steps.push(`mount --bind ${directory}/${name} /etc/${name}`);
    }
    const args = ["-mn", "sh", "-ec", `${steps.join("\n")}\nexec "$@"`, "sh", ...program];
    return (await run("unshare", args)).stdout;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const HOSTS = "127.0.0.1 localhost\n::1 localhost\n192.0.2.66 db.corp.test file\n192.0.2.66 absolute.test\n";
const CONF = "nameserver 127.0.0.1\nsearch other.test corp.test\noptions timeout:1 attempts:1\n";
const NAMES = [
  "file",
  "db.corp.test",
  "absolute.test",
  "www",
  "www.corp.test",
  "deep.corp",
  "alias",
  "four.test",
  "six.test",
  "none",
  "localhost",
];

/** Parses the answers of both, by name. */
function readAnswers(
  stdout: string,
): Map<string, { readonly addresses: string[]; readonly names: string[]; readonly system: string[] }> {
  return new Map(
    stdout.trim().split("\n").map((line) => {
      const answer = JSON.parse(line);
      return [answer.name, answer];
    }),
  );
}

for (const [services, knowsNames] of [["files dns", true], ["files myhostname dns", false]] as const) {
  Deno.test(`resolver: with "${services}", finds the addresses of the C library in its order`, async () => {
    const program = [
      Deno.execPath(),
      "run",
      "-q",
      "-A",
      "-c",
      `${ROOT}deno.json`,
      `${ROOT}tests/support/resolver_probe.ts`,
      ...NAMES,
    ];
    const files = { hosts: HOSTS, "resolv.conf": CONF, "nsswitch.conf": `hosts: ${services}\n` };
    const stdout = await inOwnNamespaces(files, ["192.0.2.99/24", "2001:db8::99/64"], program);
    if (stdout === undefined) {
      // deno-lint-ignore no-console -- why it is not tried
      return console.log("Skipped: namespaces of its own need root, and a system that allows them");
    }
    const answers = readAnswers(stdout);
    // No search list where its effect on a name with a dot is unknown.
    const same = knowsNames ? NAMES : NAMES.filter((name) => name !== "deep.corp");
    for (const name of same) assert.deepEqual(answers.get(name)!.addresses, answers.get(name)!.system, name);
    assert.equal(answers.get("www.corp.test")!.addresses.length, 2);
    assert.deepEqual(answers.get("none")!.addresses, []);
    assert.deepEqual(answers.get("file")!.names, ["db.corp.test"]);
    const ways = ["www", "alias", "deep.corp"].map((name) => answers.get(name)!.names);
    assert.deepEqual(
      ways,
      knowsNames ? [["www.corp.test"], ["alias.corp.test", "www.corp.test"], ["deep.corp.corp.test"]] : [[], [], []],
    );
    if (!knowsNames) assert.deepEqual(answers.get("deep.corp")!.addresses, []);
  });
}

peerTest(
  "resolver: asks dnsmasq for addresses, names, aliases and large answers",
  ["dnsmasq"],
  async () => {
    const many = Array.from({ length: 60 }, (_, i) => `192.0.2.${i + 1}`);
    await using server = await startDnsmasq(
      "--host-record=both.gssocks.test,192.0.2.81,2001:db8::81",
      "--cname=alias.gssocks.test,both.gssocks.test",
      "--local=/gssocks.test/",
      ...many.map((address) => `--host-record=many.gssocks.test,${address}`),
    );
    const options = { nameServers: [{ hostname: "127.0.0.1", port: server.port }], timeout: 5_000 };
    const resolve = systemResolverWith(options);
    assert.deepEqual(await resolve("www.gssocks.test", {}), { addresses: ["192.0.2.80"], names: [] });
    const { addresses, names } = await resolve("alias.gssocks.test", {});
    assert.deepEqual([[...addresses].sort(), names], [["192.0.2.81", "2001:db8::81"], ["both.gssocks.test"]]);
    assert.deepEqual([...(await resolve("many.gssocks.test", {})).addresses].sort(), [...many].sort());
    await assert.rejects(resolve("none.gssocks.test", {}), /NXDOMAIN/);
    await assert.rejects(resolve("elsewhere.test", {}), /REFUSED/);
    assert.deepEqual(await systemReverseWith(options)("2001:db8::81", {}), ["both.gssocks.test"]);
  },
);
