/** Headers of datagrams that come again: the result is that of a codec that remembers nothing. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../../base/bytes.ts";
import { Slab } from "../../../base/slab.ts";
import { decodeDatagram, encodeDatagram } from "../../../socks/wire/datagram.ts";
import { DatagramReader, DatagramWriter } from "../../../socks/wire/datagram_headers.ts";

const ENDPOINTS = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "example.com", "example.org", "example.co"]
  .flatMap((hostname) => [{ hostname, port: 53 }, { hostname, port: 54 }, { hostname, port: 0 }]);

/** All pairs, one after the other. */
const PAIRS = ENDPOINTS.flatMap((one) => ENDPOINTS.flatMap((other) => [one, other]));

function result(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return String(error);
  }
}

Deno.test("DatagramReader: reads as decodeDatagram() does, whatever came before", () => {
  const reader = new DatagramReader();
  const check = (bytes: Bytes) => {
    const want = result(() => {
      const { hostname, port, fragment, data } = decodeDatagram(bytes);
      return { endpoint: { hostname, port }, fragment, data };
    });
    assert.deepEqual(result(() => reader.read(bytes)), want, bytes.toString());
  };
  for (const [i, endpoint] of PAIRS.entries()) {
    const whole = encodeDatagram(endpoint, utf8("data".slice(0, i % 5)));
    check(whole);
    check(whole.with(2, i % 256));
    for (const at of [3, 4, 7, 8, 9]) check(whole.with(at, whole[at]! ^ 1));
    for (const length of [0, 3, 4, 5, 9, 10, 21]) check(whole.slice(0, length));
  }
});

Deno.test("DatagramReader: decodes the same header once", () => {
  const reader = new DatagramReader();
  const bytes = encodeDatagram(ENDPOINTS[0]!, utf8("x"));
  const { endpoint } = reader.read(bytes);
  assert.ok(Object.isFrozen(endpoint));
  assert.equal(reader.read(bytes.slice()).endpoint, endpoint);
  // The header is kept, and not the memory in which it came.
  bytes.fill(0xff);
  assert.equal(reader.read(encodeDatagram(ENDPOINTS[0]!, utf8("y"))).endpoint, endpoint);
});

Deno.test("DatagramWriter: writes as encodeDatagram() does, each into memory of its own", () => {
  const writer = new DatagramWriter();
  const slab = new Slab();
  const written = PAIRS.map((endpoint, i) => writer.write(slab, { ...endpoint }, utf8(`${i}`)));
  for (const [i, endpoint] of PAIRS.entries()) assert.deepEqual(written[i], encodeDatagram(endpoint, utf8(`${i}`)));
  assert.throws(() => writer.write(slab, { hostname: "a b", port: 1 }, utf8("x")), { name: "HostNameError" });
  assert.deepEqual(writer.write(slab, ENDPOINTS[0]!, utf8("x")), encodeDatagram(ENDPOINTS[0]!, utf8("x")));
});
