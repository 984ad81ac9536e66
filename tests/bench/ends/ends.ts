/**
 * Both ends of this package's contexts in one process, with the commands and answers of `ends.c`: `ends.ts ROOT`, with the
 * folder of the package. Several messages are under way at one time, since long ones wait for threads.
 *
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";

const { KerberosAcceptorCredential, KerberosInitiatorCredential, readKeytab, systemTickets } = await import(
  `${Deno.args[0]}kerberos/mod.ts`
) as typeof import("../../../kerberos/mod.ts");
const { hostbasedService } = await import(`${Deno.args[0]}gss/mod.ts`) as typeof import("../../../gss/mod.ts");

const WAYS = 4;
/** Most bytes that wrapping adds. */
const ADDED = 100;
const client = new KerberosInitiatorCredential(systemTickets());
const service = new KerberosAcceptorCredential({ keys: await readKeytab(Deno.env.get("KRB5_KTNAME")!) });
const name = hostbasedService("rcmd", "localhost");

async function pair() {
  const initiator = await client.initiate(name);
  const acceptor = service.accept();
  const accepted = await acceptor.step((await initiator.step()).token);
  const established = await initiator.step(accepted.token);
  if (!established.done || !accepted.done) throw new Error("not established");
  return [established.context, accepted.context] as const;
}

async function disposedPair(): Promise<void> {
  for (const context of await pair()) context[Symbol.dispose]();
}

/** What is repeated, in rounds. */
interface Work {
  /** Calls of a round. */
  readonly round: number;
  /** What a round needs; it is not counted. */
  readonly prepare?: () => Promise<void>;
  /** One call of `i`, of so many that are under way at one time. */
  run(i: number, way: number): Promise<unknown>;
  readonly ways: number;
}

/** Repeats the work, and prints how often in what time. */
async function repeat({ round, prepare, run, ways }: Work, seconds: number): Promise<void> {
  let [count, elapsed, used] = [0, 0, 0];
  for (; elapsed < seconds; count += round) {
    await prepare?.();
    const [start, before] = [performance.now(), process.cpuUsage()];
    let next = 0;
    await Promise.all(Array.from({ length: ways }, async (_, way) => {
      while (next < round) await run(next++, way);
    }));
    elapsed += (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(before);
    used += (user + system) / 1e6;
  }
  // deno-lint-ignore no-console
  console.log(`${count} ${elapsed} ${used}`);
}

const [initiator, acceptor] = await pair();

/** Wrapping, into the same memory again and again. */
function wrapping(message: Uint8Array, confidential: boolean): Work {
  const into = Array.from({ length: WAYS }, () => new Uint8Array(message.length + ADDED));
  const run = (_: number, way: number) => initiator.wrap(message, { confidential, into: into[way]! });
  return { round: roundOf(message.length), run, ways: WAYS };
}

/** Unwrapping of fresh tokens, in order. */
function unwrapping(message: Uint8Array, confidential: boolean): Work {
  const tokens = Array.from({ length: roundOf(message.length) }, () => new Uint8Array(message.length + ADDED));
  return {
    round: tokens.length,
    async prepare() {
      for (const [i, into] of tokens.entries()) tokens[i] = await initiator.wrap(message, { confidential, into });
    },
    run: (i) => acceptor.unwrap(tokens[i]!),
    ways: WAYS,
  };
}

/** As in ends.c. */
function roundOf(size: number): number {
  return Math.max(16, Math.min(256, Math.floor(2 ** 21 / size)));
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, sealed, size] = line.split(" ");
  const seconds = Number(line.split(" ").at(-1));
  if (command === "pairs") {
    await repeat({ round: 16, run: disposedPair, ways: 1 }, seconds);
  } else {
    const work = command === "wrap" ? wrapping : unwrapping;
    await repeat(work(new Uint8Array(Number(size)), sealed === "1"), seconds);
  }
}
