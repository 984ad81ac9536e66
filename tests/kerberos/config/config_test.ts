import assert from "node:assert/strict";
import { DEFAULT_CONFIG, type KerberosConfig, withSettings } from "../../../kerberos/config/krb5_conf.ts";
import { fallbackRealms } from "../../../kerberos/config/realms.ts";
import { parseKrb5Conf } from "../../../kerberos/config/parse.ts";
import { realmOfHost } from "../../../kerberos/config/realms.ts";
import { KerberosError } from "../../../kerberos/errors.ts";
import { vectors } from "../../support/vectors.ts";

Deno.test("parseKrb5Conf(): reads the files of other programs", () => {
  const realms: Record<string, string | undefined> = {};
  for (const v of vectors<{ name: string; text: string }>("krb5_conf")) {
    const config = parseKrb5Conf({ name: v.name, text: v.text });
    if (config.defaultRealm !== undefined) realms[v.name] = config.defaultRealm;
    if (v.name === "krb5Conf") {
      assert.equal(config.ticketLifetime, 36_000_000);
      assert.deepEqual(config.realms.get("TEST.GOKRB5")!.kdc, [
        "10.80.88.88:88",
        "assume.port.num",
        "some.other.port:1234",
        "10.80.88.88",
      ]);
    }
    const section = (name: string) => config.profile.sections.get(name)!;
    if (v.name === "MIT profile final6.ini") {
      assert.deepEqual(section("a").values.get("ab"), ["1", "2"]);
      assert.deepEqual(section("a").values.get("ac"), ["1"]);
      assert.deepEqual(section("b").values.get("ba"), ["1", "2"]);
      assert.deepEqual([...section("c").sections.get("ca")!.values], [["caa", ["1"]]]);
      assert.deepEqual([...section("c").sections.get("cb")!.values], [["cba", ["1"]]]);
    }
    if (v.name === "MIT profile test.ini") {
      assert.equal(section("test section 2").values.get("test_child")![0], "foo\nbar");
      assert.deepEqual(section("test section 2").sections.get("child_section2")!.values.get("child"), [
        "slick",
        "harry",
        "john\tb ",
        "ron",
      ]);
    }
  }
  assert.deepEqual(realms, {
    "krb5Conf": "TEST.GOKRB5",
    "krb5ConfNoBlankLines": "TEST.GOKRB5",
    "krb5ConfTabs": "TEST.GOKRB5",
    "Kerberos.NET krb5.conf": "EXAMPLE.COM",
  });
});

const TEXT = `
# comment
[libdefaults]
  default_realm = EXAMPLE.COM
  ticket_lifetime = 10h
  clockskew = 60
  dns_lookup_kdc = no
  permitted_enctypes = aes256-cts
  unknown_relation = kept
[realms]
  EXAMPLE.COM = {
    kdc = kdc1.example.com:88
    kdc = tcp/kdc2.example.com
    admin_server = kdc1.example.com
    v4_instance_convert = {
      mit = mit.edu
    }
  }
[domain_realm]
  .example.com = EXAMPLE.COM
  host.other.org = OTHER.ORG
`;

Deno.test("parseKrb5Conf(): returns typed values, and keeps unknown relations", () => {
  const config = parseKrb5Conf({ name: "krb5.conf", text: TEXT });
  assert.equal(config.defaultRealm, "EXAMPLE.COM");
  assert.equal(config.ticketLifetime, 36_000_000);
  assert.equal(config.clockskew, 60_000);
  assert.equal(config.dnsLookupKdc, false);
  assert.deepEqual(config.defaultTgsEnctypes, [18]);
  assert.deepEqual(config.realms.get("EXAMPLE.COM")!.kdc, ["kdc1.example.com:88", "tcp/kdc2.example.com"]);
  assert.deepEqual(config.profile.sections.get("libdefaults")!.values.get("unknown_relation"), ["kept"]);
  assert.equal(realmOfHost(config, "WWW.Example.Com."), "EXAMPLE.COM");
  assert.equal(realmOfHost(config, "example.com"), undefined);
  assert.equal(realmOfHost(config, "host.other.org"), "OTHER.ORG");
  assert.equal(realmOfHost(config, "localhost"), undefined);
});

