/**
 * A proxy in memory that sends scripted answers.
 *
 * @module
 */
import { pipe, type PipeEnd } from "./pipe.ts";
import { unhex } from "./vectors.ts";

/** A method without authentication. */
export const NO_METHOD = "0500";
/** A granting reply with 192.0.2.1:7. */
export const GRANTED = "05000001c00002010007";

/** Both ends: the near one is what a dialer returns. */
export interface ScriptProxy {
  readonly near: PipeEnd;
  readonly far: PipeEnd;
  /** How often the near end was closed. */
  closed(): number;
  /** Resolved when all answers have been sent. */
  readonly done: Promise<void>;
}

/** Sends one answer for each message that arrives. */
export function scriptProxy(answers: readonly string[]): ScriptProxy {
  const [inner, far] = pipe();
  let closed = 0;
  const near = {
    ...inner,
    close(): void {
      closed++;
      inner.close();
    },
  };
  const done = (async () => {
    for (const answer of answers) {
      if (await far.read() === null) return;
      await far.write(unhex(answer));
    }
  })();
  done.catch(() => {});
  return { near, far, closed: () => closed, done };
}
