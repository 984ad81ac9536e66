/**
 * Principals: a name in a realm (RFC 4120 section 6), with the text form of RFC 1964 section 2.1.1.
 *
 * @module
 */
import { formatNameText, parseNameText } from "../base/name_text.ts";
import type { GssName } from "../gss/names.ts";
import { NameType } from "./registry/name_types.ts";
import type { PrincipalName } from "./messages/basic.ts";

/** A principal, frozen. */
export interface Principal {
  /** Name type; it says how the name was meant and takes no part in comparison (RFC 4120 section 6.2). */
  readonly nameType: number;
  /** Components, such as `["rcmd", "proxy.example.com"]`. */
  readonly components: readonly string[];
  /** Realm, such as `EXAMPLE.COM`; empty where it is not known. */
  readonly realm: string;
}

/** Makes a principal out of its parts. */
export function principal(
  realm: string,
  components: readonly string[],
  nameType: number = NameType.Principal,
): Principal {
  return Object.freeze({ nameType, components: Object.freeze([...components]), realm });
}

/**
 * Reads `component/component@REALM`, where a backslash takes the meaning from `/`, `@` and itself and stands for control
 * characters in `\n`, `\t`, `\b` and `\0`. Without a realm the default one is taken.
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

/** What {@linkcode parsePrincipal} takes beside the text. */
export interface ParsePrincipalOptions {
  /** Realm of a text that names none. @default {""} */
  readonly defaultRealm?: string | undefined;
  /** Name type. @default {1, NT-PRINCIPAL} */
  readonly nameType?: number | undefined;
}

/**
 * The text form that {@linkcode parsePrincipal} reads, as MIT's programs write it: a backslash in front of `/`, `@` and
 * itself, `\n`, `\t`, `\b` and `\0` for these four, and all else as it is. A blank has no backslash; another control
 * character stands as itself, so whoever shows a name of somebody else's choice has to take care of those.
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

/** Whether two principals are the same one: realm and components, case counted. */
export function samePrincipal(a: Principal, b: Principal): boolean {
  return a.realm === b.realm && a.components.length === b.components.length &&
    a.components.every((component, i) => component === b.components[i]);
}

/**
 * Whether there can be such a principal: a realm, and components that say something (RFC 4120 sections 6.1 and 6.2). What a
 * message names may be empty and sealed with the right key all the same.
 */
export function isWhole(name: Principal): boolean {
  return name.realm !== "" && name.components.length > 0 && name.components.every((component) => component !== "");
}

/** The ticket-granting service of `target`, as `issuer` knows it: `krbtgt/TARGET@ISSUER` (RFC 4120 section 7.3). */
export function krbtgt(target: string, issuer: string = target): Principal {
  return principal(issuer, ["krbtgt", target], NameType.SrvInst);
}

/** Name of a principal as messages carry it. */
export function toPrincipalName(name: Principal): PrincipalName {
  return { nameType: name.nameType, nameString: name.components };
}

/** Principal out of the two fields that messages carry. */
export function fromPrincipalName(name: PrincipalName, realm: string): Principal {
  return principal(realm, name.nameString, name.nameType);
}

/**
 * The principal that a GSS-API name stands for (RFC 4121 section 1, RFC 1964 section 2.1): `service@host` becomes
 * `service/host` with an empty realm, to be found from the host.
 *
 * @throws {TypeError} When the text does not fit the type.
 */
export function principalOfGssName(name: GssName, defaultRealm = ""): Principal {
  if (name.type !== "hostbased-service") return parsePrincipal(name.text, { defaultRealm });
  const at = name.text.indexOf("@");
  if (at < 1 || at === name.text.length - 1) {
    throw new TypeError(`Cannot read host-based service name ${JSON.stringify(name.text)}: service@host wanted`);
  }
  return principal("", [name.text.slice(0, at), name.text.slice(at + 1)], NameType.SrvHst);
}

/** A principal as a GSS-API name. */
export function toGssName(name: Principal): GssName {
  return Object.freeze({ type: "mechanism-name", text: formatPrincipal(name) });
}
