/**
 * Checks of BIND and its two replies.
 *
 * @module
 */
import { sameBytes, utf8 } from "../../base/bytes.ts";
import type { Endpoint } from "../../socks/wire/address.ts";
import { Command } from "../../socks/wire/messages.ts";
import type { Bench } from "../bench.ts";
import type { Channel } from "../channel.ts";
import { type Check, expect, Skipped } from "../check.ts";
import { shown } from "../hex.ts";
import { answerTo, granted, request } from "../messages.ts";

const CLAUSE = "RFC 1928 section 6";
const DATA = utf8("data of a connection that came in");

/** Replies that say that a command is not there for this client. */
const NOT_HERE: Readonly<Record<number, string>> = { 2: "does not allow it", 7: "does not have it" };

/** Sends BIND; skips the check if the proxy does not carry it out. */
async function bound(bench: Bench): Promise<{ channel: Channel; at: Endpoint }> {
  const channel = await bench.channel();
  await channel.send(request(Command.Bind, bench.target.tcp));
  const { reply, hostname, port } = await answerTo(channel, "BIND");
  if (NOT_HERE[reply] !== undefined) throw new Skipped(`the proxy ${NOT_HERE[reply]} (reply 0${reply})`);
  expect(reply === 0, "05 00", `05 0${reply}`);
  const unspecified = /^(?:0\.0\.0\.0|::)$/.test(hostname);
  return { channel, at: { hostname: unspecified ? bench.lab.proxy.hostname : hostname, port } };
}

/** The checks. */
export const BIND_CHECKS: readonly Check<Bench>[] = [
  {
    id: "bind.first-reply",
    clause: CLAUSE,
    severity: "must",
    title: "answers BIND with the port at which it listens",
    async run(bench) {
      const { at } = await bound(bench);
      expect(at.port !== 0, "a port", "port 0");
      await bench.connectTo(at);
    },
  },
  {
    id: "bind.second-reply",
    clause: CLAUSE,
    severity: "must",
    title: "answers BIND once more when a connection came in, with the address of that",
    async run(bench) {
      const { channel, at } = await bound(bench);
      const peer = await bench.connectTo(at);
      const { port } = await granted(channel, "the second reply to BIND");
      const own = peer.local?.port;
      expect(
        own === undefined || port === own,
        `05 00 and port ${own}, from which the connection came`,
        `port ${port}`,
      );
    },
  },
  {
    id: "bind.data",
    clause: CLAUSE,
    severity: "must",
    title: "carries data both ways once a connection came in",
    async run(bench) {
      const { channel, at } = await bound(bench);
      const peer = await bench.connectTo(at);
      await granted(channel, "the second reply to BIND");
      await peer.send(DATA);
      const came = await channel.take(DATA.length, "the data of the peer");
      expect(sameBytes(came, DATA), "the data of the peer", shown(came));
      await channel.send(DATA);
      await peer.expect(DATA, "the data of the client");
    },
  },
];
