/**
 * Parts in which data is not as agreed: what the client shows for it decides.
 *
 * @module
 */
import { type Bytes, concat } from "../../base/bytes.ts";
import { FrameType } from "../../socks/wire/gssapi.ts";
import type { Check } from "../check.ts";
import { damaged, type GssSession } from "../gss_session.ts";
import { PAGE_END, PAGE_START, pageHead } from "./page.ts";
import type { Stage } from "./stage.ts";

const PROTECTION = "RFC 1961 section 5";
const ORDER = "RFC 2743 section 1.2.3";

/** A part in which a page is not as agreed. */
function page(
  id: string,
  clause: string,
  title: string,
  attack: {
    /** The frames behind the head of the page. */
    readonly frames: (session: GssSession) => Promise<readonly Uint8Array[]>;
    /** What the client must not show. */
    readonly hidden: Bytes;
    readonly at?: "protected" | "sealed";
  },
): Check<Stage> {
  return {
    id: `data.${id}`,
    clause,
    severity: "must",
    title: `shows no ${title}`,
    async run(stage) {
      const session = await stage[attack.at ?? "protected"]();
      await stage.granted(session);
      await stage.heard(session);
      await stage.tell(session, pageHead(2 * (PAGE_START.length + PAGE_END.length)));
      await session.raw.send(...await attack.frames(session));
      await stage.notShown(attack.hidden);
    },
  };
}

/** The parts. */
export const DATA_PARTS: readonly Check<Stage>[] = [
  page("clear", PROTECTION, "data that came in clear", {
    frames: () => Promise.resolve([PAGE_START]),
    hidden: PAGE_START,
  }),
  page("signed", PROTECTION, "data that was signed only, at level 2", {
    frames: async (session) => [await session.frame(PAGE_START, { confidential: false })],
    hidden: PAGE_START,
    at: "sealed",
  }),
  page("damaged", PROTECTION, "data with one wrong bit", {
    frames: async (session) => [damaged(await session.frame(PAGE_START))],
    hidden: PAGE_START,
  }),
  page("type", PROTECTION, "data in a message of type 2", {
    frames: async (session) => [await session.frame(PAGE_START, { type: FrameType.Protection })],
    hidden: PAGE_START,
  }),
  page("replayed", ORDER, "message twice", {
    async frames(session) {
      const frame = await session.frame(PAGE_START);
      return [frame, frame];
    },
    hidden: concat(PAGE_START, PAGE_START),
  }),
  page("swapped", ORDER, "messages in another order", {
    async frames(session) {
      const [one, two] = [await session.frame(PAGE_START), await session.frame(PAGE_END)];
      return [two, one];
    },
    hidden: PAGE_END,
  }),
  page("dropped", ORDER, "message behind one that is missing", {
    async frames(session) {
      await session.frame(PAGE_START);
      return [await session.frame(PAGE_END)];
    },
    hidden: PAGE_END,
  }),
];
