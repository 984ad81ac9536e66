/**
 * Checks of the exchange of tokens that establishes a context.
 *
 * @module
 */
import { spnegoInitiator } from "../../gss/spnego/initiator.ts";
import { encodeAbort, encodeFrame, FrameType, MAX_TOKEN } from "../../socks/wire/gssapi.ts";
import { Method } from "../../socks/wire/messages.ts";
import { askLevel, type Bench } from "../bench.ts";
import { type Check, expect, Failed, orUndefined, Skipped } from "../check.ts";
import { damaged, type GssSession } from "../gss_session.ts";
import { shown } from "../hex.ts";
import { LateToken } from "../late_token.ts";
import type { Raw } from "../raw.ts";

const ABORT = "RFC 1961 section 3.8";

/** Establishes a context whose frames are sent in another way than whole. */
async function establishedBy(bench: Bench, send: (raw: Raw, frame: Uint8Array) => Promise<void>): Promise<GssSession> {
  const raw = await bench.chosen(Method.Gssapi);
  return await bench.establish(raw, await bench.negotiation(), (frame) => send(raw, frame));
}

/** A check that a first message is refused with `01 FF`. */
function refused(
  id: string,
  title: string,
  message: (bench: Bench) => Uint8Array | Promise<Uint8Array>,
  clause = ABORT,
): Check<Bench> {
  return {
    id,
    clause,
    severity: "must",
    title: `refuses ${title} with 01 FF`,
    async run(bench) {
      const raw = await bench.chosen(Method.Gssapi);
      await raw.send(await message(bench));
      await raw.refusal(title);
    },
  };
}

/** A check that a first message with a wrong header ends the authentication, with `01 FF` or without. */
function notAccepted(id: string, title: string, message: (token: Uint8Array) => Uint8Array): Check<Bench> {
  return {
    id,
    clause: "RFC 1961 section 3.4",
    severity: "must",
    title: `accepts no ${title}`,
    async run(bench) {
      const raw = await bench.chosen(Method.Gssapi);
      await raw.send(message(await bench.firstToken()));
      const bytes = await raw.ended(`01 ff or an end, to ${title}`);
      const aborted = bytes[0] === 1 && bytes[1] === FrameType.Abort;
      expect(bytes.length === 0 || aborted || isErrorToken(bytes), `01 ff or an end, to ${title}`, shown(bytes));
    },
  };
}

/** Whether a token is followed by the refusal. */
function isErrorToken(bytes: Uint8Array): boolean {
  const length = 4 + (bytes[2]! << 8 | bytes[3]!);
  return bytes[1] === FrameType.Authentication && bytes[length] === 1 && bytes[length + 1] === FrameType.Abort;
}

function changed(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
}

