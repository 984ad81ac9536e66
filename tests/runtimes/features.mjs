// deno-lint-ignore-file no-console
/**
 * What has to work in Node and in Bun, step by step, each in its own line: "ok NAME". A program of JavaScript, as a user of the npm package
 * writes it; `npm_test.ts` installs the package in an empty project and runs it there.
 *
 * Arguments: the folder of the certificate, and the port of `gssocks serve` as Deno runs it, with its krb5.conf in KRB5_CONFIG.
 */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import {
  associate,
  bind,
  bridge,
  connect,
  connectTls,
  dialTls,
  dialUnix,
  listenUnix,
  serve,
  systemResolver,
  systemTickets,
} from "@gssocks/gssocks";
import { FileCredentialCache, KeytabFile, openCredentialCache, readKeytab } from "@gssocks/gssocks/kerberos";
import { startTestKdc } from "@gssocks/gssocks/kerberos/kdc";
import { dialFrom, dialTcp } from "@gssocks/gssocks/socks";

const [certificates, denoPort] = process.argv.slice(2);
const [cert, key] = await Promise.all(
  ["cert.pem", "key.pem"].map((name) => readFile(`${certificates}/${name}`, "utf8")),
);
const [text, data] = [(bytes) => new TextDecoder().decode(bytes), (words) => new TextEncoder().encode(words)];
const folder = await mkdtemp(`${tmpdir()}/gssocks-features-`);
const kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
const credentials = systemTickets({ config: kdc.config, principal: "alice", password: "secret" });
const keytab = kdc.keytab("rcmd/localhost");
/** A server that sends back what comes, and its end. */
const echo = createServer({ allowHalfOpen: true }, (socket) => socket.on("error", () => {}).pipe(socket));
await new Promise((resolve) => echo.listen(0, "127.0.0.1", resolve));
const target = { hostname: "127.0.0.1", port: echo.address().port };
const rules = ["allow localhost"];

/** What is disposed of at the end of a step: Node 22 knows no `await using`. */
const used = [];
const use = (one) => (used.push(one), one);

/** Sends a text, half-closes, and returns what comes until the end. */
async function exchanged(connection, words) {
  await connection.write(data(words));
  await connection.closeWrite();
  return await new Response(connection.readable).text();
}

