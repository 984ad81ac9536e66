/** Codecs: whole, byte by byte, with trailing bytes, and changed. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { concat } from "../../../base/bytes.ts";
import { SocksError, SocksProtocolError } from "../../../socks/errors.ts";
import { MessageReader } from "../../../socks/stream/message_reader.ts";
import { decodeEndpoint, encodeEndpoint, formatEndpoint, parseEndpointText } from "../../../socks/wire/address.ts";
import type { Decoded } from "../../../socks/wire/decoded.ts";
import { decodeDatagram, encodeDatagram } from "../../../socks/wire/datagram.ts";
import { FrameSplitter } from "../../../socks/wire/frame_splitter.ts";
import { decodeFrame, encodeAbort, encodeFrame } from "../../../socks/wire/gssapi.ts";
import { formatIp, parseIp, unmapped } from "../../../socks/wire/ip.ts";
import {
  decodeChoice,
  decodeOffer,
  decodeReply,
  decodeRequest,
  encodeChoice,
  encodeOffer,
  encodeReply,
  encodeRequest,
} from "../../../socks/wire/messages.ts";
import {
  decodePasswordStatus,
  decodeUsernamePassword,
  encodePasswordStatus,
  encodeUsernamePassword,
} from "../../../socks/wire/password.ts";
import { ReceiveBuffer } from "../../../socks/wire/receive_buffer.ts";
import { pipe } from "../../support/pipe.ts";
import { hex, unhex, vectors } from "../../support/vectors.ts";

/** Whole, byte by byte, and with bytes of the next message behind. */
function threeWays<T>(
  decode: (bytes: Uint8Array<ArrayBuffer>) => Decoded<T> | undefined,
  bytes: Uint8Array<ArrayBuffer>,
): T {
  for (let i = 0; i < bytes.length; i++) assert.equal(decode(bytes.subarray(0, i)), undefined, `after ${i} bytes`);
  const whole = decode(bytes)!;
  assert.equal(whole.length, bytes.length);
  const trailing = decode(concat(bytes, unhex("05050505")))!;
  assert.deepEqual(trailing, whole);
  return whole.value;
}

Deno.test("messages: decode what they encode (RFC 1928, RFC 1929)", () => {
  assert.deepEqual(threeWays(decodeOffer, encodeOffer([0, 1, 2])), [0, 1, 2]);
  assert.deepEqual(threeWays(decodeOffer, unhex("0500")), []);
  assert.equal(threeWays(decodeChoice, encodeChoice(0xff)), 0xff);
  for (const hostname of ["192.0.2.1", "2001:db8::1", "name.example.com", "xn--bcher-kva.example"]) {
    assert.deepEqual(threeWays(decodeRequest, encodeRequest({ command: 1, hostname, port: 443 })), {
      command: 1,
      hostname,
      port: 443,
    });
    assert.deepEqual(threeWays(decodeReply, encodeReply({ reply: 0, hostname, port: 0 })), {
      reply: 0,
      hostname,
      port: 0,
    });
  }
  const { username, password } = threeWays(decodeUsernamePassword, encodeUsernamePassword("üser", "p"));
  assert.deepEqual([hex(username), hex(password)], ["c3bc736572", "70"]);
  assert.equal(threeWays(decodePasswordStatus, encodePasswordStatus(true)), true);
  assert.equal(threeWays(decodePasswordStatus, unhex("0142")), false);
});

Deno.test("decodeReply(): reads a refusal by its first two bytes", () => {
  for (
    const text of ["0504", "050400", "05040000", "05040000000000000000", "0504000161", "050400090000", "050400030000"]
  ) {
    const bytes = unhex(text);
    assert.equal(decodeReply(bytes.subarray(0, 1)), undefined);
    for (let i = 2; i <= bytes.length; i++) {
      const { value, length } = decodeReply(bytes.subarray(0, i))!;
      assert.deepEqual([value.reply, length], [4, i], text);
    }
  }
  // A success that cannot be read is the proxy's fault, and no code of its own.
  assert.throws(() => decodeReply(unhex("05000009")), { name: "SocksProtocolError", code: "BAD_MESSAGE" });
  assert.throws(() => decodeReply(unhex("0500000302612000500050")), { code: "BAD_MESSAGE" });
});

