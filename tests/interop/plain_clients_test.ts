/** curl with GSS-API, and ordinary clients with the other methods. */
import assert from "node:assert/strict";
import { bridge, fixedPasswords, listenUnix, serve } from "../../mod.ts";
import { MemoryReplayCache } from "../../kerberos/ap/replay/memory.ts";
import { peer, peerTest } from "../support/peers.ts";
import { run } from "../support/process.ts";
import { startRealmFolder } from "../support/realm_folder.ts";
import { origin } from "../support/servers.ts";
import { startSshd } from "../support/sshd.ts";

peerTest(
  "curl 8.16+: --socks5-gssapi gets a page from a server that allows no protection",
  ["curl-gssapi"],
  async () => {
    const version = await run(peer("curl-gssapi"), ["--version"]);
    const [, major, minor] = /^curl (\d+)\.(\d+)/.exec(version.stdout)!.map(Number);
    assert.ok(major! > 8 || (major === 8 && minor! >= 16), version.stdout);
    await using realm = await startRealmFolder();
    await using site = origin("the page");
    const seen: string[] = [];
    await using server = serve({
      port: 0,
      keytab: realm.keytab,
      protection: ["none"],
      rules: ["allow localhost"],
      onEvent: (event) => {
        if (event.type === "authenticated") seen.push(`${event.identity.name} ${event.protection}`);
      },
    });
    const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: realm.ccache };
    for (const option of ["--socks5", "--socks5-hostname"]) {
      const args = [
        "-sS",
        "--fail",
        option,
        `localhost:${server.addr.port}`,
        "--socks5-gssapi",
        `http://127.0.0.1:${site.addr.port}/`,
      ];
      const got = await run(peer("curl-gssapi"), args, { env });
      assert.equal(got.code, 0, got.stderr);
      assert.equal(got.stdout, "the page");
    }
    assert.deepEqual(seen, ["alice@GSSOCKS.TEST none", "alice@GSSOCKS.TEST none"]);
  },
);

peerTest("curl: --socks5-gssapi fails on a server that requires protection, and no page is sent", [
  "curl-gssapi",
], async () => {
  await using realm = await startRealmFolder();
  await using site = origin("the page");
  await using server = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"] });
  const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: realm.ccache };
  const args = [
    "-sS",
    "-m",
    "10",
    "--socks5",
    `localhost:${server.addr.port}`,
    "--socks5-gssapi",
    `http://127.0.0.1:${site.addr.port}/`,
  ];
  const got = await run(peer("curl-gssapi"), args, { env });
  assert.notEqual(got.code, 0);
  assert.equal(got.stdout, "");
});

peerTest("curl: works without authentication although it offers GSS-API", ["curl"], async () => {
  await using realm = await startRealmFolder();
  await using site = origin("the page");
  const methods: string[] = [];
  await using server = serve({
    port: 0,
    keytab: realm.keytab,
    allowUnauthenticated: true,
    rules: ["allow localhost"],
    onEvent: (event) => {
      if (event.type === "authenticated") methods.push(event.identity.method);
    },
  });
  for (const option of ["--socks5", "--socks5-hostname"]) {
    const got = await run(peer("curl"), [
      "-sS",
      "--fail",
      option,
      `127.0.0.1:${server.addr.port}`,
      `http://127.0.0.1:${site.addr.port}/`,
    ]);
    assert.equal(got.stdout, "the page", got.stderr);
  }
  assert.deepEqual(methods, ["none", "none"]);
});

peerTest("curl: works with username and password, and fails with a wrong password", ["curl"], async () => {
  await using site = origin("the page");
  await using server = serve({ port: 0, passwords: fixedPasswords({ bob: "s3cret" }), rules: ["allow localhost"] });
  const get = (user: string) =>
    run(peer("curl"), [
      "-sS",
      "--fail",
      "--proxy",
      `socks5h://${user}@127.0.0.1:${server.addr.port}`,
      "--socks5-basic",
      `http://127.0.0.1:${site.addr.port}/`,
    ]);
  assert.equal((await get("bob:s3cret")).stdout, "the page");
  assert.equal((await get("bob:wrong")).code, 97);
  assert.equal((await get("eve:s3cret")).code, 97);
});

peerTest("nc: -X 5 works without authentication", ["nc"], async () => {
  await using site = origin("the page");
  await using server = serve({ port: 0, allowUnauthenticated: true, rules: ["allow localhost"] });
  const args = ["-X", "5", "-x", `127.0.0.1:${server.addr.port}`, "-w", "5", "127.0.0.1", String(site.addr.port)];
  const got = await run(peer("nc"), args, { stdin: "GET / HTTP/1.0\r\n\r\n" });
  assert.match(got.stdout, /the page$/, got.stderr);
});

