/**
 * RFC 4178 section 5 as one table, for both roles: whether and when the list of mechanisms is protected by MICs. Only one
 * mechanism is offered and accepted here. So the table leaves out c IV for the acceptor: it requests no MIC if its mechanism is
 * the initiator's first choice.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import type { GssContext } from "../context.ts";
import { GssError } from "../status.ts";
import { spnegoError } from "./errors.ts";

/** Side of a negotiation. */
export type Role = "initiator" | "acceptor";

/**
 * Whether MICs are exchanged: `forbidden` if the mechanism has no integrity protection ("no mechlistMIC token is used"),
 * `required` if an attacker may have changed the choice of the mechanism, `optional` otherwise.
 */
export type MicExchange = "forbidden" | "optional" | "required";

/** Situation of a side whose mechanism context is established. */
export interface MicSituation {
  /** This side. */
  readonly role: Role;
  /** The side that sends the mechanism's last token: the acceptor of an even number of tokens, the initiator of an odd one. */
  readonly last: Role;
  /** Whether this side sends that token in its next message. */
  readonly sending: boolean;
  readonly exchange: MicExchange;
  /** Whether the peer's MIC was received. It is verified before the action is taken. */
  readonly received: boolean;
  /** Whether this side's MIC was sent. */
  readonly sent: boolean;
  /** The peer's state: `accept-completed`, another one, or none in its message. */
  readonly peer: "done" | "waiting" | "silent";
}

/** What to do next: complete the negotiation or wait for an answer, with this side's MIC or without. */
interface MicAction {
  readonly then: "complete" | "wait";
  readonly sendMic: boolean;
}

/** Why the negotiation fails. */
type MicProblem = "missing MIC" | "misplaced MIC" | "nothing left to send";

type Row = readonly [when: Partial<MicSituation>, then: MicAction | MicProblem];

const COMPLETE: MicAction = { then: "complete", sendMic: false };
const COMPLETE_WITH_MIC: MicAction = { then: "complete", sendMic: true };
const WAIT: MicAction = { then: "wait", sendMic: false };
const WAIT_WITH_MIC: MicAction = { then: "wait", sendMic: true };

/** The first row that matches decides. The last row of each part matches all that is left. */
const TABLE: readonly Row[] = [
  // Before the cases: no MIC without integrity protection, and none from a peer that has no context yet.
  [{ exchange: "forbidden", received: true }, "misplaced MIC"],
  [{ role: "initiator", last: "initiator", sending: true, received: true }, "misplaced MIC"],

  // b) The acceptor sends the mechanism's last token. The acceptor when it sends that token ...
  [{ role: "acceptor", last: "acceptor", sending: true, received: true }, "misplaced MIC"],
  [{ role: "acceptor", last: "acceptor", sending: true, exchange: "required" }, WAIT_WITH_MIC],
  [{ role: "acceptor", last: "acceptor", sending: true }, COMPLETE],
  // ... and when it has the initiator's answer (I, last sentence).
  [{ role: "acceptor", last: "acceptor", received: true }, COMPLETE],
  [{ role: "acceptor", last: "acceptor" }, "missing MIC"],
  // The initiator: I (a peer that is done waits for nothing), IV, III.
  [{ role: "initiator", last: "acceptor", received: true, peer: "done" }, COMPLETE],
  [{ role: "initiator", last: "acceptor", received: true }, COMPLETE_WITH_MIC],
  [{ role: "initiator", last: "acceptor", exchange: "required" }, "missing MIC"],
  [{ role: "initiator", last: "acceptor" }, COMPLETE],

  // c) The initiator sends the mechanism's last token. The initiator when it sends that token; legacy Windows accepts no MIC
  // that is not required (appendix C) ...
  [{ role: "initiator", last: "initiator", sending: true, exchange: "required" }, WAIT_WITH_MIC],
  [{ role: "initiator", last: "initiator", sending: true }, WAIT],
  // ... and when it has the acceptor's answer: the answer to its MIC, IV with the acceptor's first MIC, or III.
  [{ role: "initiator", last: "initiator", received: true, sent: true }, COMPLETE],
  [{ role: "initiator", last: "initiator", received: true, peer: "done" }, COMPLETE],
  [{ role: "initiator", last: "initiator", received: true }, COMPLETE_WITH_MIC],
  [{ role: "initiator", last: "initiator", exchange: "required" }, "missing MIC"],
  [{ role: "initiator", last: "initiator", peer: "waiting" }, "nothing left to send"],
  [{ role: "initiator", last: "initiator" }, COMPLETE],
  // The acceptor: I, V, III.
  [{ role: "acceptor", last: "initiator", received: true }, COMPLETE_WITH_MIC],
  [{ role: "acceptor", last: "initiator", exchange: "required" }, "missing MIC"],
  [{ role: "acceptor", last: "initiator" }, COMPLETE],
];

/** The list of mechanisms, the context that signs it, and the peer's MIC over it. */
interface SignedList {
  readonly context: GssContext;
  readonly list: Bytes;
  readonly mic: Bytes | undefined;
}

/**
 * Returns what section 5 demands in a situation, after it has verified the peer's MIC.
 *
 * @throws {GssError} When the negotiation fails.
 */
export async function micAction(
  situation: Omit<MicSituation, "received">,
  { context, list, mic }: SignedList,
): Promise<MicAction> {
  const action = lookUp({ ...situation, received: mic !== undefined });
  if (typeof action === "string") throw micError(action, situation.role);
  if (mic !== undefined) await verifyListMic(context, list, mic);
  return action;
}

/**
 * Refuses a MIC in a message before the context of this side is established.
 *
 * @throws {GssError} `SPNEGO_MIC`
 */
export function refuseEarlyMic(mic: Bytes | undefined, role: Role): void {
  if (mic !== undefined) throw micError("misplaced MIC", role);
}

function lookUp(situation: MicSituation): MicAction | MicProblem {
  const matches = ([when]: Row) =>
    Object.entries(when).every(([key, value]) => situation[key as keyof MicSituation] === value);
  return TABLE.find(matches)![1];
}

function micError(problem: MicProblem, role: Role): GssError {
  const peer = role === "acceptor" ? "Initiator" : "Acceptor";
  switch (problem) {
    case "missing MIC":
      return spnegoError(`${peer} did not protect the list of mechanisms`, "DEFECTIVE_TOKEN", "SPNEGO_NO_MIC");
    case "misplaced MIC":
      return spnegoError(`${peer} sent a MIC where none is allowed`, "DEFECTIVE_TOKEN", "SPNEGO_MIC");
    case "nothing left to send":
      return spnegoError(
        `${peer} waits for a token, but the mechanism has none left`,
        "DEFECTIVE_TOKEN",
        "SPNEGO_STATE",
      );
  }
}

/**
 * Verifies the peer's MIC over the list, which must be the first of its signatures.
 *
 * @throws {GssError} `SPNEGO_MIC`
 */
async function verifyListMic(context: GssContext, list: Bytes, mic: Bytes): Promise<void> {
  let status;
  try {
    status = await context.verifyMic(list, mic);
  } catch (cause) {
    if (!(cause instanceof GssError)) throw cause;
    const message = `The MIC over the list of mechanisms is not genuine: ${cause.message}`;
    throw spnegoError(message, "DEFECTIVE_TOKEN", "SPNEGO_MIC", cause);
  }
  if (status === "complete") return;
  throw spnegoError(`The MIC over the list of mechanisms is out of order: ${status}`, "DEFECTIVE_TOKEN", "SPNEGO_MIC");
}
