/**
 * Checks of what is protected, and how, once the level is agreed.
 *
 * @module
 */
import { type Bytes, concat, sameBytes, utf8 } from "../../base/bytes.ts";
import { Command } from "../../socks/wire/messages.ts";
import { FrameType } from "../../socks/wire/gssapi.ts";
import type { Bench, Through } from "../bench.ts";
import { type Check, expect, orUndefined } from "../check.ts";
import { damaged, type GssSession } from "../gss_session.ts";
import { contains, shown } from "../hex.ts";
import { request } from "../messages.ts";

const CLAUSE = "RFC 1961 section 5";
const ORDER = "RFC 2743 section 1.2.3";
const TEXT = utf8("a text that nobody may read on the way");

/** A connection through the proxy at a level. */
async function open(bench: Bench, level: number): Promise<Through<GssSession>> {
  return await bench.through(await bench.protected(level));
}

/** A check of how the reply is protected at a level. */
function replyAs(level: 1 | 2): Check<Bench> {
  return {
    id: level === 1 ? "protection.reply-signed" : "protection.reply-sealed",
    clause: CLAUSE,
    severity: "must",
    title: level === 1 ? "signs its reply, and does not encrypt it, at level 1" : "encrypts its reply, at level 2",
    async run(bench) {
      await open(bench, level);
    },
  };
}

/** A check of how data of the target arrives at a level. */
function protectedAs(level: 1 | 2): Check<Bench> {
  const how = level === 1 ? "signed, and not encrypted" : "encrypted";
  return {
    id: level === 1 ? "protection.signed" : "protection.sealed",
    clause: CLAUSE,
    severity: "must",
    title: `sends data that is ${how}, at level ${level}`,
    async run(bench) {
      const { near, far } = await open(bench, level);
      await far.send(TEXT);
      const { data, token } = await near.next(FrameType.Encapsulation, "the data of the target, in a token of type 3");
      expect(sameBytes(data, TEXT), "the data of the target", shown(data));
      expect(contains(token, TEXT) === (level === 1), `data that is ${how}`, shown(token));
    },
  };
}

/** A check that a request in a wrong frame is not carried out. */
function requestRefused(
  id: string,
  title: string,
  frame: (session: GssSession, message: Bytes) => Uint8Array | Promise<Uint8Array>,
): Check<Bench> {
  return {
    id,
    clause: CLAUSE,
    severity: "must",
    title: `carries out no request ${title}`,
    async run(bench) {
      const session = await bench.protected(2);
      await session.raw.send(await frame(session, request(Command.Connect, bench.target.tcp)));
      const bytes = await session.raw.drain();
      const made = bench.target.waiting;
      expect(made === 0, "no connection to the target", `a connection; the answer is ${shown(bytes)}`);
    },
  };
}

const [ONE, TWO, THREE] = ["first.", "second.", "third."].map((text) => utf8(text)) as [Bytes, Bytes, Bytes];

/** A check that frames which are not as agreed do not reach the target. */
function dataRefused(
  id: string,
  title: string,
  clause: string,
  attack: {
    /** Makes what is sent. The numbers of tokens follow the order in which they are made. */
    readonly frames: (session: GssSession) => Promise<readonly Uint8Array[]>;
    /** All that may reach the target. */
    readonly may: Bytes;
  },
  severity: "must" | "should" = "must",
): Check<Bench> {
  return {
    id,
    clause,
    severity,
    title: `hands on no ${title}`,
    async run(bench) {
      const { near, far } = await open(bench, 2);
      await near.raw.send(...await attack.frames(near));
      const arrived = await far.drain();
      const good = sameBytes(arrived, attack.may.subarray(0, arrived.length));
      expect(good, `nothing at the target but ${shown(attack.may)}`, shown(arrived));
    },
  };
}

