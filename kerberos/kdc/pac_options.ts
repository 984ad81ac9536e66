/**
 * Accounts of principals of the embedded KDC.
 *
 * @module
 */
import { parseSid } from "../../base/sid.ts";

/** The account of a principal, which the KDC tells services in a PAC. */
export interface PacOptions {
  /** SID of the account: that of its domain and a last part, `S-1-5-21-1-2-3-1105`. */
  readonly sid: string;
  /** Name that the directory has stored. @default {the first component of the principal} */
  readonly account?: string | undefined;
  /** NetBIOS name of its domain. @default {the first label of the realm} */
  readonly domain?: string | undefined;
  /** Last part of the SID of its primary group. @default {513, the domain's users} */
  readonly primaryGroupId?: number | undefined;
  /** SIDs of its other groups. @default {[]} */
  readonly groups?: readonly string[] | undefined;
  /** User principal name. @default {account and realm} */
  readonly upn?: string | undefined;
}

/**
 * Checks the SIDs of an account.
 *
 * @throws {TypeError} When one is no SID.
 */
export function checkPac(name: string, { sid, groups = [] }: PacOptions): void {
  for (const text of [sid, ...groups]) {
    const parts = parseSid(text);
    if (parts === undefined || (text === sid && parts.subAuthorities.length < 2)) {
      throw new TypeError(
        `Cannot add ${name}: ${JSON.stringify(text)} in its pac is no SID; "S-1-5-21-1-2-3-1105" is one`,
      );
    }
  }
}
