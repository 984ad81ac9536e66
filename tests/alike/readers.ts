/**
 * Situations of readers of the stream that come and go, and of what is piped.
 *
 * @module
 */
import { lenientText, utf8 } from "../../base/bytes.ts";
import { asSent, pattern, read, Reason, type Situation, type Stage, told } from "./situation.ts";
import type { ByteStream } from "./ways.ts";

/** Readers that have asked, and what they are called. */
const ASKING: Readonly<Record<string, (stream: ByteStream) => { releaseLock(): void }>> = {
  "a reader": (stream) => asking(stream.readable.getReader(), (reader) => reader.read()),
  "a BYOB reader": (stream) =>
    asking(stream.readable.getReader({ mode: "byob" }), (reader) => reader.read(new Uint8Array(2))),
  "a BYOB reader that wants more than there is": (stream) =>
    asking(stream.readable.getReader({ mode: "byob" }), (reader) => reader.read(new Uint8Array(64), { min: 32 })),
};

function asking<R extends { releaseLock(): void }>(reader: R, ask: (reader: R) => Promise<unknown>): R {
  ask(reader).catch(() => {}); // It lets go.
  return reader;
}

/** Ways to read until there is so much, which let go of the stream. */
const NEXT: Readonly<Record<string, (stream: ByteStream, length: number) => Promise<string>>> = {
  "read()": (stream, length) => collect(length, () => read(stream, 3)),
  "another reader": (stream, length) => {
    const reader = stream.readable.getReader();
    return collect(length, async () => text((await reader.read()).value), () => reader.releaseLock());
  },
  "a BYOB reader": (stream, length) => {
    const reader = stream.readable.getReader({ mode: "byob" });
    const next = async () => text((await reader.read(new Uint8Array(3))).value);
    return collect(length, next, () => reader.releaseLock());
  },
  "iteration": (stream, length) => {
    const values = stream.readable.values({ preventCancel: true });
    return collect(length, async () => text((await values.next()).value), () => values.return!());
  },
};

function text(chunk: Uint8Array | undefined): string | null {
  return chunk === undefined || chunk.length === 0 ? null : lenientText(chunk);
}

async function collect(length: number, next: () => Promise<string | null>, end?: () => unknown): Promise<string> {
  let all = "";
  while (all.length < length) {
    const got = await next();
    if (got === null) return `${all} and the end`;
    all += got;
  }
  await end?.();
  return all;
}

/** What came for a reader who has let go is there for whoever comes next. */
const LETTING_GO: readonly Situation[] = Object.entries(ASKING).flatMap(([reader, ask]) =>
  Object.entries(NEXT).flatMap(([next, take]): Situation[] => {
    const except = [{ over: "Deno", gives: undefined, why: "Deno's stream keeps what it has asked for" }];
    const gives = "onetwothree, then four";
    const play =
      (between: (stage: Stage, reader: { releaseLock(): void }) => Promise<void>) => async (stage: Stage) => {
        const { stream, peer, quiet } = stage;
        const asked = ask(stream);
        await quiet();
        await between(stage, asked);
        await quiet();
        const first = take(stream, 11);
        await quiet();
        await peer.send("three");
        const got = await told(first);
        await peer.send("four");
        return `${got}, then ${await told(read(stream))}`;
      };
    const situations: Situation[] = [{
      name: `${reader} that lets go before anything comes, then ${next}`,
      gives,
      except,
      play: play(async ({ peer, quiet }, asked) => {
        asked.releaseLock();
        await peer.send("one");
        await quiet();
        await peer.send("two");
      }),
    }, {
      name: `${reader} that lets go, one that asks for nothing, then ${next}`,
      gives,
      except,
      play: play(async ({ stream, peer, quiet }, asked) => {
        asked.releaseLock();
        const idle = stream.readable.getReader();
        await peer.send("one");
        await quiet();
        await peer.send("two");
        await quiet();
        idle.releaseLock();
      }),
    }];
    if (!reader.includes("wants more")) return situations;
    return [...situations, {
      name: `${reader} that lets go, then ${next}`,
      gives,
      except,
      play: play(async ({ peer, quiet }, asked) => {
        await peer.send("one");
        await quiet();
        asked.releaseLock();
        await peer.send("two");
      }),
    }];
  })
);

/** A reader who is served asks before whoever asks after it. */
const ASKING_AGAIN: readonly Situation[] = Object.entries({
  "a reader": (stream: ByteStream) => {
    const reader = stream.readable.getReader();
    return () => reader.read();
  },
  "a BYOB reader": (stream: ByteStream) => {
    const reader = stream.readable.getReader({ mode: "byob" });
    return () => reader.read(new Uint8Array(8));
  },
}).map(([name, by]): Situation => ({
  name: `${name} that is served and asks again at once, then read()`,
  gives: "zero, one, two",
  except: [{
    over: "Deno",
    gives: undefined,
    why: "Deno asks for its reader when the promise of the one before is kept",
  }],
  async play({ stream, peer }): Promise<string> {
    const ask = by(stream);
    await peer.send("zero");
    const first = await ask();
    const [second, third] = [ask(), read(stream)];
    await peer.send("one");
    const got = await told(second);
    await peer.send("two");
    return `${await told(() => first)}, ${got}, ${await told(third)}`;
  },
}));

