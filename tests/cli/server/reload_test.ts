/** What a reload says of the settings that changed. */
import assert from "node:assert/strict";
import { parseConfig } from "../../../cli/config/server_config.ts";
import { changeLines, compareConfigs } from "../../../cli/server/reload.ts";

const read = (config: object) => parseConfig(JSON.stringify(config), "f");

Deno.test("reload: names each setting by its path, with what it was and is, and no password", () => {
  const start = read({
    listen: ["a:1"],
    shared: { redis: "redis://u:s3cret@a", onLoss: "refuse" },
    rules: ["allow a"],
  });
  const before = read({
    listen: ["b:1"],
    timeouts: { idle: "1s" },
    rules: ["allow a", "deny b", "allow c", "allow d"],
  });
  const now = read({
    listen: ["c:1"],
    shared: { redis: "redis://u:0ther@b", onLoss: "refuse" },
    timeouts: { idle: "never" },
    rules: ["allow a", "deny x", "allow c", "allow d"],
  });
  const lines = changeLines(compareConfigs(start, before, now));
  assert.deepEqual(lines, [
    'Note: rules: 4 with "deny b" -> 4 with "deny x", taken',
    "Note: timeouts.idle: 1000 -> no limit, taken",
    'Note: listen: ["a:1"] -> ["c:1"], needs a restart',
    'Note: shared.redis: "redis://***@a" -> "redis://***@b", needs a restart',
  ]);
  assert.deepEqual(changeLines(compareConfigs(start, start, start)), []);
});
