/**
 * Situations of reading: calls at one time, rests of short reads, readers that come and go.
 *
 * @module
 */
import { concat, lenientText, utf8 } from "../../base/bytes.ts";
import { allTold, asSent, pattern, read, readAll, type Situation, type Stage, told } from "./situation.ts";

/** Reads by as many calls at one time as is said, to the end; the bytes in the order of the calls. */
async function readAtOnce({ stream }: Stage, calls: number, room: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let ended = false; !ended;) {
    const buffers = Array.from({ length: calls }, () => new Uint8Array(room));
    const counts = await Promise.all(buffers.map((buffer) => stream.read(buffer)));
    counts.forEach((count, i) => {
      if (count === null) ended = true;
      else if (ended) throw new Error("Bytes after the end");
      else parts.push(buffers[i]!.subarray(0, count));
    });
  }
  return concat(...parts);
}

/** Six pieces of thirty bytes each, which may come in one or in six. */
async function sixPieces(stage: Stage, calls: number): Promise<string> {
  const sent = Array.from({ length: 6 }, (_, i) => `<${i}>`.repeat(10));
  for (const piece of sent) {
    await stage.peer.send(piece);
    // A round trip, so that it is a piece of its own on the way.
    await stage.stream.write(utf8("?"));
    await stage.peer.take(1);
  }
  await stage.peer.end();
  return asSent(await readAtOnce(stage, calls, 30), utf8(sent.join("")));
}

/** What is left after a short read, got by the means given. */
function restBy(name: string, rest: (stage: Stage) => Promise<string>): Situation {
  return {
    name: `a short read, then ${name}`,
    gives: "HEAD\n, body-1234567890",
    async play(stage): Promise<string> {
      await stage.peer.send("HEAD\nbody-1234567890");
      await stage.peer.end();
      return `${await read(stage.stream, 5)}, ${await rest(stage)}`;
    },
  };
}

/** Everything that a reader gives. */
async function byReader(stream: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stream.getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += lenientText(value);
  }
}

const REST: readonly Situation[] = [
  restBy("read()", ({ stream }) => readAll(stream)),
  restBy("two reads at once", async (stage) => lenientText(await readAtOnce(stage, 2, 4))),
  restBy("readable", ({ stream }) => new Response(stream.readable as ReadableStream<Uint8Array<ArrayBuffer>>).text()),
  restBy("readable.getReader()", ({ stream }) => byReader(stream.readable)),
  restBy("for await", async ({ stream }) => {
    let text = "";
    for await (const chunk of stream.readable) text += lenientText(chunk);
    return text;
  }),
  {
    ...restBy("readable.tee()", async ({ stream }) => {
      const [one, two] = await Promise.all(stream.readable.tee().map(byReader));
      return `${one}, ${two}`;
    }),
    gives: "HEAD\n, body-1234567890, body-1234567890",
  },
  restBy("pipeTo()", async ({ stream }) => {
    let text = "";
    await stream.readable.pipeTo(new WritableStream({ write: (chunk) => void (text += lenientText(chunk)) }));
    return text;
  }),
  {
    ...restBy("a BYOB reader with a small and a large view", async ({ stream }) => {
      const reader = stream.readable.getReader({ mode: "byob" });
      const first = await told(reader.read(new Uint8Array(4)));
      const second = await told(reader.read(new Uint8Array(64)));
      return `${first}, ${second}, ${await told(reader.read(new Uint8Array(8)))}`;
    }),
    gives: "HEAD\n, body, -1234567890, end with a view of 0",
  },
];

const AT_ONCE: readonly Situation[] = [
  { name: "two at once", gives: "whole", play: (stage) => sixPieces(stage, 2) },
  { name: "three at once", gives: "whole", play: (stage) => sixPieces(stage, 3) },
  {
    name: "two at once, before anything has come",
    gives: "one, two",
    async play({ stream, peer }): Promise<string> {
      const calls = [read(stream), read(stream)] as const;
      await peer.send("one");
      const first = await told(calls[0]);
      await peer.send("two");
      return `${first}, ${await told(calls[1])}`;
    },
  },
  {
    name: "three loops of read() over 40 kB",
    gives: "whole",
    async play({ stream, peer }): Promise<string> {
      const sent = pattern(40_000);
      const sending = (async () => {
        for (let at = 0; at < sent.length; at += 1_000) await peer.send(sent.subarray(at, at + 1_000));
        await peer.end();
      })();
      const parts: Uint8Array[] = [];
      let calls = 0;
      const loop = async () => {
        for (;;) {
          const [call, buffer] = [calls++, new Uint8Array(700)];
          const count = await stream.read(buffer);
          if (count === null) return;
          parts[call] = buffer.subarray(0, count);
        }
      };
      await Promise.all([loop(), loop(), loop(), sending]);
      return asSent(concat(...Object.values(parts)), sent);
    },
  },
  {
    name: "raced with something else, and asked again",
    gives: "msg0, msg1, msg2, msg3, end, end, end, end",
    async play({ stream, peer }): Promise<string> {
      const calls: Promise<string | null>[] = [];
      for (let i = 0; i < 4; i++) {
        // Two polls a message: nothing is there for the first, which is forgotten.
        for (let poll = 0; poll < 2; poll++) {
          calls.push(read(stream));
          await stream.write(utf8("?"));
          await peer.take(1);
        }
        await peer.send(`msg${i}`);
        await calls[i];
      }
      await peer.end();
      return await allTold(...calls);
    },
  },
  {
    name: "read() and a reader's at once",
    gives: "zero, one, two, three",
    async play({ stream, peer }): Promise<string> {
      const reader = stream.readable.getReader();
      await peer.send("zero");
      const seen = [await told(reader.read())];
      const calls = [reader.read(), read(stream), reader.read()] as const;
      for (const [i, text] of ["one", "two", "three"].entries()) {
        await peer.send(text);
        seen.push(await told(calls[i]!));
      }
      return seen.join(", ");
    },
  },
];

/** Reading. */
export const READS: readonly Situation[] = [...AT_ONCE, ...REST];
