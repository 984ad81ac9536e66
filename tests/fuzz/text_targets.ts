/**
 * Fuzz targets: files and texts: caches, keytabs, krb5.conf, names, durations, rules, addresses, URLs, the server's
 * configuration.
 *
 * @module
 */
import { sameBytes, utf8 } from "../../base/bytes.ts";
import { ConfigError } from "../../cli/config/config_error.ts";
import { parseConfig } from "../../cli/config/server_config.ts";
import { parsePasswordFile } from "../../cli/passwords/passwords.ts";
import { parseEndpoint } from "../../kerberos/reach/locate.ts";
import { parseDeltat } from "../../kerberos/config/deltat.ts";
import { parseEnctypes } from "../../kerberos/config/enctype_list.ts";
import { parseKrb5Conf } from "../../kerberos/config/parse.ts";
import { readProfile } from "../../kerberos/config/profile_reader.ts";
import { formatPrincipal, parsePrincipal, samePrincipal } from "../../kerberos/principal.ts";
import { decodeCcache, encodeCcache } from "../../kerberos/credentials/formats/ccache.ts";
import { Keytab } from "../../kerberos/credentials/formats/keytab.ts";
import { parseClientRuleText } from "../../socks/rules/client_rules.ts";
import { parseRuleText } from "../../socks/rules/parse_rule.ts";
import { parseEndpointText } from "../../socks/wire/address.ts";
import { formatIp, parseIp } from "../../socks/wire/ip.ts";
import { unhex, vectors } from "../support/vectors.ts";
import { anyOf, kerberosError, textError } from "./expected.ts";
import type { Target } from "./fuzz.ts";

/** Decodes every byte as a character, so that no input is lost. */
const latin1 = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
const utf8Text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const texts = (...of: readonly string[]): Uint8Array[] => of.map((text) => utf8(text));

const RULES = texts(
  "allow 10.0.0.0/8:443,user=*@EXAMPLE.COM",
  "deny .example.com",
  "allow [fd00::]/8:80-90,command=udp,realm=X,enctype=aes256-cts-hmac-sha1-96,protection=confidentiality,upstream=x",
  "allow localhost,from=127.0.0.1,method=gssapi,ticket-age=8h",
  "deny bücher.example,user=a\\@b@R",
);
const CONFIG = JSON.stringify({
  listen: ["127.0.0.1:1080"],
  keytab: "/x",
  rules: ["allow *", { action: "allow", destinations: ["10.0.0.0/8"], ports: ["443"] }],
  limits: { maxSessions: 10 },
  upstreams: { p: { proxy: "h:1" } },
});

/** Targets of files. */
function fileTargets(): Target[] {
  const files = (...names: readonly string[]) =>
    names.flatMap((name) => vectors<{ file_hex: string }>(name).map(({ file_hex }) => unhex(file_hex)));
  return [
    {
      name: "keytab",
      seeds: files("keytab", "keytab_malformed"),
      expects: kerberosError,
      run(input): void {
        const keytab = Keytab.decode(input);
        keytab.describe();
        for (const { principal } of keytab.entries) formatPrincipal(principal);
        Keytab.decode(keytab.encode());
      },
    },
    {
      name: "ccache",
      seeds: files("ccache", "ccache_malformed"),
      expects: kerberosError,
      run: (input) => void decodeCcache(encodeCcache(decodeCcache(input))),
    },
    {
      name: "krb5.conf",
      seeds: vectors<{ text: string }>("krb5_conf").map(({ text }) => utf8(text)),
      expects: kerberosError,
      run(input): void {
        parseKrb5Conf({ name: "f", text: latin1(input) });
        readProfile({ name: "f", text: utf8Text(input), include: () => [] });
      },
    },
  ];
}

/** Targets of user-written texts. */
function lineTargets(): Target[] {
  return [
    {
      name: "duration",
      seeds: texts("10h", "1d2h3m4s", "36000", "10:00:00", "1-2:3"),
      expects: kerberosError,
      run(input): void {
        const seconds = parseDeltat(latin1(input)) ?? 0;
        // MIT accepts negative durations.
        if (!(Math.abs(seconds) <= 2 ** 31)) throw new Error(`a duration of ${seconds}`);
      },
    },
    {
      name: "enctypes",
      seeds: texts("aes256-cts aes128-cts -aes", "DEFAULT +aes256-sha2"),
      expects: kerberosError,
      run: (input) => void parseEnctypes("enctypes", latin1(input)),
    },
    {
      name: "KDC's address",
      seeds: texts("tcp/kdc.example:88", "[::1]:88", "kdc", "https://kdc.example/KdcProxy"),
      expects: kerberosError,
      run: (input) => void parseEndpoint(latin1(input)),
    },
    {
      name: "principal",
      seeds: texts("rcmd/host@REALM", "a\\/b\\@c@R", "x\\n@R", "a b@R", "ü@R"),
      expects: anyOf(textError, kerberosError),
      run(input): void {
        const name = parsePrincipal(utf8Text(input));
        if (!samePrincipal(parsePrincipal(formatPrincipal(name)), name)) throw new Error("changed by formatting");
      },
    },
    {
      name: "rule",
      seeds: RULES,
      expects: textError,
      run: (input) => void parseRuleText(utf8Text(input)),
    },
    {
      name: "rule about clients",
      seeds: texts("allow 10.0.0.0/8,fd00::/8", "deny *"),
      expects: textError,
      run: (input) => void parseClientRuleText(utf8Text(input)),
    },
    {
      name: "HOST:PORT",
      seeds: texts("example.com:80", "[::1]:80", "1.2.3.4:65535", "bücher.example:1"),
      expects: textError,
      run(input): void {
        const { port } = parseEndpointText(utf8Text(input), 1080);
        if (!(port >= 0 && port <= 65_535)) throw new Error(`port ${port}`);
      },
    },
    {
      name: "address",
      seeds: texts("1.2.3.4", "2001:db8::1", "::", "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8", "fe80::1%1", "0x7f.1"),
      expects: () => false,
      run(input): void {
        const bytes = parseIp(latin1(input));
        if (bytes === undefined) return;
        if (bytes.length !== 4 && bytes.length !== 16) throw new Error(`${bytes.length} bytes`);
        const again = parseIp(formatIp(bytes));
        if (again === undefined || !sameBytes(again, bytes)) throw new Error("changed by formatting");
      },
    },
    {
      name: "configuration",
      seeds: texts(CONFIG, '{"rules":["allow *"],"__proto__":{"x":1},"constructor":{"prototype":{"y":1}}}', "{}", "[]"),
      expects: (error) => error instanceof ConfigError,
      run(input): void {
        parseConfig(utf8Text(input), "f");
        const plain: Record<string, unknown> = {};
        if (plain.x !== undefined || plain.y !== undefined) throw new Error("the prototype of all objects was changed");
      },
    },
    {
      name: "password file",
      seeds: texts(`alice:$scrypt$ln=15,r=8,p=1$${"A".repeat(22)}$${"A".repeat(43)}\n# c\nbob:x\n`),
      expects: textError,
      run: (input) => void parsePasswordFile(utf8Text(input), "f"),
    },
  ];
}

/** Returns the targets. */
export function textTargets(): Target[] {
  return [...fileTargets(), ...lineTargets()];
}
