/** The command of a client under test: its words, its places, its end. */
import assert from "node:assert/strict";
import { clientCommand, splitWords } from "../../../cli/conform/client_process.ts";

const HOW = {
  part: "client.session",
  proxy: { hostname: "localhost", port: 1080 },
  target: { hostname: "target.test", port: 80 },
};

Deno.test("client command: words are those of a shell, with quotes", () => {
  assert.deepEqual(splitWords(`curl -H "A: b c" 'd e' f"g h"i ""`), ["curl", "-H", "A: b c", "d e", "fg hi", ""]);
});

Deno.test("client command: places are filled, and output and code come back", async () => {
  const start = clientCommand(
    "/bin/echo {proxy} {proxy_host}+{proxy_port} {target} {target_host}+{target_port} {part}",
    {},
  );
  assert.deepEqual(await start(HOW).ended, {
    code: 0,
    output: "localhost:1080 localhost+1080 target.test:80 target.test+80 client.session\n",
  });
});

Deno.test("client command: the client has the environment, no input, and can be stopped", async () => {
  const start = clientCommand(`/bin/sh -c 'cat; echo $KIT {proxy}; exec sleep 600'`, { KIT: "here" });
  const client = start(HOW);
  client.stop();
  assert.notEqual((await client.ended).code, 0);
  client.stop();
});
