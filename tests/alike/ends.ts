/**
 * Situations of ending: one direction, both, by failure.
 *
 * @module
 */
import { lenientText, utf8 } from "../../base/bytes.ts";
import {
  asSent,
  CLOSED,
  type Exception,
  later,
  LOST,
  pattern,
  read,
  readAll,
  type Situation,
  type Stage,
  told,
} from "./situation.ts";

const READABLE_CLOSES = "Deno closes the socket at the end of readable";
const WRITABLE_CLOSES = "Deno closes the socket when writable is closed";

/** The text of `readable`, to its end. */
function textOf(readable: ReadableStream<Uint8Array>): Promise<string> {
  return new Response(readable as ReadableStream<Uint8Array<ArrayBuffer>>).text();
}

/** The peer ends first, and one megabyte is written afterwards. */
function afterTheirs(by: string, rest: (stage: Stage) => Promise<string>, except: readonly Exception[]): Situation {
  return {
    name: `1 MB after the peer's end, which was seen by ${by}`,
    gives: "bye, 1000000, done, whole",
    except,
    async play(stage): Promise<string> {
      const { stream, peer } = stage;
      const sent = pattern(1_000_000);
      await peer.send("bye");
      await peer.end();
      const text = await rest(stage);
      const getting = told(peer.takeAll().then((got) => asSent(got, sent)));
      const count = await told(stream.write(sent));
      const ended = await told(stream.closeWrite());
      if (ended !== "done") stream.close();
      return `${text}, ${count}, ${ended}, ${await getting}`;
    },
  };
}

const HALVES: readonly Situation[] = [
  {
    name: "closeWrite() first, then the answer",
    gives: "abc, answer",
    async play({ stream, peer }): Promise<string> {
      await stream.write(utf8("abc"));
      await stream.closeWrite();
      const got = lenientText(await peer.takeAll());
      await peer.send("answer");
      await peer.end();
      return `${got}, ${await readAll(stream)}`;
    },
  },
  afterTheirs("read()", ({ stream }) => readAll(stream), []),
  afterTheirs("readable", ({ stream }) => textOf(stream.readable), [
    { over: "Deno", gives: "BadResource", why: READABLE_CLOSES },
  ]),
  {
    name: "writable is closed, then read()",
    gives: "done, abc, answer, end",
    except: [{ over: "Deno", gives: "done, abc, BadResource, BadResource", why: WRITABLE_CLOSES }],
    async play({ stream, peer }): Promise<string> {
      const writer = stream.writable.getWriter();
      await writer.write(utf8("abc"));
      const closed = await told(writer.close());
      const got = lenientText(await peer.takeAll());
      const first = told(read(stream));
      await told(peer.send("answer").then(() => peer.end()));
      return `${closed}, ${got}, ${await first}, ${await told(read(stream))}`;
    },
  },
  {
    name: "a write after closeWrite(), and reading goes on",
    gives: `done, write ${CLOSED}, ${CLOSED}, writable ${CLOSED}; abc, pong, end`,
    except: [{
      over: "Deno",
      gives: "done, write BrokenPipe, BrokenPipe, writable BrokenPipe; abc, BadResource, BadResource",
      why: "Deno closes the socket when its writable fails",
    }],
    async play({ stream, peer }): Promise<string> {
      await stream.write(utf8("abc"));
      const closed = await told(stream.closeWrite());
      const writes = [await told(stream.write(utf8("late"))), await told(stream.write(utf8("late")))];
      const writable = await told(stream.writable.getWriter().write(utf8("late")));
      const got = lenientText(await peer.takeAll());
      await peer.send("pong");
      const answer = await told(read(stream));
      await peer.end();
      const end = await told(read(stream));
      return `${closed}, write ${writes.join(", ")}, writable ${writable}; ${got}, ${answer}, ${end}`;
    },
  },
  {
    name: "closeWrite() twice, and twice at once",
    gives: "done, done, done, pong",
    async play({ stream, peer }): Promise<string> {
      const both = [told(stream.closeWrite()), told(stream.closeWrite())];
      const seen = [...await Promise.all(both), await told(stream.closeWrite())];
      await peer.send("pong");
      return `${seen.join(", ")}, ${await told(read(stream))}`;
    },
  },
  {
    name: "write(), closeWrite() and write(), none waited for",
    gives: `100000, done, ${CLOSED}; whole, pong`,
    except: [{ over: "Deno TLS", gives: undefined, why: "Deno's closeWrite() overtakes a write in TLS" }],
    async play({ stream, peer }): Promise<string> {
      const sent = pattern(100_000);
      const calls = [told(stream.write(sent)), told(stream.closeWrite()), told(stream.write(utf8("late")))];
      const got = await peer.takeAll();
      await peer.send("pong");
      return `${(await Promise.all(calls)).join(", ")}; ${asSent(got, sent)}, ${await told(read(stream))}`;
    },
  },
];