/** Readers. */
export const READERS: readonly Situation[] = [
  ...LETTING_GO,
  ...ASKING_AGAIN,
  {
    name: "a reader that lets go while it waits, then read()",
    gives: "TypeError, one, two",
    except: [{
      over: "Deno",
      gives: undefined,
      why: "Deno's stream keeps what it has asked for, and its read() waits for more",
    }],
    async play({ stream, peer, quiet }): Promise<string> {
      const reader = stream.readable.getReader();
      const given = told(reader.read());
      await quiet();
      reader.releaseLock();
      const next = read(stream);
      await peer.send("one");
      const first = await told(next);
      const after = read(stream);
      await peer.send("two");
      return `${await given}, ${first}, ${await told(after)}`;
    },
  },
  {
    name: "a reader that lets go while it waits, then another one",
    gives: "TypeError, one",
    async play({ stream, peer, quiet }): Promise<string> {
      const reader = stream.readable.getReader();
      const given = told(reader.read());
      await quiet();
      reader.releaseLock();
      const next = stream.readable.getReader().read();
      await peer.send("one");
      return `${await given}, ${await told(next)}`;
    },
  },
  {
    name: "a chunk is its reader's: its buffer goes elsewhere",
    gives: "one, 0 left, two, three",
    async play({ stream, peer }): Promise<string> {
      const reader = stream.readable.getReader();
      await peer.send("one");
      const chunk = (await reader.read()).value!;
      const text = lenientText(chunk);
      structuredClone(chunk, { transfer: [chunk.buffer as ArrayBuffer] });
      await peer.send("two");
      const second = await told(reader.read());
      reader.releaseLock();
      await peer.send("three");
      return `${text}, ${chunk.length} left, ${second}, ${await told(read(stream))}`;
    },
  },
  {
    name: "iterating with preventCancel, break, then read()",
    gives: "one, two, end",
    async play({ stream, peer }): Promise<string> {
      const seen: string[] = [];
      await peer.send("one");
      for await (const chunk of stream.readable.values({ preventCancel: true })) {
        seen.push(lenientText(chunk));
        break;
      }
      await peer.send("two");
      seen.push(await told(read(stream)));
      await peer.end();
      return [...seen, await told(read(stream))].join(", ");
    },
  },
  {
    name: "a sink that fails, with preventCancel, then read()",
    gives: "the sink's reason, two, end",
    async play({ stream, peer }): Promise<string> {
      await peer.send("one");
      const sink = new WritableStream<Uint8Array>({
        write(): void {
          throw new Reason("the sink's reason");
        },
      });
      const piped = await told(stream.readable.pipeTo(sink, { preventCancel: true }));
      await peer.send("two");
      const next = await told(read(stream));
      await peer.end();
      return `${piped}, ${next}, ${await told(read(stream))}`;
    },
  },
  {
    name: "tee(), and one half is cancelled",
    gives: "one, two",
    async play({ stream, peer }): Promise<string> {
      const [one, two] = stream.readable.tee();
      await peer.send("one");
      const reader = two.getReader();
      const first = await told(reader.read());
      void one.cancel();
      await peer.send("two");
      return `${first}, ${await told(reader.read())}`;
    },
  },
  {
    name: "through gzip",
    gives: "whole",
    async play({ stream, peer }): Promise<string> {
      const sent = pattern(200_000);
      const zipped = new Blob([sent]).stream().pipeThrough(new CompressionStream("gzip"));
      const sending = (async () => {
        for await (const chunk of zipped) await peer.send(chunk);
        await peer.end();
      })();
      const readable = stream.readable as ReadableStream<Uint8Array<ArrayBuffer>>;
      const unzipped = readable.pipeThrough(new DecompressionStream("gzip"));
      const got = new Uint8Array(await new Response(unzipped).arrayBuffer());
      await sending;
      return asSent(got, sent);
    },
  },
  {
    name: "a BYOB reader that wants a least number of bytes",
    gives: "0123456789, end with a view of 0",
    async play({ stream, peer }): Promise<string> {
      const reader = stream.readable.getReader({ mode: "byob" });
      const whole = reader.read(new Uint8Array(10), { min: 10 });
      await peer.send("01234");
      await stream.write(utf8("?"));
      await peer.take(1);
      await peer.send("56789");
      const first = await told(whole);
      await peer.end();
      return `${first}, ${await told(reader.read(new Uint8Array(10)))}`;
    },
  },
  {
    name: "after the end, again and again",
    gives: "bye, end, end, end, end",
    async play({ stream, peer }): Promise<string> {
      await peer.send("bye");
      await peer.end();
      const seen: string[] = [];
      for (let i = 0; i < 4; i++) seen.push(await told(read(stream)));
      return [...seen, await told(stream.readable.getReader().read())].join(", ");
    },
  },
];
