/**
 * Plays a situation over a way and returns the outcome, with everything that is left behind.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { type CountedController, countedController } from "../support/counted_signal.ts";
import { errorText, GUARD, type Situation, told } from "./situation.ts";
import type { Opened, Way } from "./ways.ts";

/** Plays a situation; returns the outcome. */
export async function play(situation: Situation, way: Way): Promise<string> {
  const seen: string[] = [];
  const watched = countedController();
  {
    await using stack = new AsyncDisposableStack();
    const opened = await way.open({ signal: watched.signal, stack, needs: situation.needs });
    const { stream } = opened;
    // Before the connections that the way has opened below.
    stack.defer(() => stream[Symbol.dispose]());
    seen.push(await played(situation, opened, watched));
    if (!situation.endsByItself) stream[Symbol.dispose]();
    if (watched.listeners() > 0 && !watched.signal.aborted) seen.push(`${watched.listeners()} listeners left`);
    // This and the sanitizers see a session, a socket or a stream that does not end.
    const left = await told(async () => await stack.disposeAsync());
    if (left !== "done") seen.push(`closing ${left}`);
  }
  while (ciphering.size > 0) await Promise.allSettled(ciphering).then(turn);
  const unhandled = await unhandledRejections();
  if (unhandled.length > 0) seen.push(`unhandled: ${unhandled.join(", ")}`);
  return seen.join("; ");
}

async function played(situation: Situation, opened: Opened, watched: CountedController): Promise<string> {
  const missing = () => {
    throw new Error("This way does not have that ability");
  };
  return await told(() =>
    situation.play({
      stream: opened.stream,
      peer: opened.peer,
      abort: (reason) => watched.abort(reason),
      listeners: () => watched.listeners(),
      quiet,
      cut: opened.cut ?? missing,
      reset: opened.reset ?? missing,
      arrives: opened.arrives ?? missing,
      spoil: opened.spoil ?? missing,
    }), 3 * GUARD);
}

/** Turns of the event loop after which nothing more happens by itself. */
const TURNS = 200;

/** Each turn includes a round trip over other sockets, so that the system makes progress too. */
async function quiet(until?: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = () => void (settled = true);
  until?.then(note, note);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const opening = Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using near = await listener.accept();
  using far = await opening;
  const byte = new Uint8Array(1);
  for (let round = 0; round < TURNS && !settled; round++) {
    await near.write(byte);
    await far.read(byte);
    await turn();
  }
  return settled;
}

/** Rejections that nobody handles. */
const rejections: unknown[] = [];

globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  rejections.push(event.reason);
});

/** Messages that the threads of WebCrypto have: one that is under way when its connection is closed ends by itself, and is waited for. */
const ciphering = new Set<Promise<unknown>>();

for (const name of ["encrypt", "decrypt", "sign"] as const) {
  // deno-lint-ignore no-explicit-any -- Three signatures, handed on as they are.
  const ours: any = crypto.subtle[name].bind(crypto.subtle);
  crypto.subtle[name] = (...args: unknown[]) => {
    const call: Promise<ArrayBuffer> = ours(...args);
    const done = () => void ciphering.delete(call);
    ciphering.add(call);
    call.then(done, done);
    return call;
  };
}

/** What has been rejected and handled by nobody since the last time that this was asked. */
export async function unhandledRejections(): Promise<string[]> {
  await turn();
  return rejections.splice(0).map(errorText);
}

/** One turn of the event loop, in which what has been rejected is told. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
