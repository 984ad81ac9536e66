/** Real programs with http_proxy at a bridge: requests in absolute form, through a proxy with Kerberos. */
import assert from "node:assert/strict";
import { bridge, serve, type ServerEvent } from "../../mod.ts";
import { gitServer } from "../support/git_server.ts";
import { peer, peerTest } from "../support/peers.ts";
import { run } from "../support/process.ts";
import { startRealmFolder } from "../support/realm_folder.ts";

const LOCALHOST = "127.0.0.1";

/** A bridge with its proxy, and an origin. */
interface Site extends AsyncDisposable {
  /** Address of the origin. */
  readonly url: string;
  /** Variables for programs that shall use the bridge. */
  readonly env: Record<string, string>;
  readonly proxy: string;
  readonly folder: string;
  /** Requests that the origin got. */
  readonly requests: string[];
  readonly events: ServerEvent[];
}

async function siteOf(handle: (request: Request) => Response | Promise<Response>): Promise<Site> {
  const stack = new AsyncDisposableStack();
  const realm = stack.use(await startRealmFolder());
  const requests: string[] = [];
  const events: ServerEvent[] = [];
  const origin = stack.use(Deno.serve({ hostname: LOCALHOST, port: 0, onListen: () => {} }, (request) => {
    requests.push(`${request.method} ${request.headers.get("via")} ${new URL(request.url).pathname}`);
    return handle(request);
  }));
  const server = stack.use(serve({ port: 0, keytab: realm.keytab, rules: ["allow localhost"] }));
  const local = stack.use(bridge({
    proxy: `localhost:${server.addr.port}`,
    credentials: realm.tickets,
    port: 0,
    onEvent: (event) => void events.push(event),
  }));
  const proxy = `http://${LOCALHOST}:${local.addr.port}`;
  return {
    url: `http://${LOCALHOST}:${origin.addr.port}`,
    env: { http_proxy: proxy, no_proxy: "", NO_PROXY: "", HOME: realm.directory, LC_ALL: "C" },
    proxy,
    folder: realm.directory,
    requests,
    events,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Whether all requests of the origin came through the bridge. */
function allForwarded({ requests }: Site, least: number): void {
  assert.ok(requests.length >= least, requests.join());
  for (const request of requests) assert.match(request, / 1\.1 gssocks /);
}

peerTest("curl: gets, uploads in chunks and reuses connections with http_proxy", ["curl"], async () => {
  await using site = await siteOf(async (request) =>
    new Response(`${request.method} ${(await request.bytes()).length}`)
  );
  const big = `${site.folder}/big`;
  await Deno.writeFile(big, new Uint8Array(3_000_000));
  const curl = (...args: string[]) => run(peer("curl"), ["-sS", "--fail", "-m", "20", ...args], { env: site.env });
  assert.equal((await curl(`${site.url}/a`, `${site.url}/b`, `${site.url}/c`)).stdout, "GET 0".repeat(3));
  assert.equal(site.events.filter(({ type }) => type === "connected").length, 1, "one connection for three requests");
  const upload = ["-X", "POST", "--data-binary", `@${big}`];
  assert.equal((await curl(...upload, `${site.url}/up`)).stdout, "POST 3000000");
  assert.equal((await curl(...upload, "-H", "Transfer-Encoding: chunked", `${site.url}/up`)).stdout, "POST 3000000");
  assert.equal((await curl("--http1.0", `${site.url}/old`)).stdout, "GET 0");
  assert.match((await curl("-I", `${site.url}/head`)).stdout, /^HTTP\/1\.1 200 OK\r\n.*content-length: 6/si);
  const denied = await run(peer("curl"), ["-sS", "-i", "http://192.0.2.1/"], { env: site.env });
  assert.match(denied.stdout, /^HTTP\/1\.1 403 Forbidden\r\nProxy-Status: gssocks; .*its rules do not allow it/s);
  allForwarded(site, 7);
});

peerTest("git: clones from and pushes to a smart HTTP server with http_proxy", ["git"], async () => {
  const folder = await Deno.makeTempDir();
  try {
    const git = await gitServer(folder);
    await using site = await siteOf(git.handle);
    const env = { ...site.env, GIT_CONFIG_NOSYSTEM: "1", GIT_TERMINAL_PROMPT: "0" };
    const call = async (...args: string[]) => {
      const result = await run(peer("git"), args, { env });
      assert.equal(result.code, 0, result.stderr);
    };
    const copy = `${folder}/copy`;
    await call("clone", "-q", `${site.url}/repo.git`, copy);
    assert.equal(await Deno.readTextFile(`${copy}/file`), "first\n");
    await Deno.writeTextFile(`${copy}/file`, "second\n");
    const who = ["-c", "user.name=a", "-c", "user.email=a@b"];
    await call("-C", copy, ...who, "commit", "-qam", "second");
    await call("-C", copy, "-c", "http.postBuffer=1", "push", "-q", "origin", "HEAD");
    assert.equal(await git.show("file"), "second\n");
    allForwarded(site, 4);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

peerTest("wget and npm: work with http_proxy", ["wget", "npm"], async () => {
  await using site = await siteOf(() => Response.json({}));
  const page = await run(peer("wget"), ["-q", "-O", "-", `${site.url}/x`], { env: site.env });
  assert.equal(page.stdout, "{}", page.stderr);
  const ping = await run(peer("npm"), ["ping", "--registry", `${site.url}/`, "--loglevel=http"], { env: site.env });
  assert.equal(ping.code, 0, ping.stderr);
  allForwarded(site, 2);
});

peerTest("apt-get: reads a repository with http_proxy, in pipelined requests", ["apt-get"], async () => {
  const packages = "Package: hello\nVersion: 1\nArchitecture: all\nFilename: ./hello.deb\nSize: 5\n\n";
  await using site = await siteOf((request) => {
    const { pathname } = new URL(request.url);
    if (pathname.endsWith("/Packages")) return new Response(packages);
    return new Response("no such file\n", { status: 404 });
  });
  const { folder } = site;
  for (const name of ["state/lists/partial", "cache/archives/partial", "etc"]) {
    await Deno.mkdir(`${folder}/${name}`, { recursive: true });
  }
  await Deno.writeTextFile(`${folder}/sources`, `deb [trusted=yes] ${site.url}/debian/ ./\n`);
  const places = { "::State": "state", "::Cache": "cache", "::Etc": "etc", "::Etc::SourceList": "sources" };
  const options = [
    ...Object.entries(places).map(([name, place]) => `Dir${name}=${folder}/${place}`),
    "Dir::Etc::SourceParts=-",
    `Acquire::http::Proxy=${site.proxy}`,
    "APT::Sandbox::User=root",
    "Acquire::Languages=none",
  ].flatMap((option) => ["-o", option]);
  const update = await run(peer("apt-get"), [...options, "update"], { env: site.env });
  assert.equal(update.code, 0, update.stderr);
  const policy = await run(peer("apt-get"), [...options, "install", "--print-uris", "-y", "hello"], { env: site.env });
  assert.match(policy.stdout, /hello\.deb/, policy.stderr);
  allForwarded(site, 3);
});

peerTest("Chromium: shows an http: page through the bridge as HTTP proxy", ["chromium"], async () => {
  await using site = await siteOf(({ url }) =>
    url.endsWith("/page")
      ? new Response("<script src=/a.js></script><script src=/b.js></script>", {
        headers: { "content-type": "text/html" },
      })
      : new Response(`document.write("${new URL(url).pathname}")`)
  );
  const { stdout } = await run(peer("chromium"), [
    ...["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${site.folder}/chromium`],
    ...[`--proxy-server=${site.proxy}`, "--proxy-bypass-list=<-loopback>", "--virtual-time-budget=5000"],
    ...["--dump-dom", `${site.url}/page`],
  ], { timeout: 60_000 });
  assert.match(stdout, /\/a\.js.*\/b\.js/s);
  allForwarded(site, 3);
});

peerTest("Node: changes to a WebSocket on a forwarded request", ["node"], async () => {
  await using site = await siteOf((request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => {
      socket.send(`${data}!`);
      socket.close();
    };
    return response;
  });
  const { hostname, port } = new URL(site.proxy);
  // A masked frame of a client with the text "hi", and the first frame that comes back.
  const program = `
    const request = require("http").request({ host: "${hostname}", port: ${port}, path: "${site.url}/ws", headers: {
      Host: "x", Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" } });
    request.on("upgrade", (response, socket, head) => {
      console.log(response.headers["sec-websocket-accept"]);
      socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
      socket.on("data", (data) => { console.log(data.subarray(2, 5).toString()); process.exit(); });
    });
    request.end();`;
  const { stdout, stderr } = await run(peer("node"), ["-e", program]);
  assert.equal(stdout, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\nhi!\n", stderr);
  allForwarded(site, 1);
});
