/** What a name became is judged like the one that was asked for, whatever it is asked for. */
import assert from "node:assert/strict";
import { bindDirectly } from "../../../../socks/server/targets/listen.ts";
import type { TargetRequest } from "../../../../socks/server/targets/target.ts";
import { resolveDirectly } from "../../../../socks/server/targets/look_up.ts";
import { judgedAddresses } from "../../../../socks/server/targets/judged.ts";
import type { LookUpOptions, Resolved, Resolver } from "../../../../socks/names/resolver.ts";
import { withTimeLimit } from "../../../../socks/names/timed_resolver.ts";
import { openDirectly } from "../../../../socks/server/targets/direct.ts";
import { parseRuleText } from "../../../../socks/rules/parse_rule.ts";
import { RuleSet } from "../../../../socks/rules/rule_set.ts";
import type { CommandName } from "../../../../socks/rules/rule.ts";
import { datagramsDirectly } from "../../../../socks/server/datagrams/direct.ts";
import { pipe } from "../../../support/pipe.ts";

function request(hostname: string, command: CommandName = "connect"): TargetRequest {
  return {
    hostname,
    port: 443,
    command,
    identity: { method: "password", name: "alice", attributes: {} },
    protection: "none",
    source: "198.51.100.7",
    signal: new AbortController().signal,
  };
}

/** The addresses of a name that became others, by rules. */
function judged(
  rules: readonly string[],
  names: readonly string[],
  { hostname = "www.public.test", addresses = ["9.9.9.5"] } = {},
) {
  const resolve: Resolver = () => Promise.resolve({ addresses, names });
  return judgedAddresses(request(hostname), { rules: new RuleSet(rules.map((text) => parseRuleText(text))), resolve })
    .then((found) => found.map(({ address }) => address));
}

const REFUSED = { code: "NOT_ALLOWED" };

Deno.test("judged addresses: deny an alias in every spelling, and name the rule", async () => {
  const rules = ["deny .corp.test", "allow *"];
  for (const name of ["db.corp.test", "DB.Corp.TEST.", "ｄｂ．corp.test"]) {
    await assert.rejects(judged(rules, [name]), REFUSED, name);
  }
  await assert.rejects(judged(rules, ["cdn.test", "db.corp.test", "edge.test"]), {
    ...REFUSED,
    rule: "deny .corp.test",
    message: /www\.public\.test is an alias of db\.corp\.test: rule "deny \.corp\.test"/,
  });
  assert.deepEqual(await judged(rules, ["cdn.test", "corp.test.evil.test"]), ["9.9.9.5"]);
  // What nobody can be called can be judged by nobody.
  await assert.rejects(judged(rules, ["d\\032b.corp.test"]), REFUSED);
});

Deno.test("judged addresses: allow an alias that no rule denies", async () => {
  for (
    const rules of [["allow www.public.test"], ["allow www.public.test", "deny *"], [
      "allow www.public.test",
      "deny 9.9.9.0/24",
    ]]
  ) {
    assert.deepEqual(await judged(rules, ["edge.cdn.test"]), ["9.9.9.5"], rules.join());
  }
  // The order counts as it does for the name asked for.
  assert.deepEqual(await judged(["allow *", "deny .corp.test"], ["db.corp.test"]), ["9.9.9.5"]);
  assert.deepEqual(await judged(["allow 9.9.9.0/24", "deny .corp.test"], ["db.corp.test"]), ["9.9.9.5"]);
  assert.deepEqual(await judged(["allow www.public.test", "allow db.corp.test", "deny .corp.test"], ["db.corp.test"]), [
    "9.9.9.5",
  ]);
  await assert.rejects(
    judged(["allow www.public.test", "deny 9.9.9.0/24", "deny .corp.test"], ["db.corp.test"]),
    REFUSED,
  );
  await assert.rejects(judged(["allow www.public.test", "deny .corp.test"], ["db.corp.test"]), REFUSED);
  // What opens an address that is not public is a rule that names the address, here as there.
  const inside = { addresses: ["10.0.0.7"] };
  await assert.rejects(judged(["allow *", "deny .corp.test", "allow 10.0.0.0/8"], ["db.corp.test"], inside), REFUSED);
  assert.deepEqual(await judged(["allow *", "allow 10.0.0.0/8", "deny .corp.test"], ["db.corp.test"], inside), [
    "10.0.0.7",
  ]);
});

Deno.test("judged addresses: apply the conditions of a rule to aliases", async () => {
  assert.deepEqual(
    await judged(["deny .corp.test,user=bob", "allow *"], ["db.corp.test"]),
    ["9.9.9.5"],
  );
  await assert.rejects(judged(["deny .corp.test:443", "allow *"], ["db.corp.test"]), REFUSED);
  assert.deepEqual(await judged(["deny .corp.test:80", "allow *"], ["db.corp.test"]), ["9.9.9.5"]);
});

