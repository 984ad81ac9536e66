/**
 * Principals, names in a realm (RFC 4120 section 6), and their text form (RFC 1964 section 2.1.1).
 *
 * @module
 */
import { formatNameText, parseEnterpriseText, parseNameText } from "../base/name_text.ts";
import type { GssName } from "../gss/names.ts";
import { NameType } from "./registry/name_types.ts";

/** A principal. It is frozen. */
export interface Principal {
  /** Name type, a hint; comparison ignores it (RFC 4120 section 6.2). */
  readonly nameType: number;
  /** Components, such as `["rcmd", "proxy.example.com"]`. */
  readonly components: readonly string[];
  /** Realm, such as `EXAMPLE.COM`; empty if it is not known. */
  readonly realm: string;
}

/** A principal's name as messages carry it, without the realm (RFC 4120 section 5.2.2). */
export interface PrincipalName {
  readonly nameType: number;
  readonly nameString: readonly string[];
}

/** Creates a principal from its parts. */
export function principal(
  realm: string,
  components: readonly string[],
  nameType: number = NameType.Principal,
): Principal {
  const own = Object.isFrozen(components) ? components : Object.freeze([...components]);
  return Object.freeze({ nameType, components: own, realm });
}

/**
 * Reads `component/component@REALM`. A backslash quotes `/`, `@` and itself, and writes control characters as `\n`, `\t`,
 * `\b` and `\0`. A text without a realm gets the default realm.
 *
 * @throws {TypeError} When the text has two realms or ends in a backslash.
 *
 * @example
 * ```ts
 * import { formatPrincipal, parsePrincipal } from "@gssocks/gssocks/kerberos";
 *
 * const name = parsePrincipal("rcmd/proxy.example.com", { defaultRealm: "EXAMPLE.COM" });
 * if (formatPrincipal(name) !== "rcmd/proxy.example.com@EXAMPLE.COM") throw new Error("not the same");
 * ```
 */
export function parsePrincipal(text: string, options: ParsePrincipalOptions = {}): Principal {
  const { components, realm = options.defaultRealm ?? "" } = parseNameText(text);
  return principal(realm, components, options.nameType);
}

/**
 * Reads an enterprise name such as `user@example.com` or, with the realm whose KDC is asked, `user@example.com@EXAMPLE.COM` (RFC 6806
 * section 5). A text without a realm gets the default realm.
 *
 * @throws {TypeError} When the text has two realms or ends in a backslash.
 *
 * @example
 * ```ts
 * import { formatPrincipal, parseEnterprisePrincipal } from "@gssocks/gssocks/kerberos";
 *
 * const name = parseEnterprisePrincipal("user@example.com@AD.EXAMPLE.COM");
 * if (formatPrincipal(name) !== "user\\@example.com@AD.EXAMPLE.COM") throw new Error("not the same");
 * ```
 */
export function parseEnterprisePrincipal(
  text: string,
  options: { readonly defaultRealm?: string | undefined } = {},
): Principal {
  const { components, realm = options.defaultRealm ?? "" } = parseEnterpriseText(text);
  return principal(realm, components, NameType.Enterprise);
}

/** Options of {@linkcode parsePrincipal}. */
export interface ParsePrincipalOptions {
  /** Realm of a text without one. @default {""} */
  readonly defaultRealm?: string | undefined;
  /** Name type. @default {1, NT-PRINCIPAL} */
  readonly nameType?: number | undefined;
}

/**
 * Returns the text form that {@linkcode parsePrincipal} reads, as MIT's programs write it: a backslash before `/`, `@` and
 * itself; `\n`, `\t`, `\b` and `\0` for these control characters; everything else unchanged. Other control characters stay
 * in the text: a program that shows a name to people must remove them.
 *
 * @example
 * ```ts
 * import { formatPrincipal, parsePrincipal } from "@gssocks/gssocks/kerberos";
 *
 * const name = parsePrincipal("John Doe@EXAMPLE.COM");
 * if (formatPrincipal(name) !== "John Doe@EXAMPLE.COM") throw new Error("not the same");
 * ```
 */
export function formatPrincipal(name: Principal): string {
  return formatNameText(name);
}

/** Whether two principals are the same: realm and components are compared, with case. */
export function samePrincipal(a: Principal, b: Principal): boolean {
  return a.realm === b.realm && a.components.length === b.components.length &&
    a.components.every((component, i) => component === b.components[i]);
}

/**
 * Whether a name has a realm and components that are not empty (RFC 4120 sections 6.1 and 6.2). A name in a message may be
 * empty even if it is sealed with the right key.
 */
export function isWhole(name: Principal): boolean {
  return name.realm !== "" && name.components.length > 0 && name.components.every((component) => component !== "");
}

/** Returns the ticket-granting service of `target` in the realm `issuer`: `krbtgt/TARGET@ISSUER` (RFC 4120 section 7.3). */
export function krbtgt(target: string, issuer: string = target): Principal {
  return principal(issuer, ["krbtgt", target], NameType.SrvInst);
}

/** Returns the name of a principal as messages carry it. */
export function toPrincipalName(name: Principal): PrincipalName {
  return { nameType: name.nameType, nameString: name.components };
}

/** Returns the principal of a name and a realm in a message. */
export function fromPrincipalName(name: PrincipalName, realm: string): Principal {
  return principal(realm, name.nameString, name.nameType);
}

/**
 * Returns the principal of a GSS-API name (RFC 1964 section 2.1): `service@host` becomes `service/host` with an empty realm,
 * which is found from the host later.
 *
 * @throws {TypeError} When the text does not fit the type of the name.
 */
export function principalOfGssName(name: GssName, defaultRealm = ""): Principal {
  if (name.type !== "hostbased-service") return parsePrincipal(name.text, { defaultRealm });
  const at = name.text.indexOf("@");
  if (at < 1 || at === name.text.length - 1) {
    throw new TypeError(`Cannot read host-based service name ${JSON.stringify(name.text)}: it is not service@host`);
  }
  return principal("", [name.text.slice(0, at), name.text.slice(at + 1)], NameType.SrvHst);
}

/** Returns a principal as a GSS-API name. */
export function toGssName(name: Principal): GssName {
  return Object.freeze({ type: "mechanism-name", text: formatPrincipal(name) });
}
