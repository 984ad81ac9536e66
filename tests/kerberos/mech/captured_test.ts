/** Contexts between MIT's peers: with MIT's keys, numbers and confounders this side answers the same, and finishes with MIT's answer. */
import assert from "node:assert/strict";
import type { Bytes } from "../../../base/bytes.ts";
import type { Runtime } from "../../../base/runtime.ts";
import { encode } from "../../../asn1/codec.ts";
import { hostbasedService } from "../../../gss/names.ts";
import { spnegoAcceptor } from "../../../gss/spnego/acceptor.ts";
import { spnegoInitiator } from "../../../gss/spnego/initiator.ts";
import { decodeNegTokenInit, encodeNegTokenInit } from "../../../gss/spnego/tokens.ts";
import { SPNEGO_OID } from "../../../gss/oids.ts";
import { Credential } from "../../../kerberos/credential.ts";
import { Keytab } from "../../../kerberos/credentials/formats/keytab.ts";
import type { TicketSource } from "../../../kerberos/credentials/ticket_source.ts";
import { KerberosKey } from "../../../kerberos/crypto/key.ts";
import type { KerberosContext } from "../../../kerberos/mech/context.ts";
import { KerberosAcceptorCredential, KerberosInitiatorCredential } from "../../../kerberos/mech/credentials.ts";
import { decodeContextToken } from "../../../kerberos/mech/tokens/context.ts";
import { ApReq, Ticket } from "../../../kerberos/messages/ap.ts";
import { readMessage } from "../../../kerberos/messages/read.ts";
import { parsePrincipal, principal } from "../../../kerberos/principal.ts";
import { hex, unhex, vectors } from "../../support/vectors.ts";

interface CapturedKey {
  readonly enctype: number;
  readonly key_hex: string;
}

interface Captured {
  readonly label: string;
  readonly etype: number;
  readonly mech_oid: string;
  readonly resulting_flags: number;
  readonly tokens: readonly {
    readonly token_hex: string;
    readonly ctime: string | null;
    readonly cusec: number | null;
    readonly service_key_hex: string | null;
    readonly sname: readonly string[] | null;
    readonly kvno: number | null;
    readonly confounder_hex: string | null;
  }[];
  readonly session_key: CapturedKey;
  readonly initiator_subkey: CapturedKey;
  readonly acceptor_subkey: CapturedKey | null;
  readonly initiator_initial_seq: number;
  readonly acceptor_initial_seq: number | null;
  readonly messages: readonly {
    readonly from: "initiator" | "acceptor";
    readonly op: "wrap" | "mic";
    readonly conf?: boolean;
    readonly message_hex: string;
    readonly token_hex: string;
  }[];
}

const CONTEXTS = vectors<Captured>("captured_gss_contexts");

