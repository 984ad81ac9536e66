/**
 * Whether and when the list of mechanisms is protected by MICs: RFC 4178 section 5 as one table, for both sides. Only one
 * mechanism is spoken here, so what the table leaves out is c IV for the acceptor: where its mechanism is the initiator's
 * first choice, it asks for no MIC.
 *
 * @module
 */
import type { GssContext } from "../context.ts";
import { GssError } from "../status.ts";

/**
 * `forbidden` where the mechanism cannot sign ("no mechlistMIC token is used"), `required` where its choice may be somebody
 * else's doing, `optional` otherwise.
 */
export type MicExchange = "forbidden" | "optional" | "required";

/** Where a side stands once the mechanism's context is established. */
export interface Standing {
  /** This side. */
  readonly role: "initiator" | "acceptor";
  /** Who sends the mechanism's last token: an even number of them ends with the acceptor, an odd one with the initiator. */
  readonly last: "initiator" | "acceptor";
  /** Whether that token is this side's and goes out now. */
  readonly sending: boolean;
  readonly exchange: MicExchange;
  /** Whether the peer's MIC has come; it is verified before anything comes of it. */
  readonly came: boolean;
  /** Whether this side's MIC has gone out. */
  readonly sent: boolean;
  /** Whether the peer says that it is done (`accept-completed`), that it is not, or nothing. */
  readonly peer: "done" | "waiting" | "silent";
}

/** What comes next. */
export type MicStep =
  /** The context is handed out, with what is to be sent, if there is anything. */
  | "finish"
  /** Same, with this side's MIC. */
  | "finish with MIC"
  /** The token goes out and the peer's answer is awaited. */
  | "wait"
  /** Same, with this side's MIC. */
  | "wait with MIC"
  /** The peer owed a MIC. */
  | "no MIC"
  /** The peer sent one that it cannot have. */
  | "misplaced MIC"
  /** The peer waits for something that there is not. */
  | "nothing to say";

type Row = readonly [when: Partial<Standing>, then: MicStep];

/** The first row that fits decides; the last one of each part is what is left over. */
const TABLE: readonly Row[] = [
  // Before the cases: without integrity there is no MIC, and none comes from a peer that has no context yet.
  [{ exchange: "forbidden", came: true }, "misplaced MIC"],
  [{ role: "initiator", last: "initiator", sending: true, came: true }, "misplaced MIC"],

  // b) The acceptor sends the mechanism's last token. Its side when it does ...
  [{ role: "acceptor", last: "acceptor", sending: true, came: true }, "misplaced MIC"],
  [{ role: "acceptor", last: "acceptor", sending: true, exchange: "required" }, "wait with MIC"],
  [{ role: "acceptor", last: "acceptor", sending: true }, "finish"],
  // ... and when it has the initiator's answer (I, last sentence).
  [{ role: "acceptor", last: "acceptor", came: true }, "finish"],
  [{ role: "acceptor", last: "acceptor" }, "no MIC"],
  // The initiator's side: I (a peer that is done awaits nothing more), IV, III.
  [{ role: "initiator", last: "acceptor", came: true, peer: "done" }, "finish"],
  [{ role: "initiator", last: "acceptor", came: true }, "finish with MIC"],
  [{ role: "initiator", last: "acceptor", exchange: "required" }, "no MIC"],
  [{ role: "initiator", last: "acceptor" }, "finish"],

  // c) The initiator sends the mechanism's last token. Its side when it does; old Windows wants no MIC that is not required ...
  [{ role: "initiator", last: "initiator", sending: true, exchange: "required" }, "wait with MIC"],
  [{ role: "initiator", last: "initiator", sending: true }, "wait"],
  // ... and when it has the acceptor's answer: to its MIC, or IV with the acceptor's first, or III.
  [{ role: "initiator", last: "initiator", came: true, sent: true }, "finish"],
  [{ role: "initiator", last: "initiator", came: true, peer: "done" }, "finish"],
  [{ role: "initiator", last: "initiator", came: true }, "finish with MIC"],
  [{ role: "initiator", last: "initiator", exchange: "required" }, "no MIC"],
  [{ role: "initiator", last: "initiator", peer: "waiting" }, "nothing to say"],
  [{ role: "initiator", last: "initiator" }, "finish"],
  // The acceptor's side: I, V, III.
  [{ role: "acceptor", last: "initiator", came: true }, "finish with MIC"],
  [{ role: "acceptor", last: "initiator", exchange: "required" }, "no MIC"],
  [{ role: "acceptor", last: "initiator" }, "finish"],
];

/** The list, the context that it is signed with, and the peer's MIC over it, if one came. */
export interface SignedList {
  readonly context: GssContext;
  readonly list: Uint8Array;
  readonly mic: Uint8Array | undefined;
}

/**
 * What section 5 says of a standing, with the MIC verified that came.
 *
 * @throws {GssError} Where it ends the negotiation.
 */
export async function micStep(standing: Omit<Standing, "came">, { context, list, mic }: SignedList): Promise<MicStep> {
  const next = nextMicStep({ ...standing, came: mic !== undefined });
  const error = micError(next, standing.role === "acceptor" ? "Initiator" : "Acceptor");
  if (error !== undefined) throw error;
  if (mic !== undefined) await verifyListMic(context, list, mic);
  return next;
}

function nextMicStep(standing: Standing): MicStep {
  const row = TABLE.find(([when]) =>
    Object.entries(when).every(([what, value]) => standing[what as keyof Standing] === value)
  );
  return row![1];
}

/** The error for the steps that end a negotiation. */
export function micError(step: MicStep, peer: "Initiator" | "Acceptor"): GssError | undefined {
  switch (step) {
    case "no MIC":
      return spnegoError(`${peer} did not protect the list of mechanisms`, "DEFECTIVE_TOKEN", "SPNEGO_NO_MIC");
    case "misplaced MIC":
      return spnegoError(`${peer} sent a MIC where it can have none`, "DEFECTIVE_TOKEN", "SPNEGO_MIC");
    case "nothing to say":
      return spnegoError(`${peer} wants more and the mechanism has no more`, "DEFECTIVE_TOKEN", "SPNEGO_STATE");
    default:
      return undefined;
  }
}

/**
 * Verifies the peer's MIC over the list, which must be the first of its signatures.
 *
 * @throws {GssError} `SPNEGO_MIC`
 */
async function verifyListMic(context: GssContext, list: Uint8Array, mic: Uint8Array): Promise<void> {
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

/** An error of the negotiation. */
export function spnegoError(
  problem: string,
  major: "BAD_MECH" | "DEFECTIVE_TOKEN" | "FAILURE",
  code: SpnegoErrorCode,
  cause?: unknown,
): GssError {
  return new GssError(`Cannot negotiate: ${problem}`, { major, code, cause });
}

/**
 * What a negotiation fails with: `SPNEGO_REJECT` the peer gave it up, or nothing that is offered is spoken here; `SPNEGO_MECH`
 * a mechanism named that was not offered, or not where one is named; `SPNEGO_STATE` a state that cannot be; `SPNEGO_TOKEN` a
 * token of the mechanism missing, or too many; `SPNEGO_MIC` a MIC that is forged or misplaced; `SPNEGO_NO_MIC` one that is owed.
 */
export type SpnegoErrorCode =
  | "SPNEGO_REJECT"
  | "SPNEGO_MECH"
  | "SPNEGO_STATE"
  | "SPNEGO_TOKEN"
  | "SPNEGO_MIC"
  | "SPNEGO_NO_MIC";
