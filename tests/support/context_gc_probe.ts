/**
 * Creates, uses and drops contexts that are not disposed. Prints as JSON what is held before, with them, and after
 * garbage collection. Arguments: their number and the kinds; run with `--v8-flags=--expose-gc`.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import {
  type GssContext,
  type GssNegotiation,
  hostbasedService,
  spnegoAcceptor,
  spnegoInitiator,
} from "../../gss/mod.ts";
import { webCrypto } from "../../kerberos/crypto/primitives/web.ts";
import { contextPair } from "./context_pair.ts";
import { credentialPair, memoryRealm } from "./gss_pair.ts";

const [COUNT, ...CHOSEN] = Deno.args;
const { gc } = globalThis as unknown as { gc(): void };
// The table that `deno test --sanitize-resources` checks.
const { core } = (Deno as unknown as Record<symbol, { core: { resources(): Record<string, string> } }>)[
  (Deno as unknown as { internal: symbol }).internal
]!;

/** Resources of the runtime by name, and bytes. */
export interface Held {
  readonly resources: Readonly<Record<string, number>>;
  readonly heap: number;
  readonly resident: number;
}

function held(): Held {
  const resources: Record<string, number> = {};
  for (const name of Object.values(core.resources())) resources[name] = (resources[name] ?? 0) + 1;
  const { heapUsed, external, rss } = Deno.memoryUsage();
  return { resources, heap: heapUsed + external, resident: rss };
}

/** Collects garbage until nothing more is released: finalizers run in turns of their own. */
async function collected(): Promise<Held> {
  let last = Infinity;
  for (let turns = 0; turns < 200; turns++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 0));
    const { length } = Object.keys(core.resources());
    if (length === last && turns >= 3) break;
    last = length;
  }
  gc();
  return held();
}

/** Sends enough messages of both kinds in both directions that ciphers are kept open. */
async function use(ours: GssContext, theirs: GssContext): Promise<void> {
  for (const [from, to] of [[ours, theirs], [theirs, ours]] as const) {
    for (let i = 0; i < 6; i++) {
      await to.unwrap(await from.wrap(Uint8Array.of(i), { confidential: true }));
      await to.unwrap(await from.wrap(Uint8Array.of(i), { confidential: false }));
    }
    await to.verifyMic(Uint8Array.of(1), await from.getMic(Uint8Array.of(1)));
  }
}

const credentials = credentialPair(await memoryRealm());
const wrapped = { initiator: spnegoInitiator(credentials.initiator), acceptor: spnegoAcceptor(credentials.acceptor) };
const target = hostbasedService("rcmd", "localhost");

async function negotiated({ initiator, acceptor }: typeof wrapped): Promise<[GssContext, GssContext]> {
  const initiating = await initiator.initiate(target);
  const accepted = await acceptor.accept().step((await initiating.step()).token);
  const finished = await initiating.step(accepted.token);
  if (!accepted.done || !finished.done) throw new Error("more legs than expected");
  return [finished.context, accepted.context];
}

/** Ways to drop contexts, and one to dispose them. Each returns what is held until all are there. */
const KINDS: Readonly<Record<string, (index: number) => Promise<unknown>>> = {
  established: async (index) => {
    const { ours, theirs } = contextPair(17 + index % 4);
    await use(ours, theirs);
    return [ours, theirs];
  },
  "on WebCrypto": async (index) => {
    const { ours, theirs } = contextPair(17 + index % 4, webCrypto);
    await theirs.unwrap(await ours.wrap(Uint8Array.of(1), { confidential: true }));
    return [ours, theirs];
  },
  negotiated: async () => {
    const contexts = await negotiated(credentials);
    await use(...contexts);
    return contexts;
  },
  SPNEGO: async () => {
    const contexts = await negotiated(wrapped);
    await use(...contexts);
    return contexts;
  },
  disposed: async (index) => {
    const { ours, theirs } = contextPair(17 + index % 4);
    await use(ours, theirs);
    ours.dispose();
    theirs.dispose();
    return [ours, theirs];
  },
  "initiator that never finishes": async (index) => {
    const initiating: GssNegotiation = await (index % 2 === 0 ? credentials : wrapped).initiator.initiate(target);
    await initiating.step();
    return initiating;
  },
  "acceptor that fails half-way": async (index) => {
    const { initiator, acceptor } = index % 2 === 0 ? credentials : wrapped;
    const accepting = acceptor.accept();
    const { token } = await (await initiator.initiate(target)).step();
    token![token!.length - 1]! ^= 1;
    await accepting.step(token).then(() => {
      throw new Error("a wrong token was accepted");
    }, () => {});
    return accepting;
  },
};

const results: Record<string, readonly [before: Held, full: Held, after: Held]> = {};
for (const name of CHOSEN) {
  const make = KINDS[name]!;
  for (let i = 0; i < 20; i++) await make(i); // Allocations that are made once stay.
  const before = await collected();
  let kept: unknown[] | undefined = [];
  for (let i = 0; i < Number(COUNT); i++) kept.push(await make(i));
  const full = await collected();
  kept = undefined;
  results[name] = [before, full, await collected()];
}
console.log(JSON.stringify(results));
