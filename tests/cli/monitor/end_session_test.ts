/** Sessions that who has a token ends at the admin port, and everybody who may not. */
import assert from "node:assert/strict";
import { adminResponse, startAdmin } from "../../../cli/monitor/admin.ts";
import { parseAdminTokens, type SessionEnding } from "../../../cli/monitor/end_session.ts";
import { readPorts } from "../../../cli/monitor/ports.ts";
import { Monitor } from "../../../cli/monitor/monitor.ts";
import type { LogNote } from "../../../cli/log/program_log.ts";
import { connect } from "../../../mod.ts";
import { Daemon } from "../../support/process.ts";
import { startRealmFolder } from "../../support/realm_folder.ts";
import { echoServer } from "../../support/servers.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";
const OTHER = "fedcba9876543210fedcba9876543210";
const FROM = { hostname: "127.0.0.1", port: 40_000 };

/** An admin port at which sessions can be ended, whose only session is number 7. */
function port() {
  const ended: [number, string][] = [];
  const notes: LogNote[] = [];
  const ending: SessionEnding = {
    tokens: parseAdminTokens(`# who may\n\ncarol ${TOKEN}\n  dave\t${OTHER}\r\n`),
    end: (session, reason) => Promise.resolve(session === 7 && ended.push([session, reason]) > 0),
    note: (note) => void notes.push(note),
  };
  const take = () => Promise.resolve(new Monitor().snapshot());
  const ask = async (
    path: string,
    { method = "POST", host = "localhost:9180", ...headers }: Record<string, string> = {},
    end: SessionEnding | undefined = ending,
  ) => {
    const response = await adminResponse(new Request(`http://${host}${path}`, { method, headers }), take, end, FROM);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  return { ask, ended, notes };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

Deno.test("admin port: who has a token ends a session, and the log says who", async () => {
  const { ask, ended, notes } = port();
  assert.equal((await ask("/sessions/7/end", bearer(TOKEN))).status, 200);
  assert.deepEqual(ended, [[7, "Ended by carol at the admin port"]]);
  assert.deepEqual(notes, [{
    event: "ended",
    text: "Session 7 was ended by carol at the admin port",
    facts: { session: 7, by: "carol", client: "127.0.0.1:40000" },
  }]);
  assert.equal((await ask("/sessions/7/end", bearer(OTHER))).status, 200);
  assert.equal(ended[1]![1], "Ended by dave at the admin port");
  const none = await ask("/sessions/8/end", bearer(TOKEN));
  assert.deepEqual([none.status, none.text], [404, "There is no session 8.\n"]);
  assert.equal(notes.length, 2);
  assert.equal((await ask("/status.json", { method: "GET" })).text.includes('"endsSessions":true'), true);
});

Deno.test("admin port: without a token that is right nothing ends, and the log has the attempt", async () => {
  const { ask, ended, notes } = port();
  const attempts: readonly Record<string, string>[] = [
    {},
    bearer("x"),
    bearer(`${TOKEN.slice(0, -1)}0`),
    bearer(`${TOKEN}0`),
    { authorization: `Basic ${TOKEN}` },
    bearer(""),
  ];
  for (const headers of attempts) {
    const { status, headers: answered } = await ask("/sessions/7/end", headers);
    assert.deepEqual([status, answered.get("www-authenticate")], [401, "Bearer"], headers.authorization ?? "none");
  }
  assert.deepEqual(ended, []);
  assert.equal(notes.length, attempts.length);
  assert.deepEqual([notes[0]!.event, notes[0]!.facts], ["end-refused", { session: 7, client: "127.0.0.1:40000" }]);
  assert.ok(!JSON.stringify(notes).includes(TOKEN.slice(0, 20)));
});

Deno.test("admin port: a page of another site ends nothing, even with a token", async () => {
  const { ask, ended } = port();
  const status = async (headers: Record<string, string>) =>
    (await ask("/sessions/7/end", { ...bearer(TOKEN), ...headers })).status;
  assert.equal(await status({ origin: "https://evil.example" }), 403);
  assert.equal(await status({ origin: "null" }), 403);
  assert.equal(await status({ origin: "http://localhost:8080" }), 403);
  assert.equal(await status({ "sec-fetch-site": "cross-site" }), 403);
  assert.equal(await status({ "sec-fetch-site": "same-site" }), 403);
  assert.equal(await status({ host: "rebound.example:9180" }), 421);
  assert.deepEqual(ended, []);
  assert.equal(await status({ origin: "http://localhost:9180", "sec-fetch-site": "same-origin" }), 200);
  // Nor does it show the page in a frame of its own, under which somebody else's button lies.
  const page = (await ask("/", { method: "GET" })).headers.get("content-security-policy")!;
  for (const rule of ["frame-ancestors", "form-action", "base-uri"]) assert.match(page, new RegExp(`${rule} 'none'`));
});

Deno.test("admin port: what a browser says of another site comes through the port itself", async () => {
  const ended: number[] = [];
  const reports = { say: () => {}, onFault: (error: unknown) => assert.fail(String(error)) };
  const take = () => Promise.resolve(new Monitor().snapshot());
  await using port = startAdmin({ hostname: "127.0.0.1", port: 0 }, take, reports, {
    tokens: parseAdminTokens(`carol ${TOKEN}`),
    end: (session) => Promise.resolve(ended.push(session) > 0),
    note: () => {},
  });
  const own = `127.0.0.1:${port.addr.port}`;
  const status = async (...headers: readonly string[]) => {
    using connection = await Deno.connect({ ...port.addr });
    const lines = ["POST /sessions/7/end HTTP/1.1", `Host: ${own}`, `authorization: Bearer ${TOKEN}`, ...headers];
    await connection.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
    return Number((await new Response(connection.readable).text()).slice(9, 12));
  };
  assert.equal(await status("Origin: https://evil.example"), 403);
  assert.equal(await status(`Origin: http://${own}`, "Origin: https://evil.example"), 403);
  assert.equal(await status("Sec-Fetch-Site: cross-site"), 403);
  assert.equal(await status("Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"), 403);
  assert.equal(await status(`Authorization: Bearer ${OTHER}`), 401);
  assert.deepEqual(ended, []);
  assert.equal(await status(`Origin: http://${own}`, "Sec-Fetch-Site: same-origin"), 200);
  assert.deepEqual(ended, [7]);
});

Deno.test("admin port: a session is ended by POST only, and by none where it is not set up", async () => {
  const { ask, ended } = port();
  for (const method of ["GET", "HEAD", "DELETE", "OPTIONS"]) {
    const { status, headers } = await ask("/sessions/7/end", { ...bearer(TOKEN), method });
    assert.deepEqual([status, headers.get("allow")], [405, "POST"], method);
  }
  for (const path of ["/sessions/0/end", "/sessions/7", "/sessions/7/end/", "/sessions/-7/end", "/"]) {
    assert.equal((await ask(path, bearer(TOKEN))).status, 405, path);
  }
  const take = () => Promise.resolve(new Monitor().snapshot());
  const request = (method: string) =>
    new Request("http://127.0.0.1/sessions/7/end", { method, headers: bearer(TOKEN) });
  assert.equal((await adminResponse(request("POST"), take)).status, 405);
  assert.equal((await adminResponse(request("GET"), take)).status, 404);
  const status = await adminResponse(new Request("http://127.0.0.1/status.json"), take);
  assert.doesNotMatch(await status.text(), /endsSessions/);
  assert.deepEqual(ended, []);
});

Deno.test("admin port: a file of tokens that is none is refused, with the reason", async () => {
  const files: readonly (readonly [string, RegExp])[] = [
    ["", /there is no token/],
    [`carol ${TOKEN} x`, /line 1 is not a name and a token/],
    [`# x\n${TOKEN}`, /line 2 is not/],
    ["carol short", /the token in line 1 has less than 32 characters/],
    [`carol ${TOKEN}\ncarol ${OTHER}`, /line 2 has the name of a line before it/],
    [`carol ${TOKEN}\n\ndave ${TOKEN}`, /line 3 has the token of a line before it/],
    // Somebody wrote the two in the wrong order.
    [`${TOKEN} carol`, /the token in line 1 has less than 32 characters/],
    [`${TOKEN} ${OTHER}\n${TOKEN} ${OTHER}x`, /line 2 has the name of a line before it/],
  ];
  for (const [text, reason] of files) {
    assert.throws(() => parseAdminTokens(text), ({ message }) => reason.test(message) && !message.includes(TOKEN));
  }
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, `carol ${TOKEN}\n`);
    const ports = readPorts({ admin: { listen: "127.0.0.1:9180", endSessions: file } });
    assert.deepEqual([ports.admin?.port, ports.tokens], [9180, [{ name: "carol", token: TOKEN }]]);
    await Deno.writeTextFile(file, "carol short\n");
    assert.throws(() => readPorts({ admin: { listen: "127.0.0.1:9180", endSessions: file } }), /admin\.endSessions: /);
  } finally {
    await Deno.remove(file);
  }
});

