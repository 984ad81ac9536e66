/** The vectors of RFC 1961 played to this package's own client and server: what they send is byte for byte what the vectors say. */
import assert from "node:assert/strict";
import { encode } from "../../asn1/codec.ts";
import { KerberosKey } from "../../kerberos/crypto/key.ts";
import { Credential } from "../../kerberos/credential.ts";
import { Keytab } from "../../kerberos/credentials/formats/keytab.ts";
import { KerberosAcceptorCredential, KerberosInitiatorCredential } from "../../kerberos/mech/credentials.ts";
import { decodeContextToken } from "../../kerberos/mech/tokens/context.ts";
import { ApReq, Ticket } from "../../kerberos/messages/ap.ts";
import { readMessage } from "../../kerberos/messages/read.ts";
import { parsePrincipal } from "../../kerberos/principal.ts";
import type { SecuredChannel } from "../../socks/auth/method.ts";
import { gssapiClient } from "../../socks/auth/gssapi/client.ts";
import { gssapiServer } from "../../socks/auth/gssapi/server.ts";
import { PROTECTION_LEVELS, protectionLevel } from "../../socks/protection.ts";
import type { Connection } from "../../socks/stream/connection.ts";
import { pipe, type PipeEnd } from "../support/pipe.ts";
import { TestRuntime } from "../support/test_runtime.ts";
import { hex, unhex } from "../support/vectors.ts";
import type { SessionVector, VectorFile } from "./vectors/format.ts";
import { SEEDS, TIME } from "./vectors/session.ts";

const FOLDER = new URL("../vectors/rfc1961/", import.meta.url);
const FILES = [...Deno.readDirSync(FOLDER)].map(({ name }) => name);

function sessions(): SessionVector[] {
  return FILES.flatMap((name) => (JSON.parse(Deno.readTextFileSync(new URL(name, FOLDER))) as VectorFile).cases);
}

/** The credential of the client: the ticket that is in its first token. */
function initiator({ messages, keys, enctype, client, service }: SessionVector): KerberosInitiatorCredential {
  const token = unhex(messages[2]!.bytes).subarray(4);
  const { ticket } = readMessage(ApReq, decodeContextToken(token).message);
  const credential = new Credential({
    client: parsePrincipal(client),
    server: parsePrincipal(service),
    key: new KerberosKey(enctype, unhex(keys.session)),
    authtime: TIME,
    endtime: TIME + 3_600_000,
    flags: 0,
    ticket: encode(Ticket, ticket),
  });
  const tickets = {
    serviceTicket: () => Promise.resolve({ credential, kdcOffset: 0 }),
    forwardedTicket: () => Promise.reject(),
  };
  return new KerberosInitiatorCredential(tickets, { runtime: new TestRuntime(TIME, SEEDS.client) });
}

/** The credential of the server: the service's key. */
function acceptor({ keys, enctype, service, kvno }: SessionVector): KerberosAcceptorCredential {
  const key = new KerberosKey(enctype, unhex(keys.service));
  return new KerberosAcceptorCredential({
    keys: new Keytab([{ principal: parsePrincipal(service), kvno, key }]),
    runtime: new TestRuntime(TIME, SEEDS.server),
  });
}

/** Reads exactly this many bytes. */
async function readExactly(connection: Connection, length: number): Promise<string> {
  let text = "";
  while (text.length < 2 * length) {
    const bytes = await connection.read();
    if (bytes === null) throw new Error("the connection has ended");
    text += hex(bytes);
  }
  return text;
}

/** Plays the other side's messages, and compares what one side sends and hands out. */
async function play(
  { messages, level }: SessionVector,
  side: "client" | "server",
  { far, channel }: { readonly far: PipeEnd; readonly channel: Promise<SecuredChannel> },
): Promise<void> {
  for (const { from, bytes, wrapped, datagram, what } of messages.slice(2)) {
    const negotiates = wrapped === undefined ? what.startsWith("token") : what.includes("level");
    if (!negotiates && from === side) {
      const data = unhex(wrapped?.data ?? bytes);
      // What a side of this package does not send by itself.
      if (data.length === 0 || (level === 3 && !wrapped!.confidential)) continue;
      const { connection, datagrams } = await channel;
      if (datagram) {
        assert.equal(hex(await datagrams!.seal(data)), bytes, what);
        continue;
      }
      await connection.write(data);
    }
    if (from !== side) {
      const { datagrams, connection } = negotiates ? { datagrams: undefined, connection: undefined } : await channel;
      if (datagram) {
        assert.equal(hex(await datagrams!.open(unhex(bytes))), wrapped!.data, what);
        continue;
      }
      await far.write(unhex(bytes));
      const data = wrapped?.data ?? bytes;
      if (connection !== undefined && data !== "") {
        assert.equal(await readExactly(connection, data.length / 2), data, what);
      }
    } else assert.equal(await readExactly(far, bytes.length / 2), bytes, what);
  }
}

Deno.test("RFC 1961 vectors: the server sends and reads every good session byte for byte", async () => {
  for (const session of sessions().filter(({ bad }) => bad === undefined)) {
    const [near, far] = pipe();
    const method = gssapiServer({ credential: acceptor(session), protection: PROTECTION_LEVELS });
    const channel = method.accept(near, {});
    channel.catch(() => {});
    await play(session, "server", { far, channel });
    (await channel).connection.close();
  }
});

Deno.test("RFC 1961 vectors: the client sends and reads every good session byte for byte", async () => {
  for (const session of sessions().filter(({ bad }) => bad === undefined)) {
    const [near, far] = pipe();
    const method = gssapiClient({ credential: initiator(session), protection: protectionLevel(session.level) });
    const proxy = { hostname: "localhost", port: 1080 };
    const channel = method.authenticate(near, { proxy, datagrams: session.transport === "udp" });
    channel.catch(() => {});
    await play(session, "client", { far, channel });
    (await channel).connection.close();
  }
});

Deno.test("RFC 1961 vectors: the receiver refuses every bad message as they say", async () => {
  for (const session of sessions().filter(({ bad }) => bad !== undefined)) {
    const { messages, bad } = session;
    const last = messages[bad!.message]!;
    const side = last.from === "client" ? "server" : "client";
    const [near, far] = pipe();
    const channel = side === "server"
      ? gssapiServer({ credential: acceptor(session) }).accept(near, {})
      : gssapiClient({ credential: initiator(session) }).authenticate(near, {
        proxy: { hostname: "localhost", port: 1080 },
      });
    channel.catch(() => {});
    await play({ ...session, messages: messages.slice(0, -1) }, side, { far, channel });
    if (bad!.answer === "drop") {
      await assert.rejects((await channel).datagrams!.open(unhex(last.bytes)), session.id);
      (await channel).connection.close();
      continue;
    }
    await far.write(unhex(last.bytes));
    if (bad!.answer === "01ff") assert.equal(await readExactly(far, 2), "01ff", session.id);
    const received = channel.then(({ connection }) => connection.read().finally(() => connection.close()));
    await assert.rejects(received, session.id);
  }
});
