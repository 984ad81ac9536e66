/**
 * What the system says of a connection that cannot be made, as a reply of RFC 1928 section 6.
 *
 * @module
 */
import { reasonText } from "../../base/reason.ts";
import { SocksReplyError, type SocksReplyErrorCode } from "../errors.ts";
import { type Endpoint, formatEndpoint } from "../wire/address.ts";
import { parseIp } from "../wire/ip.ts";

/** A reply, and what the system's own words do not say. */
type Row = readonly [code: SocksReplyErrorCode, words?: string];

const FORBIDDEN = "a route, a router or a firewall forbids it";
const EXHAUSTED =
  "this machine has no room for another connection, see its limit of open files (ulimit -n, LimitNOFILE)";

/** By errno. Reply 02 is for rulesets, and no network has one. */
const ROWS: Readonly<Record<string, Row>> = {
  ECONNREFUSED: ["CONNECTION_REFUSED"],
  ENETUNREACH: ["NETWORK_UNREACHABLE"],
  ENETDOWN: ["NETWORK_UNREACHABLE"],
  ENONET: ["NETWORK_UNREACHABLE"],
  // This machine has no address from which it could be reached, or nothing at all of its family.
  EADDRNOTAVAIL: ["NETWORK_UNREACHABLE"],
  EAFNOSUPPORT: ["NETWORK_UNREACHABLE"],
  EHOSTUNREACH: ["HOST_UNREACHABLE"],
  EHOSTDOWN: ["HOST_UNREACHABLE"],
  ETIMEDOUT: ["HOST_UNREACHABLE"],
  // IPv4's "administratively prohibited" comes as EHOSTUNREACH, and IPv6's as this; so does a route that prohibits.
  EACCES: ["HOST_UNREACHABLE", FORBIDDEN],
  EPERM: ["HOST_UNREACHABLE", FORBIDDEN],
  ENOPROTOOPT: ["GENERAL_FAILURE", "the host says that it has no TCP"],
  EINVAL: ["GENERAL_FAILURE", "the system connects to no such address, or a route of its drops what goes there"],
  EMFILE: ["OUT_OF_RESOURCES", EXHAUSTED],
  ENFILE: ["OUT_OF_RESOURCES", EXHAUSTED],
  ENOBUFS: ["OUT_OF_RESOURCES", "this machine is short of memory for connections"],
  ENOMEM: ["OUT_OF_RESOURCES", "this machine is short of memory"],
};

/** Those for which Deno has no name on some systems; the numbers are Linux's. */
const NUMBERS: Readonly<Record<string, string>> = { 64: "ENONET", 112: "EHOSTDOWN" };

/** The name of the system's error, where it is one of the system's. */
function errnoOf(error: unknown): string | undefined {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === "string") return code;
  return NUMBERS[/\(os error (\d+)\)$/.exec(String(message))?.[1] ?? ""];
}

/** A failed connection as an error with the code of its reply. */
export function dialError(target: Endpoint, error: unknown): SocksReplyError {
  const reason = reasonText(error);
  const [code, words] = rowOf(target, error);
  const text = words === undefined ? reason : `${words}: ${reason}`;
  return new SocksReplyError(code, `Cannot connect to ${formatEndpoint(target)}: ${text}`, { cause: error });
}

function rowOf({ hostname }: Endpoint, error: unknown): Row {
  // Deno's own permissions, which are the operator's rules.
  if (error instanceof Error && error.name === "NotCapable") return ["NOT_ALLOWED"];
  const errno = errnoOf(error);
  // A name that is not found comes as a plain Error.
  if (errno === undefined && parseIp(hostname) === undefined) return ["HOST_UNREACHABLE"];
  return Object.hasOwn(ROWS, errno ?? "") ? ROWS[errno!]! : ["GENERAL_FAILURE"];
}

/** Whether an error says that this machine is short of descriptors or memory, of which whoever connects knows nothing. */
export function isOutOfResources(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno !== undefined && Object.hasOwn(ROWS, errno) && ROWS[errno]![0] === "OUT_OF_RESOURCES";
}
