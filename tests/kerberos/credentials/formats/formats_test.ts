/** Keytabs and credential caches: files that other programs wrote, and ours read back. */
import assert from "node:assert/strict";
import { lenientText } from "../../../../base/bytes.ts";
import { KerberosKey } from "../../../../kerberos/crypto/key.ts";
import { KerberosError } from "../../../../kerberos/errors.ts";
import { formatPrincipal, parsePrincipal, principal } from "../../../../kerberos/principal.ts";
import { withCredential } from "../../../../kerberos/credentials/cache.ts";
import { decodeCcache, encodeCcache } from "../../../../kerberos/credentials/formats/ccache.ts";
import { Credential } from "../../../../kerberos/credential.ts";
import { FileCredentialCache, readKeytab, writeKeytab } from "../../../../kerberos/credentials/shell/stores.ts";
import { Keytab } from "../../../../kerberos/credentials/formats/keytab.ts";
import { hex, unhex, vectors } from "../../../support/vectors.ts";

type KeytabCase = {
  name: string;
  file_hex: string;
  validated: string;
  decoded: {
    version: number;
    entries: {
      realm: string;
      components: string[];
      name_type: number;
      timestamp: number;
      kvno: number;
      enctype: number;
      key_hex: string;
    }[];
  };
};

Deno.test("Keytab.decode(): reads the keytabs of other programs", () => {
  for (const v of [...vectors<KeytabCase>("keytab"), ...vectors<KeytabCase>("captured_keytab")]) {
    const keytab = Keytab.decode(unhex(v.file_hex));
    const read = keytab.entries.map((entry) => ({
      realm: entry.principal.realm,
      components: [...entry.principal.components],
      name_type: entry.principal.nameType,
      timestamp: entry.timestamp! / 1000,
      kvno: entry.kvno,
      enctype: entry.key.enctype,
      key_hex: hex(entry.key.exportBytes()),
    }));
    const wanted = v.decoded.entries.map(({ realm, components, name_type, timestamp, kvno, enctype, key_hex }) => ({
      realm,
      components,
      name_type,
      timestamp,
      kvno,
      enctype,
      key_hex,
    }));
    assert.deepEqual(read, wanted, v.name);
    assert.deepEqual(Keytab.decode(keytab.encode()).describe(), keytab.describe(), v.name);
  }
});

Deno.test("Keytab.decode(): refuses damage, and returns no incomplete entry", () => {
  for (const v of vectors<{ name: string; file_hex: string; expect: string }>("keytab_malformed")) {
    const keytab = decodedOrRefused(() => Keytab.decode(unhex(v.file_hex)));
    if (v.expect.startsWith("error")) assert.equal(keytab, undefined, v.name);
    else assert.equal(keytab?.entries.length ?? 0, 0, v.name);
  }
  const whole = unhex(vectors<KeytabCase>("keytab")[0]!.file_hex);
  const all = Keytab.decode(whole).describe();
  const first = 6 + new DataView(whole.buffer).getInt32(2);
  for (let i = 0; i < whole.length; i++) {
    // What ends between two entries, or with too little for another length, is a shorter keytab.
    const cut = decodedOrRefused(() => Keytab.decode(whole.subarray(0, i)))?.describe();
    assert.deepEqual(cut ?? [], all.slice(0, cut?.length ?? 0), `cut at ${i}`);
    if (i > 6 && i < first) assert.equal(cut, undefined, `cut at ${i}`);
    const changed = whole.slice();
    changed[i]! ^= 0xff;
    const keytab = decodedOrRefused(() => Keytab.decode(changed));
    if (i < 2) assert.equal(keytab, undefined, `byte ${i}`);
  }
});

/** What was decoded, or nothing where it was refused with an error of ours. */
function decodedOrRefused<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    assert.ok(error instanceof KerberosError, String(error));
    return undefined;
  }
}

