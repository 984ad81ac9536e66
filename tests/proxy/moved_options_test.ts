/** Options that were at the top before the groups: JavaScript that still writes them there is told the new place. */
import assert from "node:assert/strict";
import { bridge, type BridgeOptions, serve } from "../../mod.ts";
import { noAuthentication } from "../../socks/auth/none.ts";
import type { SocksServerOptions } from "../../socks/server/options.ts";
import { SocksServer } from "../../socks/server/server.ts";

type Options = Parameters<typeof serve>[0];

const OPTIONS: Options = { listeners: [], allowUnauthenticated: true };

const MOVED: readonly [Record<string, unknown>, string][] = [
  [{ handshakeTimeout: 1 }, "timeouts.handshake"],
  [{ idleTimeout: Infinity }, "timeouts.idle"],
  [{ maxSessions: 5 }, "limits.sessions"],
  [{ limits: { maxSessions: 5 } }, "limits.sessions"],
  [{ timeouts: { idleTimeout: 5 } }, "timeouts.idle"],
  [{ maxSessionsPerUser: 5 }, "limits.sessionsPerUser"],
  [{ bandwidthPerUser: 5 }, "limits.bandwidthPerUser"],
  [{ services: ["rcmd"] }, "gssapi.services"],
  [{ replayCache: {} }, "gssapi.replayCache"],
  [{ preferGssapi: false }, "gssapi.prefer"],
  [{ ticketExpiry: "cut" }, "gssapi.ticketExpiry"],
  [{ insecureNecMode: true }, "gssapi.insecureNecMode"],
  [{ nat64: ["discover"] }, "egress.nat64"],
  [{ egress: ["127.0.0.1"] }, "egress.addresses"],
];

Deno.test("serve(): names the new place of an option that has moved", async () => {
  await using server = serve(OPTIONS);
  for (const [old, place] of MOVED) {
    const named = { name: "TypeError", message: new RegExp(`\\b${place.replace(".", "\\.")}$`) };
    assert.throws(() => serve({ ...OPTIONS, ...old } as Options), named, place);
    assert.throws(() => server.update({ ...OPTIONS, ...old } as Options), named, place);
  }
  server.update({ ...OPTIONS, ...{ nat64: undefined } });
});

Deno.test("serve(): refuses a group that is not an object", () => {
  for (const group of ["timeouts", "limits", "datagrams", "gssapi"]) {
    for (const value of [5, "x", [], null]) {
      assert.throws(() => serve({ ...OPTIONS, [group]: value } as Options), new RegExp(`Cannot use ${group}: `));
    }
  }
});

Deno.test("serve(): refuses a text where a group has a list", () => {
  for (const [group, name] of [["gssapi", "services"], ["egress", "addresses"], ["egress", "nat64"]] as const) {
    const message = `Cannot use ${group}.${name}: it must be a list`;
    assert.throws(() => serve({ ...OPTIONS, [group]: { [name]: "rcmd" } } as Options), { name: "TypeError", message });
  }
});

Deno.test("SocksServer: names the new place of an option that has moved", async () => {
  const options = { auth: [noAuthentication()], open: () => Promise.reject(new Error("not opened")) };
  for (const old of [{ handshakeTimeout: 1 }, { maxSessions: 5 }, { limits: { maxHalfOpen: 5 } }, { timeouts: null }]) {
    assert.throws(() => new SocksServer({ ...options, ...old } as SocksServerOptions), { name: "TypeError" });
  }
  // Stays at the top.
  await using _server = new SocksServer({ ...options, preferGssapi: true, ticketExpiry: "cut" });
});

Deno.test("bridge(): refuses options that only serve() has", () => {
  const options = { proxy: "localhost", listeners: [] };
  const only = [{ gssapi: {} }, { egress: { addresses: ["127.0.0.1"] } }, { datagrams: { maxDestinations: 5 } }, {
    datagrams: { answersFromAnyPort: false },
  }];
  for (const given of only) {
    assert.throws(() => bridge({ ...options, ...given } as BridgeOptions), {
      name: "TypeError",
      message: /^Cannot use (gssapi|egress|datagrams\.\w+): a bridge has no such option/,
    });
  }
});

Deno.test("bridge(): names the new place of an option that has moved", async () => {
  const options = { proxy: "localhost", listeners: [] };
  assert.throws(() => bridge({ ...options, ...{ connectTimeout: 1 } }), /write it as timeouts\.connect$/);
  // An option of the proxy.
  await using _bridge = bridge({ ...options, insecureNecMode: true });
});
