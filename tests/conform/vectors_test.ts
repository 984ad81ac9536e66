/**
 * The vectors of RFC 1961 that this package publishes: it makes them byte for byte, reads them, and its two roles say what they say.
 * `GSSOCKS_WRITE_VECTORS=1` writes them.
 */
import assert from "node:assert/strict";
import type { SessionVector, VectorFile } from "./vectors/format.ts";
import { makeVectors } from "./vectors/make.ts";
import { firstBad } from "./vectors/read.ts";

const FOLDER = new URL("../vectors/rfc1961/", import.meta.url);

async function readVectors(name: string): Promise<VectorFile> {
  return JSON.parse(await Deno.readTextFile(new URL(name, FOLDER)));
}

Deno.test("RFC 1961 vectors: the published files are made byte for byte", async () => {
  const made = await makeVectors();
  for (const [name, file] of made) {
    const text = `${JSON.stringify(file, null, 1)}\n`;
    if (Deno.env.get("GSSOCKS_WRITE_VECTORS") !== undefined) await Deno.writeTextFile(new URL(name, FOLDER), text);
    assert.ok(await Deno.readTextFile(new URL(name, FOLDER)) === text, `${name} is not what is made`);
  }
  assert.deepEqual([...Deno.readDirSync(FOLDER)].map(({ name }) => name).sort(), [...made.keys()].sort());
});

Deno.test("RFC 1961 vectors: keys alone open every message, and show the first that is bad", async () => {
  for (const { name } of [...Deno.readDirSync(FOLDER)]) {
    for (const session of (await readVectors(name)).cases) {
      assert.equal(await firstBad(session), session.bad?.message, `${name}: ${session.id}`);
    }
  }
});

Deno.test("RFC 1961 vectors: a reader notices a change of any message in a token", async () => {
  const { cases } = await readVectors("aes256-cts-hmac-sha1-96.json");
  const session = cases.find(({ level, transport }) => level === 2 && transport === "tcp") as SessionVector;
  for (let at = 4; at < session.messages.length; at++) {
    const messages = session.messages.map((message, i) =>
      i === at ? { ...message, bytes: message.bytes.replace(/.$/, (digit) => digit === "0" ? "1" : "0") } : message
    );
    assert.equal(await firstBad({ ...session, messages }), at);
  }
});
