/**
 * Checks of how protected messages lie in the stream: cut, joined, long, empty.
 *
 * @module
 */
import { type Bytes, concat, EMPTY, sameBytes, utf8 } from "../../base/bytes.ts";
import { FRAME_HEADER, MAX_TOKEN } from "../../socks/wire/gssapi.ts";
import { Command } from "../../socks/wire/messages.ts";
import type { Bench } from "../bench.ts";
import { type Check, expect, Skipped } from "../check.ts";
import type { GssSession } from "../gss_session.ts";
import { shown } from "../hex.ts";
import { granted, request } from "../messages.ts";
import type { Raw } from "../raw.ts";

const CLAUSE = "RFC 1961 section 5";
const TEXTS = ["one, ", "two, ", "three"].map((text) => utf8(text));

/** The strongest level that the proxy grants. */
async function strongest(bench: Bench): Promise<GssSession> {
  return await bench.protected(2).catch((error) => {
    if (error instanceof Skipped) return bench.protected(1);
    throw error;
  });
}

/** A check that frames arrive whole in whatever pieces they come. */
function pieces(id: string, title: string, send: (raw: Raw, frames: readonly Bytes[]) => Promise<void>): Check<Bench> {
  return {
    id,
    clause: CLAUSE,
    severity: "must",
    title,
    async run(bench) {
      const { near, far } = await bench.through(await strongest(bench));
      const frames: Bytes[] = [];
      for (const text of TEXTS) frames.push(await near.frame(text));
      await send(near.raw, frames);
      await far.expect(concat(...TEXTS), "all three messages at the target");
    },
  };
}

/** A check of a request in several tokens, or with more in its own. */
function requestAs(
  id: string,
  title: string,
  messages: (message: Bytes) => readonly Uint8Array[],
  data: Bytes = EMPTY,
): Check<Bench> {
  return {
    id,
    clause: CLAUSE,
    severity: "should",
    title,
    async run(bench) {
      const near = await strongest(bench);
      await near.send(...messages(request(Command.Connect, bench.target.tcp)));
      await granted(near, "a granted CONNECT");
      await (await bench.accepted()).expect(data, "the data at the target");
    },
  };
}

/** The checks. */
export const FRAME_CHECKS: readonly Check<Bench>[] = [
  pieces("frames.split", "reads messages that come byte by byte", (raw, frames) => raw.trickle(concat(...frames))),
  pieces("frames.joined", "reads several messages that come in one piece", (raw, frames) => raw.send(...frames)),
  pieces("frames.straddled", "reads messages that are cut across their borders", async (raw, frames) => {
    const all = concat(...frames);
    await raw.sendCut(all.subarray(0, frames[0]!.length + 3), frames[0]!.length - 1);
    await raw.send(all.subarray(frames[0]!.length + 3));
  }),
  {
    id: "frames.waits",
    clause: CLAUSE,
    severity: "must",
    title: "hands on nothing of a message before its last byte",
    async run(bench) {
      const { near, far } = await bench.through(await strongest(bench));
      const frame = await near.frame(TEXTS[0]!);
      await near.raw.send(frame.subarray(0, -1));
      await far.silent("nothing at the target before the last byte");
      await near.raw.send(frame.subarray(-1));
      await far.expect(TEXTS[0]!, "the message at the target");
    },
  },
  {
    id: "frames.empty",
    clause: CLAUSE,
    severity: "should",
    title: "takes a message of no bytes for no data, and goes on",
    async run(bench) {
      const { near, far } = await bench.through(await strongest(bench));
      await near.send(EMPTY, TEXTS[0]!);
      await far.expect(TEXTS[0]!, "the message behind the empty one at the target");
    },
  },
  {
    id: "frames.longest",
    clause: CLAUSE,
    severity: "must",
    title: "reads a message whose token has as near to 65,535 bytes as there is",
    async run(bench) {
      const { near, far } = await bench.through(await strongest(bench));
      const size = near.context.wrapSizeLimit(MAX_TOKEN, { confidential: near.level >= 2 });
      const message = new Uint8Array(size).map((_, i) => i * 7);
      const frame = await near.frame(message);
      await near.raw.send(frame);
      await far.expect(message, `${size} bytes at the target`);
      return `a token of ${frame.length - FRAME_HEADER} bytes`;
    },
  },
  {
    id: "frames.many",
    clause: CLAUSE,
    severity: "must",
    title: "carries 300,000 bytes both ways, each message in its place",
    async run(bench) {
      const { near, far } = await bench.through(await strongest(bench));
      const sent = new Uint8Array(300_000).map((_, i) => i * 13);
      const sending = (async () => {
        for (let at = 0; at < sent.length; at += 30_000) await near.send(sent.subarray(at, at + 30_000));
      })();
      // If the target gets too little, that is the finding.
      sending.catch(() => {});
      const arrived = await far.take(sent.length, "300,000 bytes at the target");
      await sending;
      expect(sameBytes(arrived, sent), "the bytes that were sent", "others");
      const answering = far.send(arrived);
      const back = await near.take(sent.length, "300,000 bytes from the target");
      await answering;
      expect(sameBytes(back, sent), "the bytes that the target sent", shown(back));
    },
  },
  requestAs("frames.request-split", "reads a request that is split over several tokens", (message) => [
    message.subarray(0, 1),
    message.subarray(1, 4),
    message.subarray(4, -1),
    message.subarray(-1),
  ]),
  requestAs("frames.request-data", "keeps data that lies in one token with the request", (message) => [
    concat(message, TEXTS[0]!),
  ], TEXTS[0]!),
];
