/** The syntax of krb5.conf. What MIT's library makes of the same files is asked in tests/interop/krb5_conf_test.ts. */
import assert from "node:assert/strict";
import { type ProfileSection, type ProfileSource, sectionAt } from "../../../kerberos/config/profile.ts";
import { readProfile } from "../../../kerberos/config/profile_reader.ts";
import { KerberosError } from "../../../kerberos/errors.ts";

function read(text: string, files: Readonly<Record<string, string>> = {}) {
  const source = (name: string, content: string): ProfileSource => ({
    name,
    text: content,
    include(path, directory) {
      const names = directory ? Object.keys(files).filter((file) => file.startsWith(`${path}/`)) : [path];
      return names.map((one) => {
        if (files[one] === undefined) throw new Error("No such file or directory");
        return source(one, files[one]);
      });
    },
  });
  return readProfile(source("c", text));
}

/** Values as `section/subsection/name=value`. */
function flat(section: ProfileSection, path = ""): string[] {
  return [
    ...[...section.values].flatMap(([name, values]) => values.map((value) => `${path}${name}=${value}`)),
    ...[...section.sections].flatMap(([name, inner]) => flat(inner, `${path}${name}/`)),
  ];
}

const values = (text: string, files?: Readonly<Record<string, string>>) => flat(read(text, files).profile).join(" ");

Deno.test("profile: braces may stand on the next line, with or without what follows, and the last may be missing", () => {
  assert.equal(values("[r]\nA =\n{\nk = 1\n}\n"), "r/A/k=1");
  assert.equal(values("[r]\nA =\n\t { ignored\nk = 1"), "r/A/k=1");
  assert.equal(values("[r]\nA = {  \nB = {\nk = 1\n}\nj = 2\n"), "r/A/j=2 r/A/B/k=1");
  assert.equal(values("[r]\nA = {\nk = 1\n} rest\nk = 2\n"), "r/k=2 r/A/k=1");
  assert.equal(values("[r]\nk = 1\nA =\n"), "r/k=1");
  assert.equal(values("[r]\nA = {}\nB = { x\n"), "r/A={} r/B={ x");
});

Deno.test("profile: subsections of one name are one, and a relation may have the name of a section", () => {
  assert.equal(
    values("[r]\nA = {\nk = 1\n}\nA = x\n[s]\ny = 1\n[r]\nA = {\nk = 2\n}\n"),
    "r/A=x r/A/k=1 r/A/k=2 s/y=1",
  );
});

Deno.test("profile: included text stands on its own, wherever the directive stands", () => {
  const files = {
    "/i": "[l]\nb = 2\n[r]\nR = {\nk = 2\n",
    "/d/1": "[l]\nb = 3\n",
    "/d/2": "x = not read\n[l]\nb = 4\n",
  };
  assert.equal(values("[l]\na = 1\ninclude /i\nc = 3\n", files), "l/a=1 l/b=2 l/c=3 r/R/k=2");
  assert.equal(values("[r]\nR = {\nk = 1\ninclude /i\nk = 3\n}\n", files), "r/R/k=1 r/R/k=2 r/R/k=3 l/b=2");
  assert.equal(
    values("includedir /d\n[l]\na = 1\nincludedir\t/d\r\nb = 9\n", files),
    "l/b=3 l/b=4 l/b=3 l/b=4 l/b=9 l/a=1",
  );
  assert.equal(values("[r]\nR =\ninclude /i\n{\nk = 1\n", files), "r/R/k=2 r/R/k=1 l/b=2");
});

Deno.test("profile: a star closes a section, a subsection and a relation", () => {
  assert.equal(values("[a]\nx = 1\n[a]*\nx = 2\n[a]\nx = 3\nS = {\ny = 1\n}\n[b]\nz = 1\n"), "a/x=1 a/x=2 b/z=1");
  assert.equal(values("[a]\nS = {\nx = 1\n}*\nS = {\nx = 2\nT = {\n}\n}\ny = 1\n"), "a/y=1 a/S/x=1");
  assert.equal(values("[a]\nS* = {\nx = 1\n}\nS = {\nx = 2\n}\n"), "a/S/x=1");
  assert.equal(values("[a]\nx = 0\nx* = 1\nx = 2\n"), "a/x=0 a/x=1");
});

