/**
 * The username and password method (RFC 1929), on both sides. The password is sent in clear text (RFC 1929 section 3).
 *
 * @module
 */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { exactText, utf8 } from "../../base/bytes.ts";
import { clientGoneError } from "../stream/client_end.ts";
import { SocksAuthError, SocksLimitError } from "../errors.ts";
import { MessageReader } from "../stream/message_reader.ts";
import { EndWatcher } from "../stream/end_watcher.ts";
import { Method } from "../wire/messages.ts";
import {
  decodePasswordStatus,
  decodeUsernamePassword,
  encodePasswordStatus,
  encodeUsernamePassword,
} from "../wire/password.ts";
import type { ClientAuthMethod, ServerAuthMethod } from "./method.ts";
import { plainChannel } from "./plain_channel.ts";
import type { Identity } from "../identity.ts";

/** A username and a password. */
export interface PasswordCredentials {
  /** Username, 1 to 255 bytes in UTF-8. */
  readonly username: string;
  /** Password, 1 to 255 bytes in UTF-8. */
  readonly password: string;
}

/** Options of a {@linkcode PasswordCheck}. */
export interface PasswordCheckOptions {
  /**
   * Aborted when the answer is not needed any more: the client has gone, its time is over, or the session has ended. A check that still
   * waits in a queue can be skipped.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * Name of the client's source: its address, or its /64 for IPv6. A check that has to wait should wait behind those of the same source
   * only.
   *
   * @default {""}
   */
  readonly source?: string | undefined;
}

/**
 * Returns whether a username and a password are correct. Throws a {@linkcode SocksLimitError} if it did not check them because too many
 * checks of the same source are pending.
 */
export type PasswordCheck = (
  credentials: PasswordCredentials,
  options?: PasswordCheckOptions,
) => boolean | Promise<boolean>;

/** Longest message to read; RFC 1929 section 2 has 513 bytes at most. */
const LIMIT = 1024;

function identity(username: string): Identity {
  return Object.freeze({ method: "password", name: username, attributes: Object.freeze({}) });
}

/**
 * Creates the username and password method of a client.
 *
 * @throws {RangeError} When the username or the password is empty or too long.
 *
 * @example A proxy that checks passwords
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
      const { username } = credentials;
      return { ...plainChannel(reader.rest(), identity(username)), self: username };
    },
  };
}

/**
 * Creates the username and password method of a server.
 *
 * @param check Checks passwords. The client gets the same refusal for `false` and for an error.
 *
 * @example
 * ```ts
 * import { type ServerAuthMethod, fixedPasswords, passwordServer } from "@gssocks/gssocks/socks";
 *
 * export const method: ServerAuthMethod = passwordServer(fixedPasswords({ alice: "secret" }));
 * ```
 */
export function passwordServer(check: PasswordCheck): ServerAuthMethod {
  return {
    code: Method.Password,
    name: "password",
    async accept(connection, { signal, beforeClosing, onGone, source }) {
      const reader = new MessageReader(connection, LIMIT);
      // RFC 1929 section 2 has one status for every refusal; it is sent once.
      let sent: boolean | undefined;
      const sendStatus = async (accepted: boolean): Promise<void> => {
        if (sent !== undefined) return;
        sent = accepted;
        beforeClosing?.(undefined);
        await connection.write(encodePasswordStatus(accepted));
      };
      beforeClosing?.(() => sendStatus(false));
      const { username, password } = await reader.next(decodeUsernamePassword).catch(async (error) => {
        await sendStatus(false).catch(() => {});
        throw error;
      });
      const name = new TextDecoder("utf-8", { ignoreBOM: true }).decode(username);
      const watcher = new EndWatcher(reader.rest());
      let accepted = false;
      let cause: unknown;
      try {
        accepted = await whileClientStays(
          watcher,
          () => check({ username: exactText(username), password: exactText(password) }, { signal, source }),
          onGone,
        );
      } catch (error) {
        cause = error;
      }
      await sendStatus(accepted === true);
      if (cause instanceof SocksLimitError) throw cause;
      if (!sent) {
        throw new SocksAuthError("BAD_CREDENTIALS", `Password of ${JSON.stringify(name)} refused`, { cause });
      }
      return plainChannel(watcher.rest(), identity(name));
    },
  };
}

/** Checks a password and watches whether the client goes meanwhile. */
async function whileClientStays(
  watcher: EndWatcher,
  check: () => boolean | Promise<boolean>,
  onGone: ((reason: Error) => void) | undefined,
): Promise<boolean> {
  const checking = check();
  if (typeof checking === "boolean" || onGone === undefined) return await checking;
  using _watching = watcher;
  watcher.watch((end) => {
    const reason = clientGoneError(end, "its password was checked", true);
    if (reason !== undefined) onGone(reason);
  });
  return await checking;
}

/**
 * Creates a check against a fixed list. Its time does not depend on how much of a password is right.
 *
 * @example
 * ```ts
 * import { fixedPasswords, serve } from "@gssocks/gssocks";
 *
 * const check = fixedPasswords({ bob: "secret" });
 * await using server = serve({ port: 0, passwords: check, rules: ["allow intranet.example.com"] });
 * if (!await check({ username: "bob", password: "secret" })) throw new Error(`refused at ${server.addr.port}`);
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

/** Digests all have the same length, unlike passwords. */
async function digest(text: string): Promise<ArrayBuffer> {
  return await crypto.subtle.digest("SHA-256", utf8(text));
}
