/** Our programs in surroundings that are stuck, full, gone or faulty: they go on, and end when they are told to. */
import assert from "node:assert/strict";
import { connect, noAuthentication, serve } from "../../mod.ts";
import { gssocks } from "../support/run_cli.ts";
import { type LoggedOptions, LoggedProgram } from "../support/logged_program.ts";
import { startRealmFolder } from "../support/realm_folder.ts";
import { echoServer, origin } from "../support/servers.ts";
import type { CliIo } from "../../cli/terminal/io.ts";
import { main } from "../../cli/main.ts";
import { run } from "../support/process.ts";

const ignore = Deno.build.os !== "linux";
const ROOT = new URL("../..", import.meta.url).pathname;
const FAULTY = `${ROOT}tests/support/inject_errors.ts`;
const SERVE = ["serve", "-l", "127.0.0.1:0", "-m", "none", "--allow", "localhost", "--drain-timeout", "0"];
const LISTENS = /Listening on 127\.0\.0\.1:(\d+)/;

async function serving(args: readonly string[] = [], options: LoggedOptions = {}) {
  const server = new LoggedProgram([...SERVE, ...args], options);
  const [, port] = await server.read(LISTENS);
  return { server, port: Number(port) };
}

/** A client that says what it offers, is answered, and goes. */
async function visit(port: number): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(Uint8Array.of(5, 1, 0));
  assert.equal(await connection.read(new Uint8Array(2)), 2);
}

/** Whether bytes go through the server to a target and back. */
async function relays(port: number): Promise<void> {
  await using echo = echoServer();
  const proxy = { hostname: "127.0.0.1", port };
  await using through = await connect({ proxy, auth: [noAuthentication()], hostname: "127.0.0.1", port: echo.port });
  await through.write(Uint8Array.of(7));
  assert.equal(await through.read(new Uint8Array(1)), 1);
}

Deno.test("log: a full pipe delays neither sessions nor the end", { ignore }, async () => {
  const { server, port } = await serving();
  await using _server = server;
  // A pipe has room for 64 KiB: some 350 clients.
  for (let i = 0; i < 600; i++) await visit(port);
  await relays(port);
  const began = performance.now();
  server.kill("SIGTERM");
  assert.equal(await server.ended, 0);
  assert.ok(performance.now() - began < 8_000);
});

Deno.test("log: a reader that pauses gets all lines", { ignore }, async () => {
  const { server, port } = await serving();
  await using _server = server;
  for (let i = 0; i < 600; i++) await visit(port);
  await server.read(/\[600\] refused/);
  const sessions = [...server.text.matchAll(/\[(\d+)\] connection from/g)].map(([, number]) => Number(number));
  assert.deepEqual(sessions, Array.from({ length: 600 }, (_, i) => i + 1));
});

Deno.test("log: a closed pipe ends no program that goes on", { ignore }, async () => {
  const bridge = ["bridge", "--proxy", "127.0.0.1:1", "-l", "127.0.0.1:0"];
  for (const args of [SERVE, [...SERVE, "--workers", "2"], bridge]) {
    await using program = new LoggedProgram(args, { env: { KRB5CCNAME: "FILE:/nonexistent" } });
    const port = Number((await program.read(LISTENS))[1]);
    program.leave();
    for (let i = 0; i < 5; i++) await visit(port);
    if (args !== bridge) await relays(port);
    assert.ok(program.isRunning, args[0]);
    program.kill("SIGTERM");
    assert.equal(await program.ended, 0, args.join(" "));
  }
  await using kdc = new LoggedProgram(["kdc", "-s", "rcmd/localhost"]);
  await kdc.read(/listens on/);
  kdc.leave();
  kdc.kill("SIGTERM");
  assert.equal(await kdc.ended, 0);
});

Deno.test("log: a full disk costs lines only", { ignore }, async () => {
  const { server: other, port } = await serving(["--reuse-port"]);
  await using _other = other;
  await using server = new LoggedProgram(
    ["serve", "-l", `127.0.0.1:${port}`, "-m", "none", "--allow", "localhost", "--reuse-port", "--drain-timeout", "0"],
    { log: "/dev/full" },
  );
  other.kill("SIGTERM");
  await other.ended;
  // Only the one whose log is full is left, once it listens.
  for (let up = false; !up;) up = await visit(port).then(() => true, () => false);
  await relays(port);
  server.kill("SIGTERM");
  assert.equal(await server.ended, 0);
});

