import assert from "node:assert/strict";
import { fallbackRealms } from "../../../kerberos/config/realms.ts";
import { loadConfig } from "../../../kerberos/system.ts";
import { DEFAULT_CONFIG } from "../../../kerberos/config/krb5_conf.ts";
import { parseDuration, parseEnctypes } from "../../../kerberos/config/values.ts";
import { parseKrb5Conf } from "../../../kerberos/config/parse.ts";
import { realmOfHost } from "../../../kerberos/config/realms.ts";
import { KerberosError } from "../../../kerberos/errors.ts";
import { vectors } from "../../support/vectors.ts";

Deno.test("parseDuration(): agrees with MIT's samples", () => {
  for (const v of vectors<{ text: string; seconds: number | null }>("time_intervals")) {
    if (v.seconds === null) assert.throws(() => parseDuration(v.text), KerberosError, v.text);
    else assert.equal(parseDuration(v.text), v.seconds, v.text);
  }
});

Deno.test("parseEnctypes(): reads MIT's lists and ignores unsupported names", () => {
  assert.deepEqual(parseEnctypes("DEFAULT -aes128-cts arcfour-hmac", [18, 17]), [18]);
  assert.deepEqual(parseEnctypes("aes256-cts-hmac-sha384-192, aes128-sha2", [18]), [20, 19]);
  assert.throws(() => parseEnctypes("aes -aes", [18]), KerberosError);
});

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

Deno.test("parseKrb5Conf(): names file and line of an error", () => {
  for (const text of ["[libdefaults\n", "[realms]\n R = {\n", "[libdefaults]\nnonsense\n", "[a]\n}\n"]) {
    assert.throws(
      () => parseKrb5Conf({ name: "bad.conf", text }),
      (error) => error instanceof KerberosError && error.code === "BAD_CONFIG" && error.message.includes("bad.conf"),
    );
  }
  assert.throws(() => parseKrb5Conf({ name: "x", text: "[libdefaults]\nforwardable = maybe\n" }), KerberosError);
});

Deno.test("loadConfig(): follows includes, refuses loops, takes a missing file as empty", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${directory}/d`);
    await Deno.writeTextFile(`${directory}/d/one.conf`, "[libdefaults]\n forwardable = true\n");
    await Deno.writeTextFile(`${directory}/d/ignored.conf~`, "nonsense");
    await Deno.writeTextFile(`${directory}/main`, `include ${directory}/other\nincludedir ${directory}/d\n`);
    await Deno.writeTextFile(`${directory}/other`, "[libdefaults]\n default_realm = INCLUDED\n");
    const config = loadConfig({ paths: [`${directory}/main`] });
    assert.equal(config.defaultRealm, "INCLUDED");
    assert.equal(config.forwardable, true);
    await Deno.writeTextFile(`${directory}/loop`, `include ${directory}/loop\n`);
    assert.throws(() => loadConfig({ paths: [`${directory}/loop`] }), KerberosError);
    assert.equal(loadConfig({ paths: [`${directory}/none`] }), DEFAULT_CONFIG);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("parseKrb5Conf(): refuses negative durations", () => {
  const read = (line: string) => parseKrb5Conf({ name: "krb5.conf", text: `[libdefaults]\n${line}\n` });
  for (const name of ["clockskew", "ticket_lifetime", "renew_lifetime"]) {
    for (const value of ["-5m", "1h -90m", "-1s"]) {
      assert.throws(
        () => read(`${name} = ${value}`),
        (error) => error instanceof KerberosError && error.code === "BAD_CONFIG" && error.message.includes(name),
        `${name} ${value}`,
      );
    }
  }
  assert.equal(read("clockskew = 2h -60m").clockskew, 3_600_000);
  assert.equal(read("renew_lifetime = 0").renewLifetime, 0);
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
  assert.throws(() => parseKrb5Conf(text("-2")), { code: "BAD_CONFIG" });
});
