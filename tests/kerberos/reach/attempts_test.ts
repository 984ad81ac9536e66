/** The order in which KDCs are asked. */
import assert from "node:assert/strict";
import { addressText, KdcAttempts } from "../../../kerberos/reach/attempts.ts";
import { parseEndpoint } from "../../../kerberos/reach/locate.ts";

const order = (kdcs: readonly string[], preferred: "tcp" | "udp", first?: string) => {
  const attempts = new KdcAttempts(kdcs.map((text) => parseEndpoint(text)), preferred, first);
  return { attempts, all: () => Array.from({ length: 20 }, () => attempts.next()).filter((one) => one !== undefined) };
};

Deno.test("KdcAttempts: the preferred protocol goes first, and before it the last to answer", () => {
  assert.deepEqual(order(["a", "b"], "tcp").all().map(addressText), ["tcp/a:88", "tcp/b:88", "udp/a:88", "udp/b:88"]);
  assert.deepEqual(order(["a", "b"], "udp").all().map(addressText), ["udp/a:88", "udp/b:88", "tcp/a:88", "tcp/b:88"]);
  // Where only one will do, that one; and TCP behind UDP, for large replies, but not twice.
  assert.deepEqual(order(["udp/a", "tcp/b"], "tcp").all().map(addressText), ["udp/a:88", "tcp/b:88", "tcp/a:88"]);
  assert.deepEqual(order(["tcp/a", "udp/a"], "tcp").all().map(addressText), ["tcp/a:88", "udp/a:88"]);
  const first = order(["a", "b", "c"], "tcp", "udp/b:88").all().map(addressText);
  assert.deepEqual(first, ["udp/b:88", "tcp/a:88", "tcp/b:88", "tcp/c:88", "udp/a:88", "udp/c:88"]);
  assert.equal(addressText(order(["a", "b"], "tcp", "tcp/gone:88").all()[0]!), "tcp/a:88");
  assert.deepEqual(order([], "tcp").all(), []);
});

Deno.test("KdcAttempts: other attempts at a failed host are the last resort", () => {
  const { attempts, all } = order(["a", "b"], "tcp");
  attempts.failed(attempts.next()!);
  assert.deepEqual(all().map(addressText), ["tcp/b:88", "udp/b:88", "udp/a:88"]);
  // In linear time, however many fail.
  const many = order(Array.from({ length: 50_000 }, (_, i) => `h${i}`), "tcp").attempts;
  let count = 0;
  for (let one = many.next(); one !== undefined; one = many.next(), count++) many.failed(one);
  assert.equal(count, 100_000);
});
