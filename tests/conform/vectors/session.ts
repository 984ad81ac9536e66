/**
 * Both sides of a session with fixed randomness and clock, whose messages are written down.
 *
 * @module
 */
import { type Bytes, concat, EMPTY } from "../../../base/bytes.ts";
import { hostbasedService } from "../../../gss/names.ts";
import type { GssContext } from "../../../gss/context.ts";
import { KerberosAcceptorCredential, KerberosInitiatorCredential } from "../../../kerberos/mech/credentials.ts";
import type { KerberosKey } from "../../../kerberos/crypto/key.ts";
import { ApRep, ApReq, Authenticator, EncApRepPart } from "../../../kerberos/messages/ap.ts";
import { readMessage } from "../../../kerberos/messages/read.ts";
import { decodeContextToken } from "../../../kerberos/mech/tokens/context.ts";
import { formatPrincipal, parsePrincipal } from "../../../kerberos/principal.ts";
import { KeyUsage } from "../../../kerberos/registry/key_usages.ts";
import { encodeFrame, FrameType } from "../../../socks/wire/gssapi.ts";
import { encodeReply, encodeRequest } from "../../../socks/wire/messages.ts";
import { ALL_FLAGS } from "../../support/flags.ts";
import { memoryRealm, memoryTickets } from "../../support/gss_pair.ts";
import { TestRuntime } from "../../support/test_runtime.ts";
import { hex } from "../../support/vectors.ts";
import type { SessionVector, VectorFault, VectorKeys, VectorMessage } from "./format.ts";

/** Time of all sessions. */
export const TIME: number = Date.UTC(2026, 0, 15, 12);
/** Seeds of the randomness of KDC, client and server. */
export const SEEDS = { kdc: 1, client: 2, server: 3 } as const;

/** Randomness that is written down. */
class RecordedRuntime extends TestRuntime {
  drawn: Bytes = EMPTY;

  override fillRandom(target: Bytes): void {
    super.fillRandom(target);
    this.drawn = concat(this.drawn, target);
  }
}

/** What a session is about. */
export interface SessionPlan {
  readonly id: string;
  readonly transport: "tcp" | "udp";
  readonly level: number;
  readonly enctype: number;
}

type Side = "client" | "server";

/** How a message is sent. */
export interface SendOptions {
  readonly type?: number;
  readonly confidential?: boolean;
  readonly datagram?: boolean;
  /** Changes the bytes in some way. */
  readonly change?: (bytes: Bytes) => Bytes;
}

/** A session that is being written. */
export class SessionWriter {
  readonly plan: SessionPlan;
  readonly messages: VectorMessage[] = [];
  readonly #contexts: Readonly<Record<Side, GssContext>>;
  readonly #runtimes: Readonly<Record<Side, RecordedRuntime>>;
  readonly #head: Omit<SessionVector, "messages" | "bad" | "id" | "transport" | "level" | "enctype">;

  private constructor(
    plan: SessionPlan,
    { contexts, runtimes, head }: {
      readonly contexts: Readonly<Record<Side, GssContext>>;
      readonly runtimes: Readonly<Record<Side, RecordedRuntime>>;
      readonly head: Omit<SessionVector, "messages" | "bad" | "id" | "transport" | "level" | "enctype">;
    },
  ) {
    this.plan = plan;
    this.#contexts = contexts;
    this.#runtimes = runtimes;
    this.#head = head;
  }

  /** Writes the offer, the choice and the tokens. */
  static async open(plan: SessionPlan): Promise<SessionWriter> {
    const { enctype, transport } = plan;
    const realm = await memoryRealm({ enctypes: [enctype], runtime: new TestRuntime(TIME, SEEDS.kdc) });
    const tickets = memoryTickets([realm], { runtime: new TestRuntime(TIME, SEEDS.kdc) });
    const runtimes = {
      client: new RecordedRuntime(TIME, SEEDS.client),
      server: new RecordedRuntime(TIME, SEEDS.server),
    };
    const keys = realm.keytab("rcmd/localhost");
    const flags = { ...ALL_FLAGS, sequence: transport === "tcp" };
    const initiator = new KerberosInitiatorCredential(tickets, { runtime: runtimes.client });
    const negotiation = await initiator.initiate(hostbasedService("rcmd", "localhost"), { flags });
    const first = await negotiation.step();
    const accepted = await new KerberosAcceptorCredential({ keys, runtime: runtimes.server }).accept().step(
      first.token,
    );
    const done = await negotiation.step(accepted.token);
    if (!accepted.done || !done.done) throw new Error("more tokens than two");
    const { credential } = await tickets.serviceTicket(parsePrincipal("rcmd/localhost@GSSOCKS.TEST"));
    const found = await secretsOf(credential.key, first.token!, accepted.token!);
    const writer = new SessionWriter(plan, {
      contexts: { client: done.context, server: accepted.context },
      runtimes,
      head: {
        time: new Date(TIME).toISOString(),
        client: formatPrincipal(credential.client),
        service: formatPrincipal(credential.server),
        kvno: keys.entries[0]!.kvno,
        keys: { service: hex(keys.entries[0]!.key.exportBytes()), ...found.keys },
        sequence: found.sequence,
      },
    });
    writer.raw("client", "offer of GSS-API", Uint8Array.of(5, 1, 1));
    writer.raw("server", "choice of GSS-API", Uint8Array.of(5, 1));
    writer.raw("client", "token with the AP-REQ", encodeFrame(FrameType.Authentication, first.token!));
    writer.raw("server", "token with the AP-REP", encodeFrame(FrameType.Authentication, accepted.token!));
    return writer;
  }