Deno.test("faults: an unhandled error is logged and counted, and ends no session", { ignore }, async () => {
  for (const more of [[], ["--workers", "2"]]) {
    const { server, port } = await serving(["--admin", "127.0.0.1:0", ...more], { preload: FAULTY, mayThrow: true });
    await using _server = server;
    const admin = (await server.read(/Admin port on http:\/\/127\.0\.0\.1:(\d+)/))[1];
    await using echo = echoServer();
    const proxy = { hostname: "127.0.0.1", port };
    await using held = await connect({ proxy, auth: [noAuthentication()], hostname: "127.0.0.1", port: echo.port });
    server.kill("SIGUSR2");
    for (const kind of ["rejection", "error", "event"]) {
      await server.read(new RegExp(`^error: Uncaught: Error: injected ${kind} at .*which goes on$`, "m"));
    }
    const metrics = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
    assert.match(metrics, /^gssocks_faults_total 3$/m);
    assert.match(metrics, /^gssocks_log_lines_dropped_total 0$/m);
    await held.write(Uint8Array.of(7));
    assert.equal(await held.read(new Uint8Array(1)), 1);
    await relays(port);
  }
  await using bridge = new LoggedProgram(["bridge", "--proxy", "127.0.0.1:1", "-l", "127.0.0.1:0"], {
    preload: FAULTY,
    mayThrow: true,
  });
  const port = Number((await bridge.read(LISTENS))[1]);
  bridge.kill("SIGUSR2");
  await bridge.read(/Uncaught: Error: injected error/);
  await visit(port);
});

Deno.test("faults: an unhandled error before listening ends the server with its code", { ignore }, async () => {
  const preload = `data:application/typescript,${
    encodeURIComponent('void Promise.reject(new Error("at the start"));')
  }`;
  await using server = new LoggedProgram(SERVE, { preload });
  assert.equal(await server.ended, 1);
});