/** The checks. */
export const TOKEN_CHECKS: readonly Check<Bench>[] = [
  {
    id: "token.context",
    clause: "RFC 1961 section 3.7",
    severity: "must",
    title: "answers each token in a message of type 1 until the context is established, and proves who it is",
    async run(bench) {
      const { context } = await bench.context();
      return `${context.mechanism}, ${context.attributes["enctype"] ?? "no enctype"}`;
    },
  },
  {
    id: "token.split",
    clause: "RFC 1961 section 3.4",
    severity: "must",
    title: "reads a token that comes byte by byte",
    async run(bench) {
      await askLevel(await establishedBy(bench, (raw, frame) => raw.trickle(frame)), 2);
    },
  },
  {
    id: "token.cut",
    clause: "RFC 1961 section 3.4",
    severity: "must",
    title: "reads a token that is cut behind its header, or in it",
    async run(bench) {
      for (const at of [1, 3, 4, 5]) await establishedBy(bench, (raw, frame) => raw.sendCut(frame, at));
    },
  },
  {
    id: "token.waits",
    clause: "RFC 1961 section 3.4",
    severity: "must",
    title: "waits for a whole token before it answers",
    async run(bench) {
      await establishedBy(bench, async (raw, frame) => {
        await raw.send(frame.subarray(0, -1));
        await raw.silent("nothing before the last byte of the token");
        await raw.send(frame.subarray(-1));
      });
    },
  },
  {
    id: "token.one-way",
    clause: "RFC 1961 section 3.6",
    severity: "should",
    title: "sends a token of no bytes when it has none, or refuses a client that does not ask who it is",
    async run(bench) {
      const raw = await bench.chosen(Method.Gssapi);
      const negotiation = await bench.negotiation({
        replay: true,
        sequence: true,
        confidentiality: true,
        integrity: true,
      });
      const step = await negotiation.step();
      if (!step.done) throw new Skipped("the mechanism has no context without mutual authentication");
      step.context.dispose();
      await raw.send(encodeFrame(FrameType.Authentication, step.token!));
      const { type, token } = await raw.frame("01 01 00 00, or 01 ff");
      if (type === FrameType.Authentication && token.length === 0) return "accepts such clients";
      // An error token may come before the refusal.
      if (type !== FrameType.Abort) await raw.refusal("a first token that asks for no answer");
      return "refuses such clients, which RFC 1961 section 3.2 has none of";
    },
  },
  {
    id: "token.spnego",
    clause: "RFC 1961 section 2",
    severity: "note",
    title: "says whether it accepts the mechanism inside SPNEGO",
    async run(bench) {
      const raw = await bench.chosen(Method.Gssapi);
      const { credential, service } = bench.lab.gss!;
      const negotiation = await spnegoInitiator(credential).initiate(service);
      const session = await orUndefined(bench.establish(raw, negotiation, (frame) => raw.send(frame)));
      return session === undefined ? "refuses it" : "accepts it";
    },
  },
  {
    id: "token.legs",
    clause: "RFC 1961 section 3.6",
    severity: "should",
    title: "exchanges tokens as long as the mechanism needs: SPNEGO with two exchanges",
    async run(bench) {
      const raw = await bench.chosen(Method.Gssapi);
      const { mechanism } = bench.lab.gss!.credential;
      const negotiation = new LateToken(mechanism, await bench.negotiation());
      let frames = 0;
      const send = (frame: Uint8Array) => {
        frames++;
        return raw.send(frame);
      };
      const session = await bench.establish(raw, negotiation, send).catch((error) => {
        if (error instanceof Failed && frames === 1) {
          throw new Skipped("the proxy does not accept SPNEGO without a first token");
        }
        throw error;
      });
      await askLevel(session, 2);
      return `${frames} tokens of the client`;
    },
  },
  {
    id: "token.unordered",
    clause: "RFC 1961 section 3.2",
    severity: "note",
    title: "says whether it serves a client that asks for no replay and no sequence detection",
    async run(bench) {
      const session = await bench.context({ mutual: true, confidentiality: true, integrity: true });
      return await orUndefined(askLevel(session, 2)) === undefined ? "refuses it" : "accepts it";
    },
  },
  refused("token.empty", "a first token of no bytes", () => encodeFrame(FrameType.Authentication, new Uint8Array(0))),
  refused(
    "token.garbage",
    "a token that is none",
    () => encodeFrame(FrameType.Authentication, new Uint8Array(40).fill(0x42)),
  ),
  refused("token.damaged", "a token with one wrong bit", async (bench) => damaged(await bench.firstToken(), 20)),
  refused(
    "token.longest",
    "a token of 65,535 bytes that is none",
    () => encodeFrame(FrameType.Authentication, new Uint8Array(MAX_TOKEN).fill(0x42)),
  ),
  refused(
    "token.type-2",
    "a level before there is a context",
    async (bench) => changed(await bench.firstToken(), 1, 2),
  ),
  refused("token.type-3", "data before there is a context", async (bench) => changed(await bench.firstToken(), 1, 3)),
  notAccepted("token.type-4", "message of a type that is not defined", (token) => changed(token, 1, 4)),
  notAccepted("token.version", "message of version 2", (token) => changed(token, 0, 2)),
  {
    id: "token.ends-refused",
    clause: ABORT,
    severity: "should",
    title: "ends the connection after a token that it refuses",
    async run(bench) {
      const raw = await bench.chosen(Method.Gssapi);
      await raw.send(encodeFrame(FrameType.Authentication, new Uint8Array(40).fill(0x42)));
      await raw.ended("an end, after 01 ff");
    },
  },
  {
    id: "token.replayed",
    clause: "RFC 4120 section 3.2.3",
    severity: "should",
    title: "notices a first token that was used before",
    async run(bench) {
      const token = await bench.firstToken();
      const first = await bench.chosen(Method.Gssapi);
      await first.send(token);
      const { type } = await first.frame("an answer to the token");
      expect(type === FrameType.Authentication, "an answer of type 1", `type ${type}`);
      const again = await bench.chosen(Method.Gssapi);
      await again.send(token);
      await again.refusal("a token that was used before");
    },
  },
  {
    id: "token.abort",
    clause: ABORT,
    severity: "should",
    title: "ends when the client sends 01 FF in place of a token",
    async run(bench) {
      const raw = await bench.chosen(Method.Gssapi);
      await raw.send(encodeAbort());
      await raw.ended("an end");
    },
  },
  {
    id: "token.after",
    clause: "RFC 1961 section 4.3",
    severity: "must",
    title: "refuses another token where the level must follow",
    async run(bench) {
      const { raw } = await bench.context();
      await raw.send(encodeFrame(FrameType.Authentication, new Uint8Array(40).fill(0x42)));
      await raw.refusal("a token behind the context");
    },
  },
  {
    id: "token.left",
    clause: "RFC 1961 section 3.5",
    severity: "must",
    title: "serves the next client after one that left in the middle of a token",
    async run(bench) {
      const left = await bench.chosen(Method.Gssapi);
      await left.send((await bench.firstToken()).subarray(0, 30));
      await left.close();
      await askLevel(await bench.context(), 2);
    },
  },
];
