/**
 * Where a service looks up the key of a ticket, and the error when there is none.
 *
 * @module
 */
import { shortened } from "../../base/printable.ts";
import { enctypeName } from "../crypto/enctypes.ts";
import type { KerberosKey } from "../crypto/key.ts";
import { formatPrincipal, type Principal, samePrincipal } from "../principal.ts";
import { ApError } from "./error.ts";

/** A long-term key of a service. */
export interface ServiceKey {
  /** The service. */
  readonly principal: Principal;
  /** Version of the key. */
  readonly kvno: number;
  /** The key. */
  readonly key: KerberosKey;
}

/** The key that a ticket is sealed with, as the ticket says in clear. */
export interface WantedKey {
  /** Service that the ticket names. */
  readonly service: Principal;
  /** Enctype of the ticket. */
  readonly enctype: number;
  /** Version of the key, if the ticket has one. */
  readonly kvno?: number | undefined;
}

/** Keys that tickets may be sealed with. A keytab is one implementation. */
export interface ApKeys {
  /** Keys that may open the ticket, the most likely first. */
  candidates(wanted: WantedKey): readonly ServiceKey[];
  /** Lines such as `rcmd/host@REALM kvno 3 aes256-cts-hmac-sha1-96`, for messages. */
  describe(): readonly string[];
  /** Called when no key opens a ticket: loads keys that were added since, and says whether there are any. Never rejects. */
  renewed?(): Promise<boolean>;
}

/** The service that a ticket names in clear, for messages; a stranger may have made the name as long as a token. */
export function serviceText(service: Principal): string {
  return shortened(formatPrincipal(service), 200);
}

/** The error when no key opens the ticket: says which key the ticket is sealed with and which keys there are. */
export function noKeyError(wanted: WantedKey, tried: readonly ServiceKey[], keys: ApKeys): ApError {
  const { service, enctype, kvno } = wanted;
  const text = `${serviceText(service)} kvno ${kvno ?? "?"} ${enctypeName(enctype)}`;
  const held = keys.describe();
  const shown = held.slice(0, 12).join("; ") + (held.length > 12 ? `; and ${held.length - 12} more` : "");
  const code = noKeyCode(wanted, tried);
  return new ApError(
    code,
    `Cannot open ticket: it wants ${text}; the keytab has ${shown || "no keys"}${REMEDIES[code] ?? ""}`,
    {
      details: {
        service: serviceText(service),
        wantedEnctype: enctypeName(enctype),
        wantedKvno: kvno ?? -1,
        heldKeys: shown,
      },
    },
  );
}

/** What to do about a key that is not the one wanted. */
const REMEDIES: Partial<Record<ApError["code"], string>> = {
  KRB_AP_ERR_BAD_INTEGRITY:
    "; that key does not open it: the key was changed at the KDC, or the keytab is of another realm; " +
    "extract the keytab again",
  KRB_AP_ERR_BADKEYVER: "; extract the keytab again, or let the client get a new ticket",
};

/** RFC 4120 section 3.2.3: no key, the wrong version of a key, or a ticket that was modified. */
function noKeyCode({ service, kvno }: WantedKey, tried: readonly ServiceKey[]): ApError["code"] {
  if (tried.length === 0) return "KRB_AP_ERR_NOKEY";
  const own = tried.filter((entry) => samePrincipal(entry.principal, service));
  if (own.length === 0) return "KRB_AP_ERR_NOT_US";
  return own.some((entry) => entry.kvno === kvno) ? "KRB_AP_ERR_BAD_INTEGRITY" : "KRB_AP_ERR_BADKEYVER";
}
