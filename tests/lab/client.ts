/**
 * A client of the lab, a program: `client.ts JSON` with a {@linkcode ClientJob}. Prints each result at once, and all of them at
 * the end, as lines of JSON.
 */
// deno-lint-ignore-file no-console
import {
  associate,
  connect,
  noAuthentication,
  passwordClient,
  type ProtectionLevel,
  systemTickets,
} from "../../mod.ts";
import { bytesAt, encodeWish, firstWrong, streamsOf } from "./pattern.ts";

/** Options of a client. */
export interface ClientJob {
  /** The proxy. */
  readonly proxy: string;
  /** Whether it is a bridge, which does not authenticate clients. @default {false} */
  readonly bridge?: boolean;
  /** Principal and password, instead of a cache's tickets. */
  readonly secret?: readonly [principal: string, password: string];
  /** Username and password for the proxy, instead of Kerberos. */
  readonly password?: readonly [username: string, password: string];
  /** @default {"origin.lab.test"} */
  readonly target?: string;
  /** @default {7000} */
  readonly port?: number;
  /** Number of transfers; with `seconds`, as many as fit. @default {1} */
  readonly transfers?: number;
  readonly seconds?: number;
  /** Concurrent transfers. @default {1} */
  readonly together?: number;
  /** Bytes each way. @default {1000} */
  readonly up?: number;
  readonly down?: number;
  /** Bytes per second from the origin. @default {unlimited} */
  readonly rate?: number;
  /** @default {"confidentiality"} */
  readonly protection?: ProtectionLevel;
  /** Milliseconds for connecting to the target. @default {20000} */
  readonly timeout?: number;
  /** Milliseconds for a transfer. @default {60000} */
  readonly limit?: number;
  /** Milliseconds between two transfers. @default {0} */
  readonly pause?: number;
  /** Number of the first transfer. @default {1} */
  readonly first?: number;
  /** Whether connections stay open and silent until the program is ended. @default {false} */
  readonly hold?: boolean;
  /** Whether the transfer's number draws its size, from a few bytes up to `up` and `down`. @default {false} */
  readonly vary?: boolean;
  /** One of this many transfers is closed in the middle. @default {none} */
  readonly abortOneOf?: number;
  /** Whether it sends datagrams instead: each is sent and its echo awaited. @default {false} */
  readonly datagrams?: boolean;
}

/** Result of a transfer. */
export interface TransferEnd {
  readonly id: number;
  /** Milliseconds since the start of the program. */
  readonly at: number;
  /** Duration in milliseconds, and the time until the target was reached. */
  readonly took: number;
  readonly reached?: number;
  /** `"whole"`, `"wrong bytes ..."`, or what failed. */
  readonly end: string;
  /** Error code of the failure. */
  readonly code?: string;
}

async function transfer(job: ClientJob, id: number, begun: number): Promise<TransferEnd> {
  const at = performance.now();
  let reached: number | undefined;
  const limitReached = new AbortController();
  const { limit = 60_000 } = job;
  const timer = setTimeout(() => limitReached.abort(new Error(`not done in ${limit} ms`)), limit);
  const result = (end: string, code?: string): TransferEnd => {
    const now = performance.now();
    return {
      id,
      at: at - begun,
      took: now - at,
      ...(reached === undefined ? {} : { reached }),
      end,
      ...(code === undefined ? {} : { code }),
    };
  };
  try {
    const { signal } = limitReached;
    const way = {
      proxy: job.proxy,
      timeout: job.timeout ?? 20_000,
      signal,
      ...(job.bridge
        ? { auth: [noAuthentication()] }
        : job.password !== undefined
        ? { auth: [passwordClient({ username: job.password[0], password: job.password[1] })] }
        : { credentials: tickets(job), protection: job.protection ?? "confidentiality" }),
    };
    const target = { hostname: job.target ?? "origin.lab.test", port: job.port ?? 7_000 };
    if (job.datagrams) return result(await echoed(way, target));
    await using connection = await connect({ ...way, ...target });
    reached = performance.now() - at;
    signal.addEventListener("abort", () => connection.close());
    if (job.hold) {
      clearTimeout(timer);
      await connection.read(new Uint8Array(1));
    }
    const size = (most: number, salt: number) => job.vary ? Math.floor(most ** drawn(id, salt)) : most;
    const wish = { id, up: size(job.up ?? 1_000, 1), down: size(job.down ?? 1_000, 2), rate: job.rate ?? 0 };
    const running = carried(connection, wish);
    if (job.abortOneOf !== undefined && id % job.abortOneOf === 0) {
      await new Promise((resolve) => setTimeout(resolve, 100 * drawn(id, 3)));
      connection.close();
      await running.catch(() => {});
      return result("given up");
    }
    return result(await running);
  } catch (error) {
    return result(
      `${(error as Error).name}: ${(error as Error).message}`.slice(0, 300),
      (error as { code?: string }).code,
    );
  } finally {
    clearTimeout(timer);
  }
}

