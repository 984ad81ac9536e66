/**
 * The commands of {@linkcode BreakableProxy}.
 *
 * @module
 */
import { type Bytes, concat } from "../../../base/bytes.ts";
import type { Connection } from "../../../socks/stream/connection.ts";
import { dialTcp, listenTcp } from "../../../socks/shell/tcp.ts";
import { decodeEndpoint, encodeEndpoint, type Endpoint } from "../../../socks/wire/address.ts";
import type { BreakableClient } from "./client.ts";
import type { ProxyFaults } from "./faults.ts";
import { type Found, Over } from "./incoming.ts";
import { relayDatagrams } from "./datagrams.ts";

interface AskedFor {
  readonly command: number;
  readonly kind: number;
  readonly to: Endpoint | undefined;
}

function requestIn(bytes: Bytes, { anyVersion, refusesReserved }: ProxyFaults): Found<AskedFor> | undefined {
  if (bytes[0] !== 5 && !anyVersion) throw new Over("version");
  if (bytes.length < 5) return undefined;
  const [, command, reserved, kind, count] = bytes;
  if (reserved !== 0 && refusesReserved) throw new Over("reserved");
  if (kind === 3 && count === 0) {
    return bytes.length < 7 ? undefined : { value: { command: command!, kind: 0, to: undefined }, length: 7 };
  }
  if (![1, 3, 4].includes(kind!)) {
    return { value: { command: command!, kind: kind!, to: undefined }, length: bytes.length };
  }
  const length = kind === 3 ? 7 + count! : kind === 1 ? 10 : 22;
  if (bytes.length < length) return undefined;
  // A name that is none has no endpoint.
  let to: Endpoint | undefined;
  try {
    to = decodeEndpoint(bytes.subarray(3))!.value;
  } catch {
    to = undefined;
  }
  return { value: { command: command!, kind: kind!, to }, length };
}

const NOWHERE: Endpoint = { hostname: "127.0.0.1", port: 1 };

/** Carries a request out. */
export async function carryOut(client: BreakableClient, faults: ProxyFaults): Promise<void> {
  const { command, kind, to } = await client.message("request", (bytes) => requestIn(bytes, faults));
  if (command < 1 || command > 3) return await refuse(client, 7, faults);
  if (kind === 0) return await refuse(client, 1, faults);
  if (![1, 3, 4].includes(kind)) return await refuse(client, 8, faults);
  if (to === undefined || faults.fails === kind) return await refuse(client, 4, faults);
  if (command === 3) return await relayDatagrams(client, faults, (bound) => reply(client, 0, bound, faults));
  if (command === 2) return await bind(client, faults);
  const target = await dialTcp(to, {}).catch(() => undefined);
  if (target === undefined) return await refuse(client, 5, faults);
  await reply(client, 0, target.local!, faults);
  if (faults.twoReplies) await reply(client, 0, target.local!, faults);
  await relay(client, target, faults);
}

async function bind(client: BreakableClient, faults: ProxyFaults): Promise<void> {
  const listener = listenTcp({ hostname: "127.0.0.1", port: 0 });
  // Whether a connection comes or not.
  client.left.push(listener);
  if (faults.bind === "closed port") listener.close();
  await reply(client, 0, faults.bind === "no port" ? { ...listener.addr, port: 0 } : listener.addr, faults);
  const peer = await listener.accept();
  listener.close();
  if (peer === undefined) return;
  const remote = faults.bind === "another address" ? { ...peer.remote!, hostname: "192.0.2.7" } : peer.remote!;
  await reply(client, 0, faults.bind === "no address" ? NOWHERE : remote, faults);
  await relay(client, peer, faults);
}

async function refuse(client: BreakableClient, code: number, faults: ProxyFaults): Promise<void> {
  await reply(client, code, NOWHERE, faults);
  if (faults.staysAfterRefusal) await client.incoming.next("data", () => undefined);
}

async function reply(client: BreakableClient, code: number, bound: Endpoint, faults: ProxyFaults): Promise<void> {
  const head = Uint8Array.of(5, faults.codes?.[code] ?? code, faults.reserved ?? 0);
  const how = faults.sealReply === undefined ? {} : { confidential: faults.sealReply };
  await client.send(concat(head, encodeEndpoint(bound)), how);
}

async function relay(client: BreakableClient, target: Connection, faults: ProxyFaults): Promise<void> {
  const { noHalfClose, neverEnds, bind: fault } = faults;
  const { connection } = client.incoming;
  if (neverEnds) client.left.push(target);
  const there = async () => {
    try {
      for (;;) {
        const data = await client.data((bytes) => target.write(bytes.subarray(0, 1)));
        if (fault !== "deaf") await target.write(data);
      }
    } catch {
      if (neverEnds) return;
      // What is not genuine ends both directions.
      if (!client.incoming.ended) connection.close();
      if (!client.incoming.ended || noHalfClose === "client") target.close();
      else await target.closeWrite().catch(() => {});
      if (noHalfClose === "client") connection.close();
    }
  };
  const back = async () => {
    try {
      for (let data = await target.read(); data !== null; data = await target.read()) await client.send(data);
    } catch {
      // A reset is an end.
    }
    if (neverEnds) return;
    await connection.closeWrite().catch(() => {});
    if (noHalfClose === "target") {
      target.close();
      connection.close();
    }
  };
  await Promise.all([there(), back()]);
  if (!neverEnds) target.close();
}
