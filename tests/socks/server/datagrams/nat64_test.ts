/** Datagrams to IPv4 addresses from a machine without IPv4. */
import assert from "node:assert/strict";
import type { Bytes } from "../../../../base/bytes.ts";
import { type Nat64Source, parseNat64Prefix } from "../../../../socks/rules/nat64.ts";
import { withNat64 } from "../../../../socks/server/datagrams/nat64.ts";
import type { BindDatagrams, BindDatagramsOptions } from "../../../../socks/stream/datagram_socket.ts";
import { type Endpoint, formatEndpoint } from "../../../../socks/wire/address.ts";

/** Sockets in memory of a machine that IPv4 leads nowhere from, with the code that it says so with. */
function machine(code: string) {
  const bound: (BindDatagramsOptions & { closed: boolean })[] = [];
  const sent: string[] = [];
  const bind: BindDatagrams = (options) => {
    const one = { ...options, closed: false };
    bound.push(one);
    const { hostname } = options;
    return Promise.resolve({
      local: { hostname, port: 7 },
      send(_bytes: Uint8Array, to: Endpoint): Promise<void> {
        if (!to.hostname.includes(":")) return Promise.reject(Object.assign(new Error("as the system says"), { code }));
        sent.push(formatEndpoint(to));
        return Promise.resolve();
      },
      close: () => void (one.closed = true),
    });
  };
  return { bind, bound, sent };
}

const got: string[] = [];
const onDatagram = (_bytes: Bytes, from: Endpoint) => void got.push(formatEndpoint(from));
const prefixes = [parseNat64Prefix("2a0b:64::/96")];
const told: Nat64Source = { prefixes };
const one = Uint8Array.of(1);
const target = { hostname: "45.79.0.30", port: 53 };

Deno.test("withNat64(): sends under the prefix where there is no route", async () => {
  for (const code of ["ENETUNREACH", "EADDRNOTAVAIL", "UNKNOWN"]) {
    const { bind, bound, sent } = machine(code);
    const socket = await withNat64(bind, () => told)({ hostname: "0.0.0.0", port: 0, onDatagram });
    await socket.send(one, target);
    await socket.send(one, target);
    assert.deepEqual(sent, ["[2a0b:64::2d4f:1e]:53", "[2a0b:64::2d4f:1e]:53"]);
    assert.deepEqual(bound.map(({ hostname }) => hostname), ["0.0.0.0", "::"]);
    got.length = 0;
    bound[1]!.onDatagram(one, { hostname: "2a0b:64::2d4f:1e", port: 53 });
    bound[1]!.onDatagram(one, { hostname: "2a0b:65::2d4f:1e", port: 53 });
    bound[0]!.onDatagram(one, { hostname: "45.79.0.31", port: 53 });
    assert.deepEqual(got, ["45.79.0.30:53", "[2a0b:65::2d4f:1e]:53", "45.79.0.31:53"]);
    socket.close();
    await Promise.resolve();
    assert.deepEqual(bound.map(({ closed }) => closed), [true, true]);
  }
});

Deno.test("withNat64(): sends from the IPv6 address of egress", async () => {
  for (const [egress, facing] of [[["192.0.2.1", "2a01::1"], "2a01::1"], [["192.0.2.1"], "::"]] as const) {
    const { bind, bound } = machine("ENETUNREACH");
    const socket = await withNat64(bind, () => told, egress)({ hostname: "192.0.2.1", port: 0, onDatagram });
    await socket.send(one, target);
    assert.deepEqual(bound.map(({ hostname }) => hostname), ["192.0.2.1", facing]);
    socket.close();
  }
});

Deno.test("withNat64(): keeps other failures", async () => {
  for (const [code, source] of [["EHOSTUNREACH", told], ["ENETUNREACH", { prefixes: [] }]] as const) {
    const { bind, bound } = machine(code);
    const socket = await withNat64(bind, () => source)({ hostname: "0.0.0.0", port: 0, onDatagram });
    await assert.rejects(socket.send(one, target), { code });
    assert.equal(bound.length, 1);
    socket.close();
  }
  // Sockets of IPv6 are left as they are, and one that is wanted too late is closed.
  const { bind, bound } = machine("ENETUNREACH");
  const plain = await withNat64(bind, () => told)({ hostname: "::", port: 0, onDatagram });
  await assert.rejects(plain.send(one, target), { code: "ENETUNREACH" });
  const socket = await withNat64(bind, () => told)({ hostname: "0.0.0.0", port: 0, onDatagram });
  const sending = socket.send(one, target);
  socket.close();
  await sending.catch(() => {});
  await Promise.resolve();
  assert.deepEqual(bound.map(({ closed }) => closed), [false, true, true]);
});
