/**
 * Why something was refused, in one of a few words: for metrics, whose labels must be a closed set.
 *
 * @module
 */
import { GssError } from "../../gss/status.ts";

/** Why something was refused. */
export type RefusalCause =
  | "skew"
  | "expired"
  | "kvno"
  | "service"
  | "replay"
  | "integrity"
  | "enctype"
  | "gssapi"
  | "password"
  | "method"
  | "rule"
  | "limit"
  | "timeout"
  | "unreachable"
  | "unsupported"
  | "resources"
  | "protocol"
  | "gone"
  | "other";

/** Codes by cause. A code stands once. */
const CAUSES: Readonly<Record<Exclude<RefusalCause, "other">, readonly string[]>> = {
  /** The clocks are too far apart, or a ticket is not valid yet. */
  skew: ["KRB_AP_ERR_SKEW", "KRB_AP_ERR_TKT_NYV"],
  /** The ticket or the context has expired. */
  expired: ["KRB_AP_ERR_TKT_EXPIRED", "TICKET_EXPIRED", "CREDENTIALS_EXPIRED", "CONTEXT_EXPIRED"],
  /** The keytab has no key of the ticket's version. */
  kvno: ["KRB_AP_ERR_BADKEYVER"],
  /** The keytab has no key for the service at all, or the service is not accepted. */
  service: ["KRB_AP_ERR_NOKEY", "KRB_AP_ERR_NOT_US"],
  /** An authenticator was used before. */
  replay: ["KRB_AP_ERR_REPEAT", "OUT_OF_ORDER"],
  /** Something was not made with the key expected, or was changed on the way. */
  integrity: ["KRB_AP_ERR_BAD_INTEGRITY", "KRB_AP_ERR_MODIFIED", "INTEGRITY", "NOT_GENUINE", "NOT_SEALED"],
  /** An encryption type that is not permitted. */
  enctype: ["KDC_ERR_ETYPE_NOSUPP", "UNSUPPORTED_ENCTYPE"],
  /** GSS-API failed for another reason. */
  gssapi: ["GSSAPI_FAILED", "REFUSED_BY_PEER", "TOKEN_TOO_LARGE", "TOO_MANY_LEGS"],
  /** A wrong password. */
  password: ["BAD_CREDENTIALS"],
  /** No method in common, or too weak a protection. */
  method: ["NO_ACCEPTABLE_METHOD", "METHOD_NOT_OFFERED", "PROTECTION_TOO_WEAK", "FLAGS_MISSING"],
  /** A rule, or that no rule allows it. */
  rule: ["NOT_ALLOWED"],
  /** A limit of the server. */
  limit: ["HALF_OPEN_LIMIT", "SOURCE_LIMIT", "NETWORK_LIMIT", "USER_LIMIT", "GUESS_LIMIT", "LOOKUP_LIMIT"],
  /** A step took too long. */
  timeout: ["HANDSHAKE_TIMEOUT", "CONNECT_TIMEOUT", "IDLE_TIMEOUT"],
  /** The target, or the proxy before it, could not be reached. */
  unreachable: ["NETWORK_UNREACHABLE", "HOST_UNREACHABLE", "CONNECTION_REFUSED", "TTL_EXPIRED", "PROXY_UNREACHABLE"],
  /** A command or an address that is not supported. */
  unsupported: ["COMMAND_NOT_SUPPORTED", "ADDRESS_TYPE_NOT_SUPPORTED"],
  /** The machine has no descriptors or no memory left. */
  resources: ["OUT_OF_RESOURCES"],
  /** What the client sent is no SOCKS. */
  protocol: ["BAD_VERSION", "BAD_MESSAGE", "UNEXPECTED_MESSAGE", "TOO_LARGE", "TLS_HANDSHAKE"],
  /** The client went in the middle of something. */
  gone: ["UNEXPECTED_END", "CLOSED", "LOST", "TLS_CUT"],
};

/** Every cause. */
export const REFUSAL_CAUSES: readonly RefusalCause[] = [...Object.keys(CAUSES) as RefusalCause[], "other"];

const CAUSE_OF: ReadonlyMap<string, RefusalCause> = new Map(
  Object.entries(CAUSES).flatMap(([cause, codes]) => codes.map((code) => [code, cause as RefusalCause])),
);

/** Returns the cause of an error: what Kerberos says of it, where that is known, else what SOCKS does. */
export function refusalCause(error: Error): RefusalCause {
  const { cause } = error;
  return (cause instanceof GssError ? CAUSE_OF.get(cause.code) : undefined) ?? CAUSE_OF.get(codeOf(error)) ?? "other";
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}