Deno.test("GSS-API frames: decode what they encode, the refusal too", () => {
  assert.deepEqual(threeWays(decodeFrame, encodeFrame(3, unhex("aabb"))), { type: 3, token: unhex("aabb") });
  assert.deepEqual(threeWays(decodeFrame, encodeFrame(1, new Uint8Array(0))), { type: 1, token: new Uint8Array(0) });
  assert.equal(threeWays(decodeFrame, encodeAbort()).type, 0xff);
  assert.equal(decodeFrame(encodeFrame(2, new Uint8Array(65_535)))!.length, 65_539);
  assert.throws(() => encodeFrame(2, new Uint8Array(65_536)), RangeError);
  for (const text of ["02010000", "01000000", "01040000", "01fe0000"]) {
    assert.throws(() => decodeFrame(unhex(text)), SocksProtocolError, text);
  }
});

Deno.test("decoders: refuse another version at the first byte", () => {
  for (const decode of [decodeOffer, decodeChoice, decodeRequest, decodeReply]) {
    assert.throws(() => decode(unhex("04")), { code: "BAD_VERSION" });
  }
  assert.throws(() => decodeUsernamePassword(unhex("05")), { code: "BAD_VERSION" });
});

Deno.test("encoders: refuse what does not fit", () => {
  assert.throws(() => encodeOffer([]), RangeError);
  assert.throws(() => encodeOffer(new Array(256).fill(0)), RangeError);
  assert.throws(() => encodeEndpoint({ hostname: "x".repeat(256), port: 1 }), RangeError);
  assert.throws(() => encodeEndpoint({ hostname: "ü".repeat(128), port: 1 }), RangeError);
  assert.throws(() => encodeEndpoint({ hostname: "", port: 1 }), RangeError);
  for (const port of [-1, 65_536, 1.5, NaN]) assert.throws(() => encodeEndpoint({ hostname: "x", port }), RangeError);
  for (const [name, secret] of [["", "x"], ["x", ""], ["x".repeat(256), "x"]]) {
    assert.throws(() => encodeUsernamePassword(name!, secret!), RangeError);
  }
});

Deno.test("decodeEndpoint(): turns an address sent as a name into an address, refuses bad names", () => {
  const named = (name: string) =>
    decodeEndpoint(concat(Uint8Array.of(3, name.length), new TextEncoder().encode(name), unhex("0050")))!.value
      .hostname;
  assert.equal(named("127.0.0.1"), "127.0.0.1");
  assert.equal(named("127.0.0.1."), "127.0.0.1");
  assert.equal(named("0:0:0:0:0:0:0:1"), "::1");
  assert.equal(named("[::1]"), "::1");
  assert.equal(named("0x7f.1"), "127.0.0.1");
  assert.equal(decodeEndpoint(unhex("0400000000000000000000ffff7f0000010050"))!.value.hostname, "127.0.0.1");
  assert.equal(hex(encodeEndpoint({ hostname: "[::FFFF:127.0.0.1]", port: 80 })), "017f0000010050");
  // An address of this machine's may have a zone, which nobody else can use.
  const scoped = encodeReply({ reply: 0, hostname: "fe80::1%eth0", port: 80 });
  assert.equal(hex(scoped), "05000004fe8000000000000000000000000000010050");
  for (const name of ["", "a b", "a/b", "a@b", "a\0b", "[1.2.3.4]", "a\nb", "%61", "a:80", "a:80#", "fe80::1%eth0"]) {
    assert.throws(() => named(name), SocksProtocolError, JSON.stringify(name));
  }
  assert.throws(() => decodeEndpoint(unhex("0301ff0050")), SocksProtocolError);
  assert.throws(() => decodeEndpoint(unhex("05")), { code: "ADDRESS_TYPE_NOT_SUPPORTED" });
});