const steps = {
  async "a password, sealed CONNECT to gssocks serve"() {
    const own = systemTickets({ principal: "alice", password: "secret" });
    const proxy = { hostname: "localhost", port: Number(denoPort) };
    const connection = await connect({ proxy, credentials: own, ...target });
    assert.equal(connection.protection, "confidentiality");
    assert.equal(await exchanged(connection, "hello Deno"), "hello Deno");
  },
  async "serve() and connect() at each level"() {
    const protection = ["confidentiality", "integrity", "none"];
    const server = use(serve({ port: 0, keytab, rules, protection }));
    for (const level of protection) {
      const proxy = { hostname: "localhost", port: server.addr.port };
      const connection = await connect({ proxy, credentials, protection: level, ...target });
      assert.equal(await exchanged(connection, level.repeat(50_000)), level.repeat(50_000));
    }
  },
  async "a refusal, a target that is not there, a time-out"() {
    const server = use(serve({ port: 0, keytab, rules: ["allow 127.0.0.1"] }));
    const proxy = { hostname: "localhost", port: server.addr.port };
    const failure = (options) => connect({ proxy, credentials, ...options }).then(() => "", (error) => error.code);
    assert.equal(await failure({ hostname: "192.0.2.1", port: 9 }), "NOT_ALLOWED");
    assert.equal(await failure({ hostname: "127.0.0.1", port: 1 }), "CONNECTION_REFUSED");
    const silent = createServer(() => {});
    await new Promise((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const late = { proxy: { hostname: "localhost", port: silent.address().port }, timeout: 50 };
    assert.equal(await failure({ ...late, ...target }), "HANDSHAKE_TIMEOUT");
    silent.close();
    const error = await dialTcp({ hostname: "127.0.0.1", port: 1 }, {}).catch((error) => error);
    assert.match(error.message, /^Cannot connect to 127\.0\.0\.1:1: /);
    assert.throws(() => serve({ port: server.addr.port, keytab }), /something listens there already/);
    assert.throws(() => serve({ hostname: "192.0.2.1", port: 0, keytab }), /does not have that address/);
  },
  async "localhost, and its name by the system's resolver"() {
    const server = use(serve({ hostname: "localhost", port: 0, keytab, rules }));
    const connection = await connect({
      proxy: { hostname: "localhost", port: server.addr.port },
      credentials,
      hostname: "localhost",
      port: target.port,
    });
    assert.equal(await exchanged(connection, "by name"), "by name");
    const { addresses } = await systemResolver("localhost", {});
    assert.ok(addresses.includes("127.0.0.1"));
  },
  async "krb5.conf, a keytab and a cache in files"() {
    const files = use(await kdc.files({ keytab: ["rcmd/localhost"], client: "alice" }));
    Object.assign(process.env, files.env);
    const server = use(serve({ port: 0, keytab: files.keytab, rules }));
    const connection = await connect({ proxy: `localhost:${server.addr.port}`, ...target });
    assert.equal(await exchanged(connection, "from files"), "from files");
    const { credentials: kept } = await new FileCredentialCache(files.ccache).load();
    assert.ok(kept.length >= 2, "the service ticket is in the cache");
    assert.equal((await stat(files.ccache.slice(5))).mode & 0o777, 0o600);
    assert.ok(readKeytab(files.keytab).entries.length > 0 && new KeytabFile(files.keytab).describe().length > 0);
    await assert.rejects(
      new FileCredentialCache(`${folder}/none/x`).initialize({ principal: kept[0].client, credentials: [] }),
      {
        message: /^Cannot .*: No such file or directory$/,
      },
    );
    const data = await new FileCredentialCache(files.ccache).load();
    const cache = openCredentialCache(`DIR:${folder}/caches`);
    assert.equal(await cache.load(), undefined);
    await cache.initialize(data);
    assert.equal((await cache.load()).credentials.length, data.credentials.length);
  },
  async "many changes of a cache at one time"() {
    const files = use(await kdc.files({ client: "alice" }));
    const cache = new FileCredentialCache(files.ccache);
    const before = await cache.load();
    await Promise.all(Array.from({ length: 8 }, () => cache.store(before.credentials[0])));
    assert.ok((await cache.load()).credentials.length >= before.credentials.length);
    await cache.destroy();
    assert.equal(await cache.load(), undefined);
  },
  async "bridge()"() {
    const server = use(serve({ port: 0, keytab, rules }));
    const proxy = { hostname: "localhost", port: server.addr.port };
    const local = use(bridge({ proxy, credentials, port: 0, forwards: [`0=127.0.0.1:${target.port}`] }));
    const connection = await connect({ proxy: `127.0.0.1:${local.addr.port}`, auth: undefined, credentials, ...target })
      .catch((error) => error);
    assert.equal(connection.code, "NO_ACCEPTABLE_METHOD");
    const { noAuthentication } = await import("@gssocks/gssocks");
    const plain = await connect({ proxy: `127.0.0.1:${local.addr.port}`, auth: [noAuthentication()], ...target });
    assert.equal(await exchanged(plain, "over the bridge"), "over the bridge");
  },
  async "datagrams"() {
    const socket = createSocket("udp4");
    socket.on("message", (message, from) => socket.send(message, from.port, from.address));
    await new Promise((resolve) => socket.bind(0, "127.0.0.1", resolve));
    const server = use(serve({ port: 0, keytab, rules, commands: ["udp"] }));
    const datagrams = use(await associate({ proxy: `localhost:${server.addr.port}`, credentials }));
    await datagrams.send(data("one"), { hostname: "127.0.0.1", port: socket.address().port });
    const [answer] = await datagrams.receive();
    assert.equal(text(answer), "one");
    socket.close();
  },
  async "BIND"() {
    const server = use(serve({ port: 0, keytab, rules, commands: ["bind"] }));
    const pending = await bind({ proxy: `localhost:${server.addr.port}`, credentials });
    const peer = await dialTcp(pending.bound, {});
    const connection = await pending.accept();
    await peer.write(data("active"));
    assert.equal(text(await connection.readable.getReader().read().then(({ value }) => value)), "active");
    peer.close();
    connection.close();
  },
  async "a socket in the file system"() {
    const path = `${folder}/socket`;
    use(serve({ listeners: [listenUnix(path)], keytab, rules }));
    const connection = await connect({ proxy: "localhost", dial: dialUnix(path), credentials, ...target });
    assert.equal(await exchanged(connection, "unix"), "unix");
    assert.throws(() => listenUnix(path), /something listens there already/);
  },
  async "a local address, and a connection that is cut"() {
    const connection = await dialFrom(["127.0.0.1"])(target, {});
    await connection.write(data("x"));
    await connection.read();
    connection.abort();
    await assert.rejects(connection.read(), { code: "CLOSED" });
    const ended = await dialTcp(target, {});
    await ended.closeWrite();
    // This process ends only if the socket is closed.
    ended.abort();
    assert.throws(() => dialFrom(["nowhere"]), TypeError);
  },
  async "a connection over a socket in the file system that is cut is closed"() {
    const path = `${folder}/cut`;
    const listener = listenUnix(path);
    const [near, far] = await Promise.all([dialUnix(path)(target, {}), listener.accept()]);
    far.abort();
    assert.equal(await near.read().catch(() => null), null);
    near.close();
    listener.close();
  },
  async "a reset is no end, also if it comes while nobody reads"() {
    const resetting = createServer((socket) => {
      socket.on("error", () => {}).write(new Uint8Array(50_000_000));
      // What the reader takes by itself has filled it by then.
      setTimeout(() => socket.resetAndDestroy(), 300);
    });
    await new Promise((resolve) => resetting.listen(0, "127.0.0.1", resolve));
    const connections = await Promise.all([
      dialTcp({ hostname: "127.0.0.1", port: resetting.address().port }, {}),
      dialFrom(["127.0.0.1"])({ hostname: "127.0.0.1", port: resetting.address().port }, {}),
    ]);
    await new Promise((resolve) => setTimeout(resolve, 600));
    for (const connection of connections) {
      await assert.rejects(async () => {
        while (await connection.read() !== null);
      });
      connection.close();
    }
    resetting.close();
  },
  async "HTTP over agents of Node"() {
    const { createServer: createHttp, get } = await import("node:http");
    const { nodeAgents } = await import("@gssocks/gssocks/node");
    const site = createHttp((request, response) => response.end(`page ${request.url}`));
    await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
    let sessions = 0;
    const onEvent = ({ type }) => void (sessions += type === "connected" ? 1 : 0);
    const server = use(serve({ port: 0, keytab, rules, onEvent }));
    const { httpAgent: agent } = nodeAgents({ proxy: `localhost:${server.addr.port}`, credentials });
    const url = `http://127.0.0.1:${site.address().port}/one`;
    const response = await new Promise((resolve, reject) => get(url, { agent }, resolve).on("error", reject));
    let page = "";
    for await (const chunk of response) page += chunk;
    assert.equal(page, "page /one");
    assert.equal(sessions, 1, "the request went through the proxy");
    agent.destroy();
    site.close();
    site.closeAllConnections?.();
  },
  async "SOCKS inside TLS, and TLS inside SOCKS"() {
    const server = use(serve({ port: 0, tls: { cert, key }, keytab, rules }));
    const dial = dialTls({ caCerts: [cert] });
    const proxy = { hostname: "localhost", port: server.addr.port };
    const connection = await connect({ proxy, dial, credentials, ...target });
    // Bun ends both directions of TLS with one, so neither is ended here before the answer.
    await connection.write(data("in TLS"));
    assert.equal(text((await connection.readable.getReader().read()).value), "in TLS");
    connection.close();
    const { createServer: createTls } = await import("node:tls");
    const secure = createTls({ cert, key }, (socket) => socket.pipe(socket));
    await new Promise((resolve) => secure.listen(0, "127.0.0.1", resolve));
    const { port } = secure.address();
    const inside = await connectTls({ proxy, dial, credentials, hostname: "localhost", port, caCerts: [cert] });
    await inside.write(data("inside"));
    assert.equal(text((await inside.readable.getReader().read()).value), "inside");
    inside.close();
    assert.throws(() => serve({ port: 0, tls: { cert, key: cert }, keytab }), /Cannot use certificate and key/);
    secure.close();
  },
};
for (const [name, step] of Object.entries(steps)) {
  await step();
  for (const one of used.splice(0).reverse()) await one[Symbol.asyncDispose]();
  console.log(`ok ${name}`);
}
echo.close();
await kdc[Symbol.asyncDispose]();
await rm(folder, { recursive: true });
console.log("end");
