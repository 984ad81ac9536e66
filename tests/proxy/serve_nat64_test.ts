/** NAT64 prefixes of a server that runs: told in every place, found, changed and logged; and rules that allow less than they seem to. */
import assert from "node:assert/strict";
import { connect, noAuthentication, serve, type ServeOptions, type ServerEvent } from "../../mod.ts";
import type { Resolver } from "../../socks/names/resolver.ts";
import { warnings } from "../../cli/server/warnings.ts";
import { parseRuleText } from "../../socks/rules/parse_rule.ts";
import { gssocks } from "../support/run_cli.ts";

const LOCALHOST = "127.0.0.1";
const NAMES: Readonly<Record<string, readonly string[]>> = { "ipv4only.arpa": ["192.0.0.170", "2a0b:64::c000:aa"] };

function proxy(options: Partial<ServeOptions>) {
  const events: ServerEvent[] = [];
  const all: ServeOptions = {
    port: 0,
    allowUnauthenticated: true,
    rules: ["deny 10.0.0.0/8", "allow *"],
    resolve: (name) => Promise.resolve(NAMES[name] ?? []),
    dial: () => Promise.reject(new Error("dialled")),
    onEvent: (event) => void events.push(event),
    ...options,
  };
  const server = serve(all);
  const reach = async (hostname: string) => {
    const proxy = { hostname: LOCALHOST, port: server.addr.port };
    const error = await connect({ proxy, auth: [noAuthentication()], hostname, port: 80 }).catch((error) => error);
    return error.code;
  };
  return { server, reach, events, all };
}

Deno.test("serve(): applies rules for IPv4 under NAT64 prefixes given or found", async () => {
  const inside = "2a0b:64::a42:1";
  const found: (readonly string[])[] = [];
  const onNat64 = (prefixes: readonly string[]) => void found.push(prefixes);
  {
    const { server, reach, all } = proxy({ egress: { onNat64 } });
    await using _server = server;
    assert.equal(await reach(inside), "GENERAL_FAILURE", "nobody has told it");
    server.update({ ...all, egress: { ...all.egress, nat64: ["2a0b:64::/96"] } });
    assert.equal(await reach(inside), "NOT_ALLOWED");
    assert.throws(() => server.update({ ...all, egress: { ...all.egress, nat64: ["2a0b:64::/97"] } }), TypeError);
    assert.equal(await reach(inside), "NOT_ALLOWED", "what cannot be used changes nothing");
    server.update({ ...all, egress: { ...all.egress, nat64: ["discover"] } });
    assert.equal(await reach(inside), "NOT_ALLOWED");
    assert.deepEqual(found, [["2a0b:64::/96"]]);
    // What was found is known at once behind another update, whatever the resolver does, and is told once.
    const silent: Resolver = () => new Promise(() => {});
    server.update({ ...all, egress: { ...all.egress, nat64: ["discover"] }, resolve: silent });
    assert.equal(await reach(inside), "NOT_ALLOWED");
    assert.deepEqual(found, [["2a0b:64::/96"]]);
    server.update(all);
    assert.equal(await reach(inside), "GENERAL_FAILURE");
  }
  assert.throws(() => proxy({ egress: { nat64: ["10.0.0.0/8"] } }), TypeError);
});

Deno.test("serve(): a silent resolver delays no start; nothing is looked up after the end", async () => {
  const signals: AbortSignal[] = [];
  const resolve: Resolver = (_name, { signal }) => {
    signals.push(signal!);
    return new Promise(() => {});
  };
  const { server, reach, all } = proxy({ resolve, egress: { nat64: ["discover"] } });
  assert.equal(await reach("8.8.8.8"), "GENERAL_FAILURE");
  assert.equal(signals.length, 1);
  await server[Symbol.asyncDispose]();
  assert.equal(signals[0]!.aborted, true);
  server.update({ ...all });
  assert.equal(signals.length, 1);
});

