/**
 * Situations of giving up: streams that are cancelled or aborted, loops that are left, signals that are aborted.
 *
 * @module
 */
import { lenientText, utf8 } from "../../base/bytes.ts";
import { BOUND, CHUNK, fiveTimes, gone, stuck, type Waiting, waitingCalls, waitingStreams } from "./closing.ts";
import { CLOSED, type Exception, later, read, Reason, type Situation, type Stage, told } from "./situation.ts";

const STUCK_FOR_EVER: readonly Exception[] = [{
  over: "Deno",
  gives: undefined,
  why: "Deno waits for the write under way, that is for ever",
}];

const STREAMS: readonly Situation[] = [
  {
    name: "a reader is cancelled while it waits",
    gives: `done, end; all ${CLOSED}, gone`,
    async play({ stream, peer, quiet }): Promise<string> {
      const reader = stream.readable.getReader();
      const waiting = told(reader.read());
      await quiet();
      const cancelled = await told(reader.cancel(new Reason("the reader's reason")));
      reader.releaseLock();
      return `${cancelled}, ${await waiting}; ${await later(stream, OTHERS.readable)}, ${await gone(peer)}`;
    },
  },
  {
    name: "readable is cancelled with bytes in it",
    gives: `one, done; all ${CLOSED}, gone`,
    async play({ stream, peer }): Promise<string> {
      const reader = stream.readable.getReader();
      await peer.send("one");
      const first = await told(reader.read());
      await peer.send("two");
      const cancelled = await told(reader.cancel());
      reader.releaseLock();
      return `${first}, ${cancelled}; ${await later(stream, OTHERS.readable)}, ${await gone(peer)}`;
    },
  },
  {
    name: "a writer is aborted with nothing to do",
    gives: `done, the writer's reason; all ${CLOSED}, gone`,
    async play({ stream, peer }): Promise<string> {
      const writer = stream.writable.getWriter();
      const aborted = await told(writer.abort(new Reason("the writer's reason")));
      const closed = await told(writer.closed);
      return `${aborted}, ${closed}; ${await later(stream, OTHERS.writable)}, ${await gone(peer)}`;
    },
  },
  {
    name: "a writer is aborted while a write waits for ever",
    gives: `done; ${CLOSED}, the writer's reason; all ${CLOSED}`,
    except: STUCK_FOR_EVER,
    async play({ stream, quiet }): Promise<string> {
      const writer = stream.writable.getWriter();
      const writes = Array.from({ length: BOUND / CHUNK.length }, () => told(writer.write(CHUNK)));
      await quiet();
      const aborted = await told(writer.abort(new Reason("the writer's reason")));
      // Some have gone, one is under way, the others have not begun.
      const fates = new Set((await Promise.all(writes)).filter((fate) => fate !== "done"));
      return `${aborted}; ${[...fates].join(", ")}; ${await later(stream, OTHERS.writable)}`;
    },
  },
  {
    // By the rules of streams an aborted pipeTo() waits for the write that is under way (WHATWG Streams, "shutdown with an action").
    name: "pipeTo() with a signal is aborted while a write waits for ever, and close() ends that",
    gives: `not yet, the signal's reason; all ${CLOSED}`,
    async play(stage): Promise<string> {
      const { stream, quiet } = stage;
      const controller = new AbortController();
      await stuck(stage, () => stream.write(CHUNK));
      const source = new ReadableStream<Uint8Array>({ pull: (to) => to.enqueue(utf8("more")) }, { highWaterMark: 0 });
      const piping = source.pipeTo(stream.writable, { signal: controller.signal });
      await quiet();
      controller.abort(new Reason("the signal's reason"));
      const settled = await quiet(piping);
      stream.close();
      return `${settled ? "at once" : "not yet"}, ${await told(piping)}; ${await later(stream, OTHERS.writable)}`;
    },
  },
  {
    name: "pipeTo() from readable with a signal is aborted while it waits",
    gives: `the signal's reason; all ${CLOSED}, gone`,
    async play({ stream, peer, quiet }): Promise<string> {
      const controller = new AbortController();
      const piping = told(stream.readable.pipeTo(new WritableStream(), { signal: controller.signal }));
      await quiet();
      controller.abort(new Reason("the signal's reason"));
      return `${await piping}; ${await later(stream, OTHERS.readable)}, ${await gone(peer)}`;
    },
  },
  {
    name: "for await and break",
    gives: `one; all ${CLOSED}, gone`,
    async play({ stream, peer }): Promise<string> {
      let text = "";
      await peer.send("one");
      for await (const chunk of stream.readable) {
        text += lenientText(chunk);
        break;
      }
      return `${text}; ${await later(stream, OTHERS.readable)}, ${await gone(peer)}`;
    },
  },
  {
    name: "both halves of tee() are cancelled",
    gives: `done, done; all ${CLOSED}, gone`,
    async play({ stream, peer }): Promise<string> {
      const halves = stream.readable.tee().map((half) => told(half.cancel()));
      return `${(await Promise.all(halves)).join(", ")}; ${await later(stream, OTHERS.readable)}, ${await gone(peer)}`;
    },
  },
];

