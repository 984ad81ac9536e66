/** Every way in which a KDC's socket can fail is in a promise that somebody awaits, and every address of a name is tried. */
import assert from "node:assert/strict";
import { type DatagramSocket, sendDatagram } from "../../../kerberos/reach/datagram.ts";
import { KdcAddresses } from "../../../kerberos/reach/addresses.ts";
import type { KdcAddress } from "../../../kerberos/reach/transport.ts";
import { denoTransport } from "../../../kerberos/reach/shell/transport.ts";
import { socketTransport, type SocketTransportParts } from "../../../kerberos/reach/socket_transport.ts";
import { udpServer } from "../../support/servers.ts";

const MESSAGE = new Uint8Array([1, 2, 3]);
const TO = { hostname: "192.0.2.1", port: 88 };

/** A socket that does what a test says when it is used. */
function oddSocket(acts: Partial<Record<"create" | "bind" | "send" | "close", (socket: Odd) => void>>) {
  const listeners = new Map<string, (...given: never[]) => void>();
  const odd: Odd = {
    closed: 0,
    done: () => {},
    emit: (event, ...given) => listeners.get(event)?.(...given as never[]),
  };
  const socket: DatagramSocket = {
    on: (event: string, listener: (...given: never[]) => void) => listeners.set(event, listener),
    bind: () => acts.bind?.(odd),
    send(_message, _port, _address, done) {
      odd.done = done;
      acts.send?.(odd);
    },
    close() {
      odd.closed++;
      acts.close?.(odd);
    },
  };
  return {
    odd,
    create: () => {
      acts.create?.(odd);
      return socket;
    },
  };
}

interface Odd {
  closed: number;
  done: (error: Error | null) => void;
  emit: (event: "error" | "message", ...given: unknown[]) => void;
}

const fails = (what: string) => () => {
  throw new Error(what);
};

Deno.test("sendDatagram(): whatever a socket throws or reports fails this call alone", async () => {
  const late = (act: (socket: Odd) => void) => (socket: Odd) => queueMicrotask(() => act(socket));
  const cases: [name: string, acts: Parameters<typeof oddSocket>[0]][] = [
    ["no socket", { create: fails("no socket") }],
    ["bind throws", { bind: fails("bind throws") }],
    ["bind fails later", { bind: late((socket) => socket.emit("error", new Error("bind fails later"))) }],
    ["send throws", { send: fails("send throws") }],
    ["send fails at once", { send: (socket) => socket.done(new Error("send fails at once")) }],
    ["send fails later", { send: late((socket) => socket.done(new Error("send fails later"))) }],
    ["refused", { send: late((socket) => socket.emit("error", new Error("refused"))) }],
    ["close throws", { send: (socket) => socket.done(new Error("close throws")), close: fails("not running") }],
  ];
  for (const [name, acts] of cases) {
    const { create, odd } = oddSocket(acts);
    const { signal } = new AbortController();
    await assert.rejects(sendDatagram(create, TO, { message: MESSAGE, signal }), { message: name });
    assert.equal(odd.closed, name === "no socket" ? 0 : 1, name);
    // What comes when nobody waits any more is nobody's error.
    odd.emit("error", new Error("late"));
    odd.done(new Error("late"));
    odd.emit("message", MESSAGE, { address: TO.hostname, port: TO.port });
  }
});

Deno.test("sendDatagram(): an invalid address fails the call, and creates no socket", async () => {
  const { create } = oddSocket({ send: (socket) => socket.emit("message", MESSAGE, { address: "::1", port: 88 }) });
  const { signal } = new AbortController();
  const to = { hostname: "1:2:3", port: 88 };
  const given: unknown[] = [];
  const watched = () => {
    given.push("made");
    return create();
  };
  await assert.rejects(sendDatagram(watched, to, { message: MESSAGE, signal }), TypeError);
  assert.deepEqual(given, []);
});

Deno.test("sendDatagram(): an abort ends the call at each step, and closes the socket", async () => {
  for (const step of ["before", "create", "bind", "send", "close"] as const) {
    const stop = new AbortController();
    const abort = () => stop.abort(new Error("enough"));
    const answers = (socket: Odd) => {
      socket.done(null);
      if (step === "close") socket.emit("message", MESSAGE, { address: TO.hostname, port: TO.port });
    };
    const acts = step === "before" ? {} : { send: answers, [step]: abort };
    const { create, odd } = oddSocket(acts);
    if (step === "before") abort();
    const call = sendDatagram(create, TO, { message: MESSAGE, signal: stop.signal });
    if (step === "close") assert.deepEqual(await call, MESSAGE);
    else await assert.rejects(call, { message: "enough" }, step);
    assert.equal(odd.closed, step === "before" ? 0 : 1, step);
  }
});

