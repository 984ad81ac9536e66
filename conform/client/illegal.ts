/**
 * Parts in which the proxy does what it may not, or refuses: the client has to give up.
 *
 * @module
 */
import { utf8 } from "../../base/bytes.ts";
import { encodeReply, Method } from "../../socks/wire/messages.ts";
import { encodeAbort, encodeFrame, FrameType } from "../../socks/wire/gssapi.ts";
import { decodeUsernamePassword } from "../../socks/wire/password.ts";
import { type Check, Skipped } from "../check.ts";
import { damaged, type GssSession } from "../gss_session.ts";
import type { Raw } from "../raw.ts";
import type { Stage } from "./stage.ts";

const CHOICE = "RFC 1928 section 3";
const ABORT = "RFC 1961 section 3.8";
const TOKENS = "RFC 1961 section 3.7";
const LEVEL = "RFC 1961 section 4.2";
const LEVEL_TOKEN = "RFC 1961 section 4.4";
const PROTECTION = "RFC 1961 section 5";

/** A part after which the client must give up. */
function givesUp(id: string, clause: string, after: string, play: (stage: Stage) => Promise<Raw>): Check<Stage> {
  return {
    id: `refuse.${id}`,
    clause,
    severity: "must",
    title: `gives up after ${after}`,
    run: async (stage) => await stage.givesUp(await play(stage), after),
  };
}

/** A part with a wrong answer to the offer. */
function choice(id: string, after: string, answer: (methods: readonly number[]) => Uint8Array): Check<Stage> {
  return givesUp(id, CHOICE, after, async (stage) => {
    const { raw, methods } = await stage.offer();
    await raw.send(answer(methods));
    return raw;
  });
}

/** A part with a wrong answer to the first token. */
function answer(id: string, clause: string, after: string, bytes: Uint8Array): Check<Stage> {
  return givesUp(id, clause, after, async (stage) => {
    const { raw } = await stage.firstToken();
    await raw.send(bytes);
    return raw;
  });
}

/** A part with a wrong answer to the level that is asked for. */
function level(
  id: string,
  clause: string,
  after: string,
  frame: (session: GssSession, asked: number) => Uint8Array | Promise<Uint8Array>,
): Check<Stage> {
  return givesUp(`level-${id}`, clause, after, async (stage) => {
    const session = await stage.context();
    const { level } = await stage.asked(session);
    await session.raw.send(await frame(session, level));
    return session.raw;
  });
}

function levelFrame(session: GssSession, ...bytes: readonly number[]): Promise<Uint8Array> {
  return session.frame(Uint8Array.from(bytes), { confidential: false, type: FrameType.Protection });
}

/** A part with a wrong reply to the request. */
function reply(
  id: string,
  after: string,
  frame: (session: GssSession, reply: Uint8Array) => Uint8Array | Promise<Uint8Array>,
  at: "protected" | "sealed" = "protected",
): Check<Stage> {
  return givesUp(`reply-${id}`, PROTECTION, after, async (stage) => {
    const session = await stage[at]();
    await stage.requested(session);
    await session.raw.send(await frame(session, encodeReply({ reply: 0, hostname: "192.0.2.7", port: 9 })));
    return session.raw;
  });
}

/** The parts. */
export const ILLEGAL_PARTS: readonly Check<Stage>[] = [
  choice("no-method", "05 FF, no method", () => Uint8Array.of(5, 0xff)),
  choice("not-offered", "the choice of a method that it did not offer", () => Uint8Array.of(5, 0x7f)),
  choice("version", "a choice of version 4", (methods) => Uint8Array.of(4, methods[0]!)),
  givesUp("login", "RFC 1929 section 2", "01 01, a refused login", async (stage) => {
    const raw = await stage.chosen(Method.Password);
    await raw.message(decodeUsernamePassword, "01, a user and a password");
    await raw.send(Uint8Array.of(1, 1));
    return raw;
  }),
  answer("abort", ABORT, "01 FF in place of a token", encodeAbort()),
  answer(
    "token-garbage",
    TOKENS,
    "a token that is none",
    encodeFrame(FrameType.Authentication, utf8("no token at all")),
  ),
  answer(
    "token-empty",
    "RFC 1961 section 3.2",
    "an empty token in place of the proof who the proxy is",
    encodeFrame(FrameType.Authentication, new Uint8Array(0)),
  ),
  givesUp(
    "token-damaged",
    TOKENS,
    "a token with one wrong bit",
    async (stage) => (await stage.context({ change: (frame) => damaged(frame, 20) })).raw,
  ),
  givesUp("token-type", TOKENS, "a token in a message of type 2", async (stage) => {
    const changed = (frame: Uint8Array) => {
      frame[1] = FrameType.Protection;
      return frame;
    };
    return (await stage.context({ change: changed })).raw;
  }),
  level("abort", ABORT, "01 FF in place of a level", () => encodeAbort()),
  level("0", LEVEL, "level 0, which is not defined", (session, asked) => {
    if (asked === 0) throw new Skipped("the client asks for level 0 itself");
    return levelFrame(session, 0);
  }),
  level("9", LEVEL, "level 9, which is not defined", (session) => levelFrame(session, 9)),
  level(
    "clear",
    LEVEL_TOKEN,
    "a level that is not in a token",
    (_, asked) => encodeFrame(FrameType.Protection, Uint8Array.of(asked)),
  ),
  level(
    "damaged",
    LEVEL_TOKEN,
    "a level with one wrong bit",
    async (session, asked) => damaged(await levelFrame(session, asked)),
  ),
  level("long", LEVEL_TOKEN, "two bytes in place of a level", (session, asked) => levelFrame(session, asked, asked)),
  level(
    "type",
    "RFC 1961 section 4.3",
    "a level in a message of type 3",
    (session, asked) => session.frame(Uint8Array.of(asked), { confidential: false }),
  ),
  {
    id: "refuse.level-weaker",
    clause: LEVEL_TOKEN,
    severity: "note",
    title: "says whether it goes on at level 1 where it asked for more",
    async run(stage) {
      const session = await stage.context();
      const { level: asked } = await stage.asked(session);
      await stage.grant(session, 1);
      const bytes = await session.raw.drain();
      return `asks for ${asked}, ${bytes[1] === FrameType.Encapsulation ? "goes on" : "gives up"}`;
    },
  },
  reply("clear", "a reply in clear", (_, message) => message),
  reply(
    "signed",
    "a reply that is signed only, at level 2",
    (session, message) => session.frame(message, { confidential: false }),
    "sealed",
  ),
  reply("damaged", "a reply with one wrong bit", async (session, message) => damaged(await session.frame(message))),
  reply(
    "type",
    "a reply in a message of type 2",
    (session, message) => session.frame(message, { type: FrameType.Protection }),
  ),
  givesUp("reply-code", "RFC 1928 section 6", "reply 05, a target that cannot be reached", async (stage) => {
    const session = await stage.agreed();
    await stage.requested(session);
    await stage.tell(session, encodeReply({ reply: 5, hostname: "0.0.0.0", port: 0 }));
    await session.raw.finish();
    return session.raw;
  }),
];
