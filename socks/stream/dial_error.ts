/**
 * Turns errors of the system about a connection that cannot be opened into replies of RFC 1928 section 6.
 *
 * @module
 */
import { reasonText } from "../../base/reason.ts";
import { SocksReplyError, type SocksReplyErrorCode } from "../errors.ts";
import { type Endpoint, formatEndpoint } from "../wire/address.ts";
import { parseIp } from "../wire/ip.ts";

/** The code of the reply, and an explanation if the system's message does not say enough. */
type Row = readonly [code: SocksReplyErrorCode, explanation?: string];

const FORBIDDEN = "a route, a router or a firewall forbids it";
const EXHAUSTED =
  "this machine has no room for another connection, see its limit of open files (ulimit -n, LimitNOFILE)";

/** Rows by errno. None has NOT_ALLOWED: that reply is for rules of the proxy. */
const ROWS: Readonly<Record<string, Row>> = {
  ECONNREFUSED: ["CONNECTION_REFUSED"],
  ENETUNREACH: ["NETWORK_UNREACHABLE"],
  ENETDOWN: ["NETWORK_UNREACHABLE"],
  ENONET: ["NETWORK_UNREACHABLE"],
  // This machine has no address to connect from, or does not support the address family.
  EADDRNOTAVAIL: ["NETWORK_UNREACHABLE"],
  EAFNOSUPPORT: ["NETWORK_UNREACHABLE"],
  EHOSTUNREACH: ["HOST_UNREACHABLE"],
  EHOSTDOWN: ["HOST_UNREACHABLE"],
  ETIMEDOUT: ["HOST_UNREACHABLE"],
  // "Administratively prohibited" is EHOSTUNREACH for IPv4 and EACCES for IPv6; a prohibiting route is EACCES too.
  EACCES: ["HOST_UNREACHABLE", FORBIDDEN],
  EPERM: ["HOST_UNREACHABLE", FORBIDDEN],
  ENOPROTOOPT: ["GENERAL_FAILURE", "the host does not support TCP"],
  EINVAL: ["GENERAL_FAILURE", "the system cannot connect to such an address, or a route blackholes it"],
  EMFILE: ["OUT_OF_RESOURCES", EXHAUSTED],
  ENFILE: ["OUT_OF_RESOURCES", EXHAUSTED],
  ENOBUFS: ["OUT_OF_RESOURCES", "this machine is short of memory for connections"],
  ENOMEM: ["OUT_OF_RESOURCES", "this machine is short of memory"],
};

/** Errors that Deno reports by number on some systems; the numbers are those of Linux. */
const NUMBERS: Readonly<Record<string, string>> = { 64: "ENONET", 112: "EHOSTDOWN" };

/** Returns the errno of an error of the system; `undefined` for any other error. */
function errnoOf(error: unknown): string | undefined {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === "string") return code;
  return NUMBERS[/\(os error (\d+)\)$/.exec(String(message))?.[1] ?? ""];
}

/** Returns the error of a connection that could not be opened. */
export function dialError(target: Endpoint, error: unknown): SocksReplyError {
  const reason = reasonText(error);
  const [code, explanation] = rowOf(target, error);
  const text = explanation === undefined ? reason : `${explanation}: ${reason}`;
  return new SocksReplyError(code, `Cannot connect to ${formatEndpoint(target)}: ${text}`, { cause: error });
}

function rowOf({ hostname }: Endpoint, error: unknown): Row {
  // Deno's permissions are rules that the operator set.
  if (error instanceof Error && error.name === "NotCapable") return ["NOT_ALLOWED"];
  const errno = errnoOf(error);
  // A name that does not exist is a plain Error.
  if (errno === undefined && parseIp(hostname) === undefined) return ["HOST_UNREACHABLE"];
  return Object.hasOwn(ROWS, errno ?? "") ? ROWS[errno!]! : ["GENERAL_FAILURE"];
}

/** Whether an error means that this machine is short of descriptors or memory. Clients cannot see that. */
export function isOutOfResources(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno !== undefined && Object.hasOwn(ROWS, errno) && ROWS[errno]![0] === "OUT_OF_RESOURCES";
}
