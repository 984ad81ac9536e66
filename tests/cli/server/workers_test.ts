/** Several threads on one port: the replay cache that they share, and `gssocks serve --workers`. */
import assert from "node:assert/strict";
import type { Snapshot } from "../../../cli/snapshot/snapshot.ts";
import { hostbasedService } from "../../../gss/names.ts";
import { KerberosInitiatorCredential } from "../../../kerberos/mech/credentials.ts";
import { SharedReplayCache } from "../../../kerberos/ap/replay/shared.ts";
import { connect } from "../../../mod.ts";
import { decodeFrame, encodeFrame, FrameType } from "../../../socks/wire/gssapi.ts";
import { Daemon, run } from "../../support/process.ts";
import { startRealmFolder } from "../../support/realm_folder.ts";
import { origin } from "../../support/servers.ts";

const tag = (number: number, bucket = 0) =>
  bucket.toString(16).padStart(8, "0") + number.toString(16).padStart(24, "0");

Deno.test("SharedReplayCache: takes an authenticator once until it expires, in all threads", () => {
  const ours = new SharedReplayCache({ capacity: 64 });
  const theirs = new SharedReplayCache({ memory: ours.memory });
  assert.equal(ours.insert({ tag: tag(1), now: 1_000, expiresAt: 5_000 }), true);
  assert.equal(theirs.insert({ tag: tag(1), now: 5_999, expiresAt: 9_000 }), false);
  assert.equal(theirs.insert({ tag: tag(1, 1), now: 5_000, expiresAt: 9_000 }), true);
  assert.equal(ours.insert({ tag: tag(1), now: 6_000, expiresAt: 9_000 }), true);
  assert.equal(theirs.insert({ tag: tag(1), now: 6_000, expiresAt: 9_000 }), false);
  assert.throws(() => ours.insert({ tag: "no tag", now: 0, expiresAt: 1 }), TypeError);
});

Deno.test("SharedReplayCache: refuses when it is full, and makes room later", () => {
  const cache = new SharedReplayCache({ capacity: 16 });
  for (let i = 1; i <= 16; i++) assert.ok(cache.insert({ tag: tag(i), now: 1_000, expiresAt: 5_000 }));
  assert.throws(() => cache.insert({ tag: tag(17), now: 1_000, expiresAt: 5_000 }), /full/);
  for (let i = 1; i <= 16; i++) assert.equal(cache.insert({ tag: tag(i), now: 1_000, expiresAt: 5_000 }), false);
  assert.ok(cache.insert({ tag: tag(17), now: 6_000, expiresAt: 9_000 }));
  // Times beyond 2038 are times.
  const late = new SharedReplayCache({ capacity: 16 });
  assert.ok(late.insert({ tag: tag(1), now: 3e12, expiresAt: 3e12 + 600_000 }));
  assert.equal(late.insert({ tag: tag(1), now: 3e12, expiresAt: 3e12 + 600_000 }), false);
});

Deno.test("SharedReplayCache: threads that insert at one time get each authenticator once", async () => {
  const cache = new SharedReplayCache({ capacity: 65_536 });
  const code = `
    import { SharedReplayCache } from ${
    JSON.stringify(new URL("../../../kerberos/ap/replay/shared.ts", import.meta.url).href)
  };
    self.onmessage = ({ data }) => {
      const cache = new SharedReplayCache({ memory: data });
      let fresh = 0;
      for (let i = 0; i < 5000; i++) {
        const tag = (i % 64).toString(16).padStart(8, "0") + i.toString(16).padStart(24, "0");
        if (cache.insert({ tag: (i * 2654435761 >>> 0).toString(16).padStart(8, "0") + tag, now: 1000, expiresAt: 9000 })) fresh++;
      }
      self.postMessage(fresh);
    };`;
  const url = URL.createObjectURL(new Blob([code], { type: "text/typescript" }));
  const counts = await Promise.all(Array.from({ length: 2 }, () => {
    const worker = new Worker(url, { type: "module" });
    return new Promise<number>((resolve, reject) => {
      worker.onmessage = ({ data }) => {
        worker.terminate();
        resolve(data);
      };
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage(cache.memory);
    });
  }));
  URL.revokeObjectURL(url);
  assert.equal(counts[0]! + counts[1]!, 5000);
});

