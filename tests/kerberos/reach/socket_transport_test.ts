/** Messages to every address of a KDC. */
import assert from "node:assert/strict";
import { KdcAddresses } from "../../../kerberos/reach/addresses.ts";
import type { KdcAddress } from "../../../kerberos/reach/transport.ts";
import { systemTransport } from "../../../kerberos/reach/shell/transport.ts";
import { socketTransport, type SocketTransportParts } from "../../../kerberos/reach/socket_transport.ts";

const MESSAGE = new Uint8Array([1, 2, 3]);

/** A transport over sockets of a test's, to one name. */
function transportTo(found: readonly string[] | Error, parts: Partial<SocketTransportParts> = {}) {
  const lookedUp: string[] = [];
  const made = socketTransport({
    addresses: new KdcAddresses((name) => {
      lookedUp.push(name);
      return found instanceof Error ? Promise.reject(found) : Promise.resolve(found);
    }),
    tcp: () => Promise.reject(new Error("no TCP")),
    udp: () => Promise.reject(new Error("no UDP")),
    mayReach: () => true,
    ...parts,
  });
  return {
    lookedUp,
    send: (protocol: KdcAddress["protocol"], hostname = "kdc.example", signal = new AbortController().signal) =>
      made.send({ protocol, hostname, port: 88 }, MESSAGE, { signal }),
  };
}

Deno.test("socketTransport(): an unknown name is the failure of this KDC, and is named", async () => {
  for (const protocol of ["tcp", "udp"] as const) {
    const nowhere = transportTo(new Error("getaddrinfo ENOTFOUND"));
    await assert.rejects(nowhere.send(protocol), {
      code: "KDC_UNREACHABLE",
      message: "name kdc.example is not found: getaddrinfo ENOTFOUND",
    });
    await assert.rejects(transportTo([]).send(protocol), { message: /has no address/ });
    // By the system, which sends no query for such a name.
    const address = { protocol, hostname: "no..such", port: 88 };
    await assert.rejects(systemTransport.send(address, MESSAGE, { signal: AbortSignal.timeout(20_000) }), /no\.\.such/);
  }
});

Deno.test("socketTransport(): tries every address of a name; the one that answered goes first", async () => {
  const found = ["2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2", "192.0.2.3"];
  for (const protocol of ["tcp", "udp"] as const) {
    const asked: string[] = [];
    const to = transportTo(found, {
      [protocol]({ hostname }: { hostname: string }) {
        asked.push(hostname);
        return hostname === "192.0.2.3" ? Promise.resolve(MESSAGE) : Promise.reject(new Error("refused"));
      },
    });
    assert.deepEqual(await to.send(protocol), MESSAGE);
    assert.deepEqual(asked.splice(0), ["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "192.0.2.3"]);
    await to.send(protocol);
    assert.deepEqual(asked, ["192.0.2.3"]);
    const all = transportTo(found);
    await assert.rejects(all.send(protocol), /none of the 5 addresses of kdc\.example answers: no (TCP|UDP)/);
  }
});

Deno.test("socketTransport(): a silent address does not keep the next one waiting", async () => {
  const aborted: string[] = [];
  const to = transportTo(["192.0.2.1", "2001:db8::1"], {
    udp: ({ hostname }, _message, signal) => {
      if (hostname.includes(":")) return Promise.resolve(MESSAGE);
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => {
          aborted.push(hostname);
          reject(signal.reason);
        })
      );
    },
  });
  assert.deepEqual(await to.send("udp"), MESSAGE);
  assert.deepEqual(aborted, ["192.0.2.1"]);
});

Deno.test("socketTransport(): uses a name as it is if only that is permitted", async () => {
  const asked: string[] = [];
  const tcp: SocketTransportParts["tcp"] = ({ hostname }) => {
    asked.push(hostname);
    return Promise.resolve(MESSAGE);
  };
  const to = transportTo(["192.0.2.1"], { tcp });
  for (const address of ["192.0.2.7", "fe80::1%eth0.10"]) await to.send("tcp", address);
  assert.deepEqual(to.lookedUp, []);
  const byName = transportTo(["192.0.2.1"], { tcp, mayReach: () => false });
  await byName.send("tcp");
  assert.deepEqual(byName.lookedUp, []);
  const byNameOnly = transportTo(["192.0.2.1"], { tcp, mayReach: (host) => host === "kdc.example" });
  await byNameOnly.send("tcp");
  assert.deepEqual(asked, ["192.0.2.7", "fe80::1%eth0.10", "kdc.example", "kdc.example"]);
});

Deno.test("socketTransport(): an address that answered is not forgotten by an abort", async () => {
  const asked: string[] = [];
  let silent = false;
  const { send } = socketTransport({
    addresses: new KdcAddresses(() => Promise.resolve(["192.0.2.1", "192.0.2.2"])),
    udp: ({ hostname }, _message, signal) => {
      asked.push(hostname);
      if (silent) return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      return hostname === "192.0.2.2" ? Promise.resolve(MESSAGE) : Promise.reject(new Error("refused"));
    },
    tcp: () => Promise.reject(new Error("no TCP")),
    mayReach: () => true,
  });
  const to = { protocol: "udp", hostname: "kdc.example", port: 88 } as const;
  const { signal } = new AbortController();
  await send(to, MESSAGE, { signal });
  silent = true;
  const stop = new AbortController();
  const waiting = send(to, MESSAGE, { signal: stop.signal });
  while (asked.length < 3) await Promise.resolve();
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, { message: "enough" });
  silent = false;
  await send(to, MESSAGE, { signal });
  assert.deepEqual(asked, ["192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.2"]);
});
