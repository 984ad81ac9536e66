/**
 * Why an HTTP client is refused: as a text for people, and as the header field of RFC 9209 for programs.
 *
 * @module
 */
import { printable, shortened } from "../../../base/printable.ts";
import { reasonText } from "../../../base/reason.ts";
import {
  SocksAuthError,
  SocksConnectionError,
  SocksProtocolError,
  SocksProxyError,
  SocksReplyError,
  type SocksReplyErrorCode,
  SocksTimeoutError,
  SocksTlsError,
} from "../../errors.ts";
import { RefusedRequest } from "./http_request.ts";
import { BadResponse } from "./http_response.ts";

/** Returns the reason as one line. */
export function shownReason(error: unknown): string {
  return printable(shortened(reasonText(error)));
}

/** Returns the header field (RFC 9209 section 2): the type of error, and the reason as a string (RFC 8941 section 3.3.3), which is ASCII. */
export function proxyStatus(error: unknown, reason: string): string {
  const ascii = reason.replace(/[^\x20-\x7e]/gu, "?").replace(/["\\]/g, "\\$&");
  return `Proxy-Status: gssocks; error=${kindOf(error)}; details="${ascii}"\r\n`;
}

/** The error type of each reply (RFC 9209 section 2.3). */
const KINDS: Readonly<Record<SocksReplyErrorCode, string>> = {
  GENERAL_FAILURE: "proxy_internal_error",
  OUT_OF_RESOURCES: "proxy_internal_error",
  NOT_ALLOWED: "http_request_denied",
  NETWORK_UNREACHABLE: "destination_ip_unroutable",
  HOST_UNREACHABLE: "destination_unavailable",
  CONNECTION_REFUSED: "connection_refused",
  TTL_EXPIRED: "connection_timeout",
  COMMAND_NOT_SUPPORTED: "proxy_configuration_error",
  ADDRESS_TYPE_NOT_SUPPORTED: "proxy_configuration_error",
};

function kindOf(error: unknown): string {
  if (error instanceof RefusedRequest) return "http_request_error";
  if (error instanceof SocksReplyError) return KINDS[error.code];
  if (error instanceof SocksTimeoutError) return "connection_timeout";
  if (error instanceof SocksTlsError) return "tls_protocol_error";
  if (error instanceof BadResponse) return "http_protocol_error";
  if (error instanceof SocksConnectionError || error instanceof SocksProtocolError) return "connection_terminated";
  if (error instanceof SocksProxyError) return "destination_unavailable";
  // Tickets, passwords and keys belong to the configuration of this proxy.
  return error instanceof SocksAuthError ? "proxy_configuration_error" : "proxy_internal_error";
}