Deno.test("serve --workers: spreads connections, and refuses a replay at another worker", async () => {
  await using realm = await startRealmFolder();
  await using site = origin("the page");
  // A worker's module is read by the program itself, unlike those that it imports.
  const root = new URL("../../..", import.meta.url).pathname;
  const [cli, config] = [`${root}cli/mod.ts`, `${root}deno.json`];
  await using server = new Daemon(Deno.execPath(), [
    ...["run", "-q", "--unstable-net", "--allow-net", `--allow-read=${realm.keytab},${root}`, "-c", config, cli],
    ...["serve", "-l", "127.0.0.1:0", "-k", realm.keytab, "--allow", "localhost", "--workers", "2", "--json"],
    ...["--admin", "127.0.0.1:0"],
  ]);
  const port = Number((await server.waitFor(/Listening on 127\.0\.0\.1:(\d+), 2 workers/))[1]);

  for (let i = 0; i < 24; i++) {
    await using connection = await connect({
      proxy: { hostname: "localhost", port },
      hostname: "127.0.0.1",
      port: site.addr.port,
      credentials: realm.tickets,
    });
    await connection.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
    assert.match(await new Response(connection.readable).text(), /the page$/);
  }
  const sessions = [...server.output.matchAll(/"event":"accepted","session":(\d+)/g)].map(([, n]) => Number(n));
  assert.equal(new Set(sessions).size, sessions.length);
  assert.ok(sessions.some((n) => n % 2 === 0) && sessions.some((n) => n % 2 === 1), `${sessions}`);

  // The admin port tells of all workers together.
  const [, admin] = await server.waitFor(/Admin port on http:\/\/127\.0\.0\.1:(\d+)\//);
  const status = async (): Promise<Snapshot> => await (await fetch(`http://127.0.0.1:${admin}/status.json`)).json();
  while ((await status()).closed < 24);
  assert.deepEqual((await status()).authenticated, { "gssapi confidentiality": 24 });

  // Its sessions have the numbers of the log.
  const silent = await Promise.all(Array.from({ length: 8 }, () => Deno.connect({ hostname: "127.0.0.1", port })));
  while ((await status()).sessions.length < 8);
  const shown = (await status()).sessions.map(({ session }) => session);
  const logged = [...server.output.matchAll(/"event":"accepted","session":(\d+)/g)].map(([, n]) => Number(n)).slice(24);
  assert.deepEqual(shown.sort(), logged.sort());
  for (const conn of silent) conn.close();

  const credential = new KerberosInitiatorCredential(realm.tickets);
  const { token } = await (await credential.initiate(hostbasedService("rcmd", "localhost"))).step();
  const ask = async () => {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await conn.write(Uint8Array.of(5, 1, 1));
    const bytes = new Uint8Array(4096);
    assert.equal(await conn.read(bytes), 2);
    await conn.write(encodeFrame(FrameType.Authentication, token!));
    const count = await conn.read(bytes);
    const frame = decodeFrame(bytes.subarray(0, count!))?.value;
    assert.equal(frame?.type, FrameType.Authentication);
    // Identifier of an AP-REP, or of a KRB-ERROR (RFC 4121 section 4.1), behind the mechanism's.
    const framing = frame!.token[1]! < 0x80 ? 2 : 2 + (frame!.token[1]! & 0x7f);
    return frame!.token[framing + 11];
  };
  assert.equal(await ask(), 2, "AP-REP");
  for (let i = 0; i < 16; i++) assert.equal(await ask(), 3, "KRB-ERROR");
});

Deno.test("serve --workers: names what it needs, and ends with the code of a worker", async () => {
  const cli = new URL("../../../cli/mod.ts", import.meta.url).pathname;
  const config = new URL("../../../deno.json", import.meta.url).pathname;
  const serve = async (flags: string[], args: string[]) => {
    const all = ["run", "-q", ...flags, "-A", "-c", config, cli, "serve", ...args];
    const { code, stderr } = await run(Deno.execPath(), all);
    return { code, err: stderr };
  };
  const without = await serve([], ["--workers", "2"]);
  assert.equal(without.code, 2);
  assert.match(without.err, /--workers needs deno run --unstable-net/);
  const broken = await serve(["--unstable-net"], ["--workers", "2", "-l", "127.0.0.1:0", "-k", "/nonexistent"]);
  assert.equal(broken.code, 1);
  assert.match(broken.err, /\/nonexistent/);
});
