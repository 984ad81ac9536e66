/**
 * Checks of datagrams under the protection of a context.
 *
 * @module
 */
import { sameBytes, utf8 } from "../../base/bytes.ts";
import { decodeDatagram, encodeDatagram } from "../../socks/wire/datagram.ts";
import { decodeFrame, FrameType } from "../../socks/wire/gssapi.ts";
import type { Bench } from "../bench.ts";
import { type Check, expect } from "../check.ts";
import { damaged, type GssSession } from "../gss_session.ts";
import { shown } from "../hex.ts";
import { associate, type Association } from "./association.ts";

const CLAUSE = "RFC 1961 section 5";
const [THERE, BACK] = [utf8("a datagram"), utf8("its answer")];

interface Protected {
  readonly session: GssSession;
  readonly association: Association;
}

/** An association whose datagrams are protected; RFC 1961 section 3.2: without sequence detection. */
async function open(bench: Bench, level: number): Promise<Protected> {
  const flags = { mutual: true, replay: true, confidentiality: true, integrity: true };
  const session = await bench.protected(level, flags);
  return { session, association: await associate(bench, session) };
}

/** A check of how datagrams are protected at a level. */
function protectedAs(level: 1 | 2): Check<Bench> {
  const how = level === 1 ? "signed, and not encrypted" : "encrypted";
  return {
    id: level === 1 ? "sealed-udp.signed" : "sealed-udp.sealed",
    clause: CLAUSE,
    severity: "must",
    title: `carries datagrams that are ${how} both ways, at level ${level}`,
    async run(bench) {
      const { session, association } = await open(bench, level);
      await association.send(await session.frame(encodeDatagram(bench.target.udp, THERE)));
      const { bytes, from } = await bench.target.datagram("the datagram at the target");
      expect(sameBytes(bytes, THERE), "the data alone", shown(bytes));
      await bench.target.answer(BACK, from);
      const what = `one message of type 3, ${how}`;
      const answer = await association.next("the answer of the target");
      const frame = framed(answer);
      expect(frame?.length === answer.length && frame.value.type === FrameType.Encapsulation, what, shown(answer));
      const { data, confidential } = await session.opened(frame.value.token, what);
      expect(confidential === (level === 2), what, shown(answer));
      expect(sameBytes(decodeDatagram(new Uint8Array(data)).data, BACK), "the answer of the target", shown(data));
    },
  };
}

function framed(bytes: Uint8Array<ArrayBuffer>): ReturnType<typeof decodeFrame> {
  try {
    return decodeFrame(bytes);
  } catch {
    return undefined;
  }
}

/** A check that what is not protected as agreed goes to no target. */
function dropped(
  id: string,
  title: string,
  message: (session: GssSession, datagram: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): Check<Bench> {
  return {
    id,
    clause: CLAUSE,
    severity: "must",
    title: `drops ${title}`,
    async run(bench) {
      const { session, association } = await open(bench, 2);
      await association.send(await message(session, encodeDatagram(bench.target.udp, THERE)));
      const arrived = await bench.target.anyDatagram();
      expect(arrived === undefined, "no datagram at the target", shown(arrived?.bytes ?? new Uint8Array(0)));
    },
  };
}

/** The checks. */
export const SEALED_UDP_CHECKS: readonly Check<Bench>[] = [
  protectedAs(1),
  protectedAs(2),
  dropped("sealed-udp.clear", "a datagram in clear, at level 2", (_, datagram) => datagram),
  dropped(
    "sealed-udp.signed-at-2",
    "a datagram that is signed only, at level 2",
    (session, datagram) => session.frame(datagram, { confidential: false }),
  ),
  dropped(
    "sealed-udp.damaged",
    "a datagram with one wrong bit",
    async (session, datagram) => damaged(await session.frame(datagram)),
  ),
  dropped(
    "sealed-udp.type",
    "a datagram in a message of type 2",
    (session, datagram) => session.frame(datagram, { type: FrameType.Protection }),
  ),
  {
    id: "sealed-udp.replayed",
    clause: "RFC 1961 section 3.2",
    severity: "must",
    title: "hands a datagram on once, however often it comes",
    async run(bench) {
      const { session, association } = await open(bench, 2);
      const frame = await session.frame(encodeDatagram(bench.target.udp, THERE));
      await association.send(frame);
      await bench.target.datagram("the datagram at the target");
      await association.send(frame);
      const again = await bench.target.anyDatagram();
      expect(again === undefined, "no second datagram at the target", shown(again?.bytes ?? new Uint8Array(0)));
    },
  },
  {
    id: "sealed-udp.late",
    clause: "RFC 1961 section 3.2",
    severity: "should",
    title: "hands on datagrams that come in another order",
    async run(bench) {
      const { session, association } = await open(bench, 2);
      const frames = [];
      for (const text of ["one", "two"]) frames.push(await session.frame(encodeDatagram(bench.target.udp, utf8(text))));
      for (const frame of frames.reverse()) await association.send(frame);
      for (const which of ["first", "second"]) {
        await bench.target.datagram(`the ${which} of two datagrams at the target`);
      }
    },
  },
];
