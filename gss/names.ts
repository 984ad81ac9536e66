/**
 * GSS-API names (RFC 2743 section 4): a text and the type that says how to read it. A mechanism converts a name to its own form,
 * and returns the peer's name as a mechanism name.
 *
 * @module
 */

/** How to read the text of a {@linkcode GssName}. */
export type GssNameType =
  /** `service@host` (RFC 2743 section 4.1). */
  | "hostbased-service"
  /** A user of the local system (RFC 2743 section 4.2). */
  | "user"
  /** A name in the mechanism's own syntax, such as a Kerberos principal. */
  | "mechanism-name";

/** A name, frozen. */
export interface GssName {
  /** Type of the name. */
  readonly type: GssNameType;
  /** Text of the name. */
  readonly text: string;
}

/**
 * Returns `service@host` as a name (RFC 2743 section 4.1). The host is put in lower case and loses a final dot. It is never
 * looked up, so that the DNS cannot choose the service that a client authenticates to.
 *
 * @throws {TypeError} When service or host are empty or contain an `@` or a `/`.
 *
 * @example
 * ```ts
 * import { hostbasedService } from "@gssocks/gssocks/gss";
 *
 * const name = hostbasedService("rcmd", "Proxy.Example.COM");
 * if (name.text !== "rcmd@proxy.example.com") throw new Error(name.text);
 * ```
 */
export function hostbasedService(service: string, host: string): GssName {
  const canonical = host.toLowerCase().replace(/\.$/, "");
  for (const [part, text] of [["service", service], ["host", canonical]] as const) {
    if (text === "" || /[@/\s\p{Cc}]/u.test(text)) {
      throw new TypeError(`Cannot make a host-based service name: ${part} is ${JSON.stringify(text)}`);
    }
  }
  return Object.freeze({ type: "hostbased-service", text: `${service}@${canonical}` });
}