Deno.test("datagrams: decode what they encode, refuse an incomplete header and a bad name", () => {
  for (const hostname of ["192.0.2.1", "2001:db8::1", "name.example"]) {
    const bytes = encodeDatagram({ hostname, port: 53 }, unhex("aabb"));
    assert.deepEqual(decodeDatagram(bytes), { hostname, port: 53, fragment: 0, data: unhex("aabb") });
    for (let i = 0; i < bytes.length - 2; i++) {
      assert.throws(() => decodeDatagram(bytes.subarray(0, i)), { name: "SocksProtocolError", code: "BAD_MESSAGE" });
    }
    assert.equal(decodeDatagram(bytes.subarray(0, -2)).data.length, 0);
    assert.equal(decodeDatagram(bytes.with(2, 7)).fragment, 7);
    assert.throws(() => decodeDatagram(bytes.with(3, 9)), { code: "ADDRESS_TYPE_NOT_SUPPORTED" });
  }
  for (const text of ["000000030000350a", "00000003016100", "000000030120003500"]) {
    assert.throws(() => decodeDatagram(unhex(text)), { code: "BAD_MESSAGE" }, text);
  }
});

Deno.test("captured conversations: decode and encode to the same bytes", () => {
  for (const v of vectors<{ frames: { from: string; what: string; hex: string }[] }>("captured_socks5_plain_streams")) {
    for (const { what, hex: text } of v.frames) {
      const bytes = unhex(text);
      if (what === "method offer") assert.equal(hex(encodeOffer(decodeOffer(bytes)!.value)), text);
      if (what === "method selection") assert.equal(hex(encodeChoice(decodeChoice(bytes)!.value)), text);
      if (what === "SOCKS request") assert.equal(hex(encodeRequest(decodeRequest(bytes)!.value)), text);
      if (what === "SOCKS reply") assert.equal(hex(encodeReply(decodeReply(bytes)!.value)), text);
    }
  }
});

Deno.test("parseIp(): agrees with formatIp() and RFC 5952, refuses short and octal forms", () => {
  const canonical: [string, string][] = [
    ["2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["::ffff:192.0.2.1", "::ffff:c000:201"],
    ["192.0.2.1", "192.0.2.1"],
  ];
  for (const [text, wanted] of canonical) assert.equal(formatIp(parseIp(text)!), wanted, text);
  const none = [
    "",
    "1.2.3",
    "1.2.3.256",
    "01.2.3.4",
    "0x7f.1",
    "1.2.3.4.5",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "::1.2.3",
    "1.2.3.4::",
    "g::",
    "12345::",
    "1:2:3:4:5:6:7::8",
    "fe80::1%eth0",
    "localhost",
  ];
  for (const text of none) assert.equal(parseIp(text), undefined, text);
});

Deno.test("parseEndpointText(): agrees with formatEndpoint()", () => {
  for (const text of ["host:1", "192.0.2.1:65535", "[::1]:80"]) {
    assert.equal(formatEndpoint(parseEndpointText(text)), text);
  }
  assert.equal(parseEndpointText("host", 1080).port, 1080);
  assert.deepEqual(parseEndpointText("BÜCHER.example.:80"), { hostname: "xn--bcher-kva.example", port: 80 });
  assert.equal(parseEndpointText("[0::1]:80").hostname, "::1");
  for (const text of ["host", "::1:80", "host:70000", "a@b:1", ":1", "host:x", "[1.2.3.4]:1", "a..b:1", "foo.1:1"]) {
    assert.throws(() => parseEndpointText(text), TypeError, text);
  }
});

Deno.test("ReceiveBuffer: linear time for pieces of any size, never overwrites returned bytes", () => {
  const bytes = Uint8Array.from({ length: 1_000 }, (_, i) => i % 251);
  const whole = (length: number) => (bytes: Uint8Array<ArrayBuffer>) =>
    bytes.length < length ? undefined : { value: bytes.subarray(0, length), length };
  for (const size of [1, 2, 3, 7, 64, 1_000]) {
    const buffer = new ReceiveBuffer(2_000);
    const given: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      buffer.push(bytes.slice(at, at + size));
      for (let next = buffer.next(whole(10)); next !== undefined; next = buffer.next(whole(10))) given.push(next);
    }
    assert.deepEqual(concat(...given, buffer.takeAll()), bytes, `pieces of ${size}`);
  }
  // Memory is taken anew a few times only, however many bytes come one by one.
  const buffer = new ReceiveBuffer(100_000);
  const memories = new Set<ArrayBuffer>();
  for (let i = 0; i < 65_536; i++) {
    buffer.push(new Uint8Array(1));
    buffer.next((bytes) => void memories.add(bytes.buffer));
  }
  assert.ok(memories.size < 20, `${memories.size} times`);
});