/** Both directions end without close(): nothing is left, which the harness and the sanitizers see. */
function bothEnd(
  name: string,
  means: "calls" | "streams",
  end: (stage: Stage, ways: Means) => Promise<void>,
): Situation {
  const { except, ...ways } = MEANS[means];
  return {
    name: `both directions end, ${name}, by ${means}`,
    endsByItself: true,
    gives: `0 listeners, end, write ${CLOSED}`,
    except,
    async play(stage): Promise<string> {
      await end(stage, ways);
      const seen = [`${stage.listeners()} listeners`, await told(read(stage.stream))];
      return `${seen.join(", ")}, write ${await told(stage.stream.write(utf8("x")))}`;
    },
  };
}

/** How this side ends writing, and how it reads to the end. */
interface Means {
  write(stage: Stage): Promise<void>;
  readToEnd(stage: Stage): Promise<unknown>;
}

const MEANS: Readonly<Record<"calls" | "streams", Means & { readonly except: readonly Exception[] }>> = {
  calls: {
    write: ({ stream }) => stream.closeWrite(),
    readToEnd: ({ stream }) => readAll(stream),
    except: [{ over: "Deno", gives: undefined, why: "Deno keeps a socket until it is closed" }],
  },
  streams: {
    write: ({ stream }) => stream.writable.getWriter().close(),
    readToEnd: ({ stream }) => textOf(stream.readable),
    except: [{ over: "Deno", gives: undefined, why: `${READABLE_CLOSES}, and ${WRITABLE_CLOSES}` }],
  },
};

const BOTH = (["calls", "streams"] as const).flatMap((means) => [
  bothEnd("ours first", means, async (stage, { write, readToEnd }) => {
    await write(stage);
    await stage.peer.takeAll();
    await stage.peer.send("bye");
    await stage.peer.end();
    await readToEnd(stage);
  }),
  bothEnd("the peer's first", means, async (stage, { write, readToEnd }) => {
    await stage.peer.send("bye");
    await stage.peer.end();
    await readToEnd(stage);
    await write(stage);
    await stage.peer.takeAll();
  }),
  bothEnd("at once", means, async (stage, { write, readToEnd }) => {
    await Promise.all([write(stage), readToEnd(stage), stage.peer.end()]);
    await stage.peer.takeAll();
  }),
]);

const TLS_CUT = "SocksTlsError TLS_CUT";
const NODE_DROPS = "node:net drops what it has not read when a write fails";
const DENO_FORGETS = "Deno tells of it once, and says afterwards that there was an end";
/** A proxy whose target resets can only close its own socket. */
const SOCKS_HAS_NO_RESET = "SOCKS has no word for a reset: the proxy closes its side, and TCP calls that an end";
const HALF_A_MESSAGE = "SOCKS has no word for a reset: the proxy begins a protected message that it does not finish";
const UNFINISHED = "SocksProtocolError UNEXPECTED_END";

