/**
 * Situations of writing: chunks of every kind, calls at one time, memory that is changed too early.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { lenientText, utf8 } from "../../base/bytes.ts";
import { asSent, type Exception, GUARD, pattern, read, type Situation, type Stage, told } from "./situation.ts";

/** What has bytes, and what these are. */
const GOOD: Readonly<Record<string, () => readonly [unknown, string]>> = {
  "a Uint8Array": () => [utf8("hello"), "hello"],
  "a part of one": () => [utf8("xxhelloyy").subarray(2, 7), "hello"],
  "a Buffer": () => [Buffer.from("hello"), "hello"],
  "shared memory": () => [filled(new SharedArrayBuffer(5)), "hello"],
  "resizable memory": () => [filled(new ArrayBuffer(5, { maxByteLength: 50 })), "hello"],
  "no bytes": () => [new Uint8Array(0), ""],
  "a DataView": () => [new DataView(utf8("xhellox").buffer, 1, 5), "hello"],
  "a Uint16Array": () => [new Uint16Array([0x4141, 0x4242, 0x4343]), "AABBCC"],
  "a Float64Array": () => [new Float64Array([0]), "\0".repeat(8)],
  "an ArrayBuffer": () => [utf8("hello").buffer, "hello"],
  "a SharedArrayBuffer": () => [filled(new SharedArrayBuffer(5)).buffer, "hello"],
};

/** What has none. */
const BAD: Readonly<Record<string, () => unknown>> = {
  "a string": () => "hello",
  "an array of numbers": () => [72, 73],
  "a Blob": () => new Blob(["hello"]),
  "null": () => null,
  "undefined": () => undefined,
  "an object": () => ({ length: 2, byteLength: 2, 0: 72, 1: 73 }),
  "a number": () => 5,
  "memory that is gone": () => {
    const memory = utf8("hello");
    structuredClone(memory, { transfer: [memory.buffer] });
    return memory;
  },
};

function filled(memory: ArrayBufferLike): Uint8Array {
  const bytes = new Uint8Array(memory);
  bytes.set(utf8("hello"));
  return bytes;
}

/** Whether the connection lives: a word each way. */
async function alive({ stream, peer }: Stage): Promise<string> {
  await stream.write(utf8("+"));
  await peer.send("pong");
  return `${await told(peer.take(1))}${await told(read(stream))}`;
}

const VIEWS_ONLY: readonly Exception[] = [{
  over: "Deno",
  gives: undefined,
  why: "Deno's write() takes a Uint8Array alone, and memory that is gone for no bytes; its writable takes more",
}];

/** A chunk that is refused errs a stream, by the rules of streams; the connection it does not touch. */
const refusedByWritable = Object.entries(BAD).map(([kind, make]): Situation => ({
  name: `${kind} through writable is refused, and the connection lives`,
  gives: "TypeError, closed TypeError; +pong",
  except: [{ over: "Deno", gives: "BadResource", why: "Deno closes the socket when its writable fails" }],
  async play(stage): Promise<string> {
    const writer = stage.stream.writable.getWriter();
    const written = told(() => writer.write(make() as Uint8Array));
    const seen = `${await written}, closed ${await told(writer.closed)}`;
    return `${seen}; ${await alive(stage)}`;
  },
}));

const CHUNKS: readonly Situation[] = [
  {
    name: "every kind of chunk through write()",
    gives: Object.values(GOOD).map((make) => make()[1]).map((text) => `${utf8(text).length} ${text}`).join(", "),
    except: VIEWS_ONLY,
    async play({ stream, peer }): Promise<string> {
      const seen: string[] = [];
      for (const make of Object.values(GOOD)) {
        const [chunk, text] = make();
        const count = await told(stream.write(chunk as Uint8Array));
        seen.push(`${count} ${await told(peer.take(text.length))}`);
      }
      return seen.join(", ");
    },
  },
  {
    name: "every kind of chunk through writable",
    gives: `${Object.values(GOOD).map((make) => `done ${make()[1]}`).join(", ")}; +pong`,
    async play(stage): Promise<string> {
      const writer = stage.stream.writable.getWriter();
      const seen: string[] = [];
      for (const make of Object.values(GOOD)) {
        const [chunk, text] = make();
        const count = await told(writer.write(chunk as Uint8Array));
        seen.push(`${count} ${await told(stage.peer.take(text.length))}`);
      }
      return `${seen.join(", ")}; ${await alive(stage)}`;
    },
  },
  {
    name: "what has no bytes through write() is refused, and the connection lives",
    gives: `${Object.keys(BAD).map((kind) => `${kind}: TypeError`).join(", ")}; +pong`,
    except: VIEWS_ONLY,
    async play(stage): Promise<string> {
      const seen: string[] = [];
      for (const [kind, make] of Object.entries(BAD)) {
        seen.push(`${kind}: ${await told(() => stage.stream.write(make() as Uint8Array))}`);
      }
      return `${seen.join(", ")}; ${await alive(stage)}`;
    },
  },
  ...refusedByWritable,
];

/** For every way alike. */
const LARGE = pattern(8 << 20);

