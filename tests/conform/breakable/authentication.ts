/**
 * The authentication of {@linkcode BreakableProxy}.
 *
 * @module
 */
import { EMPTY } from "../../../base/bytes.ts";
import type { GssAcceptorCredential } from "../../../gss/credential.ts";
import { GssError } from "../../../gss/status.ts";
import { encodeAbort, encodeFrame, FrameType } from "../../../socks/wire/gssapi.ts";
import { decodeUsernamePassword } from "../../../socks/wire/password.ts";
import type { ProxyFaults } from "./faults.ts";
import { type Incoming, Over } from "./incoming.ts";
import { frameIn, Protection } from "./protection.ts";

/** The user of RFC 1929 whom the proxy knows. */
export const LOGIN = { username: "alice", password: "a secret" };

/** RFC 1929. */
export async function logIn(incoming: Incoming, faults: ProxyFaults): Promise<void> {
  const right = (username: string, password: string) => username === LOGIN.username && password === LOGIN.password;
  const { checkLogin = right, anyVersion, ignoresRefusal } = faults;
  const { username, password } = await incoming.next("login", (bytes) => {
    if (bytes[0] !== 1 && !anyVersion) throw new Over("version");
    return decodeUsernamePassword(Uint8Array.of(1, ...bytes.subarray(1)));
  });
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const good = checkLogin(text(username), text(password));
  await incoming.write(Uint8Array.of(1, good ? 0 : 1));
  if (!good && !ignoresRefusal) throw new Over("refused");
}

/** RFC 1961 sections 3 and 4. */
export async function establish(
  incoming: Incoming,
  credential: GssAcceptorCredential,
  faults: ProxyFaults,
): Promise<Protection> {
  const { anyType, tokenType = FrameType.Authentication, noToken = EMPTY } = faults;
  try {
    const negotiation = credential.accept();
    for (let legs = 0;; legs++) {
      const { type, token } = await incoming.next("token", (bytes) => frameIn(bytes, faults), async () => {
        await incoming.write(encodeFrame(FrameType.Authentication, EMPTY));
      });
      if (type === FrameType.Abort) throw new Over("abort");
      if (type !== FrameType.Authentication && !anyType) throw new Error("type");
      if (legs >= (faults.legs ?? Infinity)) throw new Error("too many tokens");
      const step = await negotiation.step(token);
      await incoming.write(encodeFrame(tokenType, step.token ?? noToken));
      if (!step.done) continue;
      if (faults.needsOrder && !step.context.flags.sequence) throw new Error("no order");
      const protection = new Protection(step.context, faults);
      await agree(incoming, protection, faults);
      return protection;
    }
  } catch (error) {
    if (error instanceof GssError && error.token !== undefined) {
      await incoming.write(encodeFrame(FrameType.Authentication, error.token));
    }
    const left = error instanceof Over && incoming.ended;
    if (!left && !faults.refuse) await incoming.write(encodeAbort());
    if (!left && faults.refuse === "stay") await incoming.next("token", () => undefined);
    throw error;
  }
}

async function agree(incoming: Incoming, protection: Protection, faults: ProxyFaults): Promise<void> {
  const { anyType, clear, grant = (asked) => asked >= 1 && asked <= 3 ? asked : 2 } = faults;
  const { type, token } = await incoming.next("level", (bytes) => frameIn(bytes, faults));
  if (type === FrameType.Abort) throw new Over("abort");
  if (type !== FrameType.Protection && !anyType) throw new Error("type");
  let asked = token;
  if (clear !== "level" || token.length !== 1) {
    const before = await protection.context.unwrap(token).catch((error) => {
      if (!faults.forgives) throw error;
      return { data: Uint8Array.of(2), confidential: false };
    });
    if (before.confidential && faults.refusesSealedLevel) throw new Error("encrypted");
    asked = before.data;
  }
  if (asked.length !== 1) throw new Error("length");
  const level = grant(asked[0]!);
  const confidential = faults.sealsLevel ?? false;
  await incoming.write(await protection.wrap(Uint8Array.of(level), { type: FrameType.Protection, confidential }));
  protection.level = level;
}
