/**
 * What an ordinary client notices of unauthenticated clients that send tokens of tiny elements on connections of
 * their own.
 *
 * @module
 */
import type { Bytes } from "../../base/bytes.ts";
import { encodeInitialToken } from "../../gss/initial_token.ts";
import { SPNEGO_OID } from "../../gss/oids.ts";
import { encodeContextToken } from "../../kerberos/mech/tokens/context.ts";
import { encodeFrame, FrameType } from "../../socks/wire/gssapi.ts";
import { encodeOffer, encodeRequest } from "../../socks/wire/messages.ts";
import { tlv } from "../support/forge_spnego.ts";
import type { Contest } from "./contest.ts";
import type { Field, Proxy } from "./field.ts";
import { median } from "./statistics.ts";

/** Approximate bytes of a token, and tokens per second. */
const TOKEN_BYTES = 36_000;
const RATE = 100;
/** Duration of each half of a turn in milliseconds. */
const HALF = 1_200;

/** Tokens of the smallest possible elements, for SPNEGO and for Kerberos. */
function hostileFrames(): Bytes[] {
  const crowd = (element: readonly number[]) =>
    Uint8Array.from({ length: TOKEN_BYTES - TOKEN_BYTES % element.length }, (_, i) => element[i % element.length]!);
  const crowds = [[5, 0], [4, 1, 0], [0x30, 0], [6, 1, 0x2a]].map(crowd);
  return [
    ...crowds.map((elements) => encodeInitialToken(SPNEGO_OID, tlv(0xa0, tlv(0x30, elements)))),
    ...crowds.map((elements) => encodeInitialToken(SPNEGO_OID, tlv(0xa0, tlv(0x30, tlv(0xa0, tlv(0x30, elements)))))),
    encodeInitialToken(SPNEGO_OID, tlv(0xa0, tlv(0x30, tlv(0xa2, tlv(0x24, crowds[1]!))))),
    ...crowds.map((elements) => encodeContextToken("AP-REQ", tlv(0x6e, tlv(0x30, elements)))),
  ].map((token) => encodeFrame(FrameType.Authentication, token));
}

async function readExactly(connection: Deno.TcpConn, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await connection.read(bytes.subarray(at));
    if (count === null) throw new Error(`closed after ${at} bytes of ${length}`);
    at += count;
  }
  return bytes;
}

/** Connects, requests, sends a little and reads the echo; returns milliseconds. */
async function ordinary(port: number, target: number): Promise<number> {
  const start = performance.now();
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(encodeOffer([0]));
  await readExactly(connection, 2);
  await connection.write(encodeRequest({ command: 1, hostname: "127.0.0.1", port: target }));
  const reply = await readExactly(connection, 10);
  if (reply[1] !== 0) throw new Error(`the server answers ${reply[1]}`);
  await connection.write(new Uint8Array(64));
  await readExactly(connection, 64);
  return performance.now() - start;
}

/** An unauthenticated client: offers GSS-API, sends the token, and reads the answer. */
async function stranger(port: number, frame: Bytes): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(encodeOffer([1]));
  await readExactly(connection, 2);
  for (let at = 0; at < frame.length;) at += await connection.write(frame.subarray(at));
  const buffer = new Uint8Array(1024);
  while (await connection.read(buffer) !== null);
}

/** A target that echoes. */
function echo(): Deno.TcpListener {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  void (async () => {
    for await (const connection of listener) {
      void connection.readable.pipeTo(connection.writable).catch(() => {});
    }
  })();
  return listener;
}

async function times(server: Proxy, target: number): Promise<number[]> {
  const seen: number[] = [];
  for (const end = performance.now() + HALF; performance.now() < end;) {
    seen.push(await ordinary(server.port, target));
    // A client that connects now and then, and does not load the server itself.
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return seen;
}

/** An ordinary client alone, and beside the strangers. */
export async function* strangers(field: Field): AsyncGenerator<Contest> {
  await using server = await field.ourServer();
  using target = echo();
  const frames = hostileFrames();
  const run = async () => {
    const calm = median(await times(server, target.addr.port));
    let sent = 0;
    let answered = 0;
    const start = performance.now();
    // A late timer sends all that is due.
    const sending = setInterval(() => {
      while (sent < (performance.now() - start) * RATE / 1000) {
        const frame = frames[sent++ % frames.length]!;
        void stranger(server.port, frame).then(() => answered++, () => {});
      }
    }, 1000 / RATE);
    const beside = await times(server, target.addr.port);
    clearInterval(sending);
    if (answered === 0) throw new Error(`none of ${sent} strangers got an answer`);
    return [median(beside) / calm, median(beside), Math.max(...beside)];
  };
  const work = `an ordinary client beside ${RATE} tokens of ${TOKEN_BYTES / 1000} KB a second from strangers`;
  yield {
    measures: [
      { work: `${work}, of its calm time`, unit: "times", goals: [{ most: 2 }] },
      { work, unit: "ms" },
      { work: `${work}, the longest`, unit: "ms" },
    ],
    ours: { gssocks: run },
  };
}