Deno.test("admin port: survives having no descriptors, and answers afterwards", {
  ignore,
}, async () => {
  const { server, port } = await serving(["--admin", "127.0.0.1:0", "--health", "127.0.0.1:0"], { descriptors: 64 });
  await using _server = server;
  const ports = ["Admin", "Health"];
  const numbers = [];
  for (const name of ports) {
    numbers.push(Number((await server.read(new RegExp(`${name} port on http://127\\.0\\.0\\.1:(\\d+)`)))[1]));
  }
  await using echo = echoServer();
  const proxy = { hostname: "127.0.0.1", port };
  await using held = await connect({ proxy, auth: [noAuthentication()], hostname: "127.0.0.1", port: echo.port });
  const silent = await Promise.all(
    Array.from({ length: 110 }, () => Deno.connect({ hostname: "127.0.0.1", port })),
  );
  const asked = numbers.map((number) =>
    fetch(`http://127.0.0.1:${number}/healthz`).then(async (response) => {
      return [response.status, await response.text()];
    })
  );
  await server.read(/^Warning: (Clients cannot be accepted|There are no descriptors).*os error 24/m);
  await held.write(Uint8Array.of(7));
  assert.equal(await held.read(new Uint8Array(1)), 1);
  for (const connection of silent) connection.close();
  const [[, admin], [, health]] = await Promise.all(asked) as [[number, string], [number, string]];
  assert.equal(health, "degraded\n");
  assert.match(admin, /^\{"status":"degraded","troubles":\["/);
  const metrics = await (await fetch(`http://127.0.0.1:${numbers[0]}/metrics`)).text();
  assert.match(metrics, /^gssocks_degraded 1$/m);
  assert.match(metrics, /^gssocks_troubles_total\{kind="(accept|descriptors)"\} [1-9]/m);
  await relays(port);
});

Deno.test("errors: are written at once by commands that end, and to the log by the others", async () => {
  const written: string[] = [];
  const io = (goesOn: boolean) => ({
    out: () => {},
    err: (text: string) => void written.push(`err ${text}`),
    stdin: new ReadableStream<Uint8Array>(),
    stdout: new WritableStream<Uint8Array>(),
    readPassword: () => Promise.resolve(""),
    signal: new AbortController().signal,
    log: {
      write: (text: string) => void written.push(`log ${text}`),
      dropped: 0,
      close: () => Promise.resolve(void written.push(`closed ${goesOn}`)),
    },
  });
  assert.equal(await main(["klist", "--nonsense"], io(false)), 2);
  assert.equal(await main(["serve", "--nonsense"], io(true)), 2);
  assert.deepEqual(written.map((text) => text.split(" ")[0]), ["err", "err", "log", "log", "closed"]);
});

Deno.test("reload: a signal while it is loaded neither ends it nor is lost", async () => {
  const stop = new AbortController();
  const reloads: (() => void)[] = [];
  let said = "";
  const err = (text: string) => {
    said += text;
    if (said.includes("read again")) stop.abort();
  };
  const io: CliIo = {
    out: () => {},
    err,
    stdin: new ReadableStream(),
    stdout: new WritableStream(),
    readPassword: () => Promise.reject(new Error("none")),
    signal: stop.signal,
    onReload: (callback) => {
      reloads.push(callback);
      return () => void reloads.pop();
    },
  };
  // Only a server is told: whoever closes his terminal ends the others.
  assert.equal(await main(["klist", "--help"], { ...io, onReload: () => assert.fail("klist") }), 0);
  const running = main(["serve", "-l", "127.0.0.1:0", "-m", "none", "--allow", "*"], io);
  assert.equal(reloads.length, 1, "before anything is loaded");
  reloads[0]!();
  assert.equal(await running, 0);
  assert.match(said, /^Listening on .*\nConfiguration read again\n/m);
  assert.equal(reloads.length, 0);
});

Deno.test("output: a closed pipe ends a command without a word, as SIGPIPE would", { ignore }, async () => {
  await using realm = await startRealmFolder();
  await using server = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"] });
  await using site = origin("the page");
  const command = [Deno.execPath(), "run", "-q", "-A", "--no-check", "-c", `${ROOT}deno.json`, `${ROOT}cli/mod.ts`];
  const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: realm.ccache };
  const connecting = ["connect", "-p", `localhost:${server.addr.port}`, "127.0.0.1", `${site.addr.port}`];
  const commands = [
    ...[["--help"], ["serve", "--help"], ["--version"], ["completions", "zsh"]],
    ...[["klist"], ["klist", "--json"], ["klist", "-k", realm.keytab], ["kvno", "rcmd/localhost"], ["kdc"], ["demo"]],
    connecting,
  ];
  await Promise.all(commands.map(async (args) => {
    // The reader has ended before the command begins.
    const script = 'exec 3> >(true); wait $!; "$@" >&3; echo "code $?" >&2';
    const stdin = args === connecting ? "GET / HTTP/1.0\r\n\r\n" : "";
    const { stderr } = await run("/bin/bash", ["-c", script, "bash", ...command, ...args], { env, stdin });
    assert.equal(stderr, "code 141\n", args.join(" "));
  }));
  const full = await run("/bin/sh", ["-c", '"$@" >/dev/full; echo "code $?" >&2', "sh", ...command, "--help"]);
  assert.match(full.stderr, /^gssocks: .*No space left on device/);
  assert.match(full.stderr, /code 1\n$/);
});

Deno.test("output: the log of a server goes on when nobody reads it, whatever its form", { ignore }, async () => {
  const { server, port } = await serving(["--json"]);
  await using _server = server;
  server.leave();
  for (let i = 0; i < 3; i++) await visit(port);
  await relays(port);
  server.kill("SIGTERM");
  assert.equal(await server.ended, 0);
});

Deno.test("observers: failing telemetry, monitor and log end no session", async () => {
  await using echo = echoServer();
  const stop = new AbortController();
  const port = Promise.withResolvers<number>();
  let broken = false;
  const serving = gssocks([...SERVE, "--json"], {
    signal: stop.signal,
    onErr(text): void {
      if (broken && text.endsWith("}\n")) throw new Error("the log is broken");
      const found = LISTENS.exec(text)?.[1];
      if (found !== undefined) port.resolve(Number(found));
    },
  });
  const proxy = { hostname: "127.0.0.1", port: await port.promise };
  broken = true;
  for (let i = 0; i < 3; i++) {
    await using through = await connect({ proxy, auth: [noAuthentication()], hostname: "127.0.0.1", port: echo.port });
    await through.write(Uint8Array.of(7));
    assert.equal(await through.read(new Uint8Array(1)), 1);
  }
  broken = false;
  stop.abort();
  const { code, err } = await serving;
  assert.equal(code, 0);
  assert.match(err, /"level":"error","run":"[0-9a-f]{8}","event":"fault","message":"log: Error: the log is broken/);
});
