/** A datagram to a KDC: every error of the socket rejects the one call. */
import assert from "node:assert/strict";
import { type DatagramSocket, sendDatagram } from "../../../kerberos/reach/datagram.ts";

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
    // Events after the end of the call are ignored.
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
