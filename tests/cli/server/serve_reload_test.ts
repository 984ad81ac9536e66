/** SIGHUP to `gssocks serve` in a process of its own, with the permissions that it has left once it listens. */
import assert from "node:assert/strict";
import { writeKeytab } from "../../../kerberos/credentials/shell/stores.ts";
import type { KerberosTickets } from "../../../kerberos/credentials/tickets/tickets.ts";
import { asStarted } from "../../../cli/server/reload.ts";
import type { ServerConfig } from "../../../cli/config/settings.ts";
import { connect, dialTls, noAuthentication, passwordClient, type ProxyOptions } from "../../../mod.ts";
import { hashPassword } from "../../../cli/passwords/passwords.ts";
import { hostbasedService } from "../../../gss/names.ts";
import { concat } from "../../../base/bytes.ts";
import { pause } from "../../../base/deadline.ts";
import { KerberosInitiatorCredential } from "../../../kerberos/mech/credentials.ts";
import { encodeFrame } from "../../../socks/wire/gssapi.ts";
import { certificateFor } from "../../support/certificate.ts";
import { peerTest } from "../../support/peers.ts";
import { Daemon } from "../../support/process.ts";
import { noneUncaughtIn } from "../../support/unhandled.ts";
import { type RealmFolder, startRealmFolder } from "../../support/realm_folder.ts";
import { echoServer } from "../../support/servers.ts";
import { Terminal } from "../../support/terminal.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
const DENO = ["run", "-q", "--no-check", "-c", `${ROOT}deno.json`, "--allow-net"];
const ENV = "--allow-env=KRB5_CONFIG,KRB5CCNAME,KRB5_KTNAME";
const CLI = `${ROOT}cli/mod.ts`;
const HOST = "127.0.0.1";

/** A server in a process of its own. */
class Server implements AsyncDisposable {
  readonly #daemon: Daemon;
  #reloads = 0;

  constructor(permissions: readonly string[], args: readonly string[], env: Record<string, string> = {}) {
    const where = args.includes("-l") || args.includes("-f") ? [] : ["-l", `${HOST}:0`];
    const all = [...DENO, "--no-prompt", ...permissions, CLI, "serve", ...where, ...args];
    this.#daemon = new Daemon(Deno.execPath(), all, { env });
  }