let held: ReturnType<typeof systemTickets> | undefined;
function tickets({ secret }: ClientJob): ReturnType<typeof systemTickets> {
  return held ??= systemTickets(secret === undefined ? {} : { principal: secret[0], password: secret[1] });
}

/** Returns the transfer's own pseudo-random number from 0 to 1. */
function drawn(id: number, salt: number): number {
  return (Math.imul(id * 7 + salt, 0x85ebca6b) >>> 0) / 2 ** 32;
}

type CarrierStream = Awaited<ReturnType<typeof connect>>;

async function carried(
  connection: CarrierStream,
  wish: { id: number; up: number; down: number; rate: number },
): Promise<string> {
  const [up, down] = streamsOf(wish.id);
  const sending = (async () => {
    await connection.write(encodeWish(wish));
    for (let at = 0; at < wish.up;) {
      const piece = bytesAt(up, at, wish.up - at);
      await connection.write(piece);
      at += piece.length;
    }
  })();
  sending.catch(() => {});
  const buffer = new Uint8Array(65_536);
  let got = 0;
  let verdict: number | undefined;
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) break;
    const body = Math.min(count, wish.down - got);
    const wrong = firstWrong(down, got, buffer.subarray(0, body));
    if (wrong !== undefined) return `wrong bytes down at ${wrong}`;
    got += body;
    if (body < count) verdict = buffer[body]!;
    if (verdict !== undefined && count - body > 1) return "bytes after the end";
  }
  if (got < wish.down || verdict === undefined) return "cut, reported as an end";
  await sending;
  return verdict === 1 ? "whole" : "wrong bytes up";
}

async function echoed(
  way: Parameters<typeof associate>[0],
  target: { hostname: string; port: number },
): Promise<string> {
  await using datagrams = await associate(way);
  const answer = datagrams.receive().then(() => "whole");
  answer.catch(() => {});
  for (let tries = 0; tries < 3; tries++) {
    await datagrams.send(new TextEncoder().encode("lab"), target);
    const end = await Promise.race([
      answer,
      new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 1_000)),
    ]);
    if (end !== undefined) return end;
  }
  return "no answer to 3 datagrams";
}

if (import.meta.main) {
  const job: ClientJob = JSON.parse(Deno.args[0]!);
  const { transfers = 1, seconds, together = 1, first = 1, pause = 0 } = job;
  const begun = performance.now();
  const ends: TransferEnd[] = [];
  let next = first;
  const more = () => seconds === undefined ? next < first + transfers : performance.now() - begun < 1_000 * seconds;
  await Promise.all(Array.from({ length: together }, async () => {
    while (more()) {
      const end = await transfer(job, next++, begun);
      ends.push(end);
      console.log(JSON.stringify(end));
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }));
  const counts: Record<string, number> = {};
  for (const { end } of ends) counts[end] = (counts[end] ?? 0) + 1;
  console.log(JSON.stringify({ counts }));
  Deno.exit(0);
}
