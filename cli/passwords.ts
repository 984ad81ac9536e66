/**
 * Users with hashed passwords in a file: `user:$scrypt$ln=15,r=8,p=1$SALT$HASH`, a line each, in the string format of the
 * Password Hashing Competition. The hash is scrypt (RFC 7914).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHmac, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { Turns } from "../gss/turns.ts";
import type { PasswordCheck } from "../socks/auth/password.ts";

/** A password's hash, and what it was made with. */
export interface HashedPassword {
  /** Binary logarithm of N. */
  readonly cost: number;
  /** Block size r. */
  readonly blockSize: number;
  /** Parallelization p. */
  readonly parallelization: number;
  /** Salt. */
  readonly salt: Uint8Array;
  /** The hash. */
  readonly hash: Uint8Array;
}

/** 32 MiB and some 80 ms a guess. */
const COST = { cost: 15, blockSize: 8, parallelization: 1 };
const MEMORY = 256 << 20;

/** Hashes at one time: each takes its memory, and a processor. */
const TURNS = new Turns(2);

/** Hashes a password with a salt of its own. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, { ...COST, salt, hash: new Uint8Array(32) });
  const { cost, blockSize, parallelization } = COST;
  return `$scrypt$ln=${cost},r=${blockSize},p=${parallelization}$${base64(salt)}$${base64(hash)}`;
}

/** A line for a password file. */
export async function passwordLine(user: string, password: string): Promise<string> {
  if (!/^[^:\r\n]{1,255}$/.test(user)) throw new TypeError("A user's name has 1 to 255 characters and no colon");
  if (password === "") throw new TypeError("An empty password is none");
  return `${user}:${await hashPassword(password)}`;
}

/**
 * Reads a password file.
 *
 * @throws {TypeError} With the number of a line that cannot be read.
 */
export function parsePasswordFile(text: string, source: string): ReadonlyMap<string, HashedPassword> {
  const users = new Map<string, HashedPassword>();
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const colon = line.indexOf(":");
    const hashed = colon < 1 ? undefined : parseHash(line.slice(colon + 1));
    if (hashed === undefined) {
      throw new TypeError(`${source}, line ${i + 1}: user:$scrypt$... wanted, as gssocks passwd writes it`);
    }
    users.set(line.slice(0, colon), hashed);
  }
  return users;
}

function parseHash(text: string): HashedPassword | undefined {
  const parts = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{43})$/.exec(
    text,
  );
  if (parts === null) return undefined;
  const [cost, blockSize, parallelization] = parts.slice(1, 4).map(Number) as [number, number, number];
  if (cost < 1 || blockSize < 1 || parallelization < 1 || 128 * blockSize * 2 ** cost > MEMORY) return undefined;
  return {
    cost,
    blockSize,
    parallelization,
    salt: Buffer.from(parts[4]!, "base64"),
    hash: Buffer.from(parts[5]!, "base64"),
  };
}

/** Makes a key out of a password; a test counts with one of its own. */
export type Derive = (password: string, hashed: HashedPassword, signal?: AbortSignal) => Promise<Uint8Array>;

/**
 * A check against hashed passwords. Whoever is named, it does the same work, that of one hash with each set of parameters
 * that the file has, so that the time does not tell who is in it. A password that was right is known by a keyed digest
 * afterwards, so that a browser with a hundred connections costs one hash.
 */
export function hashedPasswords(users: ReadonlyMap<string, HashedPassword>, deriveKey: Derive = derive): PasswordCheck {
  const nobodies = new Map<string, HashedPassword>();
  for (const hashed of users.values()) nobodies.set(parametersOf(hashed), { ...hashed, ...nobody() });
  if (nobodies.size === 0) nobodies.set("", { ...COST, ...nobody() });
  const key = randomBytes(32);
  const known = new Map<string, Uint8Array>();
  return async ({ username, password }, { signal } = {}) => {
    const digest = createHmac("sha256", key).update(password, "utf8").digest();
    const seen = known.get(username);
    if (seen !== undefined && timingSafeEqual(seen, digest)) return true;
    const wanted = users.get(username);
    let right = false;
    for (const [parameters, stranger] of nobodies) {
      const own = wanted !== undefined && parametersOf(wanted) === parameters;
      const hashed = own ? wanted : stranger;
      right = (timingSafeEqual(await deriveKey(password, hashed, signal), hashed.hash) && own) || right;
    }
    if (right) known.set(username, digest);
    return right;
  };
}

/** What no password makes. */
function nobody(): Pick<HashedPassword, "salt" | "hash"> {
  return { salt: randomBytes(16), hash: randomBytes(32) };
}

function parametersOf({ cost, blockSize, parallelization }: HashedPassword): string {
  return `${cost} ${blockSize} ${parallelization}`;
}

/** One whose client has gone is not made any more when its turn comes. */
async function derive(password: string, hashed: HashedPassword, signal?: AbortSignal): Promise<Uint8Array> {
  const { cost, blockSize, parallelization, salt, hash } = hashed;
  const turn = TURNS.take();
  if (turn !== undefined) await turn;
  try {
    signal?.throwIfAborted();
    return await new Promise<Uint8Array>((resolve, reject) => {
      const parameters = { N: 2 ** cost, r: blockSize, p: parallelization, maxmem: MEMORY + (1 << 20) };
      scrypt(password, salt, hash.length, parameters, (error, key) => error ? reject(error) : resolve(key));
    });
  } finally {
    TURNS.giveBack();
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replace(/=+$/, "");
}