  async port(): Promise<number> {
    return Number((await this.#daemon.waitFor(/Listening on 127\.0\.0\.1:(\d+)/))[1]);
  }

  /** Where it listens for TLS. */
  async tlsPort(): Promise<number> {
    return Number((await this.#daemon.waitFor(/Listening on \S+:(\d+)/))[1]);
  }

  /** Sends SIGHUP; gives what is said then, by so many workers. */
  async reload(workers = 1): Promise<string> {
    const said = this.#daemon.output.length;
    Deno.kill(this.#daemon.pid, "SIGHUP");
    await this.#daemon.waitFor(new RegExp(`(Configuration (not )?read again[^]*?\\n){${this.#reloads += workers}}`));
    return this.#daemon.output.slice(said);
  }

  /** Tells it to end, and a second time, which ends it at once, when three seconds are over; gives its exit code. */
  async end(): Promise<number> {
    const over = new AbortController();
    Deno.kill(this.#daemon.pid, "SIGTERM");
    const late = pause(3_000, over.signal).then(() => Deno.kill(this.#daemon.pid, "SIGTERM")).catch(() => {});
    const { code } = await this.#daemon.ended;
    over.abort();
    await late;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon[Symbol.asyncDispose]();
  }
}

async function inRealm(body: (realm: RealmFolder) => Promise<void>): Promise<void> {
  await using realm = await startRealmFolder();
  await body(realm);
}

async function through(port: number, to: number, how: Partial<ProxyOptions>): Promise<boolean> {
  try {
    await using connection = await connect({
      proxy: { hostname: "localhost", port },
      hostname: HOST,
      port: to,
      ...how,
    });
    await connection.write(Uint8Array.of(7));
    return await connection.read(new Uint8Array(9)) === 1;
  } catch {
    return false;
  }
}

async function request(tickets: KerberosTickets): Promise<Uint8Array> {
  const credential = new KerberosInitiatorCredential(tickets);
  return (await (await credential.initiate(hostbasedService("rcmd", "localhost"))).step()).token!;
}

/** Whether the context of an AP-REQ is accepted: an AP-REP has identifier 02 00, a KRB-ERROR 03 00. */
async function accepts(port: number, token: Uint8Array): Promise<boolean> {
  using connection = await Deno.connect({ hostname: HOST, port });
  await connection.write(concat(Uint8Array.of(5, 1, 1), encodeFrame(1, token)));
  await connection.closeWrite();
  const answer = new Uint8Array(await new Response(connection.readable).arrayBuffer());
  return answer.some((byte, i) => i > 8 && byte === 0x02 && answer[i + 1] === 0x02 && answer[i + 2] === 0x02);
}

Deno.test("reload: without a file it takes new keys and users, and forgets nothing", async () => {
  await inRealm(async ({ directory, keytab, kdc, tickets }) => {
    await using echo = echoServer();
    const users = `${directory}/users`;
    await Deno.writeTextFile(users, `bob:${await hashPassword("bobpw")}\n`);
    await using server = new Server([`--allow-read=${keytab},${users}`], [
      ...["-k", keytab, "-m", "gssapi,password", "--password-file", users, "--allow", `${HOST}:${echo.port}`],
    ]);
    const port = await server.port();
    await using session = await connect({
      ...{ proxy: { hostname: "localhost", port }, hostname: HOST, port: echo.port, credentials: tickets },
    });
    const as = (username: string, password: string) =>
      through(port, echo.port, { auth: [passwordClient({ username, password })] });
    assert.deepEqual([await as("bob", "bobpw"), await as("carol", "carolpw")], [true, false]);
    const seen = await request(tickets);
    assert.equal(await accepts(port, seen), true);

    await kdc.realm.addPrincipal("other/host");
    await writeKeytab(keytab, kdc.keytab("other/host"));
    await Deno.writeTextFile(users, `carol:${await hashPassword("carolpw")}\n`);
    assert.equal(await accepts(port, await request(tickets)), true, "not told yet");
    assert.match(await server.reload(), /^Configuration read again\n/m);
    assert.equal(await accepts(port, await request(tickets)), false);
    assert.deepEqual([await as("bob", "bobpw"), await as("carol", "carolpw")], [false, true]);

    await writeKeytab(keytab, kdc.keytab("rcmd/localhost", "other/host"));
    assert.match(await server.reload(), /^Configuration read again\n/m);
    assert.deepEqual([await accepts(port, seen), await accepts(port, await request(tickets))], [false, true]);

    // What cannot be read changes nothing, nor does what has no key. A last entry that is cut is left out, as MIT krb5 does.
    const whole = await Deno.readFile(keytab);
    await Deno.writeFile(keytab, whole.subarray(0, 2));
    assert.match(await server.reload(), /the old one stays: Cannot use keytab .*: it has no key/);
    await Deno.writeFile(keytab, whole.subarray(0, whole.length - 10));
    assert.match(await server.reload(), /^Configuration read again\n/m);
    await Deno.writeTextFile(keytab, "garbage");
    assert.match(await server.reload(), /the old one stays: Cannot read keytab/);
    await Deno.remove(keytab);
    assert.match(await server.reload(), /the old one stays: Cannot read keytab .*No such file/);
    assert.equal(await accepts(port, await request(tickets)), true);
    await session.write(Uint8Array.of(7));
    assert.equal(await session.read(new Uint8Array(9)), 1);
  });
});

Deno.test("reload: takes no other keytab or [capaths] in silence", async () => {
  await inRealm(async ({ directory, krb5Conf, keytab, kdc, tickets }) => {
    const conf = await Deno.readTextFile(krb5Conf);
    const capaths = `[capaths]\n WEST.TEST = {\n  ${kdc.realm.name} = HUB.TEST\n }\n`;
    await Deno.writeTextFile(krb5Conf, conf + capaths);
    const hidden = await Deno.makeTempFile({ prefix: "gssocks-" });
    try {
      const file = `${directory}/c.json`;
      await Deno.writeTextFile(file, JSON.stringify({ rules: ["allow *"] }));
      const second = `${directory}/second.keytab`;
      await Deno.copyFile(keytab, second);
      const env = { KRB5_CONFIG: `${krb5Conf}:${directory}/more.conf` };
      const named = (name: string) => `[libdefaults]\n default_keytab_name = ${name}\n`;
      await Deno.writeTextFile(`${directory}/more.conf`, named(keytab));
      await using server = new Server([`--allow-read=${directory}`, ENV], ["--config", file], {
        ...env,
        KRB5_KTNAME: "",
      });
      // Set and empty is an error; the process ends before it listens.
      await assert.rejects(server.port(), /KRB5_KTNAME is set and empty/);

      await using running = new Server([`--allow-read=${directory}`, ENV], ["--config", file], env);
      const port = await running.port();
      assert.equal(await accepts(port, await request(tickets)), true);
      assert.match(await running.reload(), /^Configuration read again\n$/m);
      assert.doesNotMatch(await running.reload(), /Note/);

      await Deno.writeTextFile(`${directory}/more.conf`, named(second));
      assert.match(await running.reload(), new RegExp(`Note: the keytab was ${keytab}, and is ${second} now`));
      await Deno.writeTextFile(krb5Conf, conf);
      const gone = await running.reload();
      assert.match(gone, /Note: \[capaths\] of krb5\.conf has changed/);
      await Deno.writeTextFile(krb5Conf, conf + capaths);
      assert.match(await running.reload(), /Note: \[capaths\]/);
      // Other names of the same: what may not be read counts for nothing nowhere.
      await Deno.writeTextFile(krb5Conf, `include ${hidden}\n${conf}`);
      assert.match(await running.reload(), /the old one stays: /);
      await Deno.writeTextFile(file, JSON.stringify({ rules: ["allow *"], keytab }));
      assert.match(await running.reload(), /the old one stays: krb5\.conf may not be read any more/);
      assert.equal(await accepts(port, await request(tickets)), true);
      // A program that is asked for it, with a keytab that is named and nothing else: it is said at the start.
      await using without = new Server([`--allow-read=${directory}`], ["--config", file]);
      await without.port();
      assert.match(await without.reload(), /Configuration read again\nNote: krb5\.conf may not be read, so that/);
    } finally {
      await Deno.remove(hidden);
    }
  });
});

Deno.test("reload: refuses what needs permissions given up, and says what needs a restart", async () => {
  await inRealm(async ({ directory, krb5Conf, keytab, ccache }) => {
    const file = `${directory}/c.json`;
    const write = (config: Record<string, unknown>) => Deno.writeTextFile(file, JSON.stringify(config));
    await write({ methods: ["none"], rules: ["allow *"] });
    const env = { KRB5_CONFIG: krb5Conf, KRB5CCNAME: ccache };
    const permissions = ["--allow-read", "--allow-write", "--allow-sys=uid", ENV];
    await using server = new Server(permissions, ["--config", file], env);
    await server.port();
    await write({ methods: ["none", "gssapi"], keytab, rules: ["allow *"] });
    assert.match(await server.reload(), /stays: it needs permissions that were given up .*\(env\); restart it/);
    await write({ methods: ["none"], rules: ["allow *"], upstreams: { a: { proxy: "localhost:1" } } });
    assert.match(await server.reload(), /stays: it needs permissions that were given up .*\(write, sys, env\)/);
    await write({ methods: ["none"], rules: [], limits: { sessions: 5 }, admin: "127.0.0.1:0", workers: 1 });
    assert.match(
      await server.reload(),
      new RegExp(
        'read again\nNote: rules: \\["allow \\*"\\] -> \\[\\], taken\nNote: limits.sessions: \\(not set\\) -> 5, taken\n' +
          'Note: workers: \\(not set\\) -> 1, needs a restart\nNote: admin: \\(not set\\) -> "127.0.0.1:0", needs a restart\n' +
          "Warning: there is no rule",
      ),
    );
  });
});

Deno.test("reload: the time for sessions to end is the one read last", async () => {
  await inRealm(async ({ directory }) => {
    await using echo = echoServer();
    const file = `${directory}/c.json`;
    const write = (drain: string) =>
      Deno.writeTextFile(file, JSON.stringify({ methods: ["none"], rules: [`allow ${HOST}`], timeouts: { drain } }));
    await write("1h");
    await using server = new Server([`--allow-read=${file}`], ["--config", file]);
    const proxy = { hostname: HOST, port: await server.port() };
    await using _session = await connect({ proxy, auth: [noAuthentication()], hostname: HOST, port: echo.port });
    await write("50ms");
    await server.reload();
    assert.equal(await server.end(), 0);
  });
});

peerTest("a reload asks nothing on a terminal, where Deno asks for permissions that are gone", ["script"], async () => {
  await inRealm(async ({ keytab, krb5Conf }) => {
    const serve = ["serve", "-l", `${HOST}:0`, "--allow", "*", "-k", keytab];
    const terminal = new Terminal([Deno.execPath(), ...DENO, "--allow-read", ENV, CLI, ...serve], {
      KRB5_CONFIG: krb5Conf,
      PATH: Deno.env.get("PATH")!,
    });
    await terminal.shows(/Listening on/);
    await terminal.kill("SIGHUP");
    await terminal.shows(/Configuration read again|Allow\?/);
    await terminal.kill("SIGTERM");
    const { code, shown } = await terminal.end();
    assert.deepEqual([code, /requests/.test(shown)], [0, false], shown);
  });
});

Deno.test("reload: works although the log is closed", async () => {
  const serve = ["serve", "-l", `${HOST}:0`, "-m", "none", "--allow", "*"];
  const child = new Deno.Command(Deno.execPath(), {
    args: [...DENO, "--no-prompt", CLI, ...serve],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  try {
    let said = "";
    for await (const chunk of child.stderr) {
      said += new TextDecoder().decode(chunk);
      if (/Listening on .*\n/.test(said)) break; // And closed with that.
    }
    noneUncaughtIn(said);
    const port = Number(/:(\d+)/.exec(said)![1]);
    for (let i = 0; i < 3; i++) {
      using connection = await Deno.connect({ hostname: HOST, port });
      await connection.write(Uint8Array.of(5, 1, 0));
      const answer = new Uint8Array(2);
      assert.deepEqual([await connection.read(answer), ...answer], [2, 5, 0]);
      child.kill("SIGHUP");
    }
  } finally {
    child.kill("SIGTERM");
  }
  assert.equal((await child.status).code, 0);
});

/** What a certificate says it is for, as a client sees it at a port. */
async function certificateAt(port: number, caCerts: readonly string[]): Promise<string> {
  for (const [i, caCert] of caCerts.entries()) {
    try {
      using connection = await Deno.connectTls({ hostname: "localhost", port, caCerts: [caCert] });
      await connection.handshake();
      return `certificate ${i}`;
    } catch (error) {
      if (!/UnknownIssuer|BadSignature/.test(`${error}`)) throw error;
    }
  }
  return "another one";
}

peerTest("a renewed certificate is shown to new clients; a pair that does not fit leaves the old one", [
  "openssl",
], async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [one, two] = [await certificateFor(), await certificateFor()];
    const write = async (cert: string, key: string) => {
      await Deno.writeTextFile(`${folder}/cert.pem`, cert);
      await Deno.writeTextFile(`${folder}/key.pem`, key);
    };
    await write(one.cert, one.key);
    const tls = ["--tls-certificate", `${folder}/cert.pem`, "--tls-key", `${folder}/key.pem`];
    for (const more of [[], ["--workers", "2"]]) {
      await write(one.cert, one.key);
      const flags = [
        ...(more.length === 0 ? [] : ["--unstable-net", `--allow-read=${ROOT}`]),
        `--allow-read=${folder}`,
      ];
      await using server = new Server(flags, ["-l", "tls://localhost:0", "-m", "none", ...tls, ...more]);
      const certificate = async () => await certificateAt(await server.tlsPort(), [one.cert, two.cert]);
      assert.equal(await certificate(), "certificate 0");
      await write(two.cert, one.key);
      const workers = Math.max(1, Number(more[1] ?? 1));
      assert.match(await server.reload(workers), /not read again, the old one stays: tls: .*certificate and key/);
      assert.equal(await certificate(), "certificate 0");
      await write(two.cert, two.key);
      assert.match(await server.reload(workers), /Configuration read again/);
      for (let i = 0; i < 4; i++) assert.equal(await certificate(), "certificate 1");
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("reload: without the certificate of a listener it changes the rest", async () => {
  const folder = await Deno.makeTempDir({ prefix: "gssocks-reload-" });
  try {
    await using echo = echoServer();
    const made = await certificateFor();
    await Deno.writeTextFile(`${folder}/cert.pem`, made.cert);
    await Deno.writeTextFile(`${folder}/key.pem`, made.key);
    const configure = (config: object) =>
      Deno.writeTextFile(`${folder}/c.json`, JSON.stringify({ methods: ["none"], ...config }));
    const tls = { certificate: `${folder}/cert.pem`, key: `${folder}/key.pem` };
    await configure({ listen: ["tls://localhost:0"], tls, rules: ["deny *"] });
    await using server = new Server([`--allow-read=${folder}`], ["-f", `${folder}/c.json`]);
    const port = await server.tlsPort();
    const how = { auth: [noAuthentication()], dial: dialTls({ caCerts: [made.cert] }) };
    assert.equal(await through(port, echo.port, how), false);
    await configure({ rules: [`allow ${HOST}`] });
    const said = await server.reload();
    assert.match(said, /^Configuration read again$/m);
    assert.match(said, /^Note: listen: \["tls:\/\/localhost:0"\] -> \(not set\), needs a restart$/m);
    assert.equal(await through(port, echo.port, how), true);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("reload: the successor of a worker keeps the settings of the start, and has new rules", () => {
  const start: ServerConfig = { listen: ["a:1"], shared: { redis: "redis://r", onLoss: "refuse" }, rules: ["allow a"] };
  const now: ServerConfig = { listen: ["b:2"], proxyProtocol: ["10.0.0.1"], rules: ["allow b"] };
  const { listen, shared, proxyProtocol, rules } = asStarted(now, start);
  assert.deepEqual([listen, shared, proxyProtocol, rules], [start.listen, start.shared, undefined, now.rules]);
});