/** What else may be called when one of the streams was given up, which has an end or an error of its own by the rules of streams. */
const OTHERS = {
  readable: ["read", "write", "empty write", "closeWrite", "writable"],
  writable: ["read", "write", "empty write", "closeWrite", "readable"],
} as const;

const ATTEMPT_ONLY: readonly Exception[] = [{
  over: "Deno",
  gives: undefined,
  why: "Deno's signal is for the attempt alone",
}];

/** A signal that is aborted in the middle of something; what is under way then ends with its reason, and so does what comes later. */
function aborted(name: string, gives: string, begin: (stage: Stage) => Promise<Waiting>): Situation {
  return {
    name: `the signal is aborted ${name}`,
    gives,
    except: ATTEMPT_ONLY,
    async play(stage): Promise<string> {
      const { ends } = await begin(stage);
      stage.abort(new Reason("its reason"));
      return `${await ends}; ${await later(stage.stream)}`;
    },
  };
}

const SIGNALS: readonly Situation[] = [
  aborted("while nothing is under way", "nothing; all its reason", () => Promise.resolve({ ends: nothing })),
  aborted(
    "while reads, writes and a closeWrite() wait for ever",
    `${fiveTimes("its reason")}; all its reason`,
    waitingCalls,
  ),
  aborted("while streams wait for ever", `${fiveTimes("its reason")}; all its reason`, waitingStreams),
  aborted("before the first read, with bytes there", "nothing; all its reason", async ({ peer, quiet }) => {
    await peer.send("one");
    await quiet();
    return { ends: nothing };
  }),
  aborted("between two reads, with a rest there", "nothing; all its reason", async ({ stream, peer }) => {
    await peer.send("one, two");
    await read(stream, 3);
    return { ends: nothing };
  }),
  aborted("after the peer's end", "nothing; all its reason", async ({ stream, peer }) => {
    await peer.end();
    await read(stream);
    return { ends: nothing };
  }),
  aborted("after close()", `nothing; all ${CLOSED}`, ({ stream }) => {
    stream.close();
    return Promise.resolve({ ends: nothing });
  }),
  {
    name: "the signal is aborted with no reason of its own, or with what is no error",
    gives: "AbortError, AbortError",
    except: ATTEMPT_ONLY,
    async play({ stream, abort }): Promise<string> {
      const waiting = told(read(stream));
      abort(undefined);
      return `${await waiting}, ${await told(read(stream))}`;
    },
  },
  {
    name: "the signal is aborted with a text, and the peer is told",
    gives: "thrown a text, thrown a text, gone",
    except: ATTEMPT_ONLY,
    async play({ stream, peer, abort }): Promise<string> {
      const waiting = told(read(stream));
      abort("a text");
      return `${await waiting}, ${await told(read(stream))}, ${await gone(peer)}`;
    },
  },
];

const nothing = Promise.resolve("nothing");

/** Giving up. */
export const GIVING_UP: readonly Situation[] = [...STREAMS, ...SIGNALS];
