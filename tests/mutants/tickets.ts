// deno-fmt-ignore-file -- a line a rule
/**
 * Rules about tickets as realms in use issue them, and about what refusals say, each with the change that switches it off.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const TGS = ["tests/kerberos/exchange/tgs_test.ts"];
const TGS_REPLY = ["tests/kerberos/exchange/tgs_reply_test.ts"];
const REFUSALS = ["tests/kerberos/exchange/as_refusals_test.ts"];
const AS = ["tests/kerberos/exchange/as_test.ts"];
const ADVICE = ["tests/kerberos/refusal_advice_test.ts"];
const CONFIG = ["tests/kerberos/config/config_test.ts"];
const LOCATE = ["tests/kerberos/reach/locate_test.ts"];

const NO_TICKET = ["tests/kerberos/credentials/tickets/no_ticket_test.ts"];
const HELD = ["tests/kerberos/credentials/tickets/tickets_test.ts"];
const PRINCIPAL = ["tests/kerberos/principal_test.ts"];
const KINIT = ["tests/cli/commands/kinit_test.ts"];
const KSWITCH = ["tests/cli/commands/kswitch_test.ts"];
const KVNO = ["tests/cli/commands/kvno_test.ts"];

const MIT = "MIT's kinit and kvno";
const R5 = "RFC 6806 section 5";
const R7 = "RFC 6806 section 7";
const R8 = "RFC 6806 section 8";
const S3331 = "RFC 4120 section 3.3.3.1";
const FALLBACK = "MIT's fallback realm";
const TOLD = "what is wrong is told as what it is";

/** The rules. */
export const TICKETS_MUTANTS: readonly Mutant[] = [
  ...rules("kerberos/exchange/tgs.ts", TGS, [
    ["an unknown service is looked for in the realm of its host's domain", FALLBACK, "    for (const realm of input.fallbackRealms ?? []) {", "    for (const realm of [] as string[]) {", "realm of the host's domain"],
    ["a realm that was named is the only one", FALLBACK, 'if (input.service.realm !== "" || !isUnknownService(error)) throw error;', "if (!isUnknownService(error)) throw error;", "realm of the host's domain"],
    ["the realm that knows no such service is named", TOLD, "if (asked.has(realm) || !isUnknownService(again)) throw again;", "if (!isUnknownService(again)) throw again;", "realm of the host's domain"],
    ["a realm that nobody knows the way to is passed over", FALLBACK, "if (asked.has(realm) || !isUnknownService(again)) throw again;", "throw again;", "realm of the host's domain"],
    ["a realm between is tried where the KDC knows no way", "RFC 4120 section 1.2", "const between = input.realmsBetween?.(input.tgt.client.realm, target) ?? [];", "const between: string[] = [];", "sibling domain"],
  ]),
  ...rules("kerberos/credentials/tickets/tgs_client.ts", TGS, [
    ["[capaths] says which realms lie between", "krb5.conf, [capaths]", "realmsOnPath({ client, service }, config.capaths)", "realmsOnPath({ client, service })", "sibling domain"],
  ]),
  ...rules("kerberos/config/realms.ts", TGS, [
    ["domains above the host's own only as configured", "krb5.conf, realm_try_domains", "realms.length <= Math.max(0, realmTryDomains)", "realms.length <= 5", "realm of the host's domain"],
    ["the host's own domain is always tried", FALLBACK, "Math.max(0, realmTryDomains)", "realmTryDomains", "realm of the host's domain"],
  ]),
  ...rules("kerberos/config/realms.ts", CONFIG, [
    ["an address has no domain", FALLBACK, 'if (host.includes(":") || /^\\d*$/.test(labels.at(-1)!)) return [];\n', "", "addresses of hosts"],
  ]),
  ...rules("kerberos/exchange/tgs.ts", TGS_REPLY, [
    ["what is renewable stays renewable", S3331, "(renewable ? KdcOption.Renewable : 0) | ", "", "renewable"],
    ["the end of renewals is asked for again", S3331, "    ...(renewable ? { rtime: tgt.renewTill } : {}),\n", "", "renewable"],
    ["what is not renewable does not become so", S3331, "const renewable = (tgt.flags & TicketFlag.Renewable) !== 0 && tgt.renewTill > 0;", "const renewable = true;", "renewable"],
    ["a service that comes back renamed is asked for by its name", R8, "return yield* askOnce(input, tgt, service, 0);", "return got;", "comes back renamed"],
    ["a ticket that is renewed or forwarded is asked for once", R8, "isReferral(got, service.realm) || isExact(input)) return got;", "isReferral(got, service.realm)) return got;", "comes back renamed"],
  ]),
  ...rules("kerberos/kdc/tgs.ts", ["tests/kerberos/kdc/tgs_test.ts"], [
    ["KDC: a renewed ticket is renewable again only if asked for", S3331, "kdcOptions: body.kdcOptions & KdcOption.Renewable,", "kdcOptions: KdcOption.Renewable,", "RENEW changes"],
  ]),
  ...rules("kerberos/exchange/preauth/table.ts", REFUSALS, [
    ["mechanisms that a KDC offers are named", TOLD, "mechanismName(padataType)).filter(", "String(padataType)).filter(", "in words"],
    ["so many mechanisms are named at most", "a stranger's text", "[...offered].slice(0, MAX_NAMED)", "[...offered]", "in words"],
  ]),
  ...rules("kerberos/exchange/as_reply.ts", REFUSALS, [
    ["a wrong password is told as one without pre-authentication too", TOLD, "    throw wrongKey(phase, error);\n", "    throw error;\n", "wrong password"],
  ]),
  ...rules("kerberos/exchange/as.ts", REFUSALS, [
    ["a keytab without the client is named", TOLD, '(held === undefined ? "" : `; ${held}`)', '""', "which keytab"],
  ]),
  ...rules("kerberos/exchange/as.ts", AS, [
    ["a postdated ticket is asked for as one", "RFC 4120 section 2.4", "(startDelay > 0 ? KdcOption.MayPostdate | KdcOption.Postdated : 0) |", "0 |", "postdated"],
    ["a postdated ticket lasts from its start on", "RFC 4120 section 2.4", "const from = Math.min(now + startDelay, LATEST_TIME);", "const from = now;", "postdated"],
  ]),
  ...rules("kerberos/exchange/client_key.ts", REFUSALS, [
    ["so many keys of a keytab are named at most", "a text that can be read", "lines.slice(0, MAX_DESCRIBED)", "lines", "which keytab"],
  ]),
  ...rules("kerberos/clock_text.ts", ADVICE, [
    ["it is told which clock is behind", TOLD, 'ahead < 0 ? "behind" : "ahead of"', 'ahead > 0 ? "behind" : "ahead of"', "which clock"],
  ]),
  ...rules("kerberos/refusal_advice.ts", ADVICE, [
    ["our own clock is told", TOLD, "clockDifference(-clockOffset)", "clockDifference(clockOffset)", "which clock"],
    ["enctypes that were requested are told", TOLD, 'const ours = enctypes.length === 0', 'const ours = enctypes.length >= 0', "enctypes"],
    ["a realm without a way there is no unknown service", TOLD, "return target === undefined || target === realm\n", "return true\n", "without a way"],
  ]),
  ...rules("kerberos/reach/locate.ts", LOCATE, [
    ["a realm is found in another case", R7, "return similar.length === 1 ? similar[0]![1] : undefined;", "return undefined;", "another case"],
    ["no realm is guessed", R7, "return similar.length === 1 ? similar[0]![1] : undefined;", "return similar[0]?.[1];", "another case"],
    ["a realm's own name goes first", R7, "  if (exact !== undefined) return exact;\n", "", "another case"],
    ["a name without a realm is told as one", TOLD, 'if (realm === "") {', "if (false) {", "another case"],
  ]),
  ...rules("kerberos/credentials/tickets/no_ticket.ts", NO_TICKET, [
    ["a ticket is called expired only when it is", TOLD, "own.find(({ endtime }) => endtime > now)", "undefined as Credential | undefined", "only when it is"],
    ["a ticket that has ended is called expired", TOLD, "own.find(({ endtime }) => endtime > now)", "own[0]", "only when it is"],
    ["a session key that is not supported is told", TOLD, "return isSupported(key.enctype)\n", "return key.enctype > 0\n", "session key"],
    ["a cache without a ticket-granting ticket is told", TOLD, "if (granting.length === 0) {", "if (false) {", "without a ticket-granting"],
    ["a ticket of another principal is told", TOLD, "if (own.length === 0) {", "if (false) {", "another principal"],
    ["settings in a cache are no tickets", TOLD, "data.credentials.filter(({ isConfiguration }) => !isConfiguration)", "data.credentials", "without a ticket-granting"],
    ["so many services are named at most", "a text that can be read", "held.slice(0, MAX_NAMED)", "held", "without a ticket-granting"],
    ["a ticket that begins later is told", TOLD, "if (starttime > now + config.clockskew) {", "if (false) {", "not valid yet"],
    ["a postdated ticket is told", TOLD, "if ((flags & TicketFlag.Invalid) !== 0) return", "if (false) return", "not valid yet"],
  ]),
  ...rules("kerberos/credentials/tickets/selection.ts", NO_TICKET, [
    ["a postdated ticket shows no clock that is wrong", "RFC 4120 section 2.4", "  if ((tgt.flags & TicketFlag.Invalid) !== 0) return false;\n", "", "not valid yet"],
  ]),
  ...rules("kerberos/credentials/tickets/tickets.ts", HELD, [
    ["a ticket about to end is used if no fresher one can be had", "RFC 4120 section 3.2.3", "      if (ending === undefined) throw error;\n", "      if (ending !== undefined || true) throw error;\n", "no fresher one"],
  ]),
  ...rules("kerberos/credentials/tickets/ticket_store.ts", HELD, [
    ["a ticket that has ended is not used", "RFC 4120 section 3.2.3", "const terms = { ...this.#terms(data), margin: 0 };", "const terms = { ...this.#terms(data), margin: -Infinity };", "no fresher one"],
  ]),
  ...rules("base/name_text.ts", PRINCIPAL, [
    ["the second @ of an enterprise name is the realm's", R5, '!quoted && character === "@" && name.includes("@")', '!quoted && character === "@"', "parseEnterprise"],
    ["an enterprise name has one realm", R5, '      if (!quoted && character === "@") {\n', "      if (false) {\n", "parseEnterprise"],
  ]),
  ...rules("cli/commands/kinit.ts", KINIT, [
    ["-F decides over krb5.conf", MIT, "args.has(no) ? false : undefined", "undefined", "decide over"],
    ["the enterprise name is read as one", R5, 'args.has("enterprise") ? parseEnterprisePrincipal : parsePrincipal', "parsePrincipal", "enterprise"],
    ["what cannot be had is refused", MIT, "    if (args.has(name)) throw new UsageError(`--${name} (-", "    if (false) throw new UsageError(`--${name} (-", "refuses wrong"],
    ["an initial ticket is for the client's own realm", "RFC 4120 section 5.4.1", "if (service.realm === client.realm) return service;", "return service;", "kinit: -S"],
    ["a keytab without the client is named", TOLD, "return keytabKey(keys, client, { name });", "return keytabKey(keys, client);", "kinit: -i"],
    ["a client keytab is another one", MIT, 'if (args.has("client-keytab")) return defaultClientKeytabName(config);\n', "", "kinit: -i"],
    ["a password file is read", "Heimdal's kinit", 'file === undefined || file === "STDIN"', "true", "password-file"],
  ]),
  ...rules("cli/commands/kinit.ts", KSWITCH, [
    ["-V names the cache of a collection that is used", MIT, "return await cache.collection?.primary() ?? cache;", "return cache;", "kinit -V"],
    ["the ticket of the principal named is renewed, not the primary's", MIT, "  if (own !== undefined) return own;\n", "", "kinit -V"],
    ["what was not to be done is told", TOLD, 'args.has("renew") ? "renew" : "validate"', '"renew"', "kinit -V"],
  ]),
  ...rules("cli/commands/kdestroy.ts", KSWITCH, [
    ["a cache that cannot be destroyed keeps none of the others", "MIT's kdestroy -A", "      failure = exitCodeFor(error);\n", "      throw error;\n", "kdestroy:"],
  ]),
  ...rules("kerberos/credentials/tickets/member_tickets.ts", ["tests/kerberos/credentials/tickets/member_tickets_test.ts"], [
    ["a client that the KDC names otherwise keeps its cache", R5, "    this.#canonical = ticket.credential.client;\n", "", "names otherwise"],
  ]),
  ...rules("kerberos/credentials/tickets/tickets.ts", ["tests/kerberos/credentials/tickets/member_tickets_test.ts"], [
    ["an initial ticket tells which cache is the client's", R5, "members.ticket(await members.member(), (one) => one.initialTicket(options))", "(await members.member()).initialTicket(options)", "names otherwise"],
    ["a fresh ticket tells which cache is the client's", R5, "members.ticket(await members.member(), (one) => one.freshTicket({ signal }))", "(await members.member()).freshTicket({ signal })", "names otherwise"],
  ]),
  ...rules("kerberos/system.ts", ["tests/kerberos/system_test.ts"], [
    ["keys in a file are read for each request", "users", "      try {\n        key = keytabKey(readKeytab(name), client, { name });\n", "      try {\n", "systemTickets"],
    ["keys that were read before are used while the file cannot be read", "users", "        if (!(error instanceof KerberosError)) throw error;\n", "        throw error;\n", "systemTickets"],
    ["a keytab file without the client is named", TOLD, "    describe: () => key.describe!(),\n", "", "systemTickets"],
  ]),
  ...rules("kerberos/mech/delegation.ts", ["tests/kerberos/mech/delegation_test.ts"], [
    ["a delegated ticket that has no start begins with the authentication", "RFC 4120 section 5.3", "starttime: info.starttime || info.authtime,", "starttime: info.starttime,", "start of zero"],
  ]),
  ...rules("cli/commands/kvno.ts", KVNO, [
    ["the services that follow get their tickets", MIT, "        failure ??= exitCodeFor(error);\n", "        throw error;\n", "keep the others"],
    ["-q shows nothing", MIT, 'if (!args.has("quiet") && !args.has("json"))', 'if (!args.has("json"))', "shows nothing"],
    ["hosts are written in small letters", MIT, "[service, word.toLowerCase()]", "[service, word]", "takes hosts"],
    ["-e reads no setting that is not needed", "users", "withSettings(config, { defaultTgsEnctypes: [enctype] })", "{ ...config, defaultTgsEnctypes: [enctype] }", "not needed"],
    ["--no-store leaves the cache as it is", MIT, 'if (!args.has("no-store")) return systemTickets({ config, cache, tracer });', "if (true as boolean) return systemTickets({ config, cache, tracer });", "no-store"],
    ["--cached-only asks no KDC", MIT, 'if (args.has("cached-only")) return new KerberosTickets({ config, cache, tracer });\n', "", "no-store"],
    ["what cannot be had is refused", MIT, "    if (args.has(name)) throw new UsageError(`--${name} cannot", "    if (false) throw new UsageError(`--${name} cannot", "refuses wrong"],
  ]),
];
