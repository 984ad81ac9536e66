/** Hosts are in their one form everywhere: for rules in every protocol, the resolver, upstreams, and what a client sends. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, utf8 } from "../../base/bytes.ts";
import { noAuthentication } from "../../socks/auth/none.ts";
import { bindDirectly } from "../../socks/server/targets/listen.ts";
import type { TargetRequest } from "../../socks/server/targets/target.ts";
import { resolveDirectly } from "../../socks/server/targets/look_up.ts";
import { resolveThrough } from "../../socks/client/resolve.ts";
import { connectThrough } from "../../socks/client/connect.ts";
import { connect, dialThrough, HostNameError, serve, type ServerEvent } from "../../mod.ts";
import { SocksReplyError } from "../../socks/errors.ts";
import { openDirectly, type OpenDirectlyOptions } from "../../socks/server/targets/direct.ts";
import { parseRuleText } from "../../socks/rules/parse_rule.ts";
import { ruleFromFields } from "../../socks/rules/rule_fields.ts";
import { RuleSet } from "../../socks/rules/rule_set.ts";
import type { Connection, Dialer } from "../../socks/stream/connection.ts";
import { datagramsDirectly } from "../../socks/server/datagrams/direct.ts";
import { decodeRequest } from "../../socks/wire/messages.ts";
import { echoTarget, makeServer } from "../support/memory_server.ts";
import { pipe, readAll } from "../support/pipe.ts";
import { echoServer } from "../support/servers.ts";
import { FORMS, spellings } from "../support/host_spellings.ts";
import { hex, unhex } from "../support/vectors.ts";

/** Asks for a name in each protocol that a client may speak; whether it was allowed. */
const ASK: Readonly<Record<string, (name: string) => Uint8Array>> = {
  socks5: (name) => concat(unhex("050100" + "05010003"), Uint8Array.of(utf8(name).length), utf8(name), unhex("01bb")),
  socks4: (name) => concat(unhex("040101bb00000001"), utf8(`me\0${name}\0`)),
  http: (name) => utf8(`CONNECT ${name}:443 HTTP/1.1\r\n\r\n`),
};

function outcome(protocol: string, answer: Uint8Array): "granted" | "denied" | "other" {
  const text = protocol === "http" ? new TextDecoder().decode(answer).slice(0, 12) : hex(answer).slice(0, 8);
  const meanings: Readonly<Record<string, "granted" | "denied">> = {
    "05000500": "granted",
    "05000502": "denied",
    "005a0000": "granted",
    "005b0000": "denied",
    "HTTP/1.1 200": "granted",
    "HTTP/1.1 403": "denied",
  };
  return meanings[text] ?? "other";
}

/** A server that has rules and knows every name as a public address. */
function ruled(rules: readonly string[], options: Partial<OpenDirectlyOptions> = {}) {
  const looked: string[] = [];
  const open = openDirectly({
    rules: new RuleSet(rules.map((text) => parseRuleText(text))),
    resolve: (name) => {
      looked.push(name);
      return Promise.resolve(["9.9.9.9"]);
    },
    dial: async () => (await echoTarget({} as TargetRequest)).connection,
    ...options,
  });
  const made = makeServer({ open, protocols: ["socks4", "http"] });
  const ask = async (protocol: string, name: string) => {
    const [client, far] = pipe();
    const served = made.server.serve(far);
    await client.write(ASK[protocol]!(name));
    await client.closeWrite();
    const answer = await readAll(client).catch(() => far.sent());
    await served;
    return outcome(protocol, answer);
  };
  return { ...made, ask, looked };
}

