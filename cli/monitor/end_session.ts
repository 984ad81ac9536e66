/**
 * Ends a session at the admin port, for who has a token: the only thing that can be changed there, and off by default.
 *
 * A web page that a browser of this machine has open could send a request too. It cannot know the token, and what a browser sends
 * for another site says so (`Origin`, `Sec-Fetch-Site`); the header that carries the token is none that a form can send.
 *
 * @module
 */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { utf8 } from "../../base/bytes.ts";
import { quoted } from "../../base/printable.ts";
import { type Endpoint, formatEndpoint } from "../../socks/wire/address.ts";
import type { LogNote } from "../log/program_log.ts";

/** Ends a session by its number; `false` if there is none. The reason is told in its last event. */
export type EndSession = (session: number, reason: string) => Promise<boolean>;

/** A token, and who has it. */
export interface AdminToken {
  readonly name: string;
  readonly token: string;
}

/** What ending a session takes. */
export interface SessionEnding {
  /** Who may. */
  readonly tokens: readonly AdminToken[];
  /** Ends it. */
  readonly end: EndSession;
  /** Logs that, and who tried in vain. */
  readonly note: (note: LogNote) => void;
}

/** Characters of a token at least: 16 random bytes in hexadecimal digits. */
const LEAST = 32;

/**
 * Reads a file of tokens: a line for each person, a name and a token with a space between them. Empty lines and lines that begin
 * with `#` count for nothing.
 *
 * @throws {TypeError} When a line is something else, a token is short, a name or a token stands twice, or there is none.
 */
export function parseAdminTokens(text: string): readonly AdminToken[] {
  const tokens: AdminToken[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [, name, token] = /^\s*(\S+)\s+([\x21-\x7e]+)\s*$/.exec(line) ?? [];
    // No word of a line is told: who has written the token first has it where the name should be.
    if (name === undefined || token === undefined) throw new TypeError(`line ${i + 1} is not a name and a token`);
    if (token.length < LEAST) throw new TypeError(`the token in line ${i + 1} has less than ${LEAST} characters`);
    if (tokens.some((one) => one.name === name)) throw new TypeError(`line ${i + 1} has the name of a line before it`);
    // The log could not say who of the two it was.
    if (tokens.some((one) => one.token === token)) {
      throw new TypeError(`line ${i + 1} has the token of a line before it`);
    }
    tokens.push({ name, token });
  }
  if (tokens.length === 0) throw new TypeError("there is no token");
  return tokens;
}

/** The session that a path names for its end. */
export function sessionToEnd(pathname: string): number | undefined {
  const [, digits] = /^\/sessions\/([1-9]\d{0,15})\/end$/.exec(pathname) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** An answer: its status, and a line for people. */
type Answer = readonly [status: number, text: string];

/** Ends a session for a request, which is a POST. */
export async function endSession(
  session: number,
  { headers, url }: Request,
  { tokens, end, note }: SessionEnding,
  from: Endpoint | undefined,
): Promise<Answer> {
  const client = from === undefined ? "" : formatEndpoint(from);
  const { origin } = new URL(url);
  if ((headers.get("origin") ?? origin) !== origin || foreign(headers.get("sec-fetch-site"))) {
    return [403, "Another site asks for this.\n"];
  }
  const who = holder(headers.get("authorization"), tokens);
  if (who === undefined) {
    const text = `Warning: Somebody without a token tried to end session ${session} at the admin port`;
    note({ event: "end-refused", text, facts: { session, client } });
    return [401, "A token is wanted.\n"];
  }
  const by = quoted(who);
  if (!await end(session, `Ended by ${by} at the admin port`)) return [404, `There is no session ${session}.\n`];
  note({
    event: "ended",
    text: `Session ${session} was ended by ${by} at the admin port`,
    facts: { session, by: who, client },
  });
  return [200, `Session ${session} was ended.\n`];
}

/** Whether a browser says that another site asks. Other programs say nothing of the kind. */
function foreign(site: string | null): boolean {
  return site !== null && site !== "same-origin";
}

/** Who has the token of a request. All tokens are compared, in a time that does not depend on how much of one is right. */
function holder(authorization: string | null, tokens: readonly AdminToken[]): string | undefined {
  const given = utf8(/^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1] ?? "");
  let found: string | undefined;
  for (const { name, token } of tokens) {
    const wanted = utf8(token);
    if (wanted.length === given.length && timingSafeEqual(wanted, given)) found = name;
  }
  return found;
}