/** The checks. */
export const PROTECTION_CHECKS: readonly Check<Bench>[] = [
  replyAs(1),
  replyAs(2),
  protectedAs(1),
  protectedAs(2),
  {
    id: "protection.selective",
    clause: CLAUSE,
    severity: "must",
    title: "sends its reply and all data in tokens, at level 3",
    async run(bench) {
      const { near, far } = await open(bench, 3);
      await far.send(TEXT);
      await near.take(TEXT.length, "the data of the target");
      await near.raw.send(
        await near.frame(ONE, { confidential: false }),
        await near.frame(TWO, { confidential: true }),
      );
      await far.expect(concat(ONE, TWO), "both messages at the target, the signed and the encrypted one");
    },
  },
  requestRefused("protection.request-clear", "in clear, at level 2", (_, message) => message),
  requestRefused(
    "protection.request-signed",
    "that is signed only, at level 2",
    (session, message) => session.frame(message, { confidential: false }),
  ),
  requestRefused(
    "protection.request-damaged",
    "with one wrong bit",
    async (session, message) => damaged(await session.frame(message)),
  ),
  requestRefused(
    "protection.request-type",
    "in a message of type 2",
    (session, message) => session.frame(message, { type: FrameType.Protection }),
  ),
  {
    id: "protection.sealed-at-1",
    clause: CLAUSE,
    severity: "note",
    title: "says what it does with an encrypted message at level 1, although conf_req must be FALSE",
    async run(bench) {
      const { near, far } = await open(bench, 1);
      await near.raw.send(await near.frame(ONE, { confidential: true }));
      const arrived = await orUndefined(far.take(ONE.length, "the message at the target"));
      return arrived === undefined ? "hands nothing on" : "hands it on";
    },
  },
  dataRefused("protection.clear", "data in clear, at level 2", CLAUSE, {
    frames: () => Promise.resolve([ONE]),
    may: new Uint8Array(0),
  }),
  dataRefused("protection.signed-data", "data that is signed only, at level 2", CLAUSE, {
    frames: async (session) => [await session.frame(ONE, { confidential: false })],
    may: new Uint8Array(0),
  }),
  dataRefused("protection.damaged", "data with one wrong bit", CLAUSE, {
    frames: async (session) => [damaged(await session.frame(ONE))],
    may: new Uint8Array(0),
  }),
  dataRefused("protection.replayed", "message twice", ORDER, {
    async frames(session) {
      const one = await session.frame(ONE);
      return [one, one];
    },
    may: ONE,
  }),
  dataRefused("protection.swapped", "messages in another order", ORDER, {
    async frames(session) {
      const [one, two] = [await session.frame(ONE), await session.frame(TWO)];
      return [two, one];
    },
    may: new Uint8Array(0),
  }),
  dataRefused("protection.dropped", "message behind one that is missing", ORDER, {
    async frames(session) {
      const [one] = [await session.frame(ONE), await session.frame(TWO)];
      return [one, await session.frame(THREE)];
    },
    may: ONE,
  }),
  dataRefused("protection.type", "data in a message of type 2", CLAUSE, {
    frames: async (session) => [await session.frame(ONE, { type: FrameType.Protection })],
    may: new Uint8Array(0),
  }),
  dataRefused("protection.no-token", "data after a token of no bytes", CLAUSE, {
    frames: async (session) => [Uint8Array.of(1, 3, 0, 0), await session.frame(ONE)],
    may: new Uint8Array(0),
  }, "should"),
  {
    id: "protection.reflected",
    clause: CLAUSE,
    severity: "must",
    title: "hands on no message of its own that is sent back to it",
    async run(bench) {
      const { near, far } = await open(bench, 2);
      await far.send(TEXT);
      const { token } = await near.raw.frame("the data of the target");
      await near.raw.send(Uint8Array.of(1, 3, token.length >> 8, token.length & 0xff), token);
      const arrived = await far.drain();
      expect(arrived.length === 0, "nothing at the target", shown(arrived));
    },
  },
];
