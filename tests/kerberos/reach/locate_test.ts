/** Where a realm's KDCs are: addresses as krb5.conf has them, and SRV records. */
import assert from "node:assert/strict";
import { locateKdcs, locatePrimaryKdcs, parseEndpoint } from "../../../kerberos/reach/locate.ts";
import type { SrvResolver } from "../../../kerberos/reach/srv.ts";
import { parseKrb5Conf } from "../../../kerberos/config/parse.ts";
import { DEFAULT_CONFIG } from "../../../kerberos/config/krb5_conf.ts";
import { KerberosError } from "../../../kerberos/errors.ts";
import { TestRuntime } from "../../support/test_runtime.ts";
import { vectors } from "../../support/vectors.ts";

Deno.test("parseEndpoint(): agrees with MIT's samples", () => {
  type Case = { text: string; default_port: number; valid: boolean; host: string | null; port: number | null };
  for (const v of vectors<Case>("kdc_host_strings")) {
    if (!v.valid) assert.throws(() => parseEndpoint(v.text, v.default_port), KerberosError, v.text);
    else {assert.deepEqual(parseEndpoint(v.text, v.default_port || 88), {
        protocol: undefined,
        hostname: v.host,
        port: v.port,
      });}
  }
  assert.deepEqual(parseEndpoint("tcp/kdc.example.com"), { protocol: "tcp", hostname: "kdc.example.com", port: 88 });
});

Deno.test("parseEndpoint(): says what is wrong with an address", () => {
  const cases: [string, RegExp][] = [
    ["350", /"350": it is a port alone/],
    ["70000", /"70000": it is a port alone/],
    ["tcp/88", /it is a port alone/],
    ["https://kdc.a.test/KdcProxy", /KDC proxies \(MS-KKDCP\) are not supported; name a KDC as host or host:port/],
    ["HTTPS://x", /KDC proxies/],
    ["http://kdc", /expected host or host:port/],
    ["kdc:70000", /expected host/],
    ["kdc:0", /expected host/],
    ["kdc:88:99", /expected host/],
  ];
  for (const [text, message] of cases) assert.throws(() => parseEndpoint(text), { code: "BAD_CONFIG", message }, text);
});

Deno.test("locateKdcs(): a bad KDC does no harm to good ones, and is told with its place if there are none", async () => {
  const located = async (...hosts: string[]) => {
    const lines = hosts.map((host) => `  kdc = ${host}\n`).join("");
    const config = parseKrb5Conf({ name: "krb5.conf", text: `[realms]\n A.TEST = {\n${lines} }\n` });
    const resolveSrv = () => Promise.reject(new Error("the DNS was asked"));
    return (await locateKdcs("A.TEST", { config, resolveSrv })).map(({ hostname }) => hostname);
  };
  assert.deepEqual(await located("https://p.a.test/KdcProxy", "one", "350", "two:70000", "three"), ["one", "three"]);
  await assert.rejects(located("https://p.a.test/KdcProxy"), {
    code: "BAD_CONFIG",
    message: "Cannot use any KDC of A.TEST (krb5.conf, line 3): Cannot read KDC address " +
      '"https://p.a.test/KdcProxy": KDC proxies (MS-KKDCP) are not supported; name a KDC as host or host:port',
  });
  await assert.rejects(located("350", "x:y"), {
    code: "BAD_CONFIG",
    message: /line 3; krb5\.conf, line 4\): .*"350".*"x:y"/,
  });
});

Deno.test("locatePrimaryKdcs(): a primary KDC that cannot be used is none", async () => {
  const text = "[realms]\n A.TEST = {\n kdc = one\n primary_kdc = https://p\n primary_kdc = two\n }\n";
  const config = parseKrb5Conf({ name: "krb5.conf", text });
  const found = await locatePrimaryKdcs("A.TEST", { config, resolveSrv: undefined });
  assert.deepEqual(found.map(({ hostname }) => hostname), ["two"]);
});

Deno.test("locateKdcs(): sorts SRV records and obeys dns_lookup_kdc", async () => {
  const asked: string[] = [];
  const resolveSrv = (name: string) => {
    asked.push(name);
    return Promise.resolve(
      name.includes("_tcp")
        ? [
          { priority: 10, weight: 0, port: 88, target: "b.example." },
          { priority: 1, weight: 1, port: 89, target: "a1.example." },
          { priority: 0, weight: 9, port: 88, target: "a2.example." },
          { priority: 0, weight: 9, port: 88, target: "." },
        ]
        : [],
    );
  };
  const found = await locateKdcs("EXAMPLE.COM", { config: DEFAULT_CONFIG, resolveSrv });
  assert.deepEqual(found.map(({ hostname, port }) => `${hostname}:${port}`), [
    "a2.example:88",
    "a1.example:89",
    "b.example:88",
  ]);
  assert.deepEqual(asked, ["_kerberos._tcp.EXAMPLE.COM.", "_kerberos._udp.EXAMPLE.COM."]);
  await assert.rejects(locateKdcs("EXAMPLE.COM", { config: { ...DEFAULT_CONFIG, dnsLookupKdc: false }, resolveSrv }), {
    code: "KDC_UNREACHABLE",
  });
  await assert.rejects(locateKdcs("../etc", { config: DEFAULT_CONFIG, resolveSrv }), { code: "KDC_UNREACHABLE" });
});