Deno.test("every spelling of a name that is denied is denied, in every protocol, and a name that is not is looked up in its form", async () => {
  const rules = {
    "deny vm": ["vm", "VM", "ｖｍ", "v\u00adm", "v\u200bm", "ⓥⓜ", "vm.", "vm。"],
    "deny bücher.example": FORMS["xn--bcher-kva.example"]!,
    "deny xn--bcher-kva.example": FORMS["xn--bcher-kva.example"]!,
    "deny bu\u0308cher.example": FORMS["xn--bcher-kva.example"]!,
    "deny BÜCHER.Example.": FORMS["xn--bcher-kva.example"]!,
    "deny .bücher.example": FORMS["xn--bcher-kva.example"]!.map((form) => `www.${form}`),
    "deny .xn--bcher-kva.example": ["ｗｗｗ。bücher。example", "a.b.bücher.example."],
    "deny .example": ["host。secret。example", "xn--bcher-kva.example"],
    "deny faß.example": ["xn--fa-hia.example", "FAẞ.example"],
  };
  for (const [deny, names] of Object.entries(rules)) {
    const { ask, looked } = ruled([deny, "allow *"]);
    for (const protocol of Object.keys(ASK)) {
      for (const name of names) assert.equal(await ask(protocol, name), "denied", `${deny}: ${protocol} ${name}`);
      assert.deepEqual(looked, []);
      assert.equal(await ask(protocol, "ｂücher.Example.org"), "granted");
      assert.deepEqual(looked.splice(0), ["xn--bcher-kva.example.org"]);
    }
  }
});

Deno.test("property: no spelling that UTS 46 maps to a denied name gets through", async () => {
  const { ask, looked } = ruled(["deny bücher.example", "deny .secret.example", "allow *"]);
  const name = fc.oneof(spellings("bücher.example"), spellings("a1.secret.example"));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...Object.keys(ASK)), name, async (protocol, text) => {
      assert.equal(await ask(protocol, text), "denied", JSON.stringify(text));
    }),
    { numRuns: 600 },
  );
  assert.deepEqual(looked, []);
});

Deno.test("rules compare hosts in their form, whoever asks, and refuse names that are none", () => {
  const identity = { method: "none", name: "", attributes: {} } as const;
  const query = (hostname: string) =>
    ({ hostname, port: 80, command: "connect", identity, protection: "none" }) as const;
  const made = new RuleSet([
    { action: "deny", text: "by hand", destinations: [{ type: "domain", suffix: ".BÜCHER.example.", exact: false }] },
    parseRuleText("allow *"),
  ]);
  assert.equal(made.judgeName(query("www.xn--bcher-kva.example")).reason, 'rule "deny by hand"');
  assert.equal(made.judgeName(query("WWW.bücher.example.")).allowed, false);
  assert.equal(made.judgeAddress(query("WWW.bücher.example"), "9.9.9.9").allowed, false);
  assert.equal(made.judgeAddress(query("other.example"), "9.9.9.9").allowed, true);
  for (const verdict of [made.judgeName(query("a..b")), made.judgeAddress(query("a..b"), "9.9.9.9")]) {
    assert.equal(verdict.allowed, false);
    assert.match(verdict.reason, /^Cannot use host "a\.\.b"/);
  }
  const bad = ["a..b", "xn--a.example", "a_b!", "foo.1", "%41", "\u00ad", ".", "..a", `${"a".repeat(64)}.example`];
  for (const text of [...bad, "*.example", "2130706433", "0x7f.1", "１２７.0.0.1", ".127.1"]) {
    assert.throws(() => parseRuleText(`deny ${text}`), TypeError, text);
    assert.throws(() => ruleFromFields({ action: "deny", destinations: [text] }), TypeError, text);
  }
  for (const text of ["LOCALHOST", "ｌｏｃａｌｈｏｓｔ", "localhost."]) {
    assert.deepEqual(parseRuleText(`allow ${text}`).destinations, parseRuleText("allow localhost").destinations);
  }
  // Blocks of mapped addresses are blocks of IPv4 addresses, which is how addresses are judged.
  const mapped = new RuleSet([
    parseRuleText("deny ::ffff:9.9.0.0/112"),
    parseRuleText("allow [::ffff:127.0.0.1]"),
    parseRuleText("allow *"),
  ]);
  assert.equal(mapped.judgeAddress(query("x"), "9.9.1.1").allowed, false);
  assert.equal(mapped.judgeAddress(query("x"), "9.8.1.1").allowed, true);
  assert.equal(mapped.judgeAddress(query("x"), "127.0.0.1").allowed, true);
});

/** An upstream that grants everything, and what it was asked for. */
function upstreamServer() {
  const asked: string[] = [];
  const upstream = (request: TargetRequest) => {
    asked.push(`${request.command} ${request.hostname}`);
    return echoTarget(request);
  };
  return { asked, upstream };
}

