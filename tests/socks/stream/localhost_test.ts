/** Listening at `localhost`: both addresses, one port, whichever the machine has. */
import assert from "node:assert/strict";
import type { Connection } from "../../../socks/stream/connection.ts";
import type { ConnectionListener } from "../../../socks/stream/listener.ts";
import { listenAtLocalhost, listenAtLoopback } from "../../../socks/stream/localhost.ts";
import { type Endpoint, parseLocalEndpointText } from "../../../socks/wire/address.ts";
import { pipe } from "../../support/pipe.ts";

const failing = (code: string) => Object.assign(new Error(code), { code });

/** A machine whose listeners are told what to do. */
function machine(refuse: (where: Endpoint, tries: number) => string | undefined = () => undefined) {
  const open = new Map<string, { come(connection: Connection): void; fail(error: Error): void }>();
  const asked: string[] = [];
  let free = 5_000;
  const listenAt = (where: Endpoint): ConnectionListener => {
    asked.push(`${where.hostname} ${where.port}`);
    const code = refuse(where, asked.length);
    if (code !== undefined) throw failing(code);
    const port = where.port || ++free;
    const key = where.hostname;
    const waiting: PromiseWithResolvers<Connection | undefined>[] = [];
    const come: Promise<Connection | undefined>[] = [];
    const add = (made: Promise<Connection | undefined>) => {
      made.catch(() => {});
      const next = waiting.shift();
      if (next === undefined) come.push(made);
      else next.resolve(made);
    };
    open.set(key, {
      come: (connection) => add(Promise.resolve(connection)),
      fail: (error) => add(Promise.reject(error)),
    });
    return {
      addr: { hostname: where.hostname, port },
      accept() {
        const there = come.shift();
        if (there !== undefined) return there;
        if (!open.has(key)) return Promise.resolve(undefined);
        const next = Promise.withResolvers<Connection | undefined>();
        waiting.push(next);
        return next.promise;
      },
      close() {
        open.delete(key);
        for (const next of waiting) next.resolve(undefined);
      },
    };
  };
  return { listenAt, open, asked };
}

Deno.test("listenAtLocalhost(): listens at both addresses on one port, and accepts each client once", async () => {
  const { listenAt, open, asked } = machine();
  const listener = listenAtLocalhost(0, listenAt);
  assert.deepEqual(asked, ["127.0.0.1 0", "::1 5001"]);
  assert.deepEqual(listener.addr, { hostname: "127.0.0.1", port: 5001 });
  const connections = Array.from({ length: 6 }, () => pipe()[0]);
  const first = listener.accept();
  open.get("::1")!.come(connections[0]!);
  assert.equal(await first, connections[0]);
  open.get("127.0.0.1")!.come(connections[1]!);
  open.get("::1")!.come(connections[2]!);
  open.get("::1")!.come(connections[3]!);
  const got = [await listener.accept(), await listener.accept(), await listener.accept()];
  assert.deepEqual(new Set(got), new Set(connections.slice(1, 4)));
  // A failure of one, such as a shortage of descriptors, is told, and is not the end of either.
  open.get("127.0.0.1")!.fail(failing("EMFILE"));
  await assert.rejects(listener.accept(), { code: "EMFILE" });
  open.get("127.0.0.1")!.come(connections[4]!);
  assert.equal(await listener.accept(), connections[4]);
  const last = listener.accept();
  listener.close();
  assert.equal(await last, undefined);
  assert.equal(open.size, 0);
});

Deno.test("listenAtLocalhost(): closes accepted connections that no call takes", async () => {
  const { listenAt, open } = machine();
  const listener = listenAtLocalhost(0, listenAt);
  const [near, far] = pipe();
  const [other] = pipe();
  const first = listener.accept();
  open.get("127.0.0.1")!.come(other);
  assert.equal(await first, other);
  open.get("::1")!.come(near);
  listener.close();
  await assert.rejects(far.read(), /closed/);
});

Deno.test("listenAtLoopback(): takes the address that the machine has, and reports an error otherwise", () => {
  const only = (missing: string, code: string) => machine(({ hostname }) => hostname === missing ? code : undefined);
  for (const code of ["EADDRNOTAVAIL", "EAFNOSUPPORT"]) {
    assert.equal(listenAtLocalhost(7, only("127.0.0.1", code).listenAt).addr.hostname, "::1");
    assert.equal(listenAtLocalhost(7, only("::1", code).listenAt).addr.hostname, "127.0.0.1");
    assert.equal(listenAtLoopback(7, only("127.0.0.1", code).listenAt).addr.hostname, "::1");
    assert.throws(() => listenAtLocalhost(7, machine(() => code).listenAt), { code });
    assert.throws(() => listenAtLoopback(7, machine(() => code).listenAt), { code });
  }
  const taken = only("::1", "EADDRINUSE");
  assert.throws(() => listenAtLocalhost(7, taken.listenAt), { code: "EADDRINUSE" });
  assert.deepEqual([taken.open.size, taken.asked.length], [0, 2]);
  const denied = only("::1", "EACCES");
  assert.throws(() => listenAtLocalhost(0, denied.listenAt), { code: "EACCES" });
  assert.equal(denied.open.size, 0);
  // By default one address is enough.
  const { listenAt, asked } = machine();
  listenAtLoopback(7, listenAt);
  assert.deepEqual(asked, ["127.0.0.1 7"]);
});

Deno.test("listenAtLocalhost(): looks for a port that is free in both families", () => {
  const sometimes = machine(({ hostname }, tries) => hostname === "::1" && tries < 6 ? "EADDRINUSE" : undefined);
  assert.equal(listenAtLocalhost(0, sometimes.listenAt).addr.port, 5003);
  assert.equal(sometimes.open.size, 2);
  const never = machine(({ hostname }) => hostname === "::1" ? "EADDRINUSE" : undefined);
  assert.throws(() => listenAtLocalhost(0, never.listenAt), { code: "EADDRINUSE" });
  assert.deepEqual([never.open.size, never.asked.length], [0, 40]);
});

Deno.test("parseLocalEndpointText(): keeps the zone of addresses that this machine dials or listens at", () => {
  const texts: [string, string, number][] = [
    ["[fe80::1%eth0]:1080", "fe80::1%eth0", 1080],
    ["[FE80:0::1%25eth0]", "fe80::1%eth0", 9],
    ["[fe80::1%br-lan]:1", "fe80::1%br-lan", 1],
    ["[fe80::1%eth0.10]:1", "fe80::1%eth0.10", 1],
    ["[::1]:1", "::1", 1],
    ["host:1", "host", 1],
  ];
  for (const [text, hostname, port] of texts) assert.deepEqual(parseLocalEndpointText(text, 9), { hostname, port });
  for (
    const text of [
      "[fe80::1%]:1",
      "[fe80::1%a b]:1",
      "[1.2.3.4%eth0]:1",
      "fe80::1%eth0",
      "[fe80::1%eth0]:99999",
      "[x%eth0]:1",
    ]
  ) {
    assert.throws(() => parseLocalEndpointText(text, 9), TypeError, text);
  }
});
