/** Where configuration is looked for, and what is read of folders; on real files. */
import assert from "node:assert/strict";
import { ConfigLoader } from "../../../kerberos/config/load.ts";
import { DEFAULT_CONFIG } from "../../../kerberos/config/krb5_conf.ts";
import { systemFiles } from "../../../kerberos/credentials/shell/files.ts";
import { loadConfig } from "../../../kerberos/system.ts";

function loader(variables: Readonly<Record<string, string>> = {}): ConfigLoader {
  const environment = { variable: (name: string) => variables[name], userNumber: () => 7, userName: () => "alice" };
  return new ConfigLoader({ environment, files: systemFiles });
}

/** Runs with files of these contents in a folder of their own. */
async function withFiles(
  files: Readonly<Record<string, string>>,
  body: (folder: string) => void | Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.mkdir(`${folder}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
      if (!name.endsWith("/")) await Deno.writeTextFile(`${folder}/${name}`, text.replaceAll("$D", folder));
    }
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const realm = (name: string) => `[libdefaults]\n default_realm = ${name}\n`;

Deno.test("loadConfig(): follows includes, refuses loops, takes a missing file as empty", () =>
  withFiles({
    "d/one.conf": "[libdefaults]\n forwardable = true\n",
    "d/ignored.conf~": "nonsense",
    main: "include $D/other\nincludedir $D/d/\n",
    other: realm("INCLUDED"),
    loop: "include $D/loop\n",
  }, (folder) => {
    const config = loadConfig({ paths: [`${folder}/main`] });
    assert.equal(config.defaultRealm, "INCLUDED");
    assert.equal(config.forwardable, true);
    assert.throws(() => loadConfig({ paths: [`${folder}/loop`] }), {
      code: "BAD_CONFIG",
      message: /include each other/,
    });
    assert.equal(loadConfig({ paths: [`${folder}/none`] }), DEFAULT_CONFIG);
  }));

Deno.test("ConfigLoader: includedir takes MIT's names in order, passes over folders, and reads nothing of others", () => {
  const taken = ["00first", "A-b_c", "x.y.conf", "z.conf"];
  const left = [".hidden.conf", ".conf", "x.rpmsave", "x.conf.bak", "a b", "#x#", "x~"];
  const line = (name: string) => `[libdefaults]\n x = "${name}"\n`;
  const files = Object.fromEntries([...taken, ...left].map((name) => [`d/${name}`, line(name)]));
  return withFiles(
    { ...files, "d/folder/inner.conf": "nonsense", main: "includedir $D/d\n", odd: "include $D/d\n" },
    (f) => {
      const reading = loader().read({ paths: [`${f}/main`] })!;
      assert.deepEqual(reading.profile.sections.get("libdefaults")!.values.get("x"), taken);
      assert.deepEqual(reading.sources, [`${f}/main`, ...taken.map((name) => `${f}/d/${name}`)]);
      // The folder itself may stand in the list of files, as with MIT.
      assert.deepEqual(loader({ KRB5_CONFIG: `${f}/d` }).read()!.sources, taken.map((name) => `${f}/d/${name}`));
      const odd = loader().read({ paths: [`${f}/odd`] })!;
      assert.match(odd.notes[0]!.text, /is a folder; includedir reads its files$/);
      assert.equal(odd.profile.sections.size, 0);
    },
  );
});

Deno.test("ConfigLoader: without the user's number the error says what to name instead", () => {
  const environment = { variable: () => undefined, userNumber: () => undefined, userName: () => "alice" };
  const nameless = new ConfigLoader({ environment, files: systemFiles });
  const config = { ...DEFAULT_CONFIG, defaultKeytabName: "FILE:/keys/%{uid}" };
  assert.throws(() => nameless.ccacheName(config), {
    code: "NO_CREDENTIALS",
    message: "Cannot expand FILE:/tmp/krb5cc_%{uid}: set KRB5CCNAME, or allow --allow-sys=uid",
  });
  const message = /: name the keytab without %\{uid\}, or allow --allow-sys=uid$/;
  assert.throws(() => nameless.keytabName(config), { code: "NO_CREDENTIALS", message });
  assert.throws(() => nameless.clientKeytabName(config), { code: "NO_CREDENTIALS", message });
});

Deno.test("ConfigLoader: what is included and cannot be read is an error with file and line", () =>
  withFiles(
    { a: "\ninclude $D/none\n", b: "includedir $D/none\n", c: "includedir $D/d\n", d1: "include \n" },
    async (f) => {
      await Deno.mkdir(`${f}/d`);
      await Deno.symlink(`${f}/nowhere`, `${f}/d/dangling.conf`);
      for (
        const [name, message] of [
          ["a", /\/a, line 2: include .*\/none: No such file or directory$/],
          ["b", /\/b, line 1: includedir .*\/none: No such file or directory$/],
          ["c", /\/c, line 1: includedir .*\/d: .*\/d\/dangling\.conf: No such file or directory$/],
          ["d1", /\/d1, line 1: include : No such file or directory$/],
        ] as const
      ) {
        assert.throws(() => loader().load({ paths: [`${f}/${name}`] }), { code: "BAD_CONFIG", message });
      }
    },
  ));

Deno.test("ConfigLoader: KRB5_CONFIG is a list, of which missing files count as empty, but not all of them", () =>
  withFiles({ one: realm("ONE"), two: `${realm("TWO")} forwardable = yes\n`, "home/krb5.conf": realm("HOME") }, (f) => {
    const config = loader({ KRB5_CONFIG: `${f}/none:${f}/one::${f}/two` }).load();
    assert.equal(config.defaultRealm, "ONE");
    assert.equal(config.forwardable, true);
    assert.equal(loader({ KRB5_CONFIG: "~/krb5.conf", HOME: `${f}/home` }).load().defaultRealm, "HOME");
    assert.throws(() => loader({ KRB5_CONFIG: `${f}/none:${f}/gone` }).load(), {
      code: "BAD_CONFIG",
      message: /KRB5_CONFIG is ".*none.*gone", and no such file exists/,
    });
  }));

Deno.test("ConfigLoader: a file of the list that may not be read is an error, beside good ones, too", () =>
  withFiles({ one: realm("ONE") }, (f) => {
    const files = {
      ...systemFiles,
      readSync(path: string) {
        if (path.endsWith("/two")) throw new Error("Permission denied");
        return systemFiles.readSync(path);
      },
    };
    const environment = { variable: () => `${f}/one:${f}/two`, userNumber: () => 7, userName: () => "alice" };
    assert.throws(() => new ConfigLoader({ environment, files }).load(), {
      code: "BAD_CONFIG",
      message: /^Cannot read .*\/two: Permission denied$/,
    });
  }));

Deno.test("ConfigLoader: parameters in the names of cache and keytab are expanded, of every kind of cache", () => {
  const named = (name: string) => ({ ...DEFAULT_CONFIG, defaultCcacheName: name, defaultKeytabName: name });
  const own = loader({ TMPDIR: "/t" });
  for (
    const [name, expanded] of [
      ["FILE:%{TEMP}/cc_%{uid}%{null}", "FILE:/t/cc_7"],
      ["KEYRING:persistent:%{uid}", "KEYRING:persistent:7"],
      ["DIR:/run/user/%{euid}/%{username}/%{USERID}", "DIR:/run/user/7/alice/7"],
      ["/plain%x", "/plain%x"],
    ] as const
  ) {
    assert.equal(own.ccacheName(named(name)), expanded);
    assert.equal(own.keytabName(named(name)), expanded);
  }
  assert.equal(loader().ccacheName(named("%{TEMP}")), "/tmp");
  for (
    const [name, message] of [
      ["FILE:%{LIBDIR}/x", /%\{LIBDIR\} depends on how MIT krb5 was installed; write the path itself/],
      ["FILE:%{APPDATA}/x", /%\{APPDATA\} depends/],
      ["FILE:%{Uid}", /%\{Uid\} is not known/],
      ["FILE:%{}", /%\{\} is not known/],
      ["FILE:%{uid", /is not closed/],
    ] as const
  ) {
    assert.throws(() => own.ccacheName(named(name)), { code: "BAD_CONFIG", message }, name);
  }
  // The variables are taken as they are, as MIT does.
  assert.equal(loader({ KRB5CCNAME: "FILE:%{uid}" }).ccacheName(DEFAULT_CONFIG), "FILE:%{uid}");
});
