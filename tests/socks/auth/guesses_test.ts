/** Guesses of passwords: they leave with their client, wait behind those from the same place, and cost as much whoever is named. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { scryptSync } from "node:crypto";
import { type Derive, hashedPasswords, parsePasswordFile } from "../../../cli/passwords/passwords.ts";
import { pause } from "../../../base/deadline.ts";
import { connect, passwordClient, serve, type ServeOptions, type ServerEvent } from "../../../mod.ts";
import { passwordServer } from "../../../socks/auth/password.ts";
import { SocksLimitError } from "../../../socks/errors.ts";
import { until, within } from "../../support/waiting.ts";
import { makeServer } from "../../support/memory_server.ts";
import { pipe } from "../../support/pipe.ts";
import { echoServer } from "../../support/servers.ts";
import { hex, unhex } from "../../support/vectors.ts";

/** A line with parameters of its own. */
function line(user: string, password: string, cost: number, blockSize = 1, parallelization = 1): string {
  const salt = Buffer.from("0123456789abcdef");
  const options = { N: 2 ** cost, r: blockSize, p: parallelization, maxmem: 256 << 20 };
  const text = (bytes: Buffer) => bytes.toString("base64").replaceAll("=", "");
  const hash = scryptSync(password, salt, 32, options);
  return `${user}:$scrypt$ln=${cost},r=${blockSize},p=${parallelization}$${text(salt)}$${text(hash)}`;
}

/** A check whose hashes are made when the test says so. */
function held(file = line("bob", "right", 1)) {
  const begun: { password: string; source: string | undefined; signal: AbortSignal | undefined }[] = [];
  const gate = Promise.withResolvers<void>();
  const derive: Derive = async (password, { cost, blockSize, parallelization, salt, hash }, options = {}) => {
    begun.push({ password, source: options.source, signal: options.signal });
    await gate.promise;
    return scryptSync(password, salt, hash.length, { N: 2 ** cost, r: blockSize, p: parallelization });
  };
  return { begun, go: gate.resolve, check: hashedPasswords(parsePasswordFile(file, "f"), derive) };
}

/** Whether it is refused for their number. */
const isFull = (error: unknown) => error instanceof SocksLimitError && error.code === "GUESS_LIMIT";

Deno.test("password checks: limited per source, more are refused at once", async () => {
  const { check, begun, go } = held();
  const ask = (password: string, source: string, signal?: AbortSignal) =>
    Promise.resolve(check({ username: "bob", password }, { source, signal }));
  const gone = new AbortController();
  const first = ask("0", "a", gone.signal);
  const others = Array.from({ length: 31 }, (_, i) => ask(`${i + 1}`, "a"));
  await assert.rejects(ask("x", "a"), isFull);
  await assert.rejects(ask("x", "a"), /32 passwords from a are being checked already/);
  // Another place has its own.
  const elsewhere = ask("right", "b");
  assert.equal(begun.length, 33);
  assert.deepEqual([begun[0]!.source, begun[32]!.source], ["a", "b"]);
  // One whose client goes is told so, and is given up.
  gone.abort(new Error("gone"));
  await assert.rejects(first, /gone/);
  assert.equal(begun[0]!.signal!.aborted, true);
  assert.equal(begun[1]!.signal!.aborted, false);
  go();
  assert.deepEqual([...new Set(await Promise.all(others))], [false]);
  assert.equal(await elsewhere, true);
  // All have been given back.
  assert.equal(await ask("right", "a"), true);
  assert.deepEqual(
    (await Promise.all(Array.from({ length: 32 }, (_, i) => ask(`again ${i}`, "a")))).includes(true),
    false,
  );
});

Deno.test("password checks: equal pending guesses are one check, while a client waits", async () => {
  const { check, begun, go } = held();
  const ask = (signal?: AbortSignal, source = "a") =>
    Promise.resolve(check({ username: "bob", password: "right" }, { source, signal }));
  const clients = Array.from({ length: 100 }, () => new AbortController());
  const asked = clients.map(({ signal }) => ask(signal));
  assert.equal(begun.length, 1);
  void ask(undefined, "b");
  assert.equal(begun.length, 2);
  for (const client of clients.slice(1)) client.abort(new Error("gone"));
  for (const one of asked.slice(1)) await assert.rejects(one, /gone/);
  assert.equal(begun[0]!.signal!.aborted, false);
  go();
  assert.equal(await asked[0], true);
  // It is forgotten when it is given up: the next one begins anew.
  const another = held();
  const alone = new AbortController();
  const given = Promise.resolve(another.check({ username: "bob", password: "right" }, { signal: alone.signal }));
  alone.abort(new Error("gone"));
  await assert.rejects(given, /gone/);
  const again = Promise.resolve(another.check({ username: "bob", password: "right" }));
  assert.equal(another.begun.length, 2);
  another.go();
  assert.equal(await again, true);
  await assert.rejects(
    async () =>
      await another.check({ username: "bob", password: "x" }, { signal: AbortSignal.abort(new Error("was gone")) }),
    /was gone/,
  );
  assert.equal(another.begun.length, 2);
});

