/** Keytabs: the files of other programs, damage, and the order of keys. */
import assert from "node:assert/strict";
import { concat } from "../../../../base/bytes.ts";
import { KerberosKey } from "../../../../kerberos/crypto/key.ts";
import { KerberosError } from "../../../../kerberos/errors.ts";
import { parsePrincipal } from "../../../../kerberos/principal.ts";
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

Deno.test("Keytab.decode(): a bad entry spoils only itself; a file without a good one is refused", () => {
  const owner = parsePrincipal("rcmd/h@R");
  const good = new Keytab([{ principal: owner, kvno: 3, key: KerberosKey.generate(18) }]).encode();
  const short = new Keytab([{ principal: owner, kvno: 2, key: new KerberosKey(77, new Uint8Array(16)) }]).encode();
  const at = short.findIndex((_, i) => short[i] === 0 && short[i + 1] === 77 && short[i + 3] === 16);
  short[at + 1] = 18;
  const cut = good.slice(0, -1);
  for (const [first, ...rest] of [[short, good], [good, short], [good, cut], [short, good, cut]]) {
    const file = concat(first!, ...rest.map((one) => one!.slice(2)));
    assert.deepEqual(Keytab.decode(file).entries.map(({ kvno }) => kvno), [3]);
  }
  assert.throws(() => Keytab.decode(short), {
    code: "BAD_FILE",
    message: /no good entry: .* takes 32 bytes, 16 given/,
  });
  assert.throws(() => Keytab.decode(cut), { code: "BAD_FILE", message: /no good entry/ });
  assert.deepEqual(Keytab.decode(new Uint8Array([5, 2])).entries, []);
});

Deno.test("Keytab.decode(): holes count as entries where there are too many", () => {
  const file = new Uint8Array(2 + 10_002 * 5);
  file.set([5, 2]);
  const view = new DataView(file.buffer);
  for (let i = 0; i < 10_002; i++) view.setInt32(2 + i * 5, -1);
  assert.throws(() => Keytab.decode(file), { code: "BAD_FILE", message: /over 10000 entries/ });
});