Deno.test("serve: takes NAT64 prefixes from file and command line, and refuses invalid ones", async () => {
  const serveChecked = (...args: string[]) =>
    gssocks(["serve", "-m", "none", "-l", "127.0.0.1:0", "--allow", "*", "--check", ...args]);
  assert.equal((await serveChecked("--nat64", "2001:db8:64::/96", "--nat64", "discover")).code, 0);
  const bad = await serveChecked("--nat64", "2001:db8:64::/90");
  assert.notEqual(bad.code, 0);
  assert.match(bad.err, /nat64\[0\]: Cannot use NAT64 prefix "2001:db8:64::\/90": its length is/);
  const directory = await Deno.makeTempDir();
  try {
    const file = `${directory}/c.json`;
    for (const [nat64, code] of [[["discover", "fd00:64::/96"], 0], [["discover", "fd00:64::"], 2], [[], 2]] as const) {
      await Deno.writeTextFile(file, JSON.stringify({ methods: ["none"], rules: ["allow *"], egress: { nat64 } }));
      assert.equal((await gssocks(["serve", "--config", file, "--check"])).code, code, `${nat64}`);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("serve: applies rules for IPv4 under the NAT64 prefixes given", async () => {
  const stop = new AbortController();
  const port = Promise.withResolvers<number>();
  const serving = gssocks(
    [
      ...["serve", "-m", "none", "-l", "127.0.0.1:0", "--nat64", "2a0b:64::/96"],
      ...["--deny", "10.0.0.0/8", "--allow", "*"],
    ],
    { signal: stop.signal, onErr: (text) => port.resolve(Number(/Listening on .*:(\d+)/.exec(text)?.[1])) },
  );
  const proxy = { hostname: LOCALHOST, port: await port.promise };
  await assert.rejects(connect({ proxy, auth: [noAuthentication()], hostname: "2a0b:64::a42:1", port: 80 }), {
    code: "NOT_ALLOWED",
  });
  stop.abort();
  assert.match((await serving).err, /\[2a0b:64::a42:1\]:80 is not allowed: .*rule "deny 10\.0\.0\.0\/8"/);
});

Deno.test("serve: the start and --check name rules so broad that they count as *", async () => {
  const rules = ["--allow", "0.0.0.0/0", "--allow", "10.0.0.0/8", "--deny", "::/0", "--allow", "[::]/1:443"];
  const warned = (err: string) =>
    [...err.matchAll(/^Warning: (?:rules: )?rule "(.*)" counts as "\*"/gm)].map(([, rule]) => rule);
  const wanted = ["allow 0.0.0.0/0", "allow [::]/1:443"];
  const checked = await gssocks(["serve", "-m", "none", "-l", "127.0.0.1:0", ...rules, "--check"]);
  assert.deepEqual([checked.code, warned(checked.err)], [0, wanted]);
  const stop = new AbortController();
  const running = await gssocks(["serve", "-m", "none", "-l", "127.0.0.1:0", ...rules], {
    signal: stop.signal,
    onErr: (text) => text.includes("Listening") && stop.abort(),
  });
  assert.deepEqual(warned(running.err), wanted);
  const quiet = await gssocks(["serve", "-m", "none", "-l", "127.0.0.1:0", "--allow", "*", "--check"]);
  assert.deepEqual([quiet.code, quiet.err], [0, ""]);
});

Deno.test("serve: says at the start if rules by name do not see what a name becomes", () => {
  const rules = ["allow db.corp.test", "deny 10.0.0.0/8", "deny .corp.test", "allow *"].map((text) =>
    parseRuleText(text)
  );
  const [warning, ...others] = warnings({ rules }, false);
  assert.match(warning!, /^Warning: rules by name such as "deny \.corp\.test" are not asked about CNAMEs/);
  assert.deepEqual(others, []);
  assert.deepEqual(warnings({ rules }, true), []);
  assert.deepEqual(warnings({ rules: rules.filter((rule) => rule.text !== ".corp.test") }, false), []);
});
