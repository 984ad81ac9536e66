/** The log: JSON in every line, with level, run, user, client and the rule that decided; the same facts in lines of text. */
import assert from "node:assert/strict";
import { connect, noAuthentication } from "../../../mod.ts";
import { gssocks } from "../../support/run_cli.ts";
import { echoServer } from "../../support/servers.ts";

/** Runs a server for an allowed and a denied request; returns what it logged. */
async function logOf(...args: readonly string[]): Promise<string> {
  await using echo = echoServer();
  const stop = new AbortController();
  const port = Promise.withResolvers<number>();
  const rules = ["--deny", "*:25", "--allow", `localhost:${echo.port}`];
  const serving = gssocks(["serve", "-l", "127.0.0.1:0", "-m", "none", ...rules, ...args], {
    signal: stop.signal,
    onErr: (text) => {
      const found = /Listening on 127\.0\.0\.1:(\d+)/.exec(text);
      if (found !== null) port.resolve(Number(found[1]));
    },
  });
  const how = { proxy: { hostname: "127.0.0.1", port: await port.promise }, auth: [noAuthentication()] };
  {
    await using connection = await connect({ ...how, hostname: "127.0.0.1", port: echo.port });
    await connection.write(Uint8Array.of(1));
    assert.equal(await connection.read(new Uint8Array(1)), 1);
  }
  await assert.rejects(connect({ ...how, hostname: "127.0.0.1", port: 25 }));
  stop.abort();
  const { err, code } = await serving;
  assert.equal(code, 0, err);
  return err;
}

Deno.test("log: with --json every line is JSON with level and run, and has the rule that decided", async () => {
  const log = await logOf("--json", "--admin", "127.0.0.1:0", "--insecure-unordered");
  const lines = log.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.equal(new Set(lines.map(({ run }) => run)).size, 1);
  for (const { time, level, event } of lines) {
    assert.ok(!Number.isNaN(Date.parse(time)) && ["info", "warning", "error"].includes(level) && event !== "", log);
  }
  assert.deepEqual(lines.filter(({ event }) => event === "listening").map(({ what }) => what), ["proxy", "admin port"]);
  assert.ok(lines.some(({ event, level }) => event === "warning" && level === "warning"), log);
  const [connected, closed, refused] = ["connected", "closed", "refused"].map((event) =>
    lines.find((line) => line.event === event)
  );
  for (const line of [connected, closed]) {
    assert.match(line.rule, /^allow localhost:\d+$/);
    assert.deepEqual([line.ruleNumber, line.user, line.level], [2, "", "info"]);
    assert.match(line.client, /^127\.0\.0\.1:\d+$/);
  }
  assert.deepEqual([refused.rule, refused.ruleNumber, refused.level], ["deny *:25", 1, "warning"]);
});

Deno.test("log: with --json a failed start is JSON too", async () => {
  const { code, err } = await gssocks(["serve", "--json", "-k", "/nope"]);
  const { level, event, error } = JSON.parse(err.trimEnd().split("\n").at(-1)!);
  assert.deepEqual([code, level, event], [1, "error", "failed"]);
  assert.match(error, /\/nope/);
});

Deno.test("log: text has client, user and rule in each line about a request", async () => {
  const log = await logOf();
  assert.match(
    log,
    /\[1\] connected 127\.0\.0\.1:\d+ \(unauthenticated\) to 127\.0\.0\.1:\d+, rule 2 "allow localhost:\d+"\n/,
  );
  assert.match(
    log,
    /\[1\] closed 127\.0\.0\.1:\d+ \(unauthenticated\) to 127\.0\.0\.1:\d+, 1 bytes sent, 1 received, rule 2 "/,
  );
  assert.match(
    log,
    /\[2\] refused 127\.0\.0\.1:\d+ \(unauthenticated\) by rule 1: 127\.0\.0\.1:25 is not allowed: rule "deny/,
  );
});