Deno.test("sendDatagram(): takes a reply from the address asked, however written, and no other", async () => {
  for (const [asked, from] of [["192.0.2.1", "192.0.2.1"], ["fe80::1%br-lan", "fe80:0::1"], ["::1", "0:0:0::1"]]) {
    const { create } = oddSocket({
      send(socket) {
        socket.emit("message", new Uint8Array([6]), { address: "192.0.2.9", port: 88 });
        socket.emit("message", new Uint8Array([6]), { address: from, port: 89 });
        socket.emit("message", MESSAGE, { address: from, port: 88 });
      },
    });
    const { signal } = new AbortController();
    const to = { hostname: asked!, port: 88 };
    assert.deepEqual(await sendDatagram(create, to, { message: MESSAGE, signal }), MESSAGE);
  }
});

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
    // By the system, which asks nobody for such a name.
    const address = { protocol, hostname: "no..such", port: 88 };
    await assert.rejects(denoTransport.send(address, MESSAGE, { signal: AbortSignal.timeout(20_000) }), /no\.\.such/);
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

Deno.test("KdcAddresses: a name is looked up once for all callers, a few names at a time", async () => {
  const gates = new Map<string, PromiseWithResolvers<readonly string[]>>();
  const addresses = new KdcAddresses((name) => {
    assert.ok(!gates.has(name), `${name} is looked up twice`);
    const gate = Promise.withResolvers<readonly string[]>();
    gates.set(name, gate);
    return gate.promise;
  });
  const stop = new AbortController();
  const { signal } = new AbortController();
  const left = addresses.of("kdc0", stop.signal);
  const stays = addresses.of("kdc0", signal);
  stop.abort(new Error("enough"));
  await assert.rejects(left, { message: "enough" });
  const others = Array.from({ length: 20 }, (_, i) => addresses.of(`kdc${i + 1}`, signal));
  await Promise.resolve();
  assert.equal(gates.size, 8);
  gates.get("kdc0")!.resolve(["192.0.2.1"]);
  assert.deepEqual(await stays, ["192.0.2.1"]);
  for (let i = 1; i <= 20; i++) {
    while (!gates.has(`kdc${i}`)) await Promise.resolve();
    if (i % 2 === 0) gates.get(`kdc${i}`)!.resolve(["192.0.2.1"]);
    else gates.get(`kdc${i}`)!.reject(new Error("no such name"));
  }
  const ends = await Promise.allSettled(others);
  assert.equal(ends.filter(({ status }) => status === "fulfilled").length, 10);
  // Nobody waits any more when it fails: nobody's error.
  const gone = new AbortController();
  const alone = addresses.of("gone", gone.signal);
  gone.abort(new Error("enough"));
  await assert.rejects(alone, { message: "enough" });
  gates.get("gone")!.reject(new Error("no such name"));
  const many = new KdcAddresses(() => Promise.resolve(Array.from({ length: 200 }, (_, i) => `10.0.0.${i}`)));
  assert.equal((await many.of("many", signal)).length, 8);
});

Deno.test("KdcAddresses: a look-up without callers gives up its turn, or serves the next caller", async () => {
  const asked: string[] = [];
  const gate = Promise.withResolvers<readonly string[]>();
  const addresses = new KdcAddresses((name) => {
    asked.push(name);
    return name.startsWith("silent") ? gate.promise : Promise.resolve(["192.0.2.1"]);
  });
  const stop = new AbortController();
  const left = Array.from({ length: 1_000 }, (_, i) => addresses.of(`silent${i}`, stop.signal));
  const { signal } = new AbortController();
  const good = addresses.of("good", signal);
  while (asked.length < 8) await Promise.resolve();
  stop.abort(new Error("enough"));
  for (const { status } of await Promise.allSettled(left)) assert.equal(status, "rejected");
  const again = addresses.of("silent0", signal);
  gate.resolve(["192.0.2.2"]);
  assert.deepEqual(await again, ["192.0.2.2"]);
  assert.deepEqual(await good, ["192.0.2.1"]);
  assert.deepEqual(asked.slice(8), ["good"]);
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

Deno.test("denoTransport: both families answer, and errors of the sockets are reported", async () => {
  for (const hostname of ["127.0.0.1", "::1"] as const) {
    await using server = await udpServer((data) => data, hostname);
    const address = { protocol: "udp", hostname, port: server.port } as const;
    const { signal } = new AbortController();
    assert.deepEqual(await denoTransport.send(address, MESSAGE, { signal }), MESSAGE);
    await assert.rejects(denoTransport.send(address, new Uint8Array(70_000), { signal }), /EMSGSIZE/);
  }
});
