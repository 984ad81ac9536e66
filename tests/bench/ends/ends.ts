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

/** Repeats the work, and prints how often in what time. */
async function repeat(
  work: (way: number) => Promise<unknown>,
  { ways, atOnce, seconds }: { readonly ways: number; readonly atOnce: number; readonly seconds: number },
): Promise<void> {
  const [start, before] = [performance.now(), process.cpuUsage()];
  let count = 0;
  await Promise.all(Array.from({ length: ways }, async (_, way) => {
    for (; performance.now() - start < seconds * 1000; count += atOnce) {
      for (let i = 0; i < atOnce; i++) await work(way);
    }
  }));
  const elapsed = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(before);
  // deno-lint-ignore no-console
  console.log(`${count} ${elapsed} ${(user + system) / 1e6}`);
}

const [initiator, acceptor] = await pair();
for await (const line of createInterface({ input: process.stdin })) {
  const [command, sealed, size] = line.split(" ");
  const seconds = Number(line.split(" ").at(-1));
  if (command === "pairs") {
    await repeat(disposedPair, { ways: 1, atOnce: 1, seconds });
    continue;
  }
  const message = new Uint8Array(Number(size));
  const confidential = sealed === "1";
  const token = await initiator.wrap(message, { confidential });
  const into = Array.from({ length: WAYS }, () => new Uint8Array(message.length + 100));
  const work = command === "wrap"
    ? (way: number) => initiator.wrap(message, { confidential, into: into[way]! })
    // A replay is noticed after all the work on it.
    : () => acceptor.unwrap(token);
  await repeat(work, { ways: WAYS, atOnce: 8, seconds });
}
