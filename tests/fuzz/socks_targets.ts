/**
 * Fuzz targets: the wire formats of SOCKS5, SOCKS4, HTTP, passwords and frames: decoders alone, and whole
 * conversations in random pieces.
 *
 * @module
 */
import { type Bytes, concat, sameBytes, utf8 } from "../../base/bytes.ts";
import { NO_LIMIT, startDeadline } from "../../base/deadline.ts";
import { readRequest } from "../../socks/server/front/read_request.ts";
import { noAuthentication } from "../../socks/auth/none.ts";
import { Handshake } from "../../socks/handshake.ts";
import type { Connection } from "../../socks/stream/connection.ts";
import { PieceQueue } from "../../socks/stream/piece_queue.ts";
import { decodeEndpoint } from "../../socks/wire/address.ts";
import type { Decoded } from "../../socks/wire/decoded.ts";
import { decodeDatagram, encodeDatagram } from "../../socks/wire/datagram.ts";
import { FrameSplitter } from "../../socks/wire/frame_splitter.ts";
import { decodeFrame, encodeAbort, encodeFrame } from "../../socks/wire/gssapi.ts";
import * as messages from "../../socks/wire/messages.ts";
import * as passwords from "../../socks/wire/password.ts";
import { decodeSocks4Request } from "../../socks/wire/socks4.ts";
import { unhex } from "../support/vectors.ts";
import { anyOf, socksError, textError } from "./expected.ts";
import type { Target } from "./fuzz.ts";
import type { Random } from "./random.ts";

const OFFER = Uint8Array.of(5, 2, 0, 1);
const SOCKS4A = unhex("0401005000000001666f6f006578616d706c652e636f6d00");
const HTTP = [
  "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nProxy-Authorization: Basic x\r\n\r\nDATA",
  "CONNECT [::1]:80 HTTP/1.0\n\n",
  "GET http://x/ HTTP/1.1\r\n\r\n",
  "CONNECT a:1 HTTP/1.1\r\nContent-Length: 5\r\n\r\n0\r\n\r\nCONNECT b:2 HTTP/1.1\r\n\r\n",
].map(utf8);

/** One of each message. */
const SEEDS: readonly Uint8Array[] = [
  OFFER,
  messages.encodeRequest({ command: 1, hostname: "example.com", port: 80 }),
  messages.encodeRequest({ command: 3, hostname: "2001:db8::1", port: 80 }),
  messages.encodeReply({ reply: 0, hostname: "10.0.0.1", port: 1 }),
  passwords.encodeUsernamePassword("alice", "pw"),
  encodeFrame(1, new Uint8Array(300)),
  encodeFrame(3, new Uint8Array(60)),
  encodeAbort(),
  encodeDatagram({ hostname: "example.com", port: 53 }, utf8("query")),
  SOCKS4A,
  unhex("040100500a00000161626300"),
];

/** Target: a decoder must give the same result for an input in pieces. */
function wireTarget(
  name: string,
  decode: (bytes: Bytes) => Decoded<unknown> | undefined,
  hasOneLength: (input: Bytes) => boolean = () => true,
): Target {
  return {
    name: `wire: ${name}`,
    seeds: SEEDS,
    expects: anyOf(socksError, textError),
    run(input): void {
      const decoded = decode(input);
      if (decoded === undefined) return;
      if (!(decoded.length >= 1 && decoded.length <= input.length)) {
        throw new Error(`${decoded.length} bytes read of ${input.length}`);
      }
      if (!hasOneLength(input)) return;
      for (let cut = Math.max(0, decoded.length - 8); cut < decoded.length; cut++) {
        const early = decode(input.subarray(0, cut));
        if (early !== undefined) throw new Error(`whole with ${cut} bytes and with ${decoded.length}`);
      }
    },
  };
}

