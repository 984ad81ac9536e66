/**
 * Users with hashed passwords in a file: `user:$scrypt$ln=15,r=8,p=1$SALT$HASH`, a line each, in the string format of the
 * Password Hashing Competition. The hash is scrypt (RFC 7914).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHmac, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { utf8 } from "../../base/bytes.ts";
import { Semaphore } from "../../base/semaphore.ts";
import { abortable } from "../../base/deadline.ts";
import type { PasswordCheck, PasswordCheckOptions } from "../../socks/auth/password.ts";
import { SocksLimitError } from "../../socks/errors.ts";
import { Tally } from "../../socks/server/limits/tally.ts";

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
const SEMAPHORE = new Semaphore(2);

/** Hashes a password with a salt of its own. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, { ...COST, salt, hash: new Uint8Array(32) });
  const { cost, blockSize, parallelization } = COST;
  return `$scrypt$ln=${cost},r=${blockSize},p=${parallelization}$${base64(salt)}$${base64(hash)}`;
}

/** Most bytes of a name and of a password: what RFC 1929 section 2 has room for. */
const MAX_BYTES = 255;

/**
 * Checks a user's name: one that a password file can have, and a client can send.
 *
 * @throws {TypeError}
 */
export function checkUser(user: string): void {
  const fits = /^[^:\r\n#][^:\r\n]*$/.test(user) && utf8(user).length <= MAX_BYTES;
  if (!fits) throw new TypeError(`A user's name has 1 to ${MAX_BYTES} bytes, no colon, and no # in front`);
}

/** A line for a password file. */
export async function passwordLine(user: string, password: string): Promise<string> {
  checkUser(user);
  if (password === "") throw new TypeError("A password must not be empty");
  if (utf8(password).length > MAX_BYTES) {
    throw new TypeError(`A password of more than ${MAX_BYTES} bytes cannot be sent by any client`);
  }
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
  checkCosts(users, source);
  return users;
}

/** What a file's sets of parameters may cost together, in units of the dearest of them: that is what every wrong password costs. */
const MAX_COST = 4;

/** Checks that no password takes many times as long as its own hash; the time must not tell the hash. */
function checkCosts(users: ReadonlyMap<string, HashedPassword>, source: string): void {
  const costs = new Map<string, number>();
  for (const hashed of users.values()) {
    costs.set(parametersOf(hashed), 2 ** hashed.cost * hashed.blockSize * hashed.parallelization);
  }
  const all = [...costs.values()];
  const dearest = Math.max(0, ...all);
  if (all.reduce((sum, cost) => sum + cost, 0) <= MAX_COST * dearest) return;
  throw new TypeError(
    `${source}: its hashes have ${all.length} different sets of parameters, which cost more than ${MAX_COST} times the dearest one ` +
      `together; write some of them anew with gssocks passwd`,
  );
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
export type Derive = (password: string, hashed: HashedPassword, options?: PasswordCheckOptions) => Promise<Uint8Array>;

/** Passwords from one place that wait or are being checked at one time: two seconds' work for those behind them. */
const GUESSES_PER_SOURCE = 32;

/** Guesses that are under way. */
class Guesses {
  readonly #counts = new Tally();
  /** By user and password, and how many wait for each. */
  readonly #underWay = new Map<
    string,
    { readonly answer: Promise<boolean>; readonly given: AbortController; waiting: number }
  >();

  /**
   * Has a guess made, once for all who make the same one at the same time, as a browser does that opens its connections at once. It is given up
   * when all of them are gone.
   *
   * @throws {SocksLimitError} `GUESS_LIMIT` when too many others from the same place are under way.
   */
  async make(
    name: string,
    { signal, source = "" }: PasswordCheckOptions,
    check: (signal: AbortSignal) => Promise<boolean>,
  ): Promise<boolean> {
    signal?.throwIfAborted();
    let guess = this.#underWay.get(name);
    if (guess === undefined) {
      if (!this.#counts.enter(source, GUESSES_PER_SOURCE)) {
        throw new SocksLimitError(
          "GUESS_LIMIT",
          `${GUESSES_PER_SOURCE} passwords from ${source || "there"} are being checked already`,
        );
      }
      const given = new AbortController();
      const answer = check(given.signal).finally(() => {
        this.#counts.leave(source);
        this.#forget(name, given);
      });
      // Reported to those who wait; there may be none left.
      answer.catch(() => {});
      this.#underWay.set(name, guess = { answer, given, waiting: 0 });
    }
    guess.waiting++;
    try {
      return await abortable(guess.answer, signal);
    } finally {
      if (--guess.waiting === 0) {
        this.#forget(name, guess.given);
        guess.given.abort(new Error("No client waits for the answer"));
      }
    }
  }

  /** Who comes after that begins anew. */
  #forget(name: string, given: AbortController): void {
    if (this.#underWay.get(name)?.given === given) this.#underWay.delete(name);
  }
}

/** Passwords that were right, by a keyed digest, each for the hash that it was right for. */
export class KnownPasswords {
  readonly #key = randomBytes(32);
  readonly #right = new Map<string, { readonly digest: Uint8Array; readonly hash: string }>();

  /** Whether a user's password is known to be right for a hash. */
  has(username: string, password: string, hashed: HashedPassword): boolean {
    const known = this.#right.get(username);
    return known !== undefined && known.hash === hashText(hashed) &&
      timingSafeEqual(known.digest, this.#digest(password));
  }

  /** Takes note of one that was right. */
  add(username: string, password: string, hashed: HashedPassword): void {
    this.#right.set(username, { digest: this.#digest(password), hash: hashText(hashed) });
  }

  /** Forgets those whose user has gone or has another password. */
  keep(users: ReadonlyMap<string, HashedPassword>): void {
    for (const [username, { hash }] of this.#right) {
      const hashed = users.get(username);
      if (hashed === undefined || hashText(hashed) !== hash) this.#right.delete(username);
    }
  }

  #digest(password: string): Uint8Array {
    return createHmac("sha256", this.#key).update(password, "utf8").digest();
  }
}

function hashText(hashed: HashedPassword): string {
  return `${parametersOf(hashed)} ${base64(hashed.salt)} ${base64(hashed.hash)}`;
}

/**
 * A check against hashed passwords. For every user name it does the same work, one hash with each set of parameters
 * in the file, so that the time does not tell which users exist. A password that was right is known by a keyed digest
 * afterwards, so that a browser with a hundred connections costs one hash; give the same `known` to the check that takes this one's place,
 * so that reading the file again does not cost everybody one.
 */
export function hashedPasswords(
  users: ReadonlyMap<string, HashedPassword>,
  deriveKey: Derive = derive,
  known: KnownPasswords = new KnownPasswords(),
): PasswordCheck {
  known.keep(users);
  const decoys = new Map<string, HashedPassword>();
  for (const hashed of users.values()) decoys.set(parametersOf(hashed), { ...hashed, ...decoy() });
  if (decoys.size === 0) decoys.set("", { ...COST, ...decoy() });
  const guesses = new Guesses();
  return async ({ username, password }, options = {}) => {
    const wanted = users.get(username);
    if (wanted !== undefined && known.has(username, password, wanted)) return true;
    const { source } = options;
    const right = await guesses.make(JSON.stringify([source, username, password]), options, async (signal) => {
      let right = false;
      for (const [parameters, stranger] of decoys) {
        const own = wanted !== undefined && parametersOf(wanted) === parameters;
        const hashed = own ? wanted : stranger;
        right = (timingSafeEqual(await deriveKey(password, hashed, { signal, source }), hashed.hash) && own) || right;
      }
      return right;
    });
    if (right) known.add(username, password, wanted!);
    return right;
  };
}

/** A hash that no password has. */
function decoy(): Pick<HashedPassword, "salt" | "hash"> {
  return { salt: randomBytes(16), hash: randomBytes(32) };
}

function parametersOf({ cost, blockSize, parallelization }: HashedPassword): string {
  return `${cost} ${blockSize} ${parallelization}`;
}

/** Hashes a password. Sources take turns; a client that has gone leaves the queue. */
async function derive(
  password: string,
  hashed: HashedPassword,
  { signal, source = "" }: PasswordCheckOptions = {},
): Promise<Uint8Array> {
  const { cost, blockSize, parallelization, salt, hash } = hashed;
  const turn = SEMAPHORE.acquire({ owner: source, signal });
  if (turn !== undefined) await turn;
  try {
    return await new Promise<Uint8Array>((resolve, reject) => {
      const parameters = { N: 2 ** cost, r: blockSize, p: parallelization, maxmem: MEMORY + (1 << 20) };
      scrypt(password, salt, hash.length, parameters, (error, key) => error ? reject(error) : resolve(key));
    });
  } finally {
    SEMAPHORE.release(source);
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replace(/=+$/, "");
}
