/**
 * Checks of BIND and its two replies.
 *
 * @module
 */
import { sameBytes, utf8 } from "../../base/bytes.ts";
import { type Endpoint, formatEndpoint } from "../../socks/wire/address.ts";
import { canonicalAddress } from "../../socks/wire/ip.ts";
import { Command } from "../../socks/wire/messages.ts";
import type { Bench } from "../bench.ts";
import type { Channel } from "../channel.ts";
import { type Check, expect, Failed, Skipped } from "../check.ts";
import { shown } from "../hex.ts";
import { answerTo, granted, isUnspecified, request } from "../messages.ts";
import type { Raw } from "../raw.ts";

const CLAUSE = "RFC 1928 section 6";
const DATA = utf8("data of a connection that came in");

/** Replies that say that a command is not there for this client. */
const NOT_HERE: Readonly<Record<number, string>> = { 2: "does not allow it", 7: "does not have it" };

/** Sends BIND; skips the check if the proxy does not carry it out. */
async function bound(bench: Bench): Promise<{ channel: Channel; at: Endpoint }> {
  const channel = await bench.channel();
  const { tcp, ipv6 } = bench.target;
  // Of the family in which the kit can reach the proxy.
  const from = channel.local?.hostname.includes(":") ? ipv6 ?? tcp : tcp;
  await channel.send(request(Command.Bind, from));
  const { reply, hostname, port } = await answerTo(channel, "BIND");
  if (NOT_HERE[reply] !== undefined) throw new Skipped(`the proxy ${NOT_HERE[reply]} (reply 0${reply})`);
  expect(reply === 0, "05 00", `05 0${reply}`);
  return { channel, at: { hostname: isUnspecified(hostname) ? bench.lab.proxy.hostname : hostname, port } };
}

/** Connects to where the proxy says that it listens. */
async function comeIn(bench: Bench, at: Endpoint): Promise<Raw> {
  return await bench.connectTo(at).catch((error) => {
    throw new Failed(`somebody who listens at ${formatEndpoint(at)}`, (error as Error).message);
  });
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
      await comeIn(bench, at);
    },
  },
  {
    id: "bind.second-reply",
    clause: CLAUSE,
    severity: "must",
    title: "answers BIND once more when a connection came in, with the address of that",
    async run(bench) {
      const { channel, at } = await bound(bench);
      const peer = await comeIn(bench, at);
      const { hostname, port } = await granted(channel, "the second reply to BIND");
      const own = peer.local;
      const same = own === undefined ||
        (port === own.port && canonicalAddress(hostname) === canonicalAddress(own.hostname));
      const what = `05 00 and ${own && formatEndpoint(own)}, from which the connection came`;
      expect(same, what, formatEndpoint({ hostname, port }));
    },
  },
  {
    id: "bind.data",
    clause: CLAUSE,
    severity: "must",
    title: "carries data both ways once a connection came in",
    async run(bench) {
      const { channel, at } = await bound(bench);
      const peer = await comeIn(bench, at);
      await granted(channel, "the second reply to BIND");
      await peer.send(DATA);
      const came = await channel.take(DATA.length, "the data of the peer");
      expect(sameBytes(came, DATA), "the data of the peer", shown(came));
      await channel.send(DATA);
      await peer.expect(DATA, "the data of the client");
    },
  },
];
