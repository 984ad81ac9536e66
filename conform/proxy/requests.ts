/**
 * Checks of requests, replies, and the stream behind them, by any method.
 *
 * @module
 */
import { type Bytes, sameBytes, utf8 } from "../../base/bytes.ts";
import type { Endpoint } from "../../socks/wire/address.ts";
import { Command } from "../../socks/wire/messages.ts";
import type { Bench } from "../bench.ts";
import { type Check, expect, orUndefined, Skipped } from "../check.ts";
import { shown } from "../hex.ts";
import { granted, namedRequest, request, takeRefusal, takeReply } from "../messages.ts";

const REQUEST = "RFC 1928 section 4";
const REPLY = "RFC 1928 section 6";
const END = "RFC 9293 section 3.6";
const [THERE, BACK] = ["there ", "and back again"].map((text) => utf8(text)) as [Bytes, Bytes];

/** A check that the proxy reaches the target in one way of naming it. */
function reaches(id: string, title: string, where: (bench: Bench) => Endpoint | undefined, why: string): Check<Bench> {
  return {
    id,
    clause: "RFC 1928 section 5",
    severity: "must",
    title,
    async run(bench) {
      const to = where(bench);
      if (to === undefined) throw new Skipped(why);
      const near = await bench.channel();
      await near.send(request(Command.Connect, to));
      const { reply } = await takeReply(near);
      if (reply === 8) throw new Skipped("the proxy does not support the address type (reply 08)");
      expect(reply === 0, "05 00", `05 0${reply}`);
      const far = await bench.accepted();
      await near.send(THERE);
      await far.expect(THERE, "the data of the client at the target");
      await far.send(BACK);
      const back = await near.take(BACK.length, "the data of the target");
      expect(sameBytes(back, BACK), "the data of the target", shown(back));
    },
  };
}

/** A check that a request is refused, and with which code. */
function refuses(
  id: string,
  title: string,
  code: { readonly is: number | undefined; readonly severity: "must" | "should" },
  message: (bench: Bench) => Bytes | Promise<Bytes>,
): Check<Bench> {
  return {
    id,
    clause: REPLY,
    severity: code.severity,
    title: code.is === undefined ? `refuses ${title}` : `refuses ${title} with reply 0${code.is}`,
    async run(bench) {
      const channel = await bench.channel();
      await channel.send(await message(bench));
      const found = await takeRefusal(channel, title);
      expect(code.is === undefined || found === code.is, `05 0${code.is}`, `05 0${found}`);
      return `05 0${found}`;
    },
  };
}

/** Where nobody listens: a port of the kit that it has just given back. */
function closedPort(bench: Bench): Endpoint {
  const listener = bench.lab.world.listen({ hostname: bench.target.tcp.hostname, port: 0 });
  listener.close();
  return listener.addr;
}

