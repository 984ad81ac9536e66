/**
 * A UDP association with the proxy under test.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { pause } from "../../base/deadline.ts";
import type { Endpoint } from "../../socks/wire/address.ts";
import { Command } from "../../socks/wire/messages.ts";
import type { Bench } from "../bench.ts";
import type { Channel } from "../channel.ts";
import { expect, Failed, Skipped } from "../check.ts";
import { answerTo, isUnspecified, request } from "../messages.ts";

/** Address of this machine that is no client of the proxy. */
const ELSEWHERE = "127.0.0.2";

/** Datagrams to and from the relay. */
export interface Association {
  send(bytes: Uint8Array): Promise<void>;
  /** Sends from an address that is not the client's; skips the check if there is none. */
  sendFromElsewhere(bytes: Uint8Array): Promise<void>;
  /** Returns the next datagram of the relay. */
  next(what: string): Promise<Bytes>;
  /** Ends the connection that the association hangs on, and gives the proxy time to see it. */
  end(): Promise<void>;
}

/** Asks for an association; skips the check if the proxy does not have it. */
export async function associate(bench: Bench, channel: Channel): Promise<Association> {
  const { proxy, times } = bench.lab;
  // From the address that the proxy knows, so of its family too.
  const own = channel.local?.hostname ?? "0.0.0.0";
  const { socket, arrivals } = await bench.datagrams(own);
  const loopback = /^(?:127\.|::1$)/.test(own);
  const unspecified = own.includes(":") ? "::" : "0.0.0.0";
  await channel.send(request(Command.UdpAssociate, { hostname: unspecified, port: loopback ? socket.local.port : 0 }));
  const { reply, hostname, port } = await answerTo(channel, "UDP ASSOCIATE");
  if (reply === 7 || reply === 2) throw new Skipped(`the proxy does not carry out UDP ASSOCIATE (reply 0${reply})`);
  expect(reply === 0 && port !== 0, "05 00 and a port", `05 0${reply} and port ${port}`);
  const relay: Endpoint = { hostname: isUnspecified(hostname) ? proxy.hostname : hostname, port };
  return {
    send: (bytes) => socket.send(bytes, relay),
    async sendFromElsewhere(bytes): Promise<void> {
      if (!relay.hostname.startsWith("127.")) throw new Skipped("the kit has no second address to send from");
      const other = await bench.datagrams(ELSEWHERE).catch(() => {
        throw new Skipped(`this machine has no address ${ELSEWHERE} to send from`);
      });
      await other.socket.send(bytes, relay);
    },
    async next(what): Promise<Bytes> {
      const found = await arrivals.next(times.answer);
      if (found === undefined) throw new Failed(what, "no datagram in time");
      return found.bytes;
    },
    async end(): Promise<void> {
      await channel.close();
      await pause(times.silence);
    },
  };
}