Deno.test("parseKrb5Conf(): the first file has precedence; a star closes a section or relation", () => {
  const config = parseKrb5Conf(
    { name: "a", text: "[libdefaults]*\n default_realm = A\n[realms]\n R = {\n  kdc* = one\n }\n" },
    { name: "b", text: "[libdefaults]\n default_realm = B\n forwardable = true\n[realms]\n R = {\n  kdc = two\n }\n" },
  );
  assert.equal(config.defaultRealm, "A");
  assert.equal(config.forwardable, false);
  assert.deepEqual(config.realms.get("R")!.kdc, ["one"]);
});

/** What the error for a property of a configuration must say. */
function failure(message: RegExp) {
  return (error: unknown) =>
    error instanceof KerberosError && error.code === "BAD_CONFIG" && message.test(error.message);
}

Deno.test("parseKrb5Conf(): a bad value is an error where it is needed, with file and line", () => {
  const cases: [string, keyof KerberosConfig, RegExp][] = [
    ["forwardable = maybe", "forwardable", /^Cannot read forwardable in c, line 3: "maybe" is neither true nor false$/],
    ["proxiable = 2", "proxiable", /proxiable in c, line 3: "2"/],
    ["canonicalize = ja", "canonicalize", /line 3/],
    ["dns_lookup_kdc = never", "dnsLookupKdc", /line 3/],
    ["kdc_timesync = perhaps", "kdcTimesync", /kdc_timesync in c, line 3/],
    [
      "ticket_lifetime = 1 fortnight",
      "ticketLifetime",
      /ticket_lifetime in c, line 3: "1 fortnight" is no duration, such/,
    ],
    ["renew_lifetime = -1d", "renewLifetime", /renew_lifetime in c, line 3: "-1d" is negative/],
    ["clockskew = soon", "clockskew", /clockskew in c, line 3/],
    ["udp_preference_limit = 5k", "udpPreferenceLimit", /"5k" is not a number/],
    [
      "permitted_enctypes = rc4 des",
      "permittedEnctypes",
      /permitted_enctypes in c, line 3: none of the enctypes "rc4 des"/,
    ],
  ];
  for (const [line, property, message] of cases) {
    const config = parseKrb5Conf({ name: "c", text: `[libdefaults]\n default_realm = A.TEST\n ${line}\n` });
    assert.equal(config.defaultRealm, "A.TEST");
    assert.throws(() => config[property], failure(message), line);
    // A setting that replaces it does away with the error, and the others stay as they are.
    const fine = withSettings(config, { [property]: DEFAULT_CONFIG[property] });
    assert.equal(fine[property], DEFAULT_CONFIG[property]);
    assert.throws(() => withSettings(config, { defaultRealm: "B" })[property], failure(message));
    // A setting without a value leaves what there is.
    assert.equal(withSettings(config, { defaultRealm: undefined }).defaultRealm, "A.TEST");
  }
});

Deno.test("parseKrb5Conf(): a list without a supported enctype harms only what needs it", () => {
  const text = "[libdefaults]\npermitted_enctypes = rc4\ndefault_tkt_enctypes = aes256-cts nonsense\n";
  const config = parseKrb5Conf({ name: "c", text });
  assert.deepEqual(config.defaultTktEnctypes, [18]);
  // DEFAULT stands for this library's list, as MIT's does for that of MIT, and not for what is permitted.
  const both = "[libdefaults]\npermitted_enctypes = aes128-cts\ndefault_tkt_enctypes = DEFAULT\n";
  assert.deepEqual(parseKrb5Conf({ name: "c", text: both }).defaultTktEnctypes, [18, 20, 17, 19]);
  // This list has none of its own, so the permitted ones count.
  assert.throws(() => config.defaultTgsEnctypes, failure(/permitted_enctypes in c, line 2/));
});

