/**
 * Checks of the negotiation of the protection level.
 *
 * @module
 */
import { Command } from "../../socks/wire/messages.ts";
import { encodeAbort, encodeFrame, FrameType } from "../../socks/wire/gssapi.ts";
import { askLevel, type Bench } from "../bench.ts";
import { type Check, expect } from "../check.ts";
import { damaged, type GssSession } from "../gss_session.ts";
import { shown } from "../hex.ts";
import { granted, request } from "../messages.ts";

const LEVELS = "RFC 1961 section 4.2";
const MESSAGE = "RFC 1961 section 4.3";
const TOKEN = "RFC 1961 section 4.4";

function levelFrame(session: GssSession, bytes: readonly number[], confidential = false): Promise<Uint8Array> {
  return session.frame(Uint8Array.from(bytes), { confidential, type: FrameType.Protection });
}

/** Asks for a level, and returns what is granted; `undefined` if the proxy refuses with `01 FF`, or ends where it may. */
async function asked(
  session: GssSession,
  level: number,
  { mayEnd }: { readonly mayEnd: boolean },
): Promise<number | undefined> {
  const what = `a level of 1 to 3, or ${mayEnd ? "01 ff or an end" : "01 ff"}`;
  await session.raw.send(await levelFrame(session, [level]));
  const bytes = await session.raw.peek(what);
  if (bytes.length === 0 && mayEnd) return undefined;
  const { type, token } = await session.raw.frame(what);
  if (type === FrameType.Abort) return undefined;
  const { data } = await session.opened(token, "a genuine level");
  expect(
    type === FrameType.Protection && data.length === 1 && data[0]! >= 1 && data[0]! <= 3,
    what,
    `level ${shown(data)}`,
  );
  return data[0]!;
}

/** A check that a level is answered with one that the RFC has, or refused. */
function answered(level: number): Check<Bench> {
  return {
    id: `level.${level}`,
    clause: LEVELS,
    severity: "must",
    title: `grants level 1, 2 or 3 to a client that asks for ${level}, or refuses it with 01 FF`,
    async run(bench) {
      const found = await asked(await bench.context(), level, { mayEnd: false });
      return found === undefined ? "refuses" : `grants ${found}`;
    },
  };
}

/** A check that a level outside the RFC is not granted. */
function outside(level: number): Check<Bench> {
  return {
    id: `level.${level}`,
    clause: LEVELS,
    severity: "must",
    title: `grants no level ${level}, which is not defined`,
    async run(bench) {
      const found = await asked(await bench.context(), level, { mayEnd: true });
      return found === undefined ? "refuses" : `grants ${found} instead`;
    },
  };
}

/** A check that something in place of a level is refused with `01 FF`. */
function refused(
  id: string,
  title: string,
  clause: string,
  message: (session: GssSession) => Uint8Array | Promise<Uint8Array>,
): Check<Bench> {
  return {
    id,
    clause,
    severity: "must",
    title: `refuses ${title} with 01 FF`,
    async run(bench) {
      const session = await bench.context();
      await session.raw.send(await message(session));
      await session.raw.refusal(title);
    },
  };
}

/** The checks. */
export const LEVEL_CHECKS: readonly Check<Bench>[] = [
  answered(1),
  answered(2),
  answered(3),
  outside(0),
  outside(4),
  outside(255),
  {
    id: "level.answer",
    clause: TOKEN,
    severity: "must",
    title: "answers with a level that is signed, and not encrypted",
    async run(bench) {
      const session = await bench.context();
      await session.raw.send(await levelFrame(session, [2]));
      const { data, confidential } = await session.next(FrameType.Protection, "a level in a token of type 2");
      expect(data.length === 1, "one byte", shown(data));
      expect(!confidential, "conf_req FALSE", "an encrypted token");
    },
  },
  refused(
    "level.clear",
    "a level that is not in a token",
    TOKEN,
    () => encodeFrame(FrameType.Protection, Uint8Array.of(2)),
  ),
  refused(
    "level.damaged",
    "a level with one wrong bit",
    TOKEN,
    async (session) => damaged(await levelFrame(session, [2])),
  ),
  refused(
    "level.no-token",
    "a level in a token of no bytes",
    MESSAGE,
    () => encodeFrame(FrameType.Protection, new Uint8Array(0)),
  ),
  refused("level.no-byte", "a message of no bytes in place of a level", TOKEN, (session) => levelFrame(session, [])),
  refused("level.two-bytes", "two bytes in place of a level", TOKEN, (session) => levelFrame(session, [2, 2])),
  refused("level.type-1", "a level in a message of type 1", MESSAGE, async (session) => {
    return encodeFrame(FrameType.Authentication, (await levelFrame(session, [2])).subarray(4));
  }),
  refused("level.type-3", "a request in place of a level", MESSAGE, async (session) => {
    return await session.frame(request(Command.Connect, { hostname: "127.0.0.1", port: 9 }), { confidential: true });
  }),
  {
    id: "level.sealed",
    clause: TOKEN,
    severity: "note",
    title: "says what it does with a level that is encrypted, although conf_req must be FALSE",
    async run(bench) {
      const session = await bench.context();
      await session.raw.send(await levelFrame(session, [2], true));
      const { type } = await session.raw.frame("01 ff, or a level");
      return type === FrameType.Abort ? "refuses it" : "takes it";
    },
  },
  {
    id: "level.split",
    clause: MESSAGE,
    severity: "must",
    title: "reads a level that comes byte by byte",
    async run(bench) {
      const session = await bench.context();
      await session.raw.trickle(await levelFrame(session, [2]));
      await session.next(FrameType.Protection, "a level in a token of type 2");
    },
  },
  {
    id: "level.joined",
    clause: MESSAGE,
    severity: "should",
    title: "keeps a request that comes in one piece with the level",
    async run(bench) {
      const session = await bench.context();
      const level = await levelFrame(session, [2]);
      session.level = 2;
      await session.raw.send(level, await session.frame(request(Command.Connect, bench.target.tcp)));
      const { data } = await session.next(FrameType.Protection, "a level in a token of type 2");
      session.level = data[0]!;
      if (session.level === 2) await granted(session, "a granted CONNECT");
    },
  },
  {
    id: "level.abort",
    clause: "RFC 1961 section 3.8",
    severity: "should",
    title: "ends when the client sends 01 FF in place of a level",
    async run(bench) {
      const { raw } = await bench.context();
      await raw.send(encodeAbort());
      await raw.ended("an end");
    },
  },
  {
    id: "level.again",
    clause: MESSAGE,
    severity: "must",
    title: "takes no second level where the request must follow",
    async run(bench) {
      const session = await bench.context();
      await askLevel(session, 2);
      await session.raw.send(await levelFrame(session, [1]));
      const bytes = await session.raw.drain();
      // A reply in a token refuses: the level is no request.
      expect(bytes[1] !== FrameType.Protection, "no second level", shown(bytes));
    },
  },
];
