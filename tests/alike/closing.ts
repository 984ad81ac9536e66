/**
 * Situations of closing, with calls under way and a peer that does nothing about it.
 *
 * @module
 */
import { utf8 } from "../../base/bytes.ts";
import { allTold, CLOSED, type Exception, later, read, type Situation, type Stage, told } from "./situation.ts";

/** Written again and again it is more than all sockets between two ends hold, and whatever is between these. */
export const CHUNK: Uint8Array<ArrayBuffer> = new Uint8Array(4 << 20);

/** More than is ever taken for a peer that does not read. */
export const BOUND: number = 48 << 20;

/** Writes more than is ever taken, and gives the last write, which waits for ever: in an object, or it would be waited for. */
export async function stuck(
  { quiet }: Stage,
  write: () => Promise<unknown>,
): Promise<{ readonly held: Promise<unknown> }> {
  const writes = Array.from({ length: BOUND / CHUNK.length }, write);
  for (const each of writes) each.catch(() => {}); // Told by the last one.
  await quiet();
  return { held: writes.at(-1)! };
}

/** Calls under way, and how they will have ended: in an object likewise. */
export interface Waiting {
  readonly ends: Promise<string>;
}

/** Calls that wait for a peer who does nothing. */
export async function waitingCalls(stage: Stage): Promise<Waiting> {
  const { stream } = stage;
  const { held } = await stuck(stage, () => stream.write(CHUNK));
  return { ends: allTold(read(stream), read(stream), held, stream.write(utf8("behind it")), stream.closeWrite()) };
}

/** Streams that wait likewise. */
export async function waitingStreams(stage: Stage): Promise<Waiting> {
  const { stream, quiet } = stage;
  const [reader, writer] = [stream.readable.getReader(), stream.writable.getWriter()];
  const { held } = await stuck(stage, () => writer.write(CHUNK));
  const calls = [reader.read(), held, writer.write(utf8("behind it")), writer.closed, reader.closed];
  const ends = allTold(...calls);
  await quiet();
  return { ends };
}

const NO_ASYNC: readonly Exception[] = [{ over: "Deno", gives: undefined, why: "Deno.Conn has dispose alone" }];

/** As often as {@linkcode waitingCalls} and {@linkcode waitingStreams} have calls. */
export const fiveTimes = (what: string): string => Array(5).fill(what).join(", ");

/** Closing. */
export const CLOSING: readonly Situation[] = [
  {
    name: "close() with a read that waits",
    gives: `${CLOSED}; all ${CLOSED}`,
    async play({ stream }): Promise<string> {
      const waiting = told(read(stream));
      stream.close();
      return `${await waiting}; ${await later(stream)}`;
    },
  },
  {
    name: "close() with reads, writes and a closeWrite() that wait for ever",
    gives: `${fiveTimes(CLOSED)}; all ${CLOSED}`,
    except: [{ over: "Deno", gives: undefined, why: "Deno's closeWrite() overtakes a write and succeeds" }],
    async play(stage): Promise<string> {
      const { ends } = await waitingCalls(stage);
      stage.stream.close();
      return `${await ends}; ${await later(stage.stream)}`;
    },
  },
  {
    name: "close() with streams that wait for ever",
    gives: `${fiveTimes(CLOSED)}; all ${CLOSED}`,
    async play(stage): Promise<string> {
      const { ends } = await waitingStreams(stage);
      stage.stream.close();
      return `${await ends}; ${await later(stage.stream)}`;
    },
  },
  {
    name: "close() with a BYOB read that waits",
    gives: `${CLOSED}; all ${CLOSED}`,
    async play({ stream, quiet }): Promise<string> {
      const waiting = told(stream.readable.getReader({ mode: "byob" }).read(new Uint8Array(4)));
      await quiet();
      stream.close();
      return `${await waiting}; ${await later(stream)}`;
    },
  },
  {
    name: "close() with streams that nobody is using",
    gives: `${CLOSED}, ${CLOSED}; all ${CLOSED}`,
    except: [{ over: "Deno", gives: undefined, why: "Deno tells a stream when it is asked for something" }],
    async play({ stream, quiet }): Promise<string> {
      const ends = allTold(stream.readable.getReader().closed, stream.writable.getWriter().closed);
      await quiet();
      stream.close();
      return `${await ends}; ${await later(stream)}`;
    },
  },
  {
    name: "close() after closeWrite()",
    gives: `done, all ${CLOSED}`,
    async play({ stream }): Promise<string> {
      const ended = await told(stream.closeWrite());
      stream.close();
      return `${ended}, ${await later(stream)}`;
    },
  },
  {
    name: "close() with bytes there that nobody has read",
    gives: `on, all ${CLOSED}`,
    async play({ stream, peer, quiet }): Promise<string> {
      await peer.send("one, two");
      const first = await told(read(stream, 2));
      await quiet();
      stream.close();
      return `${first}, ${await later(stream)}`;
    },
  },
  {
    name: "close() twice, and the peer is told",
    gives: "done, done, gone",
    except: [{ over: "Deno", gives: "done, BadResource, gone", why: "Deno closes once" }],
    async play({ stream, peer }): Promise<string> {
      const seen = [await told(() => stream.close()), await told(() => stream.close())];
      return `${seen.join(", ")}, ${await gone(peer)}`;
    },
  },
  {
    name: "using",
    gives: `all ${CLOSED}, gone`,
    async play({ stream, peer }): Promise<string> {
      {
        using _held = stream;
      }
      return `${await later(stream)}, ${await gone(peer)}`;
    },
  },
  {
    name: "await using, with calls that wait for ever",
    gives: `${fiveTimes(CLOSED)}; all ${CLOSED}`,
    except: NO_ASYNC,
    async play(stage): Promise<string> {
      let waiting: Waiting;
      {
        await using _held = stage.stream as unknown as AsyncDisposable;
        waiting = await waitingCalls(stage);
      }
      return `${await waiting.ends}; ${await later(stage.stream)}`;
    },
  },
];

/** That the other side is gone, by an end or by a reset. */
export async function gone(peer: Stage["peer"]): Promise<string> {
  const how = await told(peer.farewell());
  return how === "end" || how === "reset" ? "gone" : how;
}