Deno.test("a literal address is judged as the address before any upstream gets it, whatever it looks like", async () => {
  const { asked, upstream } = upstreamServer();
  const special = [
    ...FORMS["127.0.0.1"]!,
    ...FORMS["169.254.169.254"]!,
    ...FORMS["localhost"]!,
    "app.localhost",
    "a.B.LocalHost.",
    "127.0.0.1",
    "10.0.0.1",
    "0",
    "[::1]",
    "::1",
    "fd00::1",
    "::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "2002:7f00:1::",
  ];
  const { ask, looked, refusals } = ruled(["allow *,upstream=x"], { upstreams: { x: upstream } });
  for (const name of special) assert.equal(await ask("socks5", name), "denied", name);
  assert.deepEqual([asked, looked], [[], []]);
  assert.deepEqual(new Set(refusals()), new Set(["NOT_ALLOWED"]));
  // By whoever asks for a target, not only out of a message.
  const identity = { method: "none", name: "", attributes: {} } as const;
  const { signal } = new AbortController();
  const open = openDirectly({
    rules: new RuleSet([parseRuleText("allow *,upstream=x")]),
    resolve: () => Promise.reject(new Error("looked up")),
    dial: () => Promise.reject(new Error("dialled")),
    upstreams: { x: upstream },
  });
  for (const hostname of special) {
    const request = { hostname, port: 80, command: "connect", identity, protection: "none", signal } as const;
    await assert.rejects(open(request), { code: "NOT_ALLOWED" }, hostname);
  }
  // As addresses of their own type, too.
  const { server } = makeServer({ open });
  for (
    const address of [
      "01a9fea9fe",
      "017f000001",
      "0400000000000000000000ffffa9fea9fe",
      "0400000000000000000000000000000001",
    ]
  ) {
    const [client, far] = pipe();
    const served = server.serve(far);
    await client.write(unhex("050100" + "050100" + address + "0050"));
    await client.closeWrite();
    assert.match(hex(await readAll(client)), /^05000502/, address);
    await served;
  }
  assert.deepEqual(asked, []);
  // What may go there goes as the address that was judged; names that stand for none are the upstream's to look up.
  for (
    const [name, gets] of [["134744072", "8.8.8.8"], ["::ffff:8.8.8.8", "8.8.8.8"], [
      "ＢÜcher.example.",
      "xn--bcher-kva.example",
    ]]
  ) {
    assert.equal(await ask("socks5", name!), "granted", name);
    assert.deepEqual(asked.splice(0), [`connect ${gets}`]);
  }
  assert.deepEqual(looked, []);
});

Deno.test("a literal address goes where the rule that names it says", async () => {
  const { asked, upstream } = upstreamServer();
  const dialled: string[] = [];
  const { ask } = ruled(["allow *,upstream=x", "allow 10.0.0.0/8", "allow localhost,upstream=y"], {
    upstreams: { x: upstream, y: (request) => upstream({ ...request, command: "bind" }) },
    resolve: () => Promise.resolve(["127.0.0.1"]),
    dial: async ({ hostname }) => {
      dialled.push(hostname);
      return (await echoTarget({} as TargetRequest)).connection;
    },
  });
  for (const name of ["10.1.2.3", "0x0a010203", "app.localhost", "9.9.9.9"]) {
    assert.equal(await ask("socks5", name), "granted");
  }
  assert.deepEqual([dialled, asked], [["10.1.2.3", "10.1.2.3"], ["bind 127.0.0.1", "connect 9.9.9.9"]]);
});

