/**
 * What an acceptor refuses in a request.
 *
 * @module
 */
import { type Mutant, rules } from "../mutant.ts";

const ACCEPTED = "tests/kerberos/mech/acceptor_context_test.ts";
const ACCEPTOR = "tests/kerberos/mech/acceptor_test.ts";
const NEGOTIATION = "tests/kerberos/mech/negotiation_test.ts";
const REPLAYS = "tests/kerberos/mech/acceptor_replays_test.ts";

/** The rules. */
export const ACCEPTOR_MUTANTS: readonly Mutant[] = [
  ...rules("kerberos/ap/checks.ts", [ACCEPTOR], [
    ["a ticket marked INVALID is refused", "RFC 4120 section 3.2.3", " || (part.flags & TicketFlag.Invalid) !== 0", ""],
    ["a ticket that is not good yet is refused", "RFC 4120 section 3.2.3", "if (starts - skew > now || ", "if ("],
    [
      "a ticket without start is good from authtime on",
      "RFC 4120 section 5.3",
      "part.starttime ?? part.authtime",
      "part.starttime ?? 0",
    ],
    ["clocks may differ when a ticket begins", "RFC 4120 section 3.2.3", "starts - skew > now", "starts > now"],
    ["an expired ticket is refused", "RFC 4120 section 3.2.3", "if (part.endtime + skew < now) {", "if (false) {"],
    [
      "clocks may differ when a ticket ends",
      "RFC 4120 section 3.2.3",
      "part.endtime + skew < now",
      "part.endtime < now",
    ],
    [
      "the authenticator is by the ticket's client",
      "RFC 4120 section 3.2.3, BADMATCH",
      "  if (samePrincipal(clientOf(part), fromPrincipalName(authenticator.cname, authenticator.crealm))) return;",
      "  if (authenticator) return;",
    ],
    [
      "the realm in the authenticator is the ticket's",
      "RFC 4120 section 3.2.3, BADMATCH",
      "if (samePrincipal(clientOf(part), fromPrincipalName(authenticator.cname, authenticator.crealm))",
      "if (samePrincipal(clientOf(part), fromPrincipalName(authenticator.cname, part.crealm))",
    ],
    [
      "the skew is kept to",
      "RFC 4120 section 3.2.3",
      "  if (Math.abs(delta) <= skew) return;",
      "  if (delta <= Infinity) return;",
    ],
    ["the skew is kept to in both directions", "RFC 4120 section 3.2.3", "Math.abs(delta) <= skew", "-delta <= skew"],
    ["the skew is kept to, back", "RFC 4120 section 3.2.3", "Math.abs(delta) <= skew", "delta <= skew"],
    ["microseconds count", "RFC 4120 section 3.2.3", "return ctime + cusec / 1000;", "return ctime;"],
    [
      "AD-AND-OR, which is not read, may not be passed over",
      "RFC 4120 section 5.2.6.3",
      "new Set([AdType.IfRelevant, ",
      "new Set([AdType.IfRelevant, 5, ",
    ],
    ["AD-IF-RELEVANT may be passed over", "RFC 4120 section 5.2.6.1", "new Set([AdType.IfRelevant, ", "new Set(["],
    ["AD-KDCIssued may be passed over", "RFC 4120 section 5.2.6.2", "AdType.KdcIssued, ", ""],
    [
      "every restriction counts, not the first only",
      "RFC 4120 section 5.2.6",
      "data?.find(",
      "data?.slice(0, 1).find(",
    ],
    [
      "a restriction in the ticket that is not known forbids",
      "RFC 4120 section 5.2.6",
      "  checkTicketAuthorization,\n",
      "",
    ],
    [
      "a restriction in the authenticator that is not known forbids",
      "RFC 4120 section 5.2.6",
      "  checkAuthenticatorAuthorization,\n",
      "",
    ],
    ["the subkey's enctype is one that is permitted", "documentation of enctypes", "  checkSubkey,\n", ""],
    ["enctypes are those configured", "documentation of enctypes", "(enctypes?.includes(enctype) ?? true)", "true"],
    ["only the supported enctypes are used", "CVE-2022-33679, CVE-2025-3576", "if (isSupported(enctype) && ", "if ("],
    [
      "transited realms are judged where no KDC has",
      "RFC 4120 section 2.7",
      "  if (transited === undefined || (part.flags & TicketFlag.TransitedPolicyChecked) !== 0) return;",
      "  if (transited) return; else return;",
    ],
    [
      "what a KDC has judged is not judged again",
      "RFC 4120 section 2.7",
      "if (transited === undefined || (part.flags & TicketFlag.TransitedPolicyChecked) !== 0) return;",
      "if (transited === undefined) return;",
    ],
    [
      "the service's realm is that of the key, not the one in clear",
      "RFC 4120 section 2.7",
      "service: serviceKey.principal.realm }",
      "service: ticket.request.ticket.realm }",
    ],
    [
      "[capaths] reaches the acceptor",
      "RFC 4120 section 2.7",
      "service: serviceKey.principal.realm }, transited.capaths);",
      "service: serviceKey.principal.realm });",
    ],
    [
      "a client is somebody",
      "RFC 4120 sections 6.1 and 6.2",
      "  if (isWhole(client)) return;\n",
      "  if (client) return;\n",
    ],
  ]),
  ...rules("kerberos/ap/checks.ts", [REPLAYS], [
    [
      "what is remembered is the sealed authenticator, not what is in clear",
      "go-krb5/krb5#155",
      "replayTag(request.authenticator.cipher)",
      "replayTag(new TextEncoder().encode(JSON.stringify(request.ticket.sname)))",
    ],
    [
      "an authenticator is remembered for as long as it is accepted",
      "RFC 4120 section 3.2.3",
      "expiresAt: now + 2 * skew",
      "expiresAt: now + skew",
    ],
    [
      "until the skew has passed",
      "RFC 4120 section 3.2.3, lost authenticators",
      "clientTime(authenticator) - skew > knowsSince",
      "clientTime(authenticator) > knowsSince",
    ],
    [
      "and not at its last moment",
      "RFC 4120 section 3.2.3, lost authenticators",
      "clientTime(authenticator) - skew > knowsSince",
      "clientTime(authenticator) - skew >= knowsSince - 1",
    ],
    [
      "a cache that knows all of them lets them in at once",
      "documentation of knowsSince",
      "if (knowsSince === undefined || ",
      "if (",
    ],
  ]),
  ...rules("kerberos/mech/acceptor.ts", [ACCEPTOR], [
    ["the skew configured is used", "documentation of clockskew", "skew: clockskew ?? 300_000", "skew: 300_000"],
    [
      "the context's own name is that of the key",
      "CVE-2017-11103",
      "self: toGssName(serviceKey.principal)",
      "self: toGssName(this.#service!)",
    ],
    [
      "a request is an AP-REQ",
      "RFC 4121 section 4.1, KRB_AP_ERR_MSG_TYPE",
      "throw unexpectedMessage(`Cannot accept context: ${id} came",
      "throw defective(`Cannot accept context: ${id} came",
    ],
    [
      "the authenticator has the checksum of GSS-API",
      "RFC 4121 section 4.1.1, CVE-2018-16860",
      "cksum === undefined || cksum.cksumtype !== GSS_CHECKSUM_TYPE",
      "cksum === undefined",
    ],
  ]),
  ...rules("kerberos/mech/acceptor.ts", [ACCEPTED], [
    [
      "channel bindings are compared",
      "RFC 4121 section 4.1.1.2",
      "    if (timingSafeEqual(await channelBindingHash(channelBindings), asked.bindings)) return true;",
      "    if (asked.bindings.length > 0) return true;",
    ],
    [
      "channel bindings are looked at",
      "RFC 4121 section 4.1.1.2",
      "if (channelBindings === undefined || absent) return false;",
      "return false;",
    ],
    [
      "a context without bindings is not given as bound",
      "RFC 2743 section 1.1.6",
      "if (channelBindings === undefined || absent) return false;",
      "if (channelBindings === undefined) return false;\n    if (absent) return true;",
    ],
    [
      "mutual authentication is as the sealed flags say",
      "RFC 4121 section 4.1.1.1",
      "asked.flags.mutual ? KerberosKey",
      "(asked.flags.mutual || this.#service !== undefined) ? KerberosKey",
    ],
    [
      "messages rest on the acceptor's subkey",
      "RFC 4121 section 2; RFC 4120 section 3.2.3",
      "const key = subkey ?? initiatorKey;",
      "const key = initiatorKey;",
    ],
    [
      "the acceptor's subkey is a fresh one",
      "RFC 4120 section 3.2.3",
      "KerberosKey.generate(initiatorKey.enctype, this.#runtime)",
      "new KerberosKey(initiatorKey.enctype, initiatorKey.exportBytes())",
    ],
    [
      "without mutual authentication the acceptor begins with the initiator's number",
      "JDK-8201814",
      "subkey === undefined ? receiveSequence : initialSequence(this.#runtime)",
      "initialSequence(this.#runtime)",
    ],
  ]),
  ...rules("kerberos/mech/acceptor.ts", [REPLAYS], [
    [
      "what may be a replay from before the cache is refused",
      "RFC 4120 section 3.2.3, lost authenticators",
      "    if (!asked.flags.mutual) checkKnownSince(verified.authenticator, policy);\n",
      "",
    ],
    [
      "contexts that rest on the acceptor's subkey are let in at once",
      "RFC 4120 section 3.2.3",
      "if (!asked.flags.mutual) checkKnownSince",
      "checkKnownSince",
    ],
  ]),
  ...rules("kerberos/ap/verify.ts", [ACCEPTOR], [
    [
      "a ticket of user-to-user authentication is told apart",
      "RFC 4120 section 3.2.3, USE-SESSION-KEY",
      "  checkUserToUser(request);\n",
      "",
    ],
    [
      "a key that does not open the ticket is passed over",
      "RFC 4120 section 3.2.3",
      "      if (isIntegrity(error)) continue;\n",
      "",
    ],
    [
      "the ticket's enctype is one that is permitted",
      "RFC 3961 section 8; documentation of enctypes",
      '  checkEnctype("ticket", etype, policy);\n',
      "",
    ],
    [
      "the session key's enctype is one that is permitted",
      "documentation of enctypes",
      '    checkEnctype("session key", part.key.keytype, policy);\n',
      "",
    ],
    [
      "the authenticator has the session key's enctype",
      "RFC 4120 section 5.5.1",
      "  if (etype !== sessionKey.enctype) throw",
      "  if (false) throw",
    ],
    [
      "an authenticator that does not open is told as such",
      "RFC 4120 section 3.2.3, BAD_INTEGRITY",
      'isIntegrity(error) ? notIntact("the session key does not open it", error) : error',
      "error",
    ],
    [
      "the message in it is an AP-REQ",
      "RFC 4120 section 3.2.3, KRB_AP_ERR_MSG_TYPE",
      "  if (applicationTag(message) !== AP_REQ) {",
      "  if (false) {",
    ],
  ]),
  ...rules("kerberos/ap/reply.ts", [ACCEPTED], [
    [
      "the answer repeats the client's time",
      "RFC 4120 section 3.2.4",
      "    ctime: sent.ctime,\n",
      "    ctime: sent.ctime - 1000,\n",
    ],
    [
      "the answer repeats the client's microseconds",
      "RFC 4120 section 3.2.4",
      "    cusec: sent.cusec,\n",
      "    cusec: 0,\n",
    ],
    [
      "the answer is sealed with the session key",
      "RFC 4120 section 3.2.4",
      "await sessionKey.encryptEventually(KeyUsage.ApRepEncPart, part, runtime)",
      "await subkey.encryptEventually(KeyUsage.ApRepEncPart, part, runtime)",
    ],
  ]),
  ...rules("kerberos/ap/checks.ts", [ACCEPTOR, NEGOTIATION], [
    [
      "the service is the one whose key opened the ticket",
      "RFC 4120 section 3.2.3, CVE-2017-11103",
      "const { principal } = ticket.serviceKey;",
      "const principal = fromPrincipalName(ticket.request.ticket.sname, ticket.request.ticket.realm);",
    ],
    ["the service is among those that are accepted", "documentation of services", "  checkService,\n", ""],
  ]),
  ...rules("kerberos/ap/checks.ts", [REPLAYS, NEGOTIATION], [
    ["an authenticator is good once", "RFC 4120 section 3.2.3", "  checkReplay,\n", ""],
  ]),
  ...rules("kerberos/mech/error_token.ts", [ACCEPTOR], [
    [
      "the peer is told the number of the error",
      "RFC 4120 section 3.2.3",
      "errorCode: error.minor || ErrorCode.KRB_ERR_GENERIC",
      "errorCode: ErrorCode.KRB_ERR_GENERIC",
    ],
    [
      "the peer is told no more than a number",
      "rule 5 of CONTRIBUTING.md",
      "    sname: toPrincipalName(named),\n",
      "    sname: toPrincipalName(named),\n    eText: error.message,\n",
    ],
  ]),
  ...rules("kerberos/mech/acceptor.ts", [NEGOTIATION], [
    [
      "an acceptor takes one token",
      "RFC 2743 section 2.2.2, CVE-2015-2695",
      "    if (this.#used) {",
      "    if (false) {",
    ],
  ]),
  ...rules("kerberos/principal.ts", [ACCEPTOR], [
    ["a principal has a realm", "RFC 4120 section 6.1", 'return name.realm !== "" && ', "return "],
    ["a principal has components", "RFC 4120 section 6.2", "name.components.length > 0 && ", ""],
    [
      "no component of a principal is empty",
      "RFC 4120 section 6.2",
      ' && name.components.every((component) => component !== "");',
      ";",
    ],
  ]),
  ...rules("kerberos/mech/delegation.ts", [ACCEPTED], [
    ["a KRB-CRED in clear is taken inside the seal", "RFC 6448 section 3", "etype === NOT_SEALED ?", "false ?"],
    ["a KRB-CRED of an enctype is opened", "RFC 4120 section 5.8.1", "etype === NOT_SEALED ?", "etype <= 0 ?"],
    ["a delegated ticket is somebody's", "RFC 4120 section 6.2", "!isWhole(client) || ", ""],
    ["a delegated ticket is for somebody", "RFC 4120 section 6.2", " || !isWhole(server)", ""],
    [
      "delegated tickets and their keys match in number",
      "RFC 4120 section 5.8.1, CVE-2023-36054",
      "part.ticketInfo.length !== cred.tickets.length || ",
      "",
    ],
    ["a delegation has a ticket", "CVE-2014-5355", " || cred.tickets.length === 0", ""],
    ["a delegated ticket says for whom it is", "RFC 4120 section 5.8.1", " || sname === undefined", ""],
  ]),
];