const FAILURES: readonly Situation[] = [
  {
    name: "the peer answers and leaves in the middle of what is sent to it",
    gives: "refused, end",
    except: ["node", "node in TLS"].map((over) => ({ over, gives: undefined, why: NODE_DROPS })),
    async play({ stream, peer }): Promise<string> {
      const sending = stream.write(new Uint8Array(8 << 20)).catch(() => {});
      await peer.take(1_000);
      await peer.send("refused");
      await peer.end();
      peer.close();
      const answer = [await told(read(stream)), await told(read(stream))];
      stream.close();
      await sending;
      return answer.join(", ");
    },
  },
  {
    name: "the peer resets while a read waits, and what is said later",
    needs: "reset",
    gives: `one, ${LOST}; all ${LOST}`,
    except: [
      { over: "Deno.connect", gives: "one, ConnectionReset; each end", why: "Deno tells of a reset once" },
      { over: "protected TCP", gives: `one, ${UNFINISHED}; all ${UNFINISHED}`, why: HALF_A_MESSAGE },
      { over: "TLS, confidentiality", gives: `one, ${UNFINISHED}; all ${UNFINISHED}`, why: HALF_A_MESSAGE },
      { over: "TCP", gives: "one, end; each end", why: SOCKS_HAS_NO_RESET },
      { over: "Unix", gives: "one, end; each end", why: SOCKS_HAS_NO_RESET },
      { over: "proxy in TLS", gives: `one, ${TLS_CUT}; all ${TLS_CUT}`, why: "the proxy leaves its close_notify out" },
      { over: "TLS", gives: `one, ${TLS_CUT}; all ${TLS_CUT}`, why: `${SOCKS_HAS_NO_RESET}; TLS misses its own` },
    ],
    async play({ stream, peer, reset }): Promise<string> {
      await peer.send("one");
      const first = await told(read(stream));
      const waiting = told(read(stream));
      reset();
      return `${first}, ${await waiting}; ${await later(stream, ["read"])}`;
    },
  },
  {
    name: "TLS is cut while a read waits",
    needs: "cut",
    gives: `first half, ${TLS_CUT}; all ${TLS_CUT}`,
    except: [{ over: "Deno", gives: undefined, why: DENO_FORGETS }],
    async play({ stream, peer, cut }): Promise<string> {
      await peer.send("first half");
      const half = await told(read(stream));
      const waiting = told(read(stream));
      cut();
      return `${half}, ${await waiting}; ${await later(stream)}`;
    },
  },
  {
    name: "TLS is cut while readable is read to its end",
    needs: "cut",
    gives: `${TLS_CUT}; all ${TLS_CUT}`,
    except: [{ over: "Deno", gives: undefined, why: DENO_FORGETS }],
    async play({ stream, peer, cut, arrives }): Promise<string> {
      const text = told(textOf(stream.readable));
      await arrives(() => peer.send("first half"));
      cut();
      return `${await text}; ${await later(stream)}`;
    },
  },
  {
    name: "TLS is cut before anything is read: what has come comes first",
    needs: "cut",
    gives: `first half, ${TLS_CUT}`,
    async play({ stream, peer, cut, arrives }): Promise<string> {
      // What TLS has to say of its own accord is out of the way.
      await peer.send("?");
      await read(stream);
      await arrives(() => peer.send("first half"));
      cut();
      return `${await told(read(stream))}, ${await told(read(stream))}`;
    },
  },
  {
    name: "what the proxy sends is not genuine any more",
    needs: "spoil",
    gives: "good, SocksProtocolError NOT_GENUINE, SocksProtocolError NOT_GENUINE; all SocksProtocolError NOT_GENUINE",
    async play({ stream, peer, spoil }): Promise<string> {
      await peer.send("good");
      const good = await told(read(stream));
      const waiting = [told(read(stream)), told(read(stream))];
      spoil();
      await peer.send("bad");
      return `${good}, ${(await Promise.all(waiting)).join(", ")}; ${await later(stream)}`;
    },
  },
];

/** Ending. */
export const ENDS: readonly Situation[] = [...HALVES, ...BOTH, ...FAILURES];