Deno.test("names in keytabs and caches: differ by a byte, and are refused if not UTF-8", () => {
  const names = ["alice", "\ufeffalice"].map((text) => principal("R.TEST", [text]));
  const key = KerberosKey.generate(18);
  const keytab = new Keytab(names.map((owner) => ({ principal: owner, kvno: 1, key }))).encode();
  assert.deepEqual(Keytab.decode(keytab).entries.map((entry) => entry.principal.components[0]), [
    "alice",
    "\ufeffalice",
  ]);
  const ticket = { key, authtime: 0, endtime: 1000, flags: 0, ticket: new Uint8Array(1) };
  const credentials = names.map((client) => new Credential({ client, server: client, ...ticket }));
  const cache = encodeCcache({ principal: names[0]!, credentials });
  assert.deepEqual(decodeCcache(cache).credentials.map(({ client }) => client.components[0]), ["alice", "\ufeffalice"]);
  // The bytes of "R.TEST" and "alice", one of them such as no UTF-8 has.
  for (const name of ["R.TEST", "alice"]) {
    for (const [file, read] of [[keytab, Keytab.decode], [cache, decodeCcache]] as const) {
      const changed = file.slice();
      changed[lenientText(file.map((byte) => byte & 0x7f)).indexOf(name) + 1] = 0xff;
      assert.throws(() => read(changed), (error) => error instanceof KerberosError && error.code === "BAD_FILE", name);
    }
  }
});

Deno.test("Keytab.candidates(): the key wanted, then newer before older, then other names", () => {
  const [rcmd, socks] = [parsePrincipal("rcmd/h@R"), parsePrincipal("socks/h@R")];
  const entry = (name: typeof rcmd, kvno: number, enctype = 18) => ({
    principal: name,
    kvno,
    key: KerberosKey.generate(enctype),
  });
  const keytab = new Keytab([entry(socks, 9), entry(rcmd, 1), entry(rcmd, 3), entry(rcmd, 2), entry(rcmd, 2, 17)]);
  const found = keytab.candidates({ service: rcmd, enctype: 18, kvno: 2 });
  assert.deepEqual(found.map((e) => [e.principal.components[0], e.kvno]), [["rcmd", 2], ["rcmd", 3], ["rcmd", 1], [
    "socks",
    9,
  ]]);
  assert.deepEqual(keytab.candidates({ service: rcmd, enctype: 23 }), []);
});

type CcacheCase = {
  name: string;
  file_hex: string;
  decoded: {
    version: number;
    default_principal: { realm: string; components: string[] };
    credentials: {
      server: { realm: string; components: string[] };
      key: { enctype: number; key_hex: string };
      endtime: number;
      ticket_flags_hex: string;
      ticket_hex: string;
    }[];
  };
};

Deno.test("Keytab: is sorted once, whatever keys clients ask for", () => {
  const entries = Array.from({ length: 10_000 }, (_, i) => ({
    principal: parsePrincipal(`rcmd/h${i}@R`),
    kvno: i % 7,
    key: new KerberosKey(18, new Uint8Array(32)),
  }));
  const keytab = new Keytab(entries);
  const wanted = { service: parsePrincipal("rcmd/h5@R"), enctype: 18, kvno: 5 };
  assert.equal(keytab.candidates(wanted).length, entries.length);
  assert.equal(keytab.candidates(wanted)[0], entries[5]);
  assert.equal(keytab.describe(), keytab.describe());
  let read = 0;
  const watched = new Keytab(entries.map((entry) => ({
    ...entry,
    get principal() {
      read++;
      return entry.principal;
    },
  })));
  watched.candidates(wanted);
  watched.describe();
  const once = read;
  for (let i = 0; i < 10; i++) watched.candidates({ ...wanted, service: parsePrincipal(`x${i}@R`) });
  assert.equal(watched.describe().length, entries.length);
  assert.equal(read, once);
});

Deno.test("decodeCcache(): reads the caches of other programs; encodeCcache() returns version 4 unchanged", () => {
  let version4 = 0;
  for (const v of [...vectors<CcacheCase>("ccache"), ...vectors<CcacheCase>("captured_ccache")]) {
    const bytes = unhex(v.file_hex);
    const data = decodeCcache(bytes);
    const text = (p: { realm: string; components: string[] }) => formatPrincipal(principal(p.realm, p.components));
    assert.equal(formatPrincipal(data.principal), text(v.decoded.default_principal), v.name);
    assert.deepEqual(
      data.credentials.map((
        c,
      ) => [formatPrincipal(c.server), c.key.enctype, hex(c.key.exportBytes()), c.endtime, hex(c.ticket)]),
      v.decoded.credentials.map((c) => [text(c.server), c.key.enctype, c.key.key_hex, c.endtime * 1000, c.ticket_hex]),
      v.name,
    );
    // MIT writes 8 for a true is_skey in user-to-user tickets; we write 1.
    if (v.decoded.version === 4 && v.name !== "cc_host") {
      assert.ok(hex(encodeCcache(data)) === v.file_hex, v.name);
      version4++;
    }
  }
  assert.ok(version4 >= 10);
});

