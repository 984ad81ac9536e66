/**
 * Splits `host`, `host:port`, `[v6]`, `[v6]:port` and `[v6%zone]:port` into parts. The callers check the host, the zone and
 * whether port 0 has a meaning.
 *
 * @module
 */

/** Parts of an endpoint's text. */
export interface EndpointParts {
  /** Host name, or address without brackets and zone. Not checked beyond the characters that separate the parts. */
  readonly host: string;
  /** Whether the host stands in brackets, as an IPv6 address does (RFC 3986 section 3.2.2). */
  readonly bracketed: boolean;
  /** Zone of an address in brackets, as it is written (RFC 4007 section 11). */
  readonly zone: string | undefined;
  /** Port, 0 to 65535. */
  readonly port: number;
}

const ENDPOINT = /^(?:\[([0-9A-Fa-f:.]+)(?:%([\w.~@-]+))?\]|([^:[\]/\s]+))(?::(\d{1,5}))?$/;

/**
 * Splits the text of an endpoint.
 *
 * @returns The parts, or `undefined` if the text is not in one of the forms, or names no port and there is no default.
 */
export function splitEndpoint(text: string, defaultPort?: number): EndpointParts | undefined {
  const [whole, address, zone, name, digits] = ENDPOINT.exec(text) ?? [];
  const port = digits === undefined ? defaultPort : Number(digits);
  if (whole === undefined || port === undefined || port > 65_535) return undefined;
  return { host: address ?? name!, bracketed: address !== undefined, zone, port };
}