Deno.test("profile: quotes keep blanks and give backslashes a meaning; without them blanks at the ends go", () => {
  const { profile } = read('[a]\nx = " a\\n\\t\\"\\\\b\\q" rest\ny = \t a b \t\nz = "open  \nw = "end\\\ne = ""\n');
  const found = Object.fromEntries(sectionAt(profile, "a")!.values);
  assert.deepEqual(found, { x: [' a\n\t"\\bq'], y: ["a b"], z: ["open  "], w: ["end\\"], e: [""] });
});

Deno.test("profile: a byte order mark, CRLF, comments, and what stands before the first section", () => {
  const text = "\uFEFF# c\r\n; c\r\n[a]\r\n\t; c\r\n # c\r\n\r\n x\t=\t1 \r\n";
  assert.equal(values(text), "a/x=1");
  assert.equal(values("\uFEFF[a]\nx = 1\n"), "a/x=1");
  const reading = read("lost = 1\n [also lost]\n# c\n[a]\nx = 1 # c\n");
  assert.deepEqual(flat(reading.profile), ["a/x=1 # c"]);
  assert.deepEqual(reading.notes.map(({ line }) => line), [1, 2, 5]);
});

Deno.test("profile: each value has its place, and each file its name", () => {
  const { profile, sources } = read('[a]\nx = 1\ninclude /i\nx = "3"\n', { "/i": "\n[a]\nx = 2\n" });
  assert.deepEqual(sectionAt(profile, "a")!.places!.get("x"), [
    { source: "c", line: 2, quoted: false },
    { source: "/i", line: 3, quoted: false },
    { source: "c", line: 4, quoted: true },
  ]);
  assert.deepEqual(sources, ["c", "/i"]);
});

Deno.test("profile: errors have file, line, and the class BAD_CONFIG", () => {
  const cases: [string, RegExp][] = [
    ["[a\n", /^Cannot read c, line 1: expected a section name/],
    ["[a] # c\n", /line 1: expected a section name in brackets, and nothing behind it/],
    ["[a]\nnonsense\n", /line 2: expected name = value/],
    ["[a]\n= 1\n", /line 2: expected name = value/],
    ["[a]\nx y = 1\n", /line 2: expected name = value/],
    ["[a]\n}\n", /line 2: closing brace without/],
    ["[a]\nS = {\n[b]\n", /line 3: a section begins while a brace is still open/],
    ["[a]\nx =\ny = 1\n", /line 3: expected an opening brace, since the line before ends after the =/],
    ["[a]\nx =\n# c\n{\n", /line 3: expected an opening brace/],
    ["module /lib/x.so:data\n", /line 1: "module \/lib\/x.so:data": modules cannot be loaded here/],
    ["[a]\n include /i\n", /line 2: expected name = value/],
    ["\ninclude /gone\n", /^Cannot read c, line 2: include \/gone: No such file or directory$/],
    ["include /i\n", /^Cannot read \/i, line 2: expected name/],
    ["include /loop\n", /^Cannot read \/loop, line 1: include \/loop: files include each other$/],
    ["include /many\n", /more than 1000 files are included/],
    [`[a]\n${"S = {\n".repeat(100)}`, /line 66: more than 64 braces are open/],
  ];
  const files = { "/i": "[a]\nbad\n", "/loop": "include /loop\n", "/many": "include /d\n".repeat(2_000), "/d": "" };
  for (const [text, message] of cases) {
    assert.throws(
      () => read(text, files),
      (error) => error instanceof KerberosError && error.code === "BAD_CONFIG" && message.test(error.message),
      JSON.stringify(text.slice(0, 50)),
    );
  }
});

Deno.test("profile: takes time in proportion to the length of the text", () => {
  for (const unit of ["a", " ", "=", "\\", "\t=\t", "\r", '"']) {
    for (
      const text of [
        `[a]\nx = ${unit.repeat(1e6)}y\n`,
        `[a]\nx = "${unit.repeat(1e6)}y\n`,
        `[a]\nx${unit.repeat(1e6)}= y\n`,
      ]
    ) {
      const start = performance.now();
      try {
        read(text);
      } catch (error) {
        assert.ok(error instanceof KerberosError);
      }
      assert.ok(performance.now() - start < 2_000, JSON.stringify(text.slice(0, 20)));
    }
  }
});
