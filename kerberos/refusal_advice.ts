/**
 * What a KDC's refusal means, and what to do about it.
 *
 * @module
 */
import { clockDifference } from "./clock_text.ts";
import type { KerberosErrorName } from "./registry/errors.ts";

/** The request that was refused, in text form, as far as it is known. */
interface RefusedAbout {
  /** The client's name and realm. */
  readonly client?: string | undefined;
  /** The service's name and realm. */
  readonly server?: string | undefined;
  /** Names of the enctypes that were requested. */
  readonly enctypes?: readonly string[] | undefined;
  /** How far the KDC's clock is ahead of ours, in milliseconds. */
  readonly clockOffset: number;
}

/** Clocks that are no further apart are no reason for a refusal, in milliseconds. */
const NEAR = 60_000;

type Advice = string | ((about: RefusedAbout) => string);

const ADVICE: Readonly<Partial<Record<KerberosErrorName, Advice>>> = {
  KDC_ERR_NAME_EXP: "the account has expired; the realm's administrator can extend it",
  KDC_ERR_SERVICE_EXP: "the service's account has expired; the realm's administrator can extend it",
  KDC_ERR_C_PRINCIPAL_UNKNOWN:
    "no such client in this realm; check the name, and the realm, which is compared with case",
  KDC_ERR_S_PRINCIPAL_UNKNOWN: unknownService,
  KDC_ERR_PRINCIPAL_NOT_UNIQUE:
    "several accounts have this name; the realm's administrator must leave it to one of them",
  KDC_ERR_NULL_KEY: "the account has no key; set its password once more",
  KDC_ERR_CANNOT_POSTDATE: "the KDC issues no tickets that begin later",
  KDC_ERR_NEVER_VALID: "the ticket would end before it begins; ask for a longer lifetime, and check the clocks",
  KDC_ERR_POLICY:
    "the realm's policy forbids it, such as hours of log-on, or who may use which service; ask its administrator",
  KDC_ERR_BADOPTION: "the ticket held does not allow it, such as one that is not renewable or not forwardable",
  KDC_ERR_ETYPE_NOSUPP: noEnctype,
  KDC_ERR_PADATA_TYPE_NOSUPP: "the KDC does not support this pre-authentication for the account",
  KDC_ERR_CLIENT_REVOKED:
    "the account is disabled, or locked after wrong passwords; the realm's administrator can unlock it",
  KDC_ERR_SERVICE_REVOKED: "the service's account is disabled; the realm's administrator can enable it",
  KDC_ERR_TGT_REVOKED: "the ticket-granting ticket was revoked; run kinit again",
  KDC_ERR_CLIENT_NOTYET: "the account is not valid yet",
  KDC_ERR_SERVICE_NOTYET: "the service's account is not valid yet",
  KDC_ERR_KEY_EXPIRED: "the password has expired; change it, such as with kpasswd or at a domain member, and try again",
  KDC_ERR_PREAUTH_FAILED: "wrong password or key",
  KDC_ERR_PREAUTH_REQUIRED: "the KDC wants pre-authentication, and names no mechanism that can be used",
  KDC_ERR_MUST_USE_USER2USER:
    "the service is a user's account, which only user-to-user authentication can reach, and that is not supported; " +
    "ask for a service with a keytab",
  KDC_ERR_PATH_NOT_ACCEPTED: "the KDC does not trust a realm on the path of the client",
  KDC_ERR_WRONG_REALM: "the client is in another realm; name that realm, or allow the KDC to refer (kinit -C)",
  KRB_AP_ERR_TKT_EXPIRED: "the ticket has expired; run kinit again",
  KRB_AP_ERR_TKT_NYV: ({ clockOffset }) =>
    `the ticket is not valid yet${Math.abs(clockOffset) < NEAR ? "" : `; ${clockAdvice(clockOffset)}`}`,
  KRB_AP_ERR_SKEW: ({ clockOffset }) => clockAdvice(clockOffset),
  KRB_AP_ERR_BADADDR: "the ticket is for another address of this machine; get one without addresses (kinit -A)",
};

/** Returns what a refusal means and what to do, without a full stop; `undefined` if there is nothing to say. */
export function refusalAdvice(code: KerberosErrorName, about: RefusedAbout): string | undefined {
  const advice = ADVICE[code];
  return typeof advice === "function" ? advice(about) : advice;
}

function unknownService({ server = "" }: RefusedAbout): string {
  const [, target, realm] = /^krbtgt\/(.*)@(.*)$/.exec(server) ?? [];
  return target === undefined || target === realm
    ? "no such service in this realm; ask for it by the name in its keytab"
    : `the KDC knows no path to realm ${target}`;
}

function noEnctype({ enctypes = [] }: RefusedAbout): string {
  const ours = enctypes.length === 0
    ? ""
    : `; ${enctypes.join(", ")} ${enctypes.length === 1 ? "was" : "were"} requested`;
  return `no encryption type in common${ours}; RC4, DES, DES3 and Camellia are not supported: the account needs an AES key ` +
    "(at Active Directory msDS-SupportedEncryptionTypes, then a new password)";
}

function clockAdvice(clockOffset: number): string {
  return `our clock is ${clockDifference(-clockOffset)} the KDC's, and KDCs usually allow 300 s; set the clock`;
}
