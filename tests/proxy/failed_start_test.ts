/** What cannot start leaves nothing open: the sanitizers see each listener, socket and timer that stays. */
import assert from "node:assert/strict";
import { connect, dialTls, dialUnix, noAuthentication, serve } from "../../mod.ts";
import { gssocks } from "../support/run_cli.ts";
import { startRealmFolder } from "../support/realm_folder.ts";
import { TcpServer } from "../support/servers.ts";

const LOCALHOST = "127.0.0.1";

/** A port that somebody else has. */
function taken(): Deno.TcpListener {
  return Deno.listen({ hostname: LOCALHOST, port: 0 });
}

Deno.test("serve(): listens no more after onListen has thrown", () => {
  const start = () =>
    serve({
      port: 0,
      allowUnauthenticated: true,
      onListen: () => {
        throw new Error("no room for the address");
      },
    });
  assert.throws(start, /no room for the address/);
});

Deno.test("serve: one that cannot listen everywhere listens nowhere", async () => {
  await using realm = await startRealmFolder();
  using other = taken();
  const { port } = other.addr;
  const keytab = ["--keytab", realm.keytab, "--allow", "localhost"];
  for (
    const args of [
      ["-l", "127.0.0.1:0", "-l", `127.0.0.1:${port}`, ...keytab],
      ["-l", "127.0.0.1:0", "--admin", `127.0.0.1:${port}`, ...keytab],
      ["-l", "127.0.0.1:0", "--keytab", `${realm.directory}/none`],
      [
        "-l",
        "127.0.0.1:0",
        "--redis",
        "redis://127.0.0.1:1",
        "--redis-password-file",
        `${realm.directory}/none`,
        ...keytab,
      ],
    ]
  ) {
    const got = await gssocks(["serve", ...args]);
    assert.equal(got.code, 1, `${args.join(" ")}: ${got.err}`);
  }
});

Deno.test("serve: takes a socket in the file system only if no server listens there", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/socket`;
    // Told to stop from the beginning: what starts all the same ends.
    const signal = AbortSignal.abort();
    const at = (where: string) => gssocks(["serve", "-m", "none", "--allow", "localhost", "-l", where], { signal });
    {
      using listener = Deno.listen({ transport: "unix", path });
      const got = await at(`unix:${path}`);
      assert.equal(got.code, 1);
      assert.match(got.err, /Cannot listen at .*socket: a server listens there/);
      using _client = await Deno.connect({ transport: "unix", path });
      for (let i = 0; i < 2; i++) (await listener.accept()).close();
      await Deno.rename(path, `${path}.left`);
    }
    assert.ok(Deno.lstatSync(`${path}.left`).isSocket);
    const { code, err } = await at(`unix:${path}.left`);
    assert.deepEqual([code, /Listening on .*socket\.left/.test(err)], [0, true], err);
    await Deno.writeTextFile(path, "the only copy");
    assert.equal((await at(`unix:${path}`)).code, 1);
    assert.equal(await Deno.readTextFile(path), "the only copy");
    const nowhere = await at("unix:");
    assert.deepEqual([nowhere.code, /"unix:" names no path/.test(nowhere.err)], [2, true]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("dialTls(): leaves no socket if the proxy does not speak TLS", async () => {
  const ends: Promise<unknown>[] = [];
  await using plain = new TcpServer(async (connection) => {
    await connection.read(new Uint8Array(5));
    await connection.write(new TextEncoder().encode("SSH-2.0-not-tls\r\n"));
    const rest = connection.readable.pipeTo(new WritableStream());
    ends.push(rest.catch(() => {}));
    await rest;
  });
  const options = { proxy: { hostname: LOCALHOST, port: plain.port }, dial: dialTls(), hostname: "x", port: 1 };
  await assert.rejects(connect({ ...options, auth: [noAuthentication()] }), {
    name: "SocksTlsError",
    code: "TLS_HANDSHAKE",
  });
  // The server's end is over, too.
  await Promise.all(ends);
  assert.equal(ends.length, 1);
});

Deno.test("dialers: a dial that is aborted before it begins leaves no socket", async () => {
  const signal = AbortSignal.abort(new Error("given up"));
  const path = await Deno.makeTempDir();
  {
    using listener = Deno.listen({ transport: "unix", path: `${path}/socket` });
    using tcp = taken();
    const target = { hostname: LOCALHOST, port: tcp.addr.port };
    await assert.rejects(dialUnix(`${path}/socket`)(target, { signal }), /given up/);
    // The sanitizers do not see sockets in the file system, but the other end does.
    using far = await listener.accept();
    assert.equal(await far.read(new Uint8Array(1)), null);
    await assert.rejects(dialTls()(target, { signal }), /given up/);
  }
  await Deno.remove(path, { recursive: true });
});