peerTest(
  "ssh: logs in with nc or gssocks connect as ProxyCommand",
  ["ssh", "sshd", "ssh-keygen", "nc", "root's rights"],
  async () => {
    await using realm = await startRealmFolder();
    const { directory } = realm;
    await using sshd = await startSshd(directory);
    await using open = serve({ port: 0, allowUnauthenticated: true, rules: ["allow localhost"] });
    await using kerberized = serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"] });
    const cli = new URL("../../cli/mod.ts", import.meta.url).pathname;
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const proxies = [
      `${peer("nc")} -X 5 -x 127.0.0.1:${open.addr.port} %h %p`,
      `${Deno.execPath()} run -q -A -c ${config} ${cli} connect --proxy localhost:${kerberized.addr.port} %h %p`,
    ];
    for (const proxy of proxies) {
      const options = [
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
        "BatchMode=yes",
        "LogLevel=ERROR",
        `ProxyCommand=${proxy}`,
      ];
      const args = [
        ...options.flatMap((option) => ["-o", option]),
        "-F",
        "none",
        "-i",
        `${directory}/id`,
        "-p",
        String(sshd.port),
        "root@127.0.0.1",
        "seq 100000 | tail -1",
      ];
      const got = await run(peer("ssh"), args, {
        env: { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: realm.ccache, DENO_NO_UPDATE_CHECK: "1" },
      });
      assert.equal(got.stdout.trim(), "100000", `${proxy}: ${got.stderr}`);
    }
  },
);

peerTest(
  "curl: uses the bridge over SOCKS4, SOCKS4A, HTTP, SOCKS5 and a Unix socket",
  ["curl"],
  async () => {
    await using realm = await startRealmFolder();
    await using site = origin("the page");
    const seen: string[] = [];
    await using far = serve({
      port: 0,
      keytab: realm.keytab,
      rules: ["allow localhost"],
      onEvent: (event) => void (event.type === "authenticated" && seen.push(event.protection)),
    });
    const proxy = { hostname: "localhost", port: far.addr.port };
    await using local = bridge({ proxy, credentials: realm.tickets, port: 0 });
    const path = `${realm.directory}/bridge.sock`;
    await using _other = bridge({ proxy, credentials: realm.tickets, listeners: [listenUnix(path)] });
    const where = `127.0.0.1:${local.addr.port}`;
    const ways = [
      ["--socks4", where],
      ["--socks4a", where],
      ["--proxytunnel", "--proxy", `http://${where}`],
      // Without tunnelling, a request in absolute form.
      ["--proxy", `http://${where}`],
      ["--socks5-basic", "--socks5-hostname", where],
      ["--socks5-basic", "--proxy", `socks5h://localhost${path}`],
    ];
    for (const way of ways) {
      const got = await run(peer("curl"), ["-sS", "--fail", ...way, `http://127.0.0.1:${site.addr.port}/`]);
      assert.equal(got.stdout, "the page", `${way}: ${got.stderr}`);
    }
    assert.deepEqual(seen, ways.map(() => "confidentiality"));
    const plain = await run(peer("curl"), ["-sS", "-i", "--proxy", `http://${where}`, "http://127.0.0.1:1/"]);
    assert.match(plain.stdout, /^HTTP\/1\.1 502 .*\r\nProxy-Status: gssocks; error=connection_refused;/s);
  },
);

peerTest(
  "curl: --socks5-gssapi-nec negotiates the level in clear where the server allows it",
  ["curl-gssapi"],
  async () => {
    await using realm = await startRealmFolder();
    await using site = origin("the page");
    const options = { port: 0, keytab: realm.keytab, protection: ["none"], rules: ["allow localhost"] } as const;
    // Only the memory of used tokens detects a recording: a freshly started server knows too little.
    const seen = new MemoryReplayCache();
    const replayCache = { insert: seen.insert.bind(seen), knowsSince: 0 };
    await using server = serve({ ...options, gssapi: { insecureNecMode: true, replayCache } });
    await using fresh = serve({ ...options, gssapi: { insecureNecMode: true } });
    const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: realm.ccache };
    const args = [
      "-sS",
      "--fail",
      "--socks5",
      `localhost:${server.addr.port}`,
      "--socks5-gssapi",
      "--socks5-gssapi-nec",
    ];
    const got = await run(peer("curl-gssapi"), [...args, `http://127.0.0.1:${site.addr.port}/`], { env });
    assert.equal(got.stdout, "the page", got.stderr);
    args[3] = `localhost:${fresh.addr.port}`;
    const refused = await run(peer("curl-gssapi"), [...args, `http://127.0.0.1:${site.addr.port}/`], { env });
    assert.equal(refused.code, 97, refused.stdout);
  },
);

peerTest(
  "tor-resolve: looks up names and addresses at the server and through the bridge",
  ["tor-resolve"],
  async () => {
    await using realm = await startRealmFolder();
    await using server = serve({
      port: 0,
      keytab: realm.keytab,
      allowUnauthenticated: true,
      commands: ["resolve"],
      rules: ["allow .example.com,command=resolve", "allow localhost,command=resolve"],
      resolve: () => Promise.resolve(["93.184.216.34"]),
    });
    const proxy = { hostname: "localhost", port: server.addr.port };
    await using local = bridge({ proxy, credentials: realm.tickets, port: 0 });
    for (const { port } of [server.addr, local.addr]) {
      const found = await run(peer("tor-resolve"), ["-5", "www.example.com", `127.0.0.1:${port}`]);
      assert.equal(found.stdout.trim(), "93.184.216.34", found.stderr);
      const named = await run(peer("tor-resolve"), ["-x", "127.0.0.1", `127.0.0.1:${port}`]);
      assert.match(named.stdout.trim(), /^[A-Za-z]/, named.stderr);
      const denied = await run(peer("tor-resolve"), ["-5", "www.example.org", `127.0.0.1:${port}`]);
      assert.doesNotMatch(denied.stdout, /93\.184/);
      assert.match(denied.stdout + denied.stderr, /status response|resolve/);
    }
  },
);
