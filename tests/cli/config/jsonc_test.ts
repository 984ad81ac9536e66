/** JSON with comments: what is read, and where something is wrong. */
import assert from "node:assert/strict";
import { parseJsonText } from "../../../cli/config/jsonc.ts";
import { parseConfig } from "../../../cli/config/server_config.ts";

Deno.test("configuration: may have comments, a last comma and a byte order mark", () => {
  const text = '\uFEFF// a\n{ /* b */ "listen": ["127.0.0.1:0",], "rules": ["allow *:https"], }\n';
  const { listen, rules } = parseConfig(text, "f");
  assert.deepEqual([listen, rules], [["127.0.0.1:0"], ["allow *:https"]]);
});

Deno.test("configuration: each problem has its line and column, rules in the same pass as keys", () => {
  const text = '{\n  "lisen": [],\n  "rules": ["allow *", "allow *,usr=x"],\n  "timeouts": {\n    "idle": "soon" }\n}';
  assert.throws(() => parseConfig(text, "f"), (error: Error) => {
    const lines = error.message.split("\n").toSorted();
    assert.match(lines[0]!, /^f: "lisen" is no setting here; did you mean "listen"\? .* \(line 2, column 3\)$/);
    assert.match(
      lines[1]!,
      /^f: rules\[1\]: .*"usr=x" is not a condition; .*did you mean "user"\? \(line 3, column 24\)$/,
    );
    assert.match(lines[2]!, /^f: timeouts\.idle: a time is wanted: .* \(line 5, column 13\)$/);
    return lines.length === 3;
  });
});

Deno.test("configuration: a name that stands twice is an error, and __proto__ is a name as others", () => {
  assert.throws(() => parseJsonText('{"a": 1,\n "a": 2}'), { message: /"a" stands twice \(line 2, column 2\)/ });
  const { value } = parseJsonText('{"__proto__": {"x": 1}}');
  assert.deepEqual(Object.keys(value as object), ["__proto__"]);
  assert.throws(() => parseJsonText("[".repeat(200_000)), { name: "JsonTextError" });
  for (const text of ["", "{", '{"a" 1}', "{'a': 1}", "[1 2]", "{} x", '"a\n"', "/*"]) {
    assert.throws(() => parseJsonText(text), {
      name: "JsonTextError",
      message: /not JSON: .*\(line \d+, column \d+\)$/,
    }, text);
  }
});
