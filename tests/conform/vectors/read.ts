/**
 * Reads a session of the vectors with nothing but its keys, as a bystander who has them would, and finds the first message that a
 * receiver must refuse.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { GssContext } from "../../../gss/context.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import { KerberosContext } from "../../../kerberos/mech/context.ts";
import { decodeFrame, FrameType } from "../../../socks/wire/gssapi.ts";
import { ALL_FLAGS } from "../../support/flags.ts";
import { hex, unhex } from "../../support/vectors.ts";
import type { SessionVector, VectorMessage } from "./format.ts";

const NAME = { type: "mechanism-name", text: "x@Y" } as const;

/** The receiving sides of both directions. */
function receivers({ keys, enctype, sequence, transport }: SessionVector): Record<"client" | "server", GssContext> {
  const receiver = (initiator: boolean) =>
    new KerberosContext({
      initiator,
      peer: NAME,
      self: NAME,
      flags: { ...ALL_FLAGS, sequence: transport === "tcp" },
      channelBound: false,
      expiresAt: 0,
      attributes: {},
      key: new KerberosKey(enctype, unhex(keys.serverSubkey)),
      acceptorSubkey: true,
      sendSequence: initiator ? sequence.client : sequence.server,
      receiveSequence: initiator ? sequence.server : sequence.client,
    });
  return { client: receiver(true), server: receiver(false) };
}

/** Place of the first message that must be refused; `undefined` if all are good. */
export async function firstBad(session: SessionVector): Promise<number | undefined> {
  const contexts = receivers(session);
  try {
    // Before are the choice of the method and the two tokens of the context.
    for (let at = 4; at < session.messages.length; at++) {
      const message = session.messages[at]!;
      const to = contexts[message.from === "client" ? "server" : "client"];
      const good = await isGood(session, message, { to, negotiates: at < 6 }).catch((error) => {
        if (error instanceof assert.AssertionError) throw error;
        return false;
      });
      if (!good) return at;
    }
    return undefined;
  } finally {
    for (const context of Object.values(contexts)) context.dispose();
  }
}

async function isGood(
  { level, transport }: SessionVector,
  { bytes, wrapped, datagram }: VectorMessage,
  { to, negotiates }: { readonly to: GssContext; readonly negotiates: boolean },
): Promise<boolean> {
  if (level === 0 && !negotiates) return true;
  const all = unhex(bytes);
  const frame = decodeFrame(all);
  const wanted = negotiates ? FrameType.Protection : FrameType.Encapsulation;
  if (frame?.length !== all.length || frame.value.type !== wanted) return false;
  const { data, confidential, status } = await to.unwrap(frame.value.token);
  assert.equal(hex(data), wrapped!.data);
  assert.equal(confidential, wrapped!.confidential);
  if (datagram ? status !== "complete" && status !== "gap" : status !== "complete") return false;
  if (negotiates) return data.length === 1 && data[0] === level && !confidential;
  return transport === "udp" && !datagram || level === 3 || confidential === (level === 2);
}