Deno.test("BIND, datagrams and lookups judge and look up hosts in their form", async () => {
  const identity = { method: "none", name: "", attributes: {} } as const;
  const { signal } = new AbortController();
  const request = (hostname: string, command: "bind" | "udp" | "resolve"): TargetRequest => (
    { hostname, port: 53, command, identity, protection: "none", signal }
  );
  const looked: string[] = [];
  const resolve = (name: string) => {
    looked.push(name);
    return Promise.resolve(["9.9.9.9"]);
  };
  const rules = () => new RuleSet(["deny bücher.example", "allow *"].map((text) => parseRuleText(text)));
  const listen = () => {
    throw new SocksReplyError("GENERAL_FAILURE", "listens");
  };
  const local = { hostname: "127.0.0.1", port: 1 };
  const open = bindDirectly({ rules, resolve, listen });
  const datagrams = await datagramsDirectly({
    rules,
    resolve,
    bind: () => Promise.reject(new SocksReplyError("GENERAL_FAILURE", "sends")),
  })(
    request("0.0.0.0", "udp"),
    { onDatagram() {}, onDrop() {}, onEnd() {} },
  );
  const find = resolveDirectly({ rules, resolve, reverse: () => Promise.resolve(["dns9.Bücher.example."]) });
  const ways: ((hostname: string) => Promise<unknown>)[] = [
    (hostname) => open(request(hostname, "bind"), local),
    (hostname) => datagrams.send(utf8("x"), { hostname, port: 53 }),
    (hostname) => find(request(hostname, "resolve"), "address"),
    (hostname) => find(request(hostname, "resolve"), "name"),
  ];
  for (const way of ways) {
    for (const name of FORMS["xn--bcher-kva.example"]!) await assert.rejects(way(name), { code: "NOT_ALLOWED" });
    for (const name of ["127.1", "2852039166", "localhost", "x.localhost", "[::1]"]) {
      await assert.rejects(way(name), { code: "NOT_ALLOWED" }, name);
    }
    assert.deepEqual(looked, []);
    await way("ＯTHER.example.").catch(() => {});
    assert.deepEqual(looked.splice(0), ["other.example"]);
  }
  // An upstream is for connections.
  const elsewhere = () => new RuleSet([parseRuleText("allow *,upstream=x")]);
  await assert.rejects(bindDirectly({ rules: elsewhere, resolve, listen })(request("9.9.9.9", "bind"), local), {
    code: "NOT_ALLOWED",
  });
  await assert.rejects(
    resolveDirectly({ rules: elsewhere, resolve, reverse: resolve })(request("a.example", "resolve"), "address"),
    { code: "NOT_ALLOWED" },
  );
  assert.deepEqual(looked.splice(0), ["a.example"]);
  const nowhere = resolveDirectly({ rules, resolve: () => Promise.resolve([]), reverse: () => Promise.resolve([]) });
  await assert.rejects(nowhere(request("a.example", "resolve"), "address"), { code: "HOST_UNREACHABLE" });
  await assert.rejects(nowhere(request("9.9.9.9", "resolve"), "name"), { code: "HOST_UNREACHABLE" });
  // Whoever owns an address may say anything of its name.
  assert.equal(await find(request("0x09090909", "resolve"), "name"), "dns9.xn--bcher-kva.example");
  for (const name of ["a b", "", "x\u001b[2J", "1.2.3"]) {
    const broken = resolveDirectly({ rules, resolve, reverse: () => Promise.resolve([name]) });
    const found = broken(request("9.9.9.9", "resolve"), "name");
    if (name === "1.2.3") assert.equal(await found, "1.2.0.3");
    else await assert.rejects(found, { code: "HOST_UNREACHABLE" }, name);
  }
});

/** A proxy that grants everything, and the request that it got. */
function recorder(reply: string) {
  const got: string[] = [];
  const dial = (): Promise<Connection> => {
    const [client, far] = pipe();
    void (async () => {
      await far.read();
      await far.write(unhex("0500"));
      const { hostname, command } = decodeRequest((await far.read())!)!.value;
      got.push(`${command} ${hostname}`);
      await far.write(unhex(reply));
    })().catch(() => {});
    return Promise.resolve(client);
  };
  return { got, options: { proxy: { hostname: "proxy", port: 1 }, auth: [noAuthentication()], dial } };
}