const ORDER: readonly Situation[] = [
  {
    name: "200 writes and a closeWrite(), none waited for",
    gives: "whole, 0 failed, done",
    async play({ stream, peer }): Promise<string> {
      const chunks = Array.from({ length: 200 }, (_, i) => utf8(`${i},`.repeat(1 + (i * 37) % 900)));
      const writes = chunks.map((chunk) => stream.write(chunk));
      const ended = told(stream.closeWrite());
      const got = await peer.takeAll();
      const failed = (await Promise.allSettled(writes)).filter(({ status }) => status === "rejected").length;
      const sent = new Uint8Array(await new Blob(chunks).arrayBuffer());
      return `${asSent(got, sent)}, ${failed} failed, ${await ended}`;
    },
  },
  {
    name: "writes by write() and by writable at once",
    gives: "zero, one, two, three, ",
    async play({ stream, peer }): Promise<string> {
      const writer = stream.writable.getWriter();
      await writer.write(utf8("zero, "));
      const writes = [writer.write(utf8("one, ")), stream.write(utf8("two, "))];
      await Promise.all(writes);
      await writer.write(utf8("three, "));
      await stream.closeWrite();
      return lenientText(await peer.takeAll());
    },
  },
  {
    name: "chunks without bytes",
    gives: "0 50 times, x",
    async play({ stream, peer }): Promise<string> {
      const counts = await Promise.all(Array.from({ length: 50 }, () => stream.write(new Uint8Array(0))));
      const writer = stream.writable.getWriter();
      await Promise.all(Array.from({ length: 50 }, () => writer.write(new Uint8Array(0))));
      await writer.write(utf8("x"));
      await writer.close();
      return `${counts[0]} ${counts.filter((n) => n === 0).length} times, ${lenientText(await peer.takeAll())}`;
    },
  },
  {
    name: "one chunk of 8 MiB",
    gives: "8388608, whole",
    async play({ stream, peer }): Promise<string> {
      const sent = LARGE;
      const written = told(stream.write(sent), 3 * GUARD);
      const got = peer.takeAll();
      const count = await written;
      await stream.closeWrite();
      return `${count}, ${asSent(await got, sent)}`;
    },
  },
  {
    name: "pipeTo() with preventClose, twice, and close()",
    gives: "one, two, three",
    async play({ stream, peer }): Promise<string> {
      const writable = stream.writable as WritableStream<Uint8Array<ArrayBuffer>>;
      for (const text of ["one, ", "two, "]) await new Response(text).body!.pipeTo(writable, { preventClose: true });
      await new Response("three").body!.pipeTo(writable);
      return lenientText(await peer.takeAll());
    },
  },
  {
    name: "a source that fails, with preventAbort, and writing on",
    gives: "the source's reason, ab",
    async play({ stream, peer }): Promise<string> {
      let pulls = 0;
      const source = new ReadableStream<Uint8Array>({
        pull(controller): void {
          if (pulls++ > 0) controller.error(new Error("source"));
          else controller.enqueue(utf8("a"));
        },
      });
      const failed = await source.pipeTo(stream.writable, { preventAbort: true }).then(
        String,
        (error) => error.message,
      );
      await stream.write(utf8("b"));
      await stream.closeWrite();
      return `the ${failed}'s reason, ${lenientText(await peer.takeAll())}`;
    },
  },
];

/** What becomes of a chunk whose memory goes before its write has settled: all of it or an error, never less and no error. */
function gone(size: number, when: string, later: () => Promise<unknown> | undefined): Situation {
  return {
    name: `${size} bytes whose memory goes ${when} write() is called`,
    gives: "whole or TypeError, and reading goes on: pong",
    except: [{ over: "Deno", gives: undefined, why: "Deno sends what is left, and says how much that was" }],
    async play({ stream, peer }): Promise<string> {
      const chunk = new Uint8Array(size).fill(1);
      const writing = told(stream.write(chunk));
      await later();
      structuredClone(chunk, { transfer: [chunk.buffer] });
      const taking = peer.takeAll();
      const written = await writing;
      const ended = await told(stream.closeWrite());
      await peer.send("pong");
      const answer = await told(read(stream));
      // Where the chunk was cut writing is over, and there is no end to be told: the peer's last bytes come with the closing.
      stream.close();
      const came = await taking.then(({ length }) => length, () => 0);
      const right = written === "TypeError" ? came <= size : written === String(size) && came === size;
      return right
        ? `whole or TypeError, and reading goes on: ${answer}`
        : `${written}, then closeWrite ${ended}, ${came} bytes came, read ${answer}`;
    },
  };
}

const CHANGED: readonly Situation[] = [
  {
    name: "a small chunk that is overwritten right after write() is called",
    gives: "100, 100 of the first",
    async play({ stream, peer }): Promise<string> {
      const chunk = new Uint8Array(100).fill(1);
      const writing = told(stream.write(chunk));
      chunk.fill(2);
      const count = await writing;
      await stream.closeWrite();
      return `${count}, ${(await peer.takeAll()).filter((byte) => byte === 1).length} of the first`;
    },
  },
  {
    name: "a large chunk that is overwritten right after write() is called",
    gives: "1048576, 1048576 came",
    async play({ stream, peer }): Promise<string> {
      const chunk = new Uint8Array(1 << 20).fill(1);
      const writing = told(stream.write(chunk));
      chunk.fill(2);
      const taking = peer.takeAll();
      const count = await writing;
      await stream.closeWrite();
      return `${count}, ${(await taking).length} came`;
    },
  },
  gone(100, "right after", () => undefined),
  gone(100, "one turn after", turn),
  gone(1 << 20, "right after", () => undefined),
  gone(1 << 20, "one turn after", turn),
];

/** One turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Writing. */
export const WRITES: readonly Situation[] = [...CHUNKS, ...ORDER, ...CHANGED];
