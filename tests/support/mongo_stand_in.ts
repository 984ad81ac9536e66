/**
 * A stand-in for a MongoDB server, which Debian has no package of: as much of its wire protocol as the driver needs to find one document.
 *
 * @module
 */
import { BSON } from "mongodb";
import { TcpServer } from "./servers.ts";

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const HEADER = 16;

/** Starts it: the collection `shop.orders` has `documents`. */
export function mongoStandIn(documents: readonly object[]): TcpServer {
  return new TcpServer(async (connection) => {
    for (;;) {
      const head = await readExactly(connection, HEADER);
      if (head === undefined) return;
      const view = new DataView(head.buffer);
      const [length, id, opcode] = [view.getInt32(0, true), view.getInt32(4, true), view.getInt32(12, true)];
      const body = await readExactly(connection, length - HEADER);
      if (body === undefined) return;
      await connection.write(opcode === OP_QUERY ? replyTo(id) : messageTo(id, answer(commandIn(body), documents)));
    }
  });
}

async function readExactly(connection: Deno.Conn, length: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await connection.read(bytes.subarray(at));
    if (count === null) return undefined;
    at += count;
  }
  return bytes;
}

/** The command of an OP_MSG: flags, then a section of kind 0. */
function commandIn(body: Uint8Array): BSON.Document {
  const length = new DataView(body.buffer, body.byteOffset).getInt32(5, true);
  return BSON.deserialize(body.subarray(5, 5 + length));
}

function hello(): BSON.Document {
  return {
    ...{ ok: 1, helloOk: true, isWritablePrimary: true, ismaster: true, minWireVersion: 0, maxWireVersion: 21 },
    ...{ maxBsonObjectSize: 16_777_216, maxMessageSizeBytes: 48_000_000, maxWriteBatchSize: 100_000 },
  };
}

function answer(command: BSON.Document, documents: readonly object[]): BSON.Document {
  if ("hello" in command || "ismaster" in command) return hello();
  if (command.find === "orders" && command.$db === "shop") {
    return { ok: 1, cursor: { id: BSON.Long.ZERO, ns: "shop.orders", firstBatch: documents } };
  }
  return "endSessions" in command ? { ok: 1 } : { ok: 0, code: 59, errmsg: "this stand-in knows hello and find only" };
}

/** The first greeting of a driver is an OP_QUERY, which an OP_REPLY answers: flags, cursor, place and count stand before the document. */
function replyTo(id: number): Uint8Array {
  const fields = new DataView(new ArrayBuffer(20));
  fields.setInt32(16, 1, true);
  return message(id, OP_REPLY, new Uint8Array(fields.buffer), hello());
}

function messageTo(id: number, document: BSON.Document): Uint8Array {
  return message(id, OP_MSG, new Uint8Array(5), document);
}

function message(to: number, opcode: number, before: Uint8Array, document: BSON.Document): Uint8Array {
  const body = BSON.serialize(document);
  const bytes = new Uint8Array(HEADER + before.length + body.length);
  const view = new DataView(bytes.buffer);
  [bytes.length, 0, to, opcode].forEach((value, i) => view.setInt32(4 * i, value, true));
  bytes.set(before, HEADER);
  bytes.set(body, HEADER + before.length);
  return bytes;
}
