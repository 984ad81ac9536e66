/**
 * The datagrams of {@linkcode BreakableProxy}.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import { FrameType } from "../../../socks/wire/gssapi.ts";
import { bindUdp } from "../../../socks/shell/udp.ts";
import type { Endpoint } from "../../../socks/wire/address.ts";
import { type Datagram, decodeDatagram, encodeDatagram } from "../../../socks/wire/datagram.ts";
import type { BreakableClient } from "./client.ts";
import type { ProxyFaults } from "./faults.ts";
import { frameIn } from "./protection.ts";

/** Serves an association until its connection ends. */
export async function relayDatagrams(
  client: BreakableClient,
  faults: ProxyFaults,
  reply: (bound: Endpoint) => Promise<void>,
): Promise<void> {
  const { protection } = client;
  const { udp } = faults;
  let from: Endpoint | undefined;
  const opened = async (bytes: Bytes): Promise<Bytes> => {
    if (protection === undefined || (faults.clear === "data" && bytes[0] !== 1)) return bytes;
    const frame = frameIn(bytes, faults);
    if (frame?.length !== bytes.length) throw new Error("frame");
    if (frame.value.type !== FrameType.Encapsulation && !faults.anyType) throw new Error("type");
    return await protection.open(frame.value.token, { ordered: faults.strictOrder ?? false });
  };
  const decoded = (bytes: Bytes): Datagram => {
    if (faults.cutGoesTo !== undefined && bytes.length < 10) return { ...faults.cutGoesTo, fragment: 0, data: bytes };
    return decodeDatagram(bytes);
  };
  const outside = await bindUdp({
    hostname: "127.0.0.1",
    port: 0,
    onDatagram: (bytes, source) => void back(bytes, source),
  });
  const inside = await bindUdp({
    hostname: "127.0.0.1",
    port: 0,
    onDatagram: (bytes, source) => void there(bytes.slice(), source).catch(() => udp === "ends" && inside.close()),
  });
  async function there(bytes: Bytes, source: Endpoint): Promise<void> {
    if (source.hostname !== "127.0.0.1" && udp !== "any source") return;
    from = source;
    const { data, fragment, hostname, port } = decoded(await opened(bytes));
    if (fragment !== 0 && udp !== "fragments") return;
    if (hostname === "localhost" && udp === "no names") return;
    await outside.send(data, { hostname: hostname === "localhost" ? "127.0.0.1" : hostname, port });
  }
  async function back(bytes: Bytes, source: Endpoint): Promise<void> {
    const named = udp === "another address" ? { ...source, hostname: "192.0.2.7" } : source;
    const datagram = encodeDatagram(named, bytes);
    if (udp === "header") datagram[2] = 1;
    await inside.send(protection === undefined ? datagram : await protection.wrap(datagram), from!);
  }
  await reply(inside.local);
  await client.incoming.next("data", () => undefined).catch(() => {});
  if (udp === "outlives") return void client.left.push(inside, outside);
  inside.close();
  outside.close();
}
