/**
 * Where Redis is: an address, several of which one is the master, or a name that sentinels know. Nothing of what is wrong is repeated
 * in an error: there may be a password in it.
 *
 * @module
 */
import { splitEndpoint } from "../../base/endpoint.ts";

/** Where one server listens. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** Who to be at a server, and how to speak to it. */
export interface RedisAccess {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  readonly tls: boolean;
}

/** One of several servers. */
export interface RedisPlace {
  readonly address: RedisAddress;
  readonly access: RedisAccess;
}

/** What addresses say together. */
export type RedisPlaces =
  | { readonly type: "servers"; readonly servers: readonly RedisPlace[] }
  | {
    readonly type: "sentinels";
    readonly master: string;
    readonly sentinels: readonly RedisAddress[];
    readonly access: RedisAccess;
  };

const [REDIS_PORT, SENTINEL_PORT] = [6_379, 26_379];

const WANTED = "redis://HOST:PORT or redis+sentinel://HOST:PORT,HOST:PORT/MASTER is wanted, with rediss for TLS";

/**
 * Reads addresses.
 *
 * @throws {TypeError} When one is none, or sentinels stand beside something else.
 */
export function redisPlaces(urls: string | readonly string[]): RedisPlaces {
  const all = typeof urls === "string" ? [urls] : [...urls];
  const read = all.map(readUrl);
  const [first] = read;
  if (first === undefined) throw wrong("no address is given");
  if (first.sentinel) {
    if (read.length > 1) throw wrong("sentinels stand in one address, with commas between them");
    const [name = "", database, ...more] = first.path.split("/");
    const master = decoded(name);
    if (master === "" || more.length > 0) throw wrong("the name of the master is missing behind the sentinels");
    return {
      type: "sentinels",
      master,
      sentinels: first.addresses,
      access: { ...first.access, database: databaseOf(database) },
    };
  }
  const servers = read.map(({ sentinel, addresses, access, path }): RedisPlace => {
    if (sentinel) throw wrong("sentinels stand in an address of their own, and nothing beside it");
    if (addresses.length !== 1) throw wrong("one address has one host; give several addresses");
    return { address: addresses[0]!, access: { ...access, database: databaseOf(path) } };
  });
  return { type: "servers", servers };
}

function readUrl(url: unknown) {
  // The pieces by hand: no URL has several hosts.
  const parts = typeof url === "string"
    ? /^redis(s?)(\+sentinel)?:\/\/(?:([^@/]*)@)?([^@/?#]+)(?:\/([^?#]*))?$/.exec(url)
    : null;
  if (parts === null) throw wrong("it cannot be read");
  const [, tls, sentinel, user, hosts, path = ""] = parts;
  const addresses = hosts!.split(",").map((text) => {
    const parts = splitEndpoint(text, sentinel === undefined ? REDIS_PORT : SENTINEL_PORT);
    if (parts === undefined || parts.zone !== undefined || parts.port < 1) {
      throw wrong("a host or its port cannot be read");
    }
    return { host: parts.host, port: parts.port };
  });
  const [username, ...password] = user?.split(":") ?? [];
  return {
    sentinel: sentinel !== undefined,
    addresses,
    path,
    access: {
      tls: tls === "s",
      username: username === undefined || username === "" ? undefined : decoded(username),
      password: password.length === 0 ? undefined : decoded(password.join(":")),
    },
  };
}

function databaseOf(text = ""): number {
  if (!/^\d{0,4}$/.test(text)) throw wrong("a database is a number");
  return Number(text);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrong("a % in it begins no byte (RFC 3986 section 2.1)");
  }
}

function wrong(problem: string): TypeError {
  return new TypeError(`Cannot connect to Redis: ${problem}; ${WANTED}`);
}