Deno.test("password checks: wait behind those of the same source only", async () => {
  // Two at one time, 20 ms each or so.
  const check = hashedPasswords(parsePasswordFile(line("bob", "right", 13, 8), "f"));
  const order: string[] = [];
  const ask = async (password: string, source: string) => {
    await check({ username: "bob", password }, { source });
    order.push(source);
  };
  const flood = Array.from({ length: 30 }, (_, i) => ask(`${i}`, "flood"));
  await Promise.all([ask("right", "honest"), ...flood]);
  assert.ok(order.indexOf("honest") <= 6, order.join(" "));
});

Deno.test("password checks: leave the queue when the client goes", async () => {
  const check = hashedPasswords(parsePasswordFile(line("bob", "right", 13, 8), "f"));
  const gone = new AbortController();
  const guesses = Array.from(
    { length: 30 },
    (_, i) =>
      Promise.resolve(check({ username: "eve", password: `${i}` }, { source: "a", signal: gone.signal })).catch(
        () => {},
      ),
  );
  gone.abort(new Error("gone"));
  await Promise.all(guesses);
  const before = performance.now();
  await check({ username: "bob", password: "right" }, { source: "a" });
  const behindThem = performance.now() - before;
  const after = performance.now();
  await check({ username: "bob", password: "wrong" }, { source: "a" });
  const alone = performance.now() - after;
  // Two were begun, and the others never are: they would be 15 times as long as one.
  assert.ok(behindThem < 6 * alone + 50, `${behindThem} ms behind 30 that are gone, ${alone} ms alone`);
});

Deno.test("password checks: a user is accepted while hundreds of clients guess and go", async () => {
  await using echo = echoServer();
  const file = `${line("bob", "right", 13, 8)}\n${line("alice", "also right", 13, 8)}`;
  const events: ServerEvent[] = [];
  const options: ServeOptions = {
    port: 0,
    passwords: hashedPasswords(parsePasswordFile(file, "f")),
    rules: ["allow localhost"],
    onEvent: (event) => void events.push(event),
  };
  await using server = serve(options);
  for (let i = 0; i < 200; i++) {
    const client = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
    await client.write(unhex(`0501020101${hex(Uint8Array.of(97))}01${hex(Uint8Array.of(i % 256))}`));
    client.close();
  }
  const proxy = { hostname: "127.0.0.1", port: server.addr.port };
  const auth = [passwordClient({ username: "bob", password: "right" })];
  await using connection = await within(
    5_000,
    "honest",
    connect({ proxy, auth, hostname: "127.0.0.1", port: echo.port }),
  );
  await connection.write(Uint8Array.of(7));
  assert.equal(await connection.read(new Uint8Array(1)), 1);
  await within(5_000, "sessions of those who are gone", until(() => server.sessions === 1));
});

Deno.test("password checks: one too many is a SocksLimitError, and a refusal to the client", async () => {
  const full = new SocksLimitError("GUESS_LIMIT", "too many");
  for (const [thrown, code] of [[full, "GUESS_LIMIT"], [new Error("broken"), "BAD_CREDENTIALS"]] as const) {
    const sources: (string | undefined)[] = [];
    const { server, refusals } = makeServer({
      auth: [passwordServer((_credentials, options) => {
        sources.push(options?.source);
        return Promise.reject(thrown);
      })],
    });
    const [client, far] = pipe();
    const served = server.serve(Object.assign(Object.create(far), { remote: { hostname: "2001:db8::7", port: 1 } }));
    await client.write(unhex("0501020101620178"));
    await until(() => far.sent().length === 4);
    client.close();
    await served;
    assert.equal(hex(far.sent()), "05020101");
    assert.deepEqual([refusals(), sources], [[code], ["2001:db8::/64"]]);
  }
});

Deno.test("password file: hashes of too many kinds are refused", () => {
  const file = (...kinds: readonly [number, number, number][]) =>
    kinds.map((kind, i) => line(`u${i}`, "x", ...kind)).join("\n");
  parsePasswordFile(file([1, 8, 1], [2, 4, 1], [3, 2, 1], [4, 1, 1]), "f");
  // Those of every power of two are twice the dearest together.
  parsePasswordFile(file([1, 8, 1], [2, 8, 1], [3, 8, 1], [4, 8, 1], [5, 8, 1], [6, 8, 1], [7, 8, 1]), "f");
  assert.throws(
    () => parsePasswordFile(file([1, 8, 1], [2, 4, 1], [3, 2, 1], [4, 1, 1], [1, 1, 8]), "users"),
    /^TypeError: users: its hashes have 5 different sets of parameters/,
  );
  parsePasswordFile("", "f");
});

Deno.test("password file: every check costs the same", async () => {
  const { check, begun, go } = held(`${line("weak", "right", 1)}\n${line("strong", "right", 3)}`);
  go();
  const works = [];
  for (const username of ["weak", "strong", "nobody"]) {
    begun.length = 0;
    assert.equal(await check({ username, password: "wrong" }), false);
    works.push(begun.length);
  }
  assert.deepEqual(works, [2, 2, 2]);
  await pause(0);
});