Deno.test("parseKrb5Conf(): numbers and switches are read as MIT reads them", () => {
  const read = (line: string) => parseKrb5Conf({ name: "c", text: `[libdefaults]\n${line}\n` });
  for (const [text, on] of [["0", false], ["1", true], ["2", true], ["-1", true], ["yes", true], ["off", false]]) {
    assert.equal(read(`kdc_timesync = ${text}`).kdcTimesync, on, `${text}`);
  }
  for (const [text, size] of [["1465", 1465], ["0", 0], ["+7", 7], ["-1", 0]] as const) {
    assert.equal(read(`udp_preference_limit = ${text}`).udpPreferenceLimit, size);
  }
  for (const word of ["y", "YES", "True", "t", "1", "on"]) {
    assert.equal(read(`forwardable = ${word}`).forwardable, true);
  }
  for (const word of ["n", "No", "FALSE", "nil", "0", "off"]) {
    assert.equal(read(`dns_lookup_kdc = ${word}`).dnsLookupKdc, false);
  }
});

Deno.test("parseKrb5Conf(): comments end values, unless those are quoted", () => {
  const text =
    "[libdefaults]\ndefault_realm = A.TEST # ours\nticket_lifetime = 10h;short\nrenew_lifetime = 7d ; a week\n" +
    'default_keytab_name = "FILE:/a #1"\ndefault_ccache_name = FILE:/b#2\n' +
    "[domain_realm]\n .a.test = A.TEST ; all\n[capaths]\n A = {\n  B = M # hub\n }\n";
  const config = parseKrb5Conf({ name: "c", text });
  assert.equal(config.defaultRealm, "A.TEST");
  assert.equal(config.renewLifetime, 604_800_000);
  assert.throws(() => config.ticketLifetime, failure(/"10h;short"/));
  assert.equal(config.defaultKeytabName, "FILE:/a #1");
  assert.equal(config.defaultCcacheName, "FILE:/b#2");
  assert.equal(config.domainRealm.get(".a.test"), "A.TEST");
  assert.deepEqual(config.capaths.get("A")!.get("B"), ["M"]);
});

Deno.test("parseKrb5Conf(): master_kdc counts where there is no primary_kdc; small letters count first", () => {
  const text = "[realms]\n A = {\n  master_kdc = old\n  primary_kdc = new\n }\n B = {\n  master_kdc = old\n }\n" +
    "[domain_realm]\n .Up.TEST = X\n .up.test = Y\n .UP.test = Z\n .Other.TEST = O\n";
  const config = parseKrb5Conf({ name: "c", text });
  assert.deepEqual(config.realms.get("A")!.primaryKdc, ["new"]);
  assert.deepEqual(config.realms.get("B")!.primaryKdc, ["old"]);
  assert.equal(config.domainRealm.get(".up.test"), "Y");
  assert.equal(config.domainRealm.get(".other.test"), "O");
});

Deno.test("fallbackRealms(): are domains of names, not of addresses of hosts", () => {
  const realms = (host: string, realmTryDomains = 1) => fallbackRealms({ realmTryDomains }, host);
  assert.deepEqual(realms("p.lab.corp.test"), ["LAB.CORP.TEST", "CORP.TEST"]);
  assert.deepEqual(realms("p.lab.corp.test", -1), ["LAB.CORP.TEST"]);
  assert.deepEqual(realms("p.lab.corp.test.", 9), ["LAB.CORP.TEST", "CORP.TEST", "TEST"]);
  for (const host of ["short", "10.0.0.1", "::1", "fe80::1%eth0", ""]) assert.deepEqual(realms(host), [], host);
  const text = (depth: string) => ({ name: "krb5.conf", text: `[libdefaults]\nrealm_try_domains = ${depth}\n` });
  assert.equal(parseKrb5Conf(text("-1")).realmTryDomains, -1);
  assert.equal(parseKrb5Conf(text("2")).realmTryDomains, 2);
  // As MIT has it, any negative number is none.
  assert.deepEqual(fallbackRealms(parseKrb5Conf(text("-2")), "p.lab.corp.test"), ["LAB.CORP.TEST"]);
  assert.throws(() => parseKrb5Conf(text("few")).realmTryDomains, { code: "BAD_CONFIG" });
});