  /** Writes a message as it is. */
  raw(from: Side, what: string, bytes: Uint8Array): void {
    this.messages.push({ from, what, bytes: hex(bytes) });
  }

  /** Writes a message again. */
  again(index: number, what: string, from?: Side): void {
    this.messages.push({ ...this.messages.at(index)!, what, ...(from === undefined ? {} : { from }) });
  }

  /** Writes a message in a token; as the level asks unless told otherwise. */
  async wrapped(from: Side, what: string, data: Uint8Array, options: SendOptions = {}): Promise<void> {
    const { type = FrameType.Encapsulation, confidential = this.plan.level >= 2, datagram, change } = options;
    const runtime = this.#runtimes[from];
    runtime.drawn = EMPTY;
    const token = await this.#contexts[from].wrap(data, { confidential });
    const sequence = new DataView(token.buffer, token.byteOffset).getUint32(12);
    const frame = encodeFrame(type, token);
    this.messages.push({
      from,
      what,
      ...(datagram ? { datagram } : {}),
      bytes: hex(change === undefined ? frame : change(frame)),
      wrapped: { data: hex(data), confidential, sequence, ...(confidential ? { confounder: hex(runtime.drawn) } : {}) },
    });
  }

  /** Writes the negotiation of the level. */
  async agree(): Promise<void> {
    const { level } = this.plan;
    const how = { type: FrameType.Protection, confidential: false };
    await this.wrapped("client", `level ${level} is asked for`, Uint8Array.of(level), how);
    await this.wrapped("server", `level ${level} is granted`, Uint8Array.of(level), how);
  }

  /** Writes the request and the reply. */
  async request(): Promise<void> {
    const command = this.plan.transport === "tcp" ? 1 : 3;
    const to = command === 1 ? { hostname: "www.example.com", port: 80 } : { hostname: "0.0.0.0", port: 0 };
    await this.say("client", command === 1 ? "CONNECT" : "UDP ASSOCIATE", encodeRequest({ command, ...to }));
    await this.say("server", "reply", encodeReply({ reply: 0, hostname: "192.0.2.7", port: 1080 }));
  }

  /** Writes a message as the level asks; at level 0 in clear. */
  async say(from: Side, what: string, data: Uint8Array): Promise<void> {
    if (this.plan.level === 0) this.raw(from, what, data);
    else await this.wrapped(from, what, data);
  }

  finish(bad?: Omit<VectorFault, "message">): SessionVector {
    const fault = bad && { message: this.messages.length - 1, ...bad };
    for (const context of Object.values(this.#contexts)) context.dispose();
    return { ...this.plan, ...this.#head, messages: this.messages, ...(fault === undefined ? {} : { bad: fault }) };
  }
}

/** Keys and first numbers, as they stand in both tokens. */
async function secretsOf(
  session: KerberosKey,
  request: Uint8Array,
  answer: Uint8Array,
): Promise<{ readonly keys: Omit<VectorKeys, "service">; readonly sequence: SessionVector["sequence"] }> {
  const { authenticator } = readMessage(ApReq, decodeContextToken(request).message);
  const sent = readMessage(Authenticator, await session.decrypt(KeyUsage.ApReqAuthenticator, authenticator.cipher));
  const { encPart } = readMessage(ApRep, decodeContextToken(answer).message);
  const given = readMessage(EncApRepPart, await session.decrypt(KeyUsage.ApRepEncPart, encPart.cipher));
  return {
    keys: {
      session: hex(session.exportBytes()),
      clientSubkey: hex(sent.subkey!.keyvalue),
      serverSubkey: hex(given.subkey!.keyvalue),
    },
    sequence: { client: sent.seqNumber!, server: given.seqNumber! },
  };
}