/** Returns a client that sends its bytes in pieces and then nothing more. */
function talker(input: Uint8Array, random: Random): Connection {
  let at = 0;
  return {
    remote: { hostname: "127.0.0.1", port: 1 },
    read(): Promise<Bytes | null> {
      if (at >= input.length) return Promise.resolve(null);
      const piece = input.slice(at, at += 1 + random.below(random.once(2) ? 5 : 4_000));
      return Promise.resolve(piece as Bytes);
    },
    write: () => Promise.resolve(),
    closeWrite: () => Promise.resolve(),
    close() {},
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Targets of conversations. */
function conversationTargets(): Target[] {
  return [
    {
      name: "front",
      seeds: [...HTTP, SOCKS4A, concat(OFFER, SEEDS[1]!), concat(OFFER, SEEDS[2]!, utf8("data"))],
      expects: anyOf(socksError, textError),
      async run(input, random): Promise<void> {
        const options = {
          accepts: { auth: [noAuthentication()], protocols: ["socks4", "http"] as const },
          clock: startDeadline({ milliseconds: Infinity, reason: NO_LIMIT }),
          end: { refusal: undefined },
          onGone() {},
          source: "",
          onChannel() {},
        };
        const { target } = await readRequest(talker(input, random), options);
        if (/[\s\p{Cc}]/u.test(target.hostname) || !(target.port >= 0 && target.port <= 65_535)) {
          throw new Error(`target ${JSON.stringify(target)}`);
        }
      },
    },
    {
      name: "handshake of a client",
      seeds: [concat(Uint8Array.of(5, 0), SEEDS[3]!), Uint8Array.of(5, 255)],
      expects: anyOf(socksError, textError),
      run(input, random): void {
        const handshake = new Handshake("client");
        handshake.send({ type: "offer", methods: [0] });
        for (let at = 0; at < input.length;) {
          handshake.receive(input.slice(at, at += 1 + random.below(9)));
          for (let event = handshake.nextEvent(); event !== undefined; event = handshake.nextEvent()) {
            if (event.type !== "choice") continue;
            handshake.authenticated();
            handshake.send({ type: "request", request: { command: 1, hostname: "example.com", port: 80 } });
          }
        }
      },
    },
    {
      name: "frames in pieces",
      seeds: [concat(SEEDS[5]!, SEEDS[6]!, SEEDS[6]!), concat(SEEDS[6]!, SEEDS[7]!)],
      expects: socksError,
      run(input, random): void {
        const splitter = new FrameSplitter();
        const queue = new PieceQueue();
        let taken = 0;
        for (let at = 0; at < input.length;) queue.push(input.slice(at, at += 1 + random.below(200)));
        for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) {
          splitter.push(piece);
          for (let frame = splitter.next(); frame !== undefined; frame = splitter.next()) {
            const length = frame.type === 0xff ? 2 : 4 + frame.token.length;
            const start = frame.type === 0xff ? 2 : 4;
            if (!sameBytes(frame.token, input.subarray(taken + start, taken + length))) throw new Error("other bytes");
            taken += length;
          }
        }
        if (taken + splitter.length !== input.length) throw new Error("bytes lost");
      },
    },
  ];
}

/** Returns the targets. */
export function socksTargets(): Target[] {
  return [
    wireTarget("offer", messages.decodeOffer),
    wireTarget("choice", messages.decodeChoice),
    wireTarget("request", messages.decodeRequest),
    // Truncated refusals are decoded as far as they go.
    wireTarget("reply", messages.decodeReply, (input) => input[1] === 0),
    wireTarget("password", passwords.decodeUsernamePassword),
    wireTarget("password's status", passwords.decodePasswordStatus),
    wireTarget("frame", decodeFrame),
    wireTarget("SOCKS 4", decodeSocks4Request),
    wireTarget("address", decodeEndpoint),
    {
      name: "datagram",
      seeds: SEEDS,
      expects: anyOf(socksError, textError),
      run: (input) => void decodeDatagram(input),
    },
    ...conversationTargets(),
  ];
}
