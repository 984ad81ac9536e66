/** An origin that answers any request with so many octets of zero: `source.ts OCTETS`. Prints its port. */
const total = Number(Deno.args[0]);
const zeros = new Uint8Array(1 << 20);
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
// deno-lint-ignore no-console
console.log(`port ${listener.addr.port}`);
for await (const connection of listener) {
  (async () => {
    await connection.read(new Uint8Array(4096));
    await connection.write(new TextEncoder().encode(`HTTP/1.0 200 OK\r\ncontent-length: ${total}\r\n\r\n`));
    for (let left = total; left > 0;) left -= await connection.write(zeros.subarray(0, Math.min(left, zeros.length)));
  })().catch(() => {}).finally(() => connection[Symbol.dispose]());
}