Deno.test("ReceiveBuffer: limits what it holds", () => {
  const buffer = new ReceiveBuffer(10);
  buffer.push(new Uint8Array(9));
  assert.equal(buffer.next(() => undefined), undefined);
  buffer.push(new Uint8Array(1));
  assert.throws(() => buffer.next(() => undefined), { code: "TOO_LARGE" });
  assert.equal(buffer.takeAll().length, 10);
  assert.equal(buffer.length, 0);
});

Deno.test("ReceiveBuffer: allocates no more than its limit or what it holds", () => {
  for (const size of [1, 7, 1_000, 16_384, 40_000]) {
    const buffer = new ReceiveBuffer(65_539);
    while (buffer.length + size <= 65_539) buffer.push(new Uint8Array(size).fill(1));
    assert.ok(buffer.takeAll().buffer.byteLength <= 65_539, `pieces of ${size}`);
  }
  const buffer = new ReceiveBuffer(10);
  for (let i = 1; i < 4; i++) buffer.push(new Uint8Array(8).fill(i));
  assert.deepEqual([...buffer.takeAll()], [...Array(8).fill(1), ...Array(8).fill(2), ...Array(8).fill(3)]);
});

Deno.test("MessageReader: starts with little memory, uses more for a long message", async () => {
  const [near, far] = pipe();
  const rooms: (number | undefined)[] = [];
  const reader = new MessageReader({
    ...far,
    async read(into) {
      rooms.push(into?.length);
      const bytes = await far.read();
      return bytes;
    },
  }, 65_539);
  const frame = encodeFrame(1, new Uint8Array(65_535).fill(9));
  for (const [from, to] of [[0, 3], [3, 1_027], [1_027, 17_411], [17_411, 65_539]]) {
    await near.write(frame.subarray(from, to));
  }
  assert.equal((await reader.next(decodeFrame)).token.length, 65_535);
  assert.deepEqual(rooms, [1_024, 1_024, 16_384, 16_384]);
});

Deno.test("FrameSplitter: gives the same frames from pieces of every size", () => {
  const frames = [
    encodeFrame(3, new Uint8Array(300).fill(1)),
    encodeFrame(3, new Uint8Array(0)),
    encodeFrame(1, unhex("aa")),
    encodeAbort(),
    encodeFrame(3, new Uint8Array(70).fill(2)),
  ];
  const stream = concat(...frames);
  for (const size of [1, 2, 3, 4, 5, 64, 299, 304, 305, 400]) {
    const splitter = new FrameSplitter();
    const seen: string[] = [];
    for (let at = 0; at < stream.length; at += size) {
      splitter.push(stream.subarray(at, at + size));
      for (let frame = splitter.next(); frame !== undefined; frame = splitter.next()) {
        seen.push(`${frame.type} ${hex(frame.token)}`);
      }
    }
    assert.deepEqual(seen, frames.map((bytes) => `${bytes[1]} ${hex(bytes.subarray(4))}`), `pieces of ${size}`);
    assert.equal(splitter.length, 0);
  }
  const bad = new FrameSplitter();
  bad.push(unhex("01"));
  assert.equal(bad.next(), undefined);
  bad.push(unhex("07"));
  assert.throws(() => bad.next(), SocksProtocolError);
});

Deno.test("decoders: property: random bytes are a message, incomplete, or a SocksError", () => {
  const codecs: [(bytes: Uint8Array<ArrayBuffer>) => Decoded<unknown> | undefined, string][] = [
    [decodeOffer, "05"],
    [decodeChoice, "05"],
    [decodeRequest, "0501"],
    [decodeReply, "0500"],
    [decodeUsernamePassword, "01"],
    [decodeFrame, "01"],
    [decodeEndpoint, ""],
  ];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (random) => {
      for (const [decode, start] of codecs) {
        const bytes = concat(unhex(start), random);
        try {
          const decoded = decode(bytes);
          assert.ok(decoded === undefined || decoded.length <= bytes.length);
        } catch (error) {
          assert.ok(error instanceof SocksError, String(error));
        }
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("endpoints: property: decode what they encode", () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6().map((text) => formatIp(unmapped(parseIp(text)!))), fc.domain());
  fc.assert(fc.property(host, fc.nat(65_535), (hostname, port) => {
    const bytes = encodeEndpoint({ hostname, port });
    assert.deepEqual(threeWays(decodeEndpoint, bytes), { hostname, port });
  }));
});
