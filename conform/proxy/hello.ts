/**
 * Checks of the choice of a method.
 *
 * @module
 */
import { concat, EMPTY, utf8 } from "../../base/bytes.ts";
import { Command, Method, methodName } from "../../socks/wire/messages.ts";
import { askLevel, type Bench } from "../bench.ts";
import { type Check, EndedSilently, expect, orUndefined, Skipped } from "../check.ts";
import { shown } from "../hex.ts";
import { granted, hello, login, request } from "../messages.ts";
import type { Raw } from "../raw.ts";

const CLAUSE = "RFC 1928 section 3";
/** Methods that no program has: one that IANA has not assigned, and a private one. */
const UNKNOWN = [0x7f, 0xfe];

async function choice(raw: Raw, what: string): Promise<number> {
  const bytes = await raw.take(2, what);
  expect(bytes[0] === 5, what, shown(bytes));
  return bytes[1]!;
}

async function chooses(bench: Bench, methods: readonly number[]): Promise<number> {
  const raw = await bench.connect();
  await raw.send(hello(...methods));
  return await choice(raw, "05 and a method");
}

/** The checks. */
export const HELLO_CHECKS: readonly Check<Bench>[] = [
  {
    id: "hello.methods",
    clause: CLAUSE,
    severity: "note",
    title: "says which methods it accepts; an implementation must have GSS-API, and should have passwords",
    run({ lab }) {
      const names = [...lab.methods].map((method) => `0${method} ${methodName(method)}`);
      return Promise.resolve(names.length === 0 ? "no method of the RFCs" : names.join(", "));
    },
  },
  {
    id: "hello.none-acceptable",
    clause: CLAUSE,
    severity: "must",
    title: "answers 05 FF when it accepts none of the methods",
    async run(bench) {
      const raw = await bench.connect();
      await raw.send(hello(...UNKNOWN));
      await raw.expect(Uint8Array.of(5, Method.NoneAcceptable), "05 ff");
    },
  },
  {
    id: "hello.offered-only",
    clause: CLAUSE,
    severity: "must",
    title: "chooses one of the methods that are offered, or none",
    async run(bench) {
      for (const method of [Method.None, Method.Gssapi, Method.Password, 0x03, 0x80]) {
        const chosen = await chooses(bench, [method]).catch((error) => {
          // Who leaves without a word chooses none; hello.none-acceptable judges that.
          if (error instanceof EndedSilently) return Method.NoneAcceptable;
          throw error;
        });
        const right = shown(Uint8Array.of(5, method));
        expect([method, Method.NoneAcceptable].includes(chosen), `${right} or 05 ff`, `method ${chosen}`);
      }
    },
  },
  {
    id: "hello.beside-unknown",
    clause: CLAUSE,
    severity: "must",
    title: "finds a method that it accepts among unknown ones",
    async run(bench) {
      const { method } = bench;
      for (const methods of [[...UNKNOWN, method], [method, ...UNKNOWN]]) {
        const chosen = await chooses(bench, methods);
        expect(chosen === method, `05 0${method} to the offer of ${methods.join(", ")}`, `method ${chosen}`);
      }
    },
  },
  {
    id: "hello.order",
    clause: CLAUSE,
    severity: "note",
    title: "says whether the order of the offer decides",
    async run(bench) {
      const both = [...bench.lab.methods];
      if (both.length < 2) throw new Skipped("the proxy accepts a single method");
      const [one, other] = [await chooses(bench, both), await chooses(bench, both.reverse())];
      return one === other ? `no: chooses method ${one} in either order` : "yes";
    },
  },
  {
    id: "hello.all-methods",
    clause: CLAUSE,
    severity: "must",
    title: "reads an offer of 255 methods",
    async run(bench) {
      const { method } = bench;
      const methods = [...Array(254).fill(0xfe), method];
      const chosen = await chooses(bench, methods);
      expect(chosen === method, `05 0${method}`, `method ${chosen}`);
    },
  },
  {
    id: "hello.no-methods",
    clause: CLAUSE,
    severity: "should",
    title: "accepts no client that offers no method",
    async run(bench) {
      const raw = await bench.connect();
      await raw.send(hello());
      const bytes = await raw.drain();
      expect(bytes.length === 0 || bytes[1] === Method.NoneAcceptable, "05 ff, or an end", shown(bytes));
    },
  },
  {
    id: "hello.version",
    clause: CLAUSE,
    severity: "must",
    title: "chooses no method for a client of another version",
    async run(bench) {
      const raw = await bench.connect();
      await raw.send(Uint8Array.of(6, 1, bench.method));
      const bytes = await raw.drain();
      const chosen = bytes[0] === 5 && bytes[1] !== undefined && bytes[1] !== Method.NoneAcceptable;
      expect(!chosen, "05 ff, or an end", shown(bytes));
    },
  },
  {
    id: "hello.split",
    clause: CLAUSE,
    severity: "must",
    title: "reads an offer that comes byte by byte",
    async run(bench) {
      const raw = await bench.connect();
      await raw.trickle(hello(0xfe, bench.method));
      await raw.expect(Uint8Array.of(5, bench.method), `05 0${bench.method}`);
    },
  },
  {
    id: "hello.waits",
    clause: CLAUSE,
    severity: "must",
    title: "waits for all the methods before it chooses",
    async run(bench) {
      const raw = await bench.connect();
      await raw.send(Uint8Array.of(5, 2, 0xfe));
      await raw.silent("nothing before the last method");
      await raw.send(Uint8Array.of(bench.method));
      await raw.expect(Uint8Array.of(5, bench.method), `05 0${bench.method}`);
    },
  },
  {
    id: "hello.joined",
    clause: CLAUSE,
    severity: "should",
    title: "keeps what comes in one piece with the offer",
    async run(bench) {
      const { method, lab } = bench;
      const raw = await bench.connect();
      let first = concat(hello(method));
      const after = `05 0${method}, then the answer to what followed the offer`;
      if (method === Method.Gssapi) {
        const sent: Uint8Array[] = [hello(method)];
        const session = await bench.establish(raw, await bench.negotiation(), async (token) => {
          await raw.send(...sent.splice(0), token);
          await raw.expect(Uint8Array.of(5, method), after);
        });
        await askLevel(session, 2);
        return;
      }
      if (method === Method.Password) first = concat(first, login(lab.login!.username, lab.login!.password));
      await raw.send(first, request(Command.Connect, bench.target.tcp));
      await raw.expect(Uint8Array.of(5, method), after);
      if (method === Method.Password) await raw.expect(Uint8Array.of(1, 0), after);
      await granted(raw, after);
    },
  },
  {
    id: "hello.skipped",
    clause: CLAUSE,
    severity: "must",
    title: "carries out no request before the authentication that it has chosen",
    async run(bench) {
      const methods = [Method.Gssapi, Method.Password].filter((method) => bench.lab.methods.has(method));
      if (methods.length === 0) throw new Skipped("the proxy has no method that authenticates");
      for (const method of methods) {
        const raw = await bench.connect();
        await raw.send(hello(method));
        await raw.expect(Uint8Array.of(5, method), `05 0${method}`);
        await raw.send(request(Command.Connect, bench.target.tcp));
        const bytes = await raw.drain();
        const granted = bytes[0] === 5 && bytes[1] === 0;
        expect(!granted && bench.target.waiting === 0, "no granted request, and no connection", shown(bytes));
      }
    },
  },
  {
    id: "hello.http",
    clause: CLAUSE,
    severity: "note",
    title: "says what it answers to another protocol",
    async run(bench) {
      const raw = await bench.connect();
      await raw.send(utf8("\x16\x03\x01 no SOCKS at all\r\n\r\n"));
      return shown(await orUndefined(raw.peek("an answer")) ?? EMPTY);
    },
  },
];