/** Asks for a name in each way that there is; resolved when it was allowed. */
function ways(
  rules: readonly string[],
  resolve: Resolver,
): Readonly<Record<string, (hostname: string) => Promise<unknown>>> {
  const set = new RuleSet(rules.map((text) => parseRuleText(text)));
  const dial = () => Promise.resolve(pipe()[0]);
  const sent: unknown[] = [];
  const socket = {
    local: { hostname: "0.0.0.0", port: 1 },
    send: (_bytes: Uint8Array, to: unknown) => Promise.resolve(void sent.push(to)),
    close: () => {},
  };
  const listener = { onDatagram: () => {}, onDrop: () => {}, onEnd: () => {} };
  return {
    connect: (hostname) => openDirectly({ rules: set, resolve, dial })(request(hostname)),
    bind: (hostname) =>
      bindDirectly({
        rules: () => set,
        resolve,
        listen: ({ hostname, port }) => ({
          addr: { hostname, port },
          accept: () => Promise.resolve(undefined),
          close: () => {},
        }),
      })(request(hostname, "bind"), { hostname: "127.0.0.1", port: 1080 }),
    udp: async (hostname) => {
      const open = datagramsDirectly({ rules: () => set, resolve, bind: () => Promise.resolve(socket) });
      const egress = await open(request("0.0.0.0", "udp"), listener);
      await egress.send(new Uint8Array(1), { hostname, port: 443 });
      egress.close();
    },
    resolve: (hostname) =>
      resolveDirectly({ rules: () => set, resolve, reverse: () => Promise.resolve([]) })(
        request(hostname, "resolve"),
        "address",
      ),
  };
}

Deno.test("judged addresses: judge aliases in each command, for the user", async () => {
  const told: LookUpOptions[] = [];
  const resolve: Resolver = (name, options) => {
    told.push(options);
    return Promise.resolve({ addresses: ["9.9.9.5"], names: name === "www" ? ["www.corp.test"] : [] });
  };
  for (const [way, ask] of Object.entries(ways(["deny .corp.test", "allow *"], resolve))) {
    await ask("other");
    await assert.rejects(ask("www"), REFUSED, way);
  }
  assert.equal(told.length, 8);
  for (const { user, source, signal } of told) {
    assert.deepEqual([user, source], ["alice", "198.51.100.7"]);
    assert.ok(signal instanceof AbortSignal);
  }
});

Deno.test("RESOLVE_PTR: looks up for the user", async () => {
  const told: LookUpOptions[] = [];
  const ask = resolveDirectly({
    rules: () => new RuleSet([parseRuleText("allow *")]),
    resolve: () => assert.fail("an address is not looked up"),
    reverse: (_address, options) => Promise.resolve((told.push(options), ["name.test"])),
  });
  assert.equal(await ask(request("9.9.9.5", "resolve"), "name"), "name.test");
  assert.deepEqual(told.map(({ user, source }) => [user, source]), [["alice", "198.51.100.7"]]);
});

Deno.test("judged addresses: use sixteen addresses of both families, in order", async () => {
  const v4 = Array.from({ length: 40 }, (_, i) => `9.9.9.${i + 1}`);
  const v6 = Array.from({ length: 40 }, (_, i) => `2606:4700::${(i + 1).toString(16)}`);
  const of = (addresses: readonly string[]) => judged(["allow *"], [], { addresses: [...addresses] });
  assert.deepEqual(await of(v4), v4.slice(0, 16));
  assert.deepEqual(await of([...v4, ...v6]), [...v4.slice(0, 8), ...v6.slice(0, 8)]);
  assert.deepEqual(await of([...v6, ...v4.slice(0, 2)]), [...v6.slice(0, 14), ...v4.slice(0, 2)]);
  assert.deepEqual(await of([...v4.slice(0, 20), v6[0]!]), [...v4.slice(0, 15), v6[0]]);
  assert.deepEqual(await of([...v4.slice(0, 8), ...v6.slice(0, 8)]), [...v4.slice(0, 8), ...v6.slice(0, 8)]);
  assert.deepEqual(await of(["9.9.9.1", "::ffff:9.9.9.1"]), ["9.9.9.1"]);
});

Deno.test("judged addresses: take a resolver that gives addresses alone", async () => {
  const plain: Resolver = () => Promise.resolve(["9.9.9.5"]);
  const rules = new RuleSet([parseRuleText("allow *")]);
  assert.deepEqual(
    (await judgedAddresses(request("a.test"), { rules, resolve: plain })).map(({ address }) => address),
    ["9.9.9.5"],
  );
  const nothing: Resolved = { addresses: [], names: ["b.test"] };
  await assert.rejects(judgedAddresses(request("a.test"), { rules, resolve: () => Promise.resolve(nothing) }), {
    code: "HOST_UNREACHABLE",
  });
});

Deno.test("judged addresses: report a caller's resolver that fails", async () => {
  const set = new RuleSet([parseRuleText("allow *")]);
  const given: readonly unknown[] = [undefined, 7, "9.9.9.5", [null], {}, { addresses: "9.9.9.5" }, {
    addresses: ["9.9.9.5"],
    names: [3],
  }];
  for (const answer of given) {
    const resolve = withTimeLimit((() => answer) as unknown as Resolver, 60_000);
    await assert.rejects(judgedAddresses(request("own.test"), { rules: set, resolve }), {
      name: "TypeError",
      message: /^Cannot use the resolver's result: an array of addresses/,
    });
  }
  const thrower = withTimeLimit(() => {
    throw new Error("by itself");
  }, 60_000);
  await assert.rejects(judgedAddresses(request("own.test"), { rules: set, resolve: thrower }), /by itself/);
  const bare = withTimeLimit((() => ({ addresses: ["9.9.9.5"] })) as unknown as Resolver, 60_000);
  const [found] = await judgedAddresses(request("own.test"), { rules: set, resolve: bare });
  assert.equal(found!.address, "9.9.9.5");
});
