/** Checks of passwords: the same work whoever is named, and none for who has gone. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { scryptSync } from "node:crypto";
import { type Derive, hashedPasswords, parsePasswordFile } from "../../../cli/passwords/passwords.ts";
import { utf8 } from "../../../base/bytes.ts";
import { passwordServer } from "../../../socks/auth/password.ts";
import { SocksAuthError } from "../../../socks/errors.ts";
import { pipe } from "../../support/pipe.ts";

/** A line with parameters of its own, cheap ones. */
function line(user: string, password: string, cost: number, blockSize = 1, parallelization = 1): string {
  const salt = Buffer.from("0123456789abcdef");
  const hash = scryptSync(password, salt, 32, { N: 2 ** cost, r: blockSize, p: parallelization });
  const text = (bytes: Buffer) => bytes.toString("base64").replaceAll("=", "");
  return `${user}:$scrypt$ln=${cost},r=${blockSize},p=${parallelization}$${text(salt)}$${text(hash)}`;
}

/** A check, and the parameters that each guess was hashed with. */
function counting(file: string): { work: string[]; check: ReturnType<typeof hashedPasswords> } {
  const work: string[] = [];
  const derive: Derive = (password, { cost, blockSize, parallelization, salt, hash }) => {
    work.push(`${cost} ${blockSize} ${parallelization}`);
    const parameters = { N: 2 ** cost, r: blockSize, p: parallelization, maxmem: 64 << 20 };
    return Promise.resolve(scryptSync(password, salt, hash.length, parameters));
  };
  return { work, check: hashedPasswords(parsePasswordFile(file, "f"), derive) };
}

Deno.test("hashedPasswords(): a wrong password costs the same for every user name", async () => {
  const file = [line("weak", "right", 1), line("strong", "right", 4, 8, 2), line("other", "right", 4, 8, 1)].join("\n");
  const seen: string[] = [];
  for (const username of ["weak", "strong", "other", "nobody", ""]) {
    const { work, check } = counting(file);
    assert.equal(await check({ username, password: "wrong" }), false);
    seen.push(work.join("; "));
  }
  assert.deepEqual(new Set(seen), new Set(["1 1 1; 4 8 2; 4 8 1"]));
  // The dearest is among them for everybody, and a right password is right whichever its parameters are.
  for (const username of ["weak", "strong", "other"]) {
    const { work, check } = counting(file);
    assert.equal(await check({ username, password: "right" }), true);
    assert.equal(work.length, 3);
    assert.equal(await check({ username, password: "right" }), true);
    assert.equal(work.length, 3);
    assert.equal(await check({ username, password: "wrong" }), false);
    assert.equal(work.length, 6);
  }
});

Deno.test("hashedPasswords(): a file without users costs the same as one with a user", async () => {
  const { work, check } = counting("");
  assert.equal(await check({ username: "a", password: "b" }), false);
  assert.deepEqual(work, ["15 8 1"]);
  const one = counting(line("a", "right", 2));
  await one.check({ username: "nobody", password: "b" });
  assert.deepEqual(one.work, ["2 1 1"]);
});

Deno.test("hashedPasswords(): makes no check for a client that has gone", async () => {
  const check = hashedPasswords(parsePasswordFile(line("bob", "right", 1), "f"));
  await assert.rejects(
    async () => await check({ username: "bob", password: "right" }, { signal: AbortSignal.abort(new Error("gone")) }),
    /gone/,
  );
  assert.equal(await check({ username: "bob", password: "right" }, { signal: new AbortController().signal }), true);
});

/** What a server's method says of a name and a password, and what the check was given. */
async function ask(username: Uint8Array, password: Uint8Array) {
  const [client, far] = pipe();
  const asked: unknown[] = [];
  const { signal } = new AbortController();
  const method = passwordServer((credentials, options) => {
    asked.push(credentials);
    assert.equal(options?.signal, signal);
    return true;
  });
  await client.write(Uint8Array.of(1, username.length, ...username, password.length, ...password));
  const accepted = await method.accept(far, { signal }).then(({ identity }) => identity.name, (error) => {
    assert.ok(error instanceof SocksAuthError && error.code === "BAD_CREDENTIALS");
    return undefined;
  });
  const status = (await client.read())![1];
  client.close();
  assert.equal(status === 0, accepted !== undefined);
  return { accepted, asked };
}

Deno.test("password method: aborts a useless check, and refuses text that is not UTF-8", async () => {
  assert.deepEqual((await ask(utf8("bob"), utf8("pw"))).asked, [{ username: "bob", password: "pw" }]);
  // A mark of byte order is part of the name, and nobody becomes somebody else by bytes that are none.
  assert.equal((await ask(utf8("\ufeffbob"), utf8("pw"))).accepted, "\ufeffbob");
  for (const [name, password] of [["bob\xff", "pw"], ["bob", "pw\xe9"]] as const) {
    const latin1 = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    const { accepted, asked } = await ask(latin1(name), latin1(password));
    assert.deepEqual([accepted, asked], [undefined, []]);
  }
});
