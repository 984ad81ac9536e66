import assert from "node:assert/strict";
import { hostbasedService } from "../../gss/names.ts";

Deno.test("hostbasedService(): refuses names that could be read as another principal", () => {
  assert.equal(hostbasedService("rcmd", "A.Example.").text, "rcmd@a.example");
  for (const [service, host] of [["", "h"], ["a/b", "h"], ["a", "h@R"], ["a", ""], ["a", "h\n"], ["a b", "h"]]) {
    assert.throws(() => hostbasedService(service!, host!), TypeError);
  }
});