/** The checks. */
export const REQUEST_CHECKS: readonly Check<Bench>[] = [
  reaches(
    "connect.ipv4",
    "reaches an IPv4 address",
    ({ target }) => target.tcp.hostname.includes(":") ? undefined : target.tcp,
    "the target has no IPv4 address",
  ),
  reaches("connect.name", "reaches a host by its name", ({ target }) => target.named, "no name of the target is known"),
  reaches("connect.ipv6", "reaches an IPv6 address", ({ target }) => target.ipv6, "the target has no IPv6 address"),
  {
    id: "connect.reply",
    clause: REPLY,
    severity: "must",
    title: "answers with 05 00 00, an address type, an address of its length and a port",
    async run(bench) {
      const near = await bench.channel();
      await near.send(request(Command.Connect, bench.target.tcp));
      const { head, hostname, port } = await takeReply(near);
      expect(head[0] === 5 && head[1] === 0 && head[2] === 0, "05 00 00", shown(head));
      return `bound to ${hostname} port ${port}`;
    },
  },
  {
    id: "connect.reserved",
    clause: REQUEST,
    severity: "note",
    title: "says what it does with a request whose reserved byte is not 00",
    async run(bench) {
      const channel = await bench.channel();
      const message = request(Command.Connect, bench.target.tcp);
      message[2] = 0x2a;
      await channel.send(message);
      const head = await orUndefined(channel.take(2, "a reply"));
      return head?.[1] === 0 ? "carries it out" : "refuses it";
    },
  },
  {
    id: "connect.split",
    clause: REQUEST,
    severity: "must",
    title: "reads a request that comes byte by byte, where it is not protected",
    async run(bench) {
      const raw = await bench.plain();
      await raw.trickle(request(Command.Connect, bench.target.named ?? bench.target.tcp));
      await granted(raw, "a granted CONNECT");
    },
  },
  {
    id: "connect.waits",
    clause: REPLY,
    severity: "must",
    title: "answers a request with one reply, and sends the data of the target behind it",
    async run(bench) {
      const { near, far } = await bench.through(await bench.channel());
      await far.send(BACK);
      const next = await near.take(BACK.length, "the data of the target behind the reply");
      expect(sameBytes(next, BACK), "the data of the target behind the reply", shown(next));
    },
  },
  refuses(
    "connect.closed",
    "a target that refuses the connection",
    { is: 5, severity: "should" },
    (bench) => request(Command.Connect, closedPort(bench)),
  ),
  refuses(
    "connect.command",
    "a command that is not defined",
    { is: 7, severity: "should" },
    (bench) => request(0x77, bench.target.tcp),
  ),
  refuses(
    "connect.address-type",
    "an address type that is not defined",
    { is: 8, severity: "should" },
    () => Uint8Array.of(5, 1, 0, 9, 127, 0, 0, 1, 0, 80),
  ),
  refuses(
    "connect.long-name",
    "a name of 255 bytes that is no host",
    { is: undefined, severity: "must" },
    () => namedRequest(new Uint8Array(255).fill(0x61), 80),
  ),
  {
    id: "connect.empty-name",
    clause: "RFC 1928 section 5",
    severity: "must",
    title: "carries out no request for a name of no bytes",
    async run(bench) {
      const channel = await bench.channel();
      await channel.send(namedRequest(new Uint8Array(0), bench.target.tcp.port));
      const bytes = await channel.drain();
      expect(bytes[1] !== 0, "a refusal or an end", shown(bytes));
    },
  },
  {
    id: "connect.version",
    clause: REQUEST,
    severity: "must",
    title: "carries out no request of another version",
    async run(bench) {
      const channel = await bench.channel();
      await channel.send(request(Command.Connect, bench.target.tcp, 4));
      const bytes = await channel.drain();
      expect(bytes[1] !== 0 && bench.target.waiting === 0, "a refusal or an end, and no connection", shown(bytes));
    },
  },
  {
    id: "connect.ends-refused",
    clause: REPLY,
    severity: "must",
    title: "ends the connection after a reply that refuses, within 10 seconds",
    async run(bench) {
      const channel = await bench.channel();
      await channel.send(request(Command.Connect, closedPort(bench)));
      await takeRefusal(channel, "a target that refuses the connection");
      await channel.ended("an end of the connection");
    },
  },
  {
    id: "connect.early-data",
    clause: REPLY,
    severity: "should",
    title: "keeps data that is sent before the reply",
    async run(bench) {
      const channel = await bench.channel();
      await channel.send(request(Command.Connect, bench.target.tcp), THERE);
      await granted(channel, "a granted CONNECT");
      await (await bench.accepted()).expect(THERE, "the early data at the target");
    },
  },
  {
    id: "end.client",
    clause: END,
    severity: "should",
    title: "hands the client's end on, and the target's data after it",
    async run(bench) {
      const { near, far } = await bench.through(await bench.channel());
      await near.send(THERE);
      await near.finish();
      const there = await far.ended("the client's end at the target");
      expect(sameBytes(there, THERE), "the client's data, then its end", shown(there));
      await far.send(BACK);
      const back = await near.take(BACK.length, "data of the target after the client's end");
      expect(sameBytes(back, BACK), "data of the target after the client's end", shown(back));
    },
  },
  {
    id: "end.target",
    clause: END,
    severity: "should",
    title: "hands the target's end on, and the client's data after it",
    async run(bench) {
      const { near, far } = await bench.through(await bench.channel());
      await far.send(BACK);
      await far.finish();
      const back = await near.ended("the target's end at the client");
      expect(sameBytes(back, BACK), "the target's data, then its end", shown(back));
      await near.send(THERE);
      await far.expect(THERE, "data of the client after the target's end");
    },
  },
  {
    id: "end.both",
    clause: END,
    severity: "should",
    title: "closes the client's connection once the target has closed its own, with all data before",
    async run(bench) {
      const { near, far } = await bench.through(await bench.channel());
      await far.send(BACK);
      await far.finish();
      await far.close();
      const back = await near.ended("the end at the client");
      expect(sameBytes(back, BACK), "the target's data, then its end", shown(back));
    },
  },
  {
    id: "end.client-gone",
    clause: END,
    severity: "should",
    title: "closes the target's connection when the client is gone",
    async run(bench) {
      const { near, far } = await bench.through(await bench.channel());
      await near.close();
      await far.ended("the end at the target");
    },
  },
];
