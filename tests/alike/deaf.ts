/**
 * Situations of one side that does not read: the other one is held back, and closing ends everything.
 *
 * @module
 */
import { BOUND, CHUNK, stuck } from "./closing.ts";
import { allTold, asSent, CLOSED, GUARD, later, pattern, type Situation, told } from "./situation.ts";

const SLOW = pattern(2 << 20);
const LATE = pattern(6 << 20);

const SMALL = CHUNK.subarray(0, 1 << 18);

/** One side does not read. */
export const DEAF: readonly Situation[] = [
  {
    name: "a peer that does not read holds writable back, and close() ends what waits",
    gives: `desiredSize 0; ${CLOSED}, ${CLOSED}, ${CLOSED}; all ${CLOSED}`,
    async play(stage): Promise<string> {
      const { stream } = stage;
      const writer = stream.writable.getWriter();
      let held: Promise<unknown> | undefined;
      for (let taken = 0; taken < BOUND; taken += SMALL.length) {
        held = writer.write(SMALL);
        held.catch(() => {}); // Told afterwards.
        if (!await stage.quiet(writer.ready)) break;
        held = undefined;
      }
      if (held === undefined) return "everything is taken";
      const { desiredSize } = writer;
      const ends = allTold(held, writer.ready, writer.closed);
      stream.close();
      return `desiredSize ${desiredSize}; ${await ends}; ${await later(stream)}`;
    },
  },
  {
    name: "a peer that begins to read late gets everything",
    gives: "6291456, whole",
    async play({ stream, peer, quiet }): Promise<string> {
      const sent = LATE;
      const writing = told(stream.write(sent), 3 * GUARD);
      await quiet();
      const getting = peer.takeAll();
      const count = await writing;
      await stream.closeWrite();
      return `${count}, ${asSent(await getting, sent)}`;
    },
  },
  {
    name: "who does not read holds the peer back",
    gives: `held back; all ${CLOSED}`,
    async play({ stream, peer, quiet }): Promise<string> {
      const flood = peer.flood();
      await stream.read(new Uint8Array(10));
      await quiet();
      stream.close();
      const taken = await told(flood);
      return `${Number(taken) < BOUND ? "held back" : `${taken} bytes are taken`}; ${await later(stream)}`;
    },
  },
  {
    name: "who reads slowly by a stream gets everything",
    gives: "whole",
    async play({ stream, peer, quiet }): Promise<string> {
      const sent = SLOW;
      const sending = peer.send(sent).then(() => peer.end());
      const parts: Uint8Array[] = [];
      const reader = stream.readable.getReader();
      for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
        if (parts.push(chunk.value) === 1) await quiet();
      }
      await sending;
      return asSent(new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer()), sent);
    },
  },
  {
    name: "a peer that is gone without a word ends what waits for it",
    gives: "held back; settled",
    async play(stage): Promise<string> {
      const { stream, peer } = stage;
      const { held } = await stuck(stage, () => stream.write(CHUNK));
      peer.close();
      const how = await told(held);
      return `held back; ${how === "waits" ? how : "settled"}`;
    },
  },
];
