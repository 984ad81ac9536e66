/** Where a realm's KDCs are: addresses as krb5.conf has them, and SRV records. */
import assert from "node:assert/strict";
import { locateKdcs, parseEndpoint } from "../../../kerberos/client/locate.ts";
import { DEFAULT_CONFIG } from "../../../kerberos/config/krb5_conf.ts";
import { KerberosError } from "../../../kerberos/errors.ts";
import { TestRuntime } from "../../support/clock.ts";
import { vectors } from "../../support/vectors.ts";

Deno.test("parseEndpoint() agrees with MIT's samples", () => {
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

Deno.test("locateKdcs() sorts SRV records and obeys dns_lookup_kdc", async () => {
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

Deno.test("locateKdcs() draws among SRV records of one priority by their weights (RFC 2782)", async () => {
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

Deno.test("locateKdcs() takes no target that is no host name, and asks for no realm that is none", async () => {
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
