/**
 * The GSS-API method (RFC 1961) on both sides, over any mechanism. Two phases: tokens until the context stands (section
 * 3), then the level of protection, in a token of the context itself (section 4).
 *
 * @module
 */
export { gssapiClient, type GssapiClientOptions } from "./gssapi/client.ts";
export {
  gssapiServer,
  type GssapiServerOptions,
  type ProtectionPolicy,
  type ProtectionRequest,
} from "./gssapi/server.ts";