for (const workers of [1, 2]) {
  Deno.test(`serve: a session of ${workers} thread${workers > 1 ? "s" : ""} is ended over HTTP`, async () => {
    await using realm = await startRealmFolder();
    await using echo = echoServer();
    const directory = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${directory}/tokens`, `carol ${TOKEN}\n`);
      const config = { admin: { listen: "127.0.0.1:1", endSessions: `${directory}/tokens` }, log: "json", workers };
      await Deno.writeTextFile(`${directory}/config.json`, JSON.stringify(config));
      const root = new URL("../../..", import.meta.url).pathname;
      await using server = new Daemon(Deno.execPath(), [
        ...["run", "-q", "--unstable-net", "--allow-net", `--allow-read=${realm.keytab},${root},${directory}`],
        ...["-c", `${root}deno.json`, `${root}cli/mod.ts`, "serve", "-f", `${directory}/config.json`],
        ...["-l", "127.0.0.1:0", "-k", realm.keytab, "--allow", "localhost", "--admin", "127.0.0.1:0"],
      ]);
      const [, port] = await server.waitFor(/Listening on 127\.0\.0\.1:(\d+)/);
      const [, admin] = await server.waitFor(/Admin port on http:\/\/127\.0\.0\.1:(\d+)\//);
      await using connection = await connect({
        proxy: { hostname: "localhost", port: Number(port) },
        credentials: realm.tickets,
        hostname: "127.0.0.1",
        port: echo.port,
      });
      const status = await (await fetch(`http://127.0.0.1:${admin}/status.json`)).json();
      const { session } = status.sessions[0];
      const end = (headers: Record<string, string>) =>
        fetch(`http://127.0.0.1:${admin}/sessions/${session}/end`, { method: "POST", headers });
      const refused = await end({});
      assert.deepEqual([refused.status, await refused.text()], [401, "A token is wanted.\n"]);
      const done = await end(bearer(TOKEN));
      assert.deepEqual([done.status, await done.text()], [200, `Session ${session} was ended.\n`]);
      await assert.rejects(async () => {
        if (await connection.read(new Uint8Array(1)) === null) throw new Error("It has ended");
      });
      await server.waitFor(/"event":"closed"/);
      await server.waitFor(/"event":"ended"/);
      const lines = server.output.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
      const closed = lines.find(({ event }) => event === "closed");
      assert.deepEqual([closed.session, closed.error], [session, "Ended by carol at the admin port"]);
      const { by, level } = lines.find(({ event }) => event === "ended");
      assert.deepEqual([by, level], ["carol", "info"]);
      assert.equal(lines.find(({ event }) => event === "end-refused").level, "warning");
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}
