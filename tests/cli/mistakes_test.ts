/** The mistakes that people make with `gssocks serve` and `bridge`: each error names its object, what was found and what to do. */
import assert from "node:assert/strict";
import { bridge } from "../../mod.ts";
import { gssocks } from "../support/run_cli.ts";
import { certificateFor } from "../support/certificate.ts";
import { startRealmFolder } from "../support/realm_folder.ts";

/** A folder with files, and a port that is taken. */
interface Place extends AsyncDisposable {
  readonly folder: string;
  readonly taken: string;
  readonly keytab: string;
}

async function place(): Promise<Place> {
  const realm = await startRealmFolder();
  const folder = realm.directory;
  await Deno.writeTextFile(`${folder}/garbage`, "garbage");
  await Deno.writeTextFile(`${folder}/empty`, "");
  await Deno.writeTextFile(`${folder}/users`, "bob:plain\n");
  const [one, other] = await Promise.all([certificateFor(), certificateFor()]);
  await Deno.writeTextFile(`${folder}/cert.pem`, one.cert);
  await Deno.writeTextFile(`${folder}/key.pem`, other.key);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return {
    folder,
    keytab: realm.keytab,
    taken: `127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose](): Promise<void> {
      listener.close();
      await realm[Symbol.asyncDispose]();
    },
  };
}

/** Arguments behind `serve`, with @ for the folder and TAKEN for the taken port; exit code; text. */
type Row = readonly [mistake: string, args: string, code: number, text: RegExp];

const FREE = "-l 127.0.0.1:0";
const NONE = `${FREE} -m none --allow *`;

const STARTS: readonly Row[] = [
  ["keytab missing", `${FREE} -k @/nope`, 1, /Cannot read keytab @\/nope: No such file or directory\n$/],
  ["keytab is no keytab", `${FREE} -k @/garbage`, 1, /Cannot read keytab @\/garbage: .*0x6761/],
  ["keytab empty", `${FREE} -k @/empty`, 1, /Cannot (?:read|decode) keytab @\/empty: /],
  [
    "port in use",
    `-l 127.0.0.1:0 -l TAKEN -m none`,
    1,
    /listen\[1\]: Cannot listen on TAKEN: something listens there already; end it/,
  ],
  [
    "address elsewhere",
    "-l 192.0.2.77:1080 -m none",
    1,
    /Cannot listen on 192\.0\.2\.77:1080: this machine does not have that address/,
  ],
  ["port alone", "-l 1080 -m none", 2, /listen\[0\]: "1080" is a port without an address; write 127\.0\.0\.1:1080/],
  [
    "wildcard host",
    "-l *:1080 -m none",
    2,
    /listen\[0\]: "\*:1080" names no address; .*0\.0\.0\.0:1080 and \[::\]:1080/,
  ],
  [
    "host unknown",
    "-l nosuch.invalid:1080 -m none",
    1,
    /Cannot listen on nosuch\.invalid:1080: there is no host of that name/,
  ],
  ["admin port in use", `${NONE} --admin TAKEN`, 1, /Cannot listen on TAKEN: something listens there already/],
  [
    "admin not loopback",
    `${NONE} --admin 0.0.0.0:1`,
    2,
    /admin: Cannot open the admin port on 0\.0\.0\.0: it must be a loopback/,
  ],
  ["configuration missing", "-f @/nope.json", 1, /Cannot read @\/nope\.json: No such file or directory\n$/],
  ["no certificate", "-l tls://127.0.0.1:0 -m none", 2, /tls: a certificate and a key are needed for tls:\/\//],
  [
    "key of another certificate",
    "-l tls://127.0.0.1:0 -m none --tls-certificate @/cert.pem --tls-key @/key.pem",
    2,
    /tls: @\/cert\.pem and @\/key\.pem: /,
  ],
  [
    "plain password file",
    `${FREE} -m password --password-file @/users`,
    2,
    /passwordFile: @\/users, line 1: user:\$scrypt\$/,
  ],
  [
    "bits behind a block",
    `${FREE} -m none --allow 10.0.0.1/8`,
    2,
    /rules\[0\]: .*10\.0\.0\.1\/8: the address has bits behind the first 8/,
  ],
  [
    "condition unknown",
    `${FREE} -m none --allow *,relm=X`,
    2,
    /rules\[0\]: .*"relm=X" is not a condition; the conditions are port, .*realm.*; did you mean "realm"\?/,
  ],
  ["port name unknown", `${FREE} -m none --allow *:htp`, 2, /rules\[0\]: .*"htp" is no name of a port; .*http, /],
  ["time", `${NONE} --idle-timeout soon`, 2, /timeouts\.idle: a time is wanted: 500ms, 90s/],
  ["method", `${FREE} -m gssap`, 2, /methods\[0\]: "gssap" is none of gssapi, password, none; did you mean "gssapi"\?/],
];

Deno.test("mistakes: what keeps a server from its start is named, with what to do", async () => {
  await using here = await place();
  for (const [mistake, args, code, text] of STARTS) {
    const given = args.split(" ").map((arg) => arg.replace("@", here.folder).replace("TAKEN", here.taken));
    const got = await gssocks(["serve", ...given], { signal: AbortSignal.timeout(20_000) });
    const pattern = text.source.replaceAll("@\\/", `${here.folder}/`).replaceAll("TAKEN", here.taken);
    assert.match(got.err, new RegExp(pattern), mistake);
    assert.equal(got.code, code, mistake);
    assert.doesNotMatch(got.err, /os error|readfile/, mistake);
  }
});

Deno.test("mistakes: a taken port of a bridge is an error of its own class, with the place", async () => {
  await using here = await place();
  const port = Number(here.taken.split(":")[1]);
  const message = `Cannot listen on ${here.taken}: something listens there already; end it, or choose another port`;
  assert.throws(
    () => bridge({ proxy: "proxy.test", hostname: "127.0.0.1", port }),
    (error: Error) => error instanceof Deno.errors.AddrInUse && error.message === message,
  );
  const got = await gssocks(["bridge", "--proxy", "p", "-l", here.taken]);
  assert.deepEqual([got.code, got.err], [1, `gssocks bridge: ${message}\n`]);
});

/** Configurations, what `--check` says of them, and its exit code. */
const CHECKS: readonly (readonly [mistake: string, config: Record<string, unknown>, code: number, text: RegExp])[] = [
  [
    "egress elsewhere",
    { egress: { addresses: ["192.0.2.20"] } },
    1,
    /egress\.addresses\[0\]: .*192\.0\.2\.20: this machine/,
  ],
  [
    "redis on a closed port",
    { shared: { redis: "redis://u:s3cret@127.0.0.1:1", onLoss: "refuse" } },
    0,
    /Warning: shared: redis:\/\/127\.0\.0\.1:1: nothing listens there .*no client is let in/,
  ],
  ["port in use", { listen: ["TAKEN"] }, 0, /Warning: listen\[0\]: TAKEN: something listens there already; a reload/],
  ["announce is a name", { datagrams: { announce: "foo" } }, 0, /announce: "foo" is no address; clients of UDP/],
  [
    "unreachable rule",
    { rules: ["deny *", "allow 10.0.0.0/8"] },
    0,
    /rule 2 "allow 10\.0\.0\.0\/8" never fits: rule 1 "deny \*"/,
  ],
  [
    "user of nobody",
    { rules: ["allow *,user=alice"] },
    0,
    /rule 1 ".*" never fits: it has a user, and nobody says who he is/,
  ],
  ["open to all", { listen: ["0.0.0.0:0"] }, 0, /0\.0\.0\.0 is every address .* say in clients who may come/],
  [
    "user without realm",
    { methods: ["gssapi"], rules: ["allow *,user=alice"] },
    0,
    /allowed user "alice" has no realm, and fits no Kerberos user; write alice@REALM/,
  ],
  [
    "services without a key",
    { methods: ["gssapi"], gssapi: { services: ["socks"] } },
    0,
    /keytab: .* has no key of socks\/\.\.\., so that no client can authenticate .* it has rcmd\/localhost; add socks\//,
  ],
  [
    "unknown setting",
    { gsapi: {} },
    2,
    /: "gsapi" is no setting here; did you mean "gssapi"\? Settings here: listen, .*\(line 1, column \d+\)/,
  ],
];

Deno.test("mistakes: --check finds what lets nobody in, or does not do what is meant", async () => {
  await using here = await place();
  const file = `${here.folder}/c.json`;
  for (const [mistake, config, code, text] of CHECKS) {
    const base = { listen: ["127.0.0.1:0"], methods: ["none"], rules: ["allow *"], keytab: here.keytab };
    await Deno.writeTextFile(file, JSON.stringify({ ...base, ...config }).replace("TAKEN", here.taken));
    const got = await gssocks(["serve", "--check", "-f", file]);
    assert.match(got.err, new RegExp(text.source.replaceAll("TAKEN", here.taken)), mistake);
    assert.equal(got.code, code, `${mistake}: ${got.err}`);
    assert.ok(!`${got.out}${got.err}`.includes("s3cret"));
    if (code !== 0) continue;
    assert.equal((await gssocks(["serve", "--check", "--strict", "-f", file])).code, 1, mistake);
  }
});
