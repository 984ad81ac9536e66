/** What the client's calls are given: anything may come out of JavaScript, and what is wrong is said before anything is dialled. */
import assert from "node:assert/strict";
import {
  associate,
  bind,
  connect,
  connectTls,
  dialThrough,
  noAuthentication,
  passwordClient,
  resolve,
  systemTickets,
  type SystemTicketsOptions,
} from "../../../mod.ts";
import { duration } from "../../../base/deadline.ts";
import { startTestKdc } from "../../../kerberos/kdc/mod.ts";
import { writeKeytab } from "../../../kerberos/credentials/shell/stores.ts";
import { bindThrough } from "../../../socks/client/bind.ts";
import { resolveThrough } from "../../../socks/client/resolve.ts";
import { connectThrough } from "../../../socks/client/connect.ts";
import { SocksReplyError } from "../../../socks/errors.ts";
import type { Endpoint } from "../../../socks/wire/address.ts";
import { associateThrough } from "../../../socks/client/associate.ts";
import { GRANTED, NO_METHOD, scriptProxy } from "../../support/scripted_proxy.ts";

/** As JavaScript calls, without types. */
// deno-lint-ignore no-explicit-any
type Untyped = any;
type Call = (options: Untyped) => Promise<unknown>;

const TARGET = { hostname: "target.example", port: 1 };
const noDatagrams = { bind: () => Promise.reject(new Error("no")), resolve: () => Promise.reject(new Error("no")) };

/** Every call, with a target that is right unless another is given. */
const CALLS: Readonly<Record<string, Call>> = {
  connect: (options) => connect({ ...TARGET, ...options }),
  connectTls: (options) => connectTls({ ...TARGET, ...options }),
  associate: (options) => associate(options),
  bind: (options) => bind(options),
  resolve: (options) => resolve({ hostname: "x", ...options }),
  dialThrough: async (options) => {
    const { signal, ...others } = options;
    return await dialThrough(others)(TARGET, { signal });
  },
};
const INNER_CALLS: Readonly<Record<string, Call>> = {
  connectThrough: (options) => connectThrough({ target: TARGET, ...options }),
  associateThrough: (options) => associateThrough({ ...noDatagrams, ...options }),
  bindThrough: (options) => bindThrough({ expected: TARGET, ...options }),
  resolveThrough: (options) => resolveThrough({ hostname: "x", ...options }),
};

/** That a call fails with an error of this class that names the option, before anything is dialled. */
async function refuses(
  call: Call,
  options: Untyped,
  names: RegExp,
  // deno-lint-ignore ban-types
  kind: Function = TypeError,
): Promise<void> {
  let dialled = 0;
  const dial = () => {
    dialled++;
    return Promise.reject(new Error("dialled"));
  };
  const proxy = { hostname: "proxy.example", port: 1080 };
  const auth = options.credentials === undefined && !("protection" in options) ? { auth: [noAuthentication()] } : {};
  await assert.rejects(call({ proxy, ...auth, dial, ...options }), (error: Error) => {
    assert.equal(error.constructor, kind, Deno.inspect(error));
    assert.match(error.message, names);
    assert.match(error.message, /^Cannot /);
    return true;
  });
  assert.equal(dialled, 0, String(names));
}

Deno.test("duration(): takes times in milliseconds only, and names the option", () => {
  for (const good of [0, 1.5, 60_000, Infinity]) assert.equal(duration("timeout", good), good);
  for (const bad of [NaN, -1, -Infinity, "5", null, undefined, {}, 5n, Symbol("x")] as Untyped[]) {
    assert.throws(() => duration("idleTimeout", bad), { name: "TypeError", message: /^Cannot use idleTimeout: / });
  }
});

Deno.test("client calls: refuse an invalid time before anything is dialled", async () => {
  for (const call of Object.values({ ...CALLS, ...INNER_CALLS })) {
    for (const timeout of [NaN, -1, "50", null, {}]) await refuses(call, { timeout }, /timeout/);
  }
  assert.throws(() => dialThrough({ proxy: "p", auth: [noAuthentication()], timeout: NaN }), { name: "TypeError" });
  const { near } = scriptProxy([NO_METHOD, GRANTED]);
  using pending = await bind({ proxy: "p", auth: [noAuthentication()], dial: () => Promise.resolve(near) });
  await assert.rejects(pending.accept({ timeout: NaN }), { name: "TypeError", message: /timeout/ });
  await assert.rejects(pending.accept({ signal: 1 as Untyped }), { name: "TypeError", message: /signal/ });
  // It was not asked for by that.
  await assert.rejects(pending.accept({ timeout: 0 }), { code: "CONNECT_TIMEOUT" });
});

