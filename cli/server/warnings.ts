/**
 * Warnings about settings that are valid, and yet dangerous or without effect.
 *
 * @module
 */
import { printable } from "../../base/printable.ts";
import type { ServeOptions } from "../../mod.ts";
import { allowsBroadBlock } from "../../socks/rules/destination.ts";
import { ruleLine } from "../../socks/rules/rule.ts";
import { parseIp } from "../../socks/wire/ip.ts";
import { ruleWarnings } from "./rule_warnings.ts";
import { asksNameServers } from "../../socks/shell/system_resolver.ts";

/** What each insecure setting gives up. */
const WARNINGS = {
  insecureNecMode: "the level of protection is agreed upon in clear, and can be changed on its way",
  insecureWithoutMutual: "a recording of a client without mutual authentication may get in, here or at another server",
  insecureUnordered:
    "messages of a client without sequence detection can be left out, repeated and swapped on their way",
} as const;
const INSECURE = Object.keys(WARNINGS) as (keyof typeof WARNINGS)[];

const NO_CAPATHS =
  "Note: krb5.conf may not be read, so that [capaths] and permitted_enctypes count for nothing; allow it with " +
  "--allow-env=KRB5_CONFIG and --allow-read";

/**
 * Returns the warnings about options.
 *
 * @param asksServers Whether the system's resolver asks name servers, and so knows what a name becomes.
 */
export function warnings(options: ServeOptions, asksServers: boolean = asksNameServers()): string[] {
  const { rules, keytab, gssapi = {} } = options;
  return [
    ...rules?.length === 0 ? ["Warning: there is no rule, so that nothing is allowed"] : [],
    ...ruleWarnings(options),
    ...muchAllowed(rules),
    ...announcedNames(options),
    ...asksServers ? [] : namesOnly(rules),
    ...keytab !== undefined && gssapi.capaths === undefined ? [NO_CAPATHS] : [],
    ...INSECURE.filter((knob) => gssapi[knob]).map((knob) => `Warning: ${WARNINGS[knob]}`),
  ];
}

/** What is announced to clients and is no address: each client must look it up, and many cannot. */
function announcedNames({ datagrams: { announce = [] } = {} }: ServeOptions): string[] {
  return [announce].flat().filter((host) => parseIp(host) === undefined).map((host) =>
    `Warning: datagrams.announce: "${
      printable(host)
    }" is no address; clients of UDP and BIND get the name, and many take addresses only`
  );
}

/** Rules that deny less than they seem to. */
function namesOnly(rules: ServeOptions["rules"] = []): string[] {
  const denies = rules.find((rule) =>
    typeof rule !== "string" && rule.action === "deny" && rule.destinations.some(({ type }) => type === "domain")
  );
  if (denies === undefined || typeof denies === "string") return [];
  return [
    `Warning: rules by name such as "${
      printable(ruleLine(denies))
    }" are not asked about CNAMEs and search lists here: names are ` +
    "looked up by getaddrinfo, which does not tell them; deny by address too, or let the server ask the name servers, with " +
    '"hosts: files dns" in nsswitch.conf and --allow-read=/etc/hosts,/etc/resolv.conf,/etc/nsswitch.conf',
  ];
}

/** Rules that allow less than they seem to. */
function muchAllowed(rules: ServeOptions["rules"] = []): string[] {
  return rules.flatMap((rule) =>
    typeof rule !== "string" && allowsBroadBlock(rule)
      ? [
        `Warning: rule "${
          printable(ruleLine(rule))
        }" counts as "*": a block shorter than /8 opens no loopback, private or other special ` +
        "address; allow those by a rule that names them",
      ]
      : []
  );
}
