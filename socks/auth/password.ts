/**
 * Username and password (RFC 1929). They travel in clear, which the RFC itself warns of.
 *
 * @module
 */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { exactText, utf8 } from "../../base/bytes.ts";
import { clientGoneError } from "../stream/client_end.ts";
import { SocksAuthError, SocksLimitError } from "../errors.ts";
import { MessageReader } from "../stream/message_reader.ts";
import { EndWatcher } from "../stream/end_watcher.ts";
import {
  decodePasswordStatus,
  decodeUsernamePassword,
  encodePasswordStatus,
  encodeUsernamePassword,
  Method,
} from "../wire/messages.ts";
import { type ClientAuthMethod, plainChannel, type ServerAuthMethod } from "./method.ts";
import type { Identity } from "../identity.ts";

/** A name and a password. */
export interface PasswordCredentials {
  /** Name, 1 to 255 bytes in UTF-8. */
  readonly username: string;
  /** Password, 1 to 255 bytes in UTF-8. */
  readonly password: string;
}

/** What a check of a password is told. */
export interface PasswordCheckOptions {
  /**
   * Aborted when the answer is of no use any more, because the client has gone, its time is over, or the session has ended; a check that
   * waits for its turn need not be made then.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * Name of where the client comes from: its address, or its /64 of IPv6. Checks that wait are to wait behind those from the same place, and
   * not in front of everybody's.
   *
   * @default {""}
   */
  readonly source?: string | undefined;
}

/**
 * Says whether a name and a password belong together. A {@linkcode SocksLimitError} says that it has not been looked at, since too many
 * from the same place are.
 */
export type PasswordCheck = (
  credentials: PasswordCredentials,
  options?: PasswordCheckOptions,
) => boolean | Promise<boolean>;

/** The longest message has 513 bytes. */
const LIMIT = 1024;

function identity(username: string): Identity {
  return Object.freeze({ method: "password", name: username, attributes: Object.freeze({}) });
}

/**
 * The method on a client's side.
 *
 * @throws {RangeError} When name or password do not fit.
 *
 * @example A proxy that knows passwords
 * ```ts
 * import { connect, passwordClient } from "@gssocks/gssocks";
 *
 * export async function fetchPage(password: string): Promise<string> {
 *   await using connection = await connect({
 *     proxy: "proxy.example.com",
 *     auth: [passwordClient({ username: "bob", password })],
 *     hostname: "intranet",
 *     port: 80,
 *   });
 *   await connection.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
 *   return await new Response(connection.readable).text();
 * }
 * ```
 */
export function passwordClient(credentials: PasswordCredentials): ClientAuthMethod {
  const message = encodeUsernamePassword(credentials.username, credentials.password);
  return {
    code: Method.Password,
    name: "password",
    async authenticate(connection) {
      await connection.write(message);
      const reader = new MessageReader(connection, LIMIT);
      if (!await reader.next(decodePasswordStatus)) {
        throw new SocksAuthError(
          "BAD_CREDENTIALS",
          `Proxy refused the password of ${JSON.stringify(credentials.username)}`,
        );
      }
      return plainChannel(reader.rest(), identity(credentials.username));
    },
  };
}

/**
 * The method on a server's side.
 *
 * @param check Says who may come in. A `false` and a thrown error are told to the client in the same way.
 */
export function passwordServer(check: PasswordCheck): ServerAuthMethod {
  return {
    code: Method.Password,
    name: "password",
    async accept(connection, { signal, beforeClosing, onGone, source }) {
      const reader = new MessageReader(connection, LIMIT);
      // RFC 1929 section 2 has one answer to whatever is wrong, and gives it once.
      let told: boolean | undefined;
      const tell = async (accepted: boolean): Promise<void> => {
        if (told !== undefined) return;
        told = accepted;
        beforeClosing?.(undefined);
        await connection.write(encodePasswordStatus(accepted));
      };
      beforeClosing?.(() => tell(false));
      const { username, password } = await reader.next(decodeUsernamePassword).catch(async (error) => {
        await tell(false).catch(() => {});
        throw error;
      });
      const name = new TextDecoder("utf-8", { ignoreBOM: true }).decode(username);
      const ahead = new EndWatcher(reader.rest());
      let accepted = false;
      let cause: unknown;
      try {
        accepted = await whileThere(
          ahead,
          () => check({ username: exactText(username), password: exactText(password) }, { signal, source }),
          onGone,
        );
      } catch (error) {
        cause = error;
      }
      await tell(accepted === true);
      if (cause instanceof SocksLimitError) throw cause;
      if (!told) {
        throw new SocksAuthError("BAD_CREDENTIALS", `Password of ${JSON.stringify(name)} refused`, { cause });
      }
      return plainChannel(ahead.rest(), identity(name));
    },
  };
}

/** Has a password checked while its client is watched. */
async function whileThere(
  ahead: EndWatcher,
  check: () => boolean | Promise<boolean>,
  onGone: ((reason: Error) => void) | undefined,
): Promise<boolean> {
  const checking = check();
  if (typeof checking === "boolean" || onGone === undefined) return await checking;
  using _watched = ahead;
  ahead.watch((end) => {
    const reason = clientGoneError(end, "its password was checked", true);
    if (reason !== undefined) onGone(reason);
  });
  return await checking;
}

/**
 * A check against a fixed list, in a time that does not tell how much of a password was right.
 *
 * @example
 * ```ts
 * import { fixedPasswords, serve } from "@gssocks/gssocks";
 *
 * const check = fixedPasswords({ bob: "secret" });
 * await using server = serve({ port: 0, passwords: check, rules: ["allow intranet.example.com"] });
 * if (!await check({ username: "bob", password: "secret" })) throw new Error(`not let in at ${server.addr.port}`);
 * ```
 */
export function fixedPasswords(users: Readonly<Record<string, string>>): PasswordCheck {
  const known = new Map(Object.entries(users));
  return async ({ username, password }) => {
    const wanted = known.get(username);
    const [given, expected] = await Promise.all([password, wanted ?? ""].map(digest));
    return timingSafeEqual(given!, expected!) && wanted !== undefined;
  };
}

/** Digests are of one length, whatever the passwords are. */
async function digest(text: string): Promise<ArrayBuffer> {
  return await crypto.subtle.digest("SHA-256", utf8(text));
}