Deno.test("client calls: have a minute by default", async () => {
  const times: unknown[] = [];
  const { setTimeout } = globalThis;
  globalThis.setTimeout = ((run: () => void, milliseconds: number) => {
    times.push(milliseconds);
    return setTimeout(run, milliseconds);
  }) as Untyped;
  try {
    for (const [name, call] of Object.entries({ ...CALLS, ...INNER_CALLS })) {
      const dial = () => Promise.reject(new Error("no"));
      const proxy = { hostname: "p", port: 1 };
      for (const timeout of [undefined, Infinity, 1234]) {
        times.length = 0;
        await assert.rejects(call({ proxy, dial, auth: [noAuthentication()], timeout }));
        assert.deepEqual(times, timeout === undefined ? [60_000] : timeout === Infinity ? [] : [timeout], name);
      }
    }
  } finally {
    globalThis.setTimeout = setTimeout;
  }
});

Deno.test("client calls: name an option that is missing or invalid", async () => {
  for (const call of Object.values({ ...CALLS, ...INNER_CALLS })) {
    await refuses(call, { signal: {} }, /signal/);
    await refuses(call, { signal: null }, /signal/);
    await refuses(call, { dial: "tcp" }, /dial/);
    await refuses(call, { auth: [] }, /auth/);
    await refuses(call, { auth: [{}] }, /auth/);
    await refuses(call, { auth: [undefined] }, /auth/);
    await refuses(call, { auth: noAuthentication() }, /auth/);
    for (const proxy of [undefined, null, 5, {}, { hostname: "p" }, { port: 1 }, { hostname: "p", port: "1" }]) {
      await refuses(call, { proxy }, /proxy/);
    }
    await refuses(call, { proxy: { hostname: "p", port: 65_536 } }, /proxy\.port/, RangeError);
  }
  for (const call of [CALLS.connect!, CALLS.connectTls!]) {
    for (const hostname of [undefined, null, 5, {}]) await refuses(call, { hostname }, /hostname/);
    for (const port of [undefined, null, "80"]) await refuses(call, { port }, /port/);
    for (const port of [-1, 65_536, 1.5, NaN]) await refuses(call, { port }, /port/, RangeError);
  }
  for (const hostname of [undefined, 5]) {
    await refuses(CALLS.resolve!, { hostname }, /hostname/);
    await refuses(INNER_CALLS.resolveThrough!, { hostname }, /hostname/);
  }
  for (const target of [undefined, null, {}, { hostname: "x" }, { hostname: "x", port: "1" }]) {
    await refuses(INNER_CALLS.connectThrough!, { target }, /target/);
    if (target !== undefined) await refuses(CALLS.bind!, { expected: target }, /expected/);
    await refuses(INNER_CALLS.bindThrough!, { expected: target }, /expected/);
  }
  await refuses(INNER_CALLS.associateThrough!, { bind: undefined }, /bind/);
  await refuses(INNER_CALLS.associateThrough!, { resolve: 1 }, /resolve/);
  const proxy = { hostname: "p", port: 1 };
  const nothing = { proxy, auth: [noAuthentication()], dial: () => Promise.resolve({}) } as Untyped;
  for (const call of Object.values(CALLS)) {
    await assert.rejects(call(nothing), { name: "TypeError", message: /Cannot use dial, which made no connection/ });
  }
});

