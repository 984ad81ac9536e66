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

/** What {@linkcode serviceAt} takes: NAME, NAME@HOST (RFC 2743 section 4.1), or NAME/HOST as Kerberos writes it. */
const SERVICE_FORM = /^([^@/]+)(?:[@/]([^@/]+))?$/;

/**
 * Returns a host-based name out of the text of a service: `rcmd` for the host given, `rcmd@proxy.corp` for another one. `rcmd/proxy.corp`
 * is taken as the same.
 *
 * @param service The service, with or without a host.
 * @param host Host where the service names none.
 * @throws {TypeError} When the text has another form.
 */
export function serviceAt(service: string, host: string): GssName {
  const found = SERVICE_FORM.exec(typeof service === "string" ? service : "");
  if (found === null) {
    throw new TypeError(
      `Cannot use service ${
        JSON.stringify(service)
      }: it is NAME or NAME@HOST, such as rcmd or rcmd@proxy.example.com, without a realm`,
    );
  }
  return hostbasedService(found[1]!, found[2] ?? host);
}