/** A clock that shows the time of the capture, and randomness that gives its values one after another. */
function replaying(v: Captured, values: readonly Bytes[]): Runtime & { readonly left: Bytes[] } {
  const { ctime, cusec } = v.tokens[0]!;
  const seconds = Date.parse(ctime!.replace(/(....)(..)(..)(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z"));
  const left = [...values];
  return {
    left,
    now: () => seconds + Math.floor(cusec! / 1000),
    fillRandom: (target) => {
      const next = left.shift();
      if (next === undefined) return void crypto.getRandomValues(target);
      assert.equal(next.length, target.length);
      target.set(next);
    },
  };
}

/** Random bytes that become an initial sequence number, of 30 bits. */
function numberBytes(value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value * 4);
  return bytes;
}

function acceptorOf(v: Captured): { credential: KerberosAcceptorCredential; left: Bytes[] } {
  const { sname, kvno, service_key_hex } = v.tokens[0]!;
  const key = new KerberosKey(v.etype, unhex(service_key_hex!));
  const keys = new Keytab([{ principal: principal("VECTORS.TEST", sname!), kvno: kvno!, key }]);
  const answer = v.tokens[1];
  const values = answer === undefined
    ? []
    : [unhex(v.acceptor_subkey!.key_hex), numberBytes(v.acceptor_initial_seq!), unhex(answer.confounder_hex!)];
  const runtime = replaying(v, values);
  return { credential: new KerberosAcceptorCredential({ keys, runtime }), left: runtime.left };
}

/** Opens what one side of a capture sent, with the context of the other side. */
async function openAll(context: KerberosContext, v: Captured, from: "initiator" | "acceptor"): Promise<number> {
  const sent = v.messages.filter((message) => message.from === from);
  for (const { op, conf, message_hex, token_hex } of sent) {
    const [message, token] = [unhex(message_hex), unhex(token_hex)];
    if (op === "mic") assert.equal(await context.verifyMic(message, token), "complete");
    else assert.deepEqual(await context.unwrap(token), { data: message, confidential: conf, status: "complete" });
  }
  return sent.length;
}

Deno.test("acceptor: answers MIT's requests with MIT's own bytes, bare and in SPNEGO", async () => {
  const seen = { answers: 0, messages: 0 };
  for (const v of CONTEXTS) {
    const { credential, left } = acceptorOf(v);
    const [request, answer] = v.tokens;
    const step = await spnegoAcceptor(credential).accept().step(unhex(request!.token_hex));
    assert.ok(step.done, v.label);
    using context = step.context as KerberosContext;
    assert.equal(context.peer.text, "user@VECTORS.TEST");
    assert.equal(context.flags.mutual, (v.resulting_flags & 2) !== 0);
    assert.equal(context.flags.delegation, (v.resulting_flags & 1) !== 0);
    assert.equal(step.token && hex(step.token), answer?.token_hex, v.label);
    assert.equal(left.length, 0);
    seen.answers += answer === undefined ? 0 : 1;
    seen.messages += await openAll(context, v, "initiator");
  }
  assert.ok(seen.answers >= 6 && seen.messages >= 60, JSON.stringify(seen));
});

/** The ticket of a capture, as a client's. */
function ticketsOf(v: Captured, token: Bytes): TicketSource {
  const { ticket } = readMessage(ApReq, decodeContextToken(token).message);
  const [client, server] = [parsePrincipal("user@VECTORS.TEST"), principal("VECTORS.TEST", v.tokens[0]!.sname!)];
  const { enctype, key_hex } = v.session_key;
  const credential = new Credential({
    client,
    server,
    key: new KerberosKey(enctype, unhex(key_hex)),
    authtime: 0,
    endtime: Date.UTC(2030, 0),
    flags: 0,
    ticket: encode(Ticket, ticket),
  });
  const serviceTicket = () => Promise.resolve({ credential, kdcOffset: 0 });
  return { serviceTicket, forwardedTicket: serviceTicket };
}

Deno.test("initiator: finishes with MIT's answer, and opens what MIT's acceptor sends", async () => {
  let messages = 0;
  for (const v of CONTEXTS) {
    if (v.acceptor_subkey === null) continue;
    const [request, answer] = v.tokens;
    const spnego = v.mech_oid === SPNEGO_OID;
    const token = unhex(request!.token_hex);
    const bare = spnego ? decodeNegTokenInit(token).mechToken! : token;
    const within = new Uint8Array(2);
    new DataView(within.buffer).setUint16(0, request!.cusec! % 1000);
    const values = [unhex(v.initiator_subkey.key_hex), numberBytes(v.initiator_initial_seq), within];
    const kerberos = new KerberosInitiatorCredential(ticketsOf(v, bare), { runtime: replaying(v, values) });
    const credential = spnego ? spnegoInitiator(kerberos) : kerberos;
    const negotiation = await credential.initiate(hostbasedService("svc", "localhost"));
    const first = (await negotiation.step()).token!;
    // MIT's ticket is in it as it was, whatever else this side writes another way.
    assert.equal(
      hex(first).includes(hex(encode(Ticket, readMessage(ApReq, decodeContextToken(bare).message).ticket))),
      true,
    );
    if (spnego) assert.deepEqual(decodeNegTokenInit(first).mechTypes, decodeNegTokenInit(token).mechTypes);
    const step = await negotiation.step(unhex(answer!.token_hex));
    assert.ok(step.done && step.token === undefined, v.label);
    using context = step.context as KerberosContext;
    messages += await openAll(context, v, "acceptor");
  }
  assert.ok(messages >= 36, `${messages}`);
});

Deno.test("SPNEGO: MIT's offer is written and read as MIT's bytes", () => {
  const [offer] = CONTEXTS.filter(({ mech_oid }) => mech_oid === SPNEGO_OID);
  const token = unhex(offer!.tokens[0]!.token_hex);
  assert.equal(hex(encodeNegTokenInit(decodeNegTokenInit(token))), hex(token));
});
