/**
 * Situations of readers of the stream that come and go, and of what is piped.
 *
 * @module
 */
import { lenientText, utf8 } from "../../gss/bytes.ts";
import { asSent, pattern, read, Reason, type Situation, told } from "./situation.ts";

/** Readers. */
export const READERS: readonly Situation[] = [
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
    name: "a BYOB reader that wants a least number of octets",
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