Deno.test("client calls: refuse options that exclude each other, and name them", async () => {
  await using kdc = await startTestKdc();
  const credentials = systemTickets({ config: kdc.config, principal: "alice", password: "x" });
  const idle = {
    credentials,
    service: "rcmd",
    protection: "integrity",
    minimumProtection: "none",
    spnego: true,
    delegate: true,
    insecureNecMode: true,
  };
  const auth = [noAuthentication()];
  for (const call of Object.values(CALLS)) {
    for (const [name, value] of Object.entries(idle)) {
      await refuses(call, { auth, [name]: value }, new RegExp(`^Cannot use ${name} together with auth`));
    }
    await refuses(call, { auth, ...idle }, /credentials, service, protection, .*insecureNecMode together/);
    await refuses(call, { credentials, protection: "integrity", minimumProtection: "confidentiality" }, /minimumProt/);
    await refuses(call, { credentials, protection: "strong" }, /protection/);
    await refuses(call, { credentials, minimumProtection: "strong" }, /minimumProtection/);
    await assert.rejects(
      // What is off changes nothing, and may be said.
      call({ proxy: "p", auth, spnego: false, delegate: undefined, dial: () => Promise.reject(new Error("dialled")) }),
      { code: "PROXY_UNREACHABLE" },
    );
  }
});

Deno.test("connect(): takes a proxy as endpoint, text or URL of SOCKS5, without a password", async () => {
  const auth = [passwordClient({ username: "u", password: "p" })];
  const seen: Endpoint[] = [];
  const dial = (to: Endpoint) => {
    seen.push(to);
    return Promise.reject(new SocksReplyError("HOST_UNREACHABLE", "no"));
  };
  const reach = (proxy: Untyped) => connect({ ...TARGET, proxy, auth, dial });
  const good: [string | URL | Endpoint, string, number][] = [
    ["p", "p", 1080],
    ["p:99", "p", 99],
    ["[::1]:99", "::1", 99],
    ["socks5h://p:99", "p", 99],
    ["socks5://p", "p", 1080],
    ["SOCKS5H://P.Example/", "p.example", 1080],
    ["socks5h://[::1]:99", "::1", 99],
    [new URL("socks5h://p:99"), "p", 99],
    [new URL("socks5://[::1]"), "::1", 1080],
    [new URL("socks5h://bücher.example"), "xn--bcher-kva.example", 1080],
    [{ hostname: "p", port: 99 }, "p", 99],
  ];
  for (const [proxy, hostname, port] of good) {
    await assert.rejects(reach(proxy), { code: "PROXY_UNREACHABLE" }, String(proxy));
    assert.deepEqual(seen.pop(), { hostname, port }, String(proxy));
  }
  for (const proxy of ["http://p:80", "https://p", "socks4://p", "socks4a://p", "socks://p", new URL("http://p:80")]) {
    await assert.rejects(reach(proxy), { name: "TypeError", message: /client of SOCKS5/ });
  }
  for (
    const proxy of [
      "socks5h://user:s3cret@p:1080",
      "user:s3cret@p:1080",
      "http://user:s3cret@p",
      new URL("socks5://user:s3cret@p"),
      new URL("socks5://s3cret@p"),
    ]
  ) {
    await assert.rejects(reach(proxy), (error: Error) => {
      assert.ok(error instanceof TypeError && error.message.includes("passwordClient"), error.message);
      assert.ok(!Deno.inspect(error).replace(/file:.*/g, "").includes("s3cret"));
      return true;
    });
  }
  for (const proxy of ["", "p:", "p:99999", "p/path", "socks5h://p/path", "socks5h://", "socks5h://p?x", "p:1:2"]) {
    await assert.rejects(reach(proxy), (error) => error instanceof TypeError || error instanceof RangeError, proxy);
  }
  assert.deepEqual(seen, []);
});

Deno.test("systemTickets(): takes a keytab's file as serve() does", async () => {
  await using kdc = await startTestKdc({ principals: { backup: {} } });
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/keytab`;
    await writeKeytab(path, kdc.keytab("backup"));
    for (const keytab of [path, `FILE:${path}`]) {
      const tickets = systemTickets({ config: kdc.config, principal: "backup", keytab });
      assert.equal((await tickets.initialTicket()).credential.client.components[0], "backup");
      assert.equal(tickets.cache.name, "MEMORY:");
    }
    const missing = { config: kdc.config, principal: "backup", keytab: `${path}.none` };
    assert.throws(() => systemTickets(missing), { name: "KerberosError", code: "BAD_FILE" });
    assert.throws(() => systemTickets({ config: kdc.config, keytab: path } as SystemTicketsOptions), {
      name: "TypeError",
      message: /principal/,
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
