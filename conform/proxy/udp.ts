/**
 * Checks of datagrams without protection.
 *
 * @module
 */
import { sameBytes, utf8 } from "../../base/bytes.ts";
import { decodeDatagram, encodeDatagram } from "../../socks/wire/datagram.ts";
import type { Bench } from "../bench.ts";
import { type Check, expect, Skipped } from "../check.ts";
import { shown } from "../hex.ts";
import { isUnspecified } from "../messages.ts";
import { associate, type Association } from "./association.ts";

const CLAUSE = "RFC 1928 section 7";
const [THERE, BACK] = [utf8("a datagram"), utf8("its answer")];

/** An association without protection. */
async function plain(bench: Bench): Promise<Association> {
  return await associate(bench, await bench.plain());
}

/** A check that a datagram goes to no target. */
function dropped(
  id: string,
  title: string,
  attack: (association: Association, good: Uint8Array) => Promise<void>,
  clause = CLAUSE,
): Check<Bench> {
  return {
    id,
    clause,
    severity: "must",
    title: `drops ${title}`,
    async run(bench) {
      const association = await plain(bench);
      await attack(association, encodeDatagram(bench.target.udp, THERE));
      const arrived = await bench.target.anyDatagram();
      expect(arrived === undefined, "no datagram at the target", shown(arrived?.bytes ?? new Uint8Array(0)));
    },
  };
}

/** The checks. */
export const UDP_CHECKS: readonly Check<Bench>[] = [
  {
    id: "udp.there-and-back",
    clause: CLAUSE,
    severity: "must",
    title: "carries a datagram there, and the answer back behind a header with the target's address",
    async run(bench) {
      const association = await plain(bench);
      await association.send(encodeDatagram(bench.target.udp, THERE));
      const { bytes, from } = await bench.target.datagram("the datagram at the target");
      expect(sameBytes(bytes, THERE), "the data alone", shown(bytes));
      await bench.target.answer(BACK, from);
      const answer = await association.next("the answer of the target");
      const { data, hostname, port, fragment } = decodeDatagram(answer);
      expect(answer[0] === 0 && answer[1] === 0 && fragment === 0, "00 00 00", shown(answer));
      const { udp } = bench.target;
      expect(port === udp.port, `the port of the target, ${udp.port}`, `port ${port}`);
      const known = !isUnspecified(udp.hostname);
      expect(!known || hostname === udp.hostname, `the address of the target, ${udp.hostname}`, hostname);
      expect(sameBytes(data, BACK), "the data of the answer", shown(data));
    },
  },
  {
    id: "udp.name",
    clause: CLAUSE,
    severity: "must",
    title: "carries a datagram to a host by its name",
    async run(bench) {
      const { named, udp } = bench.target;
      if (named === undefined) throw new Skipped("no name of the target is known");
      const association = await plain(bench);
      await association.send(encodeDatagram({ hostname: named.hostname, port: udp.port }, THERE));
      await bench.target.datagram("the datagram at the target");
    },
  },
  dropped("udp.fragment", "a fragment alone", async (association, good) => {
    good[2] = 1;
    await association.send(good);
  }),
  dropped("udp.short", "a datagram whose header is cut", async (association, good) => {
    await association.send(good.subarray(0, 6));
  }),
  dropped("udp.source", "a datagram from another address than the client's", async (association, good) => {
    await association.sendFromElsewhere(good);
  }),
  dropped(
    "udp.ended",
    "what comes after the end of the connection that asked for the association",
    async (association, good) => {
      await association.end();
      await association.send(good);
    },
    "RFC 1928 section 6",
  ),
  {
    id: "udp.goes-on",
    clause: CLAUSE,
    severity: "should",
    title: "serves the association after a datagram that it has dropped",
    async run(bench) {
      const association = await plain(bench);
      await association.send(new Uint8Array(2));
      const bad = await bench.target.anyDatagram();
      expect(bad === undefined, "no datagram at the target", shown(bad?.bytes ?? new Uint8Array(0)));
      await association.send(encodeDatagram(bench.target.udp, THERE));
      await bench.target.datagram("the good datagram at the target");
    },
  },
];
