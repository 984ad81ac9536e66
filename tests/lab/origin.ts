/**
 * The origin of the lab, a program: `origin.ts PORT`. Sends and receives what {@linkcode Wish} says, compares each byte, and
 * ends with one byte: 1 if all were right, else 0. Prints failures in the middle of a transfer. Echoes datagrams on the same port.
 */
// deno-lint-ignore-file no-console
import { createSocket } from "node:dgram";
import { bytesAt, decodeWish, firstWrong, streamsOf, WISH, type Wish } from "./pattern.ts";

const port = Number(Deno.args[0]);

async function readWish(conn: Deno.Conn): Promise<[Wish, Uint8Array]> {
  let head = new Uint8Array(0);
  const buffer = new Uint8Array(65_536);
  while (head.length < WISH) {
    const count = await conn.read(buffer);
    if (count === null) throw new Error("no wish");
    head = Uint8Array.from([...head, ...buffer.subarray(0, count)]);
  }
  return [decodeWish(head), head.slice(WISH)];
}

async function serve(conn: Deno.TcpConn): Promise<void> {
  using _ = conn;
  const [wish, early] = await readWish(conn);
  const [up, down] = streamsOf(wish.id);
  const sending = (async () => {
    const begun = performance.now();
    for (let at = 0; at < wish.down;) {
      if (wish.rate > 0) {
        const ahead = at / wish.rate * 1_000 - (performance.now() - begun);
        if (ahead > 0) await new Promise((resolve) => setTimeout(resolve, ahead));
      }
      const most = wish.rate > 0 ? Math.max(1, Math.floor(wish.rate / 20)) : Infinity;
      at += await conn.write(bytesAt(down, at, Math.min(wish.down - at, most)));
    }
  })();
  // Sending fails too where reading does, and perhaps later.
  sending.catch(() => {});
  let [got, right] = [early.length, firstWrong(up, 0, early) === undefined];
  const buffer = new Uint8Array(65_536);
  while (got < wish.up) {
    const count = await conn.read(buffer).catch(() => undefined);
    if (count === undefined || count === null) {
      console.log(`${count === null && !await wasReset(sending) ? "an end" : "a failure"} in the middle of ${wish.id}`);
      return;
    }
    right &&= firstWrong(up, got, buffer.subarray(0, count)) === undefined;
    got += count;
  }
  await sending;
  await conn.write(Uint8Array.of(right && got === wish.up ? 1 : 0));
}

/** The system reports a reset once: a write that fails before the read makes the read an end. */
async function wasReset(sending: Promise<void>): Promise<boolean> {
  const soon = new Promise<false>((resolve) => setTimeout(() => resolve(false), 500));
  return await Promise.race([sending.then(() => false, ({ code }) => code === "ECONNRESET"), soon]);
}

const echo = createSocket("udp4");
echo.on("message", (bytes, from) => echo.send(bytes, from.port, from.address));
echo.bind(port, "0.0.0.0");
const listener = Deno.listen({ hostname: "0.0.0.0", port });
console.log(`Origin at ${port}`);
for await (const conn of listener) serve(conn).catch(() => {});