const targets = (...list: [priority: number, weight: number, target: string][]) => () =>
  Promise.resolve(list.map(([priority, weight, target]) => ({ priority, weight, port: 88, target })));

Deno.test("locateKdcs(): draws among SRV records of one priority by weight", async () => {
  const runtime = new TestRuntime();
  const resolveSrv = targets([20, 0, "last."], [10, 0, "never."], [10, 30, "light."], [10, 90, "heavy."]);
  const first = new Map<string, number>();
  for (let i = 0; i < 2000; i++) {
    const found = await locateKdcs("A.TEST", { config: DEFAULT_CONFIG, resolveSrv, runtime });
    const order = found.slice(0, 4).map(({ hostname }) => hostname);
    assert.equal(order[3], "last");
    assert.deepEqual(order.toSorted(), ["heavy", "last", "light", "never"]);
    first.set(order[0]!, (first.get(order[0]!) ?? 0) + 1);
  }
  const share = (name: string) => (first.get(name) ?? 0) / 2000;
  assert.ok(Math.abs(share("heavy") - 0.75) < 0.06, `${share("heavy")}`);
  assert.ok(Math.abs(share("light") - 0.25) < 0.06, `${share("light")}`);
  // One draw of 121 is zero.
  assert.ok(share("never") > 0 && share("never") < 0.03, `${share("never")}`);
});

Deno.test("locateKdcs(): takes no invalid host name, and asks for no invalid realm", async () => {
  const asked: string[] = [];
  const resolveSrv = (name: string) => {
    asked.push(name);
    return targets([0, 0, "."], [0, 0, ""], [0, 0, "a b."], [0, 0, "\x1b[2J."], [0, 0, `${"a".repeat(300)}.`])();
  };
  await assert.rejects(locateKdcs("A.TEST", { config: DEFAULT_CONFIG, resolveSrv }), { code: "KDC_UNREACHABLE" });
  assert.equal(asked.length, 2);
  await assert.rejects(locateKdcs("A".repeat(300), { config: DEFAULT_CONFIG, resolveSrv }), {
    code: "KDC_UNREACHABLE",
  });
  assert.equal(asked.length, 2);
});

Deno.test("parseEndpoint(): accepts the names of interfaces as zones", () => {
  for (const scope of ["eth0", "br-lan", "eth0.10", "wlan_1", "7", "veth@if3"]) {
    const hostname = `fe80::1%${scope}`;
    assert.deepEqual(parseEndpoint(`[${hostname}]:88`), { protocol: undefined, hostname, port: 88 });
  }
  for (const text of ["[fe80::1%]:88", "[fe80::1%a b]", "[fe80::1%a]b]", "[fe80::1%a/b]", "fe80::1%eth0"]) {
    assert.throws(() => parseEndpoint(text), { code: "BAD_CONFIG" });
  }
});

/** A resolver that is silent about some services, and ends with its signal. */
function halfSilent(silent: (name: string) => boolean) {
  const ended: string[] = [];
  const asked: string[] = [];
  const resolveSrv: SrvResolver = (name, { signal }) => {
    asked.push(name);
    if (!silent(name)) return Promise.resolve([{ priority: 0, weight: 0, port: 88, target: "kdc.example." }]);
    return new Promise((_, reject) =>
      signal!.addEventListener("abort", () => {
        ended.push(name);
        reject(signal!.reason);
      })
    );
  };
  return { asked, ended, resolveSrv };
}

