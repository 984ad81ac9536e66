/**
 * A proxy in memory that says what it is told to, whatever it is asked.
 *
 * @module
 */
import { pipe, type PipeEnd } from "./pipe.ts";
import { unhex } from "./vectors.ts";

/** A method without authentication. */
export const NO_METHOD = "0500";
/** A granted request, with a target, a relay or a listener at 192.0.2.1:7. */
export const GRANTED = "05000001c00002010007";

/** The near end, which is what a dialer gives, and the far one. */
export interface ScriptProxy {
  readonly near: PipeEnd;
  readonly far: PipeEnd;
  /** How often the near end was closed. */
  closed(): number;
  /** Resolved when everything has been said. */
  readonly done: Promise<void>;
}

/** Says one answer to each message that comes. */
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