Deno.test("decodeCcache(): returns a cache or a KerberosError for every cut and changed byte", () => {
  const whole = unhex(vectors<CcacheCase>("ccache")[0]!.file_hex);
  const all = decodeCcache(whole).credentials;
  let refused = 0;
  for (let i = 0; i < whole.length; i++) {
    const cut = decodedOrRefused(() => decodeCcache(whole.subarray(0, i)))?.credentials;
    assert.deepEqual(cut ?? [], all.slice(0, cut?.length ?? 0), `cut at ${i}`);
    if (cut === undefined) refused++;
    const changed = whole.slice();
    changed[i]! ^= 0xff;
    decodedOrRefused(() => decodeCcache(changed));
  }
  // All cuts but those between two tickets.
  assert.ok(refused >= whole.length - all.length - 1, `${refused} of ${whole.length}`);
  for (const v of vectors<{ file_hex: string }>("ccache_malformed")) {
    assert.equal(decodedOrRefused(() => decodeCcache(unhex(v.file_hex)))?.credentials.length ?? 0, 0);
  }
});

Deno.test("FileCredentialCache: keeps tickets in a file of mode 0600, replaces, and destroys", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const data = decodeCcache(unhex(vectors<CcacheCase>("ccache")[0]!.file_hex));
    const cache = new FileCredentialCache(`FILE:${directory}/cc`);
    assert.equal(await cache.load(), undefined);
    await cache.initialize({ principal: data.principal, credentials: [] });
    await Promise.all(data.credentials.map((credential) => cache.store(credential)));
    assert.equal((await cache.load())!.credentials.length, data.credentials.length);
    assert.equal((await Deno.stat(`${directory}/cc`)).mode! & 0o777, 0o600);
    await cache.store(data.credentials[0]!);
    assert.equal((await cache.load())!.credentials.length, data.credentials.length);
    await cache.destroy();
    await cache.destroy();
    assert.deepEqual([...Deno.readDirSync(directory)], []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("writeKeytab(), readKeytab(): keep the entries", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const keytab = new Keytab([{ principal: parsePrincipal("a/b@C"), kvno: 300, key: KerberosKey.generate(20) }]);
    await writeKeytab(`${directory}/kt`, keytab);
    assert.deepEqual(readKeytab(`FILE:${directory}/kt`).describe(), ["a/b@C kvno 300 aes256-cts-hmac-sha384-192"]);
    assert.throws(() => readKeytab(`${directory}/none`), KerberosError);
    assert.throws(() => readKeytab("KCM:"), KerberosError);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("Credential: hides ticket and key from Deno.inspect", () => {
  const { credentials } = decodeCcache(unhex(vectors<CcacheCase>("ccache")[0]!.file_hex));
  const shown = Deno.inspect(credentials[0], { depth: 9, showHidden: true });
  assert.match(shown, /krbtgt/);
  assert.doesNotMatch(shown, /Uint8Array\(\d{2,}\)/);
});

Deno.test("withCredential(): keeps tickets of other services", () => {
  const data = decodeCcache(unhex(vectors<CcacheCase>("ccache")[0]!.file_hex));
  assert.equal(withCredential(data, data.credentials[1]!).credentials.length, data.credentials.length);
});

Deno.test("parsePrincipal(), formatPrincipal(): agree with Heimdal's samples", () => {
  type Case = { input: string; default_realm: string; components: string[]; realm: string; unparsed: string };
  for (const v of vectors<Case>("principal_names")) {
    const name = parsePrincipal(v.input, { defaultRealm: v.default_realm });
    assert.deepEqual([[...name.components], name.realm], [v.components, v.realm], v.input);
    // Heimdal puts a backslash in front of a blank, MIT does not; both forms are read.
    assert.equal(formatPrincipal(name), v.unparsed.replace("\\ ", " "));
  }
  assert.throws(() => parsePrincipal("a@b@c"), TypeError);
  assert.throws(() => parsePrincipal("a\\"), TypeError);
});