Deno.test("locateKdcs(): a silent DNS is waited for a bounded time, and only if needed", async () => {
  for (const [preferred, silent] of [["tcp", "_udp"], ["tcp", "_tcp"], ["udp", "_tcp"]] as const) {
    const { resolveSrv, ended } = halfSilent((name) => name.includes(silent));
    const found = await locateKdcs("A.TEST", { config: DEFAULT_CONFIG, resolveSrv, preferred, timeout: 60_000 });
    assert.deepEqual(found.map(({ protocol }) => `_${protocol}`), [silent === "_udp" ? "_tcp" : "_udp"]);
    assert.deepEqual(ended, [`_kerberos.${silent}.A.TEST.`]);
  }
  const deaf = halfSilent(() => true);
  await assert.rejects(locateKdcs("A.TEST", { config: DEFAULT_CONFIG, resolveSrv: deaf.resolveSrv, timeout: 5 }), {
    code: "KDC_UNREACHABLE",
    message: /krb5\.conf names none, and the DNS does not answer/,
  });
  assert.equal(deaf.ended.length, 2);
  // A resolver that ignores its signal is not waited for.
  const forgets = { config: DEFAULT_CONFIG, resolveSrv: () => new Promise<never>(() => {}), timeout: 5 };
  await assert.rejects(locateKdcs("A.TEST", forgets), /the DNS does not answer/);
  const configured = { ...DEFAULT_CONFIG, realms: new Map([["A.TEST", realm(["kdc"], [])]]) };
  assert.equal((await locateKdcs("A.TEST", { config: configured, resolveSrv: deaf.resolveSrv })).length, 1);
  assert.equal(deaf.asked.length, 2);
  const denied = () => Promise.reject(new Deno.errors.NotCapable("no net"));
  await assert.rejects(locateKdcs("A.TEST", { config: DEFAULT_CONFIG, resolveSrv: denied }), /no net/);
  const stop = new AbortController();
  const waiting = locateKdcs("A.TEST", { config: DEFAULT_CONFIG, resolveSrv: deaf.resolveSrv, signal: stop.signal });
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, { message: "enough" });
});

const realm = (kdc: readonly string[], primaryKdc: readonly string[]) => ({
  kdc,
  primaryKdc,
});

Deno.test("locateKdcs(): hosts of the preferred protocol come first", async () => {
  const { resolveSrv } = halfSilent(() => false);
  for (const preferred of ["tcp", "udp"] as const) {
    const found = await locateKdcs("A.TEST", { config: DEFAULT_CONFIG, resolveSrv, preferred });
    assert.deepEqual(found.map(({ protocol }) => protocol), [preferred, preferred === "tcp" ? "udp" : "tcp"]);
  }
});

Deno.test("locatePrimaryKdcs(): from the configuration, or from the DNS if that names all KDCs", async () => {
  const { resolveSrv, asked } = halfSilent(() => false);
  const of = (kdc: string[], primary: string[]) => ({
    config: { ...DEFAULT_CONFIG, realms: new Map([["A.TEST", realm(kdc, primary)]]) },
    resolveSrv,
  });
  const hostnames = async (options: Parameters<typeof locatePrimaryKdcs>[1]) =>
    (await locatePrimaryKdcs("A.TEST", options)).map(({ hostname }) => hostname);
  assert.deepEqual(await hostnames(of(["a"], ["b"])), ["b"]);
  assert.deepEqual(await hostnames(of(["a"], [])), []);
  assert.equal(asked.length, 0);
  assert.deepEqual(await hostnames({ config: DEFAULT_CONFIG, resolveSrv }), ["kdc.example", "kdc.example"]);
  assert.deepEqual(asked, ["_kerberos-primary._tcp.A.TEST.", "_kerberos-primary._udp.A.TEST."]);
  asked.length = 0;
  const none = (name: string) => {
    asked.push(name);
    return Promise.resolve([]);
  };
  assert.deepEqual(await hostnames({ config: DEFAULT_CONFIG, resolveSrv: none }), []);
  assert.equal(asked[2], "_kerberos-master._tcp.A.TEST.");
});

Deno.test("locateKdcs(): finds a realm written in another case, and says that a name has none", async () => {
  const kdc = (host: string) => ({ kdc: [host], primaryKdc: [] });
  const realms = new Map([["AD.TEST", kdc("dc.ad.test")], ["Mixed.TEST", kdc("one")], ["MIXED.TEST", kdc("two")]]);
  const options = { config: { ...DEFAULT_CONFIG, dnsLookupKdc: false, realms }, resolveSrv: undefined };
  const found = async (realm: string) => (await locateKdcs(realm, options)).map(({ hostname }) => hostname);
  assert.deepEqual(await found("ad.test"), ["dc.ad.test"]);
  assert.deepEqual(await found("MIXED.TEST"), ["two"]);
  // Two names that differ in case: neither is guessed.
  await assert.rejects(found("mixed.test"), { code: "KDC_UNREACHABLE" });
  await assert.rejects(found(""), {
    code: "KDC_UNREACHABLE",
    message: "Cannot find a KDC: the name has no realm; write NAME@REALM, or set default_realm in krb5.conf",
  });
});