Deno.test("a client sends hosts in their form, and nothing of a name that is none", async () => {
  const { got, options } = recorder("05000001000000000000");
  for (const hostname of ["[::1]", "BÜCHER.example.", "127.1", "host"]) {
    (await connectThrough({ ...options, target: { hostname, port: 80 } })).connection.close();
  }
  assert.deepEqual(got, ["1 ::1", "1 xn--bcher-kva.example", "1 127.0.0.1", "1 host"]);
  let dialled = false;
  const refused = { ...options, dial: () => (dialled = true, options.dial()) };
  // CVE-2023-38545: a name that is too long is an error, and never looked up on this side instead.
  for (
    const [hostname, code] of [["", "EMPTY"], ["a".repeat(256), "TOO_LONG"], ["a b", "NOT_A_HOST"], [
      "fe80::1%eth0",
      "ZONE",
    ]] as const
  ) {
    await assert.rejects(connectThrough({ ...refused, target: { hostname, port: 80 } }), {
      name: "HostNameError",
      code,
    });
    await assert.rejects(resolveThrough({ ...refused, hostname }), { name: "HostNameError", code });
  }
  assert.equal(dialled, false);
  const named = recorder("05000003" + "0e" + hex(utf8("BÜcher.exampl")) + "0000");
  assert.equal(await resolveThrough({ ...named.options, hostname: "[::ffff:9.9.9.9]" }), "xn--bcher-kva.exampl");
  assert.deepEqual(named.got, ["241 9.9.9.9"]);
});

Deno.test("connect() takes hosts as Deno.connect and URLs have them, and tells them in their form", async () => {
  await using stack = new AsyncDisposableStack();
  const events: ServerEvent[] = [];
  const server = stack.use(serve({
    port: 0,
    allowUnauthenticated: true,
    rules: ["allow localhost"],
    resolve: (name) => Promise.resolve(name === "xn--bcher-kva.example" ? ["127.0.0.1"] : []),
    onEvent: (event) => void events.push(event),
  }));
  const echo = stack.use(echoServer());
  const auth = [noAuthentication()];
  for (const [hostname, form] of [["bÜcher.example.", "xn--bcher-kva.example"], ["127.1", "127.0.0.1"]]) {
    // The proxy's name as well.
    const proxy = { hostname: "ＬＯＣＡＬＨＯＳＴ", port: server.addr.port };
    await using connection = await connect({ proxy, auth, hostname: hostname!, port: echo.port });
    assert.equal(connection.target.hostname, form);
    const last = events.findLast((event) => event.type === "connected")!;
    assert.ok(last.type === "connected" && last.target.hostname === form);
  }
  for (const hostname of ["[::1]", "::1"]) {
    const attempt = connect({ proxy: server.addr, auth, hostname, port: 1 });
    // There is nobody, but it was understood.
    await assert.rejects(attempt, (error) => error instanceof SocksReplyError && error.code !== "GENERAL_FAILURE");
  }
  await assert.rejects(connect({ proxy: server.addr, auth, hostname: "a b", port: 1 }), HostNameError);
  const seen: string[] = [];
  const dial: Dialer = ({ hostname }) => {
    seen.push(hostname);
    return Promise.reject(new SocksReplyError("HOST_UNREACHABLE", "nowhere"));
  };
  for (
    const proxy of ["BÜCHER.example:1080", { hostname: "BÜCHER.example", port: 1080 }, {
      hostname: "fe80::1%eth0",
      port: 1,
    }]
  ) {
    await assert.rejects(dialThrough({ proxy, auth, dial })({ hostname: "x", port: 1 }, {}), {
      code: "PROXY_UNREACHABLE",
    });
  }
  assert.deepEqual(seen, ["xn--bcher-kva.example", "xn--bcher-kva.example", "fe80::1%eth0"]);
});

Deno.test("a client of IPv4 is told as such by a listener for both families", async () => {
  await using stack = new AsyncDisposableStack();
  const events: ServerEvent[] = [];
  const server = stack.use(serve({
    hostname: "::ffff:127.0.0.1",
    port: 0,
    allowUnauthenticated: true,
    rules: ["allow localhost,from=127.0.0.1"],
    onEvent: (event) => void events.push(event),
  }));
  const echo = stack.use(echoServer());
  const proxy = { hostname: "127.0.0.1", port: server.addr.port };
  await using connection = await connect({
    proxy,
    auth: [noAuthentication()],
    hostname: "127.0.0.1",
    port: echo.port,
  });
  assert.equal(connection.target.port, echo.port);
  assert.deepEqual(new Set(events.map(({ client }) => client?.hostname)), new Set(["127.0.0.1"]));
  assert.deepEqual(server.liveSessions().map(({ client }) => client?.hostname), ["127.0.0.1"]);
});
