/**
 * Rules about accounts of a directory, each with the change that switches it off: reading and verifying PACs, making them, and what
 * rules, limits, log and status page take from them.
 *
 * @module
 */
import { type Mutant, rules } from "./mutant.ts";

const ACCOUNT = "tests/kerberos/pac/account_test.ts";
const LOGON = "tests/kerberos/pac/logon_info_test.ts";
const VECTORS = "tests/kerberos/pac/vectors_test.ts";
const KDC = "tests/kerberos/kdc/pac_test.ts";
const RULES = "tests/socks/rules/accounts_test.ts";
const SHOWN = "tests/cli/monitor/account_test.ts";
const SIDS = "tests/base/sid_test.ts";
const AUTHORIZATION = "RFC 4120 section 5.2.6";

/** The rules. */
export const ACCOUNTS_MUTANTS: readonly Mutant[] = [
  ...rules("kerberos/pac/account.ts", [ACCOUNT, VECTORS], [
    [
      "no account without a server signature",
      "MS-PAC section 2.8.4",
      "  await verifyServerSignature(pac, buffers, key);\n",
      "",
    ],
    [
      "a PAC is that of the ticket's client",
      "MS-PAC section 2.7",
      "client === undefined || !isAbout(",
      "client === undefined || false && !isAbout(",
    ],
    [
      "a PAC names its client",
      "MS-PAC section 2.7",
      "client === undefined || !isAbout(",
      "client !== undefined && !isAbout(",
    ],
    ["two PACs prove nothing", "MS-PAC section 2", "if (another !== undefined)", "if (false)"],
    ["a PAC may be passed over", "MS-PAC section 2", "adType === AdType.IfRelevant ?", "false ?"],
    ["only AD-WIN2K-PAC is a PAC", "RFC 4120 section 7.5.4", ".filter(({ adType }) => adType === AdType.Win2kPac)", ""],
    ["both parts name one SID", "MS-PAC section 2.10", "sam.sid !== sid ||", ""],
    ["both parts name one account", "MS-PAC section 2.10", " || sam.account !== account", ""],
    [
      "a PAC without an account names none",
      "MS-PAC section 2.4",
      "if (logon === undefined) return undefined;",
      'if (logon === undefined) throw new KerberosError("BAD_MESSAGE", "x");',
    ],
    [
      "a PAC that is cut off shuts nobody out",
      "MS-PAC section 2",
      "if (error instanceof RangeError) return",
      "if (false) return",
    ],
    [
      "a broken PAC shuts nobody out",
      "MS-PAC section 2",
      "if (error instanceof KerberosError) return { state",
      "if (false) return { state",
    ],
    [
      "what may be passed over need not be readable",
      "RFC 4120 section 5.2.6.1",
      "if (error instanceof KerberosError) return [];",
      "",
    ],
  ]),
  ...rules("kerberos/pac/signature.ts", [ACCOUNT, VECTORS], [
    [
      "the server signature is compared",
      "MS-PAC section 2.8.4",
      "if (!await key.verifyChecksum(",
      "if (!await key.verifyChecksum && !await key.verifyChecksum(",
    ],
    [
      "the checksum type is that of the key",
      "MS-PAC section 2.8.4",
      "if (type !== key.checksumType) {",
      "if (false) {",
    ],
    [
      "a KDC signature is there",
      "MS-PAC section 2.4",
      "if (bufferOf(buffers, PacType.KdcSignature) === undefined) {",
      "if (false) {",
    ],
    [
      "a signature has its length",
      "MS-PAC section 2.8",
      "reader.remaining !== 0 && reader.remaining !== RODC_IDENTIFIER",
      "false",
    ],
    [
      "a signature may have the identifier of a branch's KDC",
      "MS-PAC section 2.8",
      " && reader.remaining !== RODC_IDENTIFIER",
      "",
    ],
    [
      "the KDC signature is zero when the server's is made",
      "MS-PAC section 2.8.4",
      "[PacType.ServerSignature, PacType.KdcSignature];",
      "[PacType.ServerSignature];",
    ],
    [
      "the server signature is zero when it is made",
      "MS-PAC section 2.8.4",
      "[PacType.ServerSignature, PacType.KdcSignature];",
      "[PacType.KdcSignature];",
    ],
    [
      "the identifier of a branch's KDC is zero, too",
      "MS-PAC section 2.8",
      "buffer.offset + buffer.data.length);",
      "buffer.offset + TYPE + 12);",
    ],
  ]),
  ...rules("kerberos/registry/key_usages.ts", [VECTORS], [
    ["PACs are signed under their key usage", "MS-PAC section 2.8.4", "PacSignature: 17,", "PacSignature: 16,"],
  ]),
  ...rules("kerberos/pac/client_info.ts", [ACCOUNT], [
    [
      "a PAC names the ticket's client exactly",
      "MS-PAC section 2.7",
      "texts.includes(name)",
      "texts.some((text) => text.toLowerCase() === name.toLowerCase())",
    ],
    [
      "a PAC is of the ticket's login",
      "MS-PAC section 2.7",
      " && Math.floor(authtime / 1000) === Math.floor(time / 1000)",
      "",
    ],
    ["a client's name is plain", "MS-PAC section 2.7", 'components.join("/"), ', ""],
    ["a client's name may be quoted", "MS-PAC section 2.7", ", formatNameText({ components, realm: undefined })", ""],
  ]),
  ...rules("kerberos/pac/container.ts", [LOGON, VECTORS, ACCOUNT], [
    ["buffers lie apart", "MS-PAC section 2", "  checkApart(buffers);\n", ""],
    ["a buffer begins on its boundary", "MS-PAC section 2.4", "offset % ALIGNMENT !== 0 ||", ""],
    ["a buffer lies after the table", "MS-PAC section 2.3", "offset < start ||", ""],
    ["a buffer ends within the PAC", "MS-PAC section 2.4", " || offset + size > pac.length", ""],
    ["an offset has 64 bits", "MS-PAC section 2.4", "high !== 0 ||", ""],
    ["the table is no longer than the PAC", "MS-PAC section 2.3", "if (start > pac.length)", "if (count > 1e9)"],
    ["the version is zero", "MS-PAC section 2.3", "if (version !== 0)", "if (false)"],
  ]),
  ...rules("kerberos/pac/logon_info.ts", [LOGON], [
    ["a group that is not enabled does not count", "MS-PAC section 2.2.1", "(attributes & ENABLED) !== 0", "true"],
    [
      "there are no more groups than Windows can have",
      "limits of ours",
      "groupIds.count + extra.count + resource.count > MAX_GROUPS",
      "false",
    ],
    [
      "all lists of groups count together",
      "limits of ours",
      "groupIds.count + extra.count + resource.count > MAX_GROUPS",
      "groupIds.count > MAX_GROUPS",
    ],
    [
      "the primary group is one of the groups",
      "MS-PAC section 2.5",
      "        primaryGroup,\n        ...enabled",
      "        ...enabled",
    ],
    ["extra SIDs are groups", "MS-PAC section 2.5", "        ...enabled(extraSids.slice(userId === 0 ? 1 : 0)),\n", ""],
    [
      "groups of the service's domain count",
      "MS-PAC section 2.5",
      "        ...enabled(resourceRids).map((rid) => `${resourceDomain}-${rid}`),\n",
      "",
    ],
    [
      "an account may have its SID among the extra ones",
      "MS-PAC section 2.5",
      "  if (userId !== 0) return",
      "  return",
    ],
    ["the SID of an account is not its group", "MS-PAC section 2.5", ".slice(userId === 0 ? 1 : 0)", ""],
    [
      "a group behind the SID of an account stays one",
      "MS-PAC section 2.5",
      "enabled(extraSids.slice(userId === 0 ? 1 : 0))",
      "enabled(extraSids).slice(userId === 0 ? 1 : 0)",
    ],
    ["an account has a name", "MS-PAC section 2.5", 'if (account === "") throw', "if (false) throw"],
    ["a list that is told is there", "MS-PAC section 2.5", "    if (count !== 0) throw", "    if (false) throw"],
  ]),
  ...rules("kerberos/pac/ndr.ts", [LOGON], [
    [
      "an array has the size that its structure tells",
      "MS-RPCE section 2.2.6",
      "if (size !== count) throw",
      "if (false) throw",
    ],
    ["the serialization is version 1", "MS-RPCE section 2.2.6.1", "version !== VERSION ||", ""],
    ["the byte order is known", "MS-RPCE section 2.2.6.1", "endianness !== LITTLE_ENDIAN ||", ""],
    ["the header has its length", "MS-RPCE section 2.2.6.1", " || length !== HEADER", ""],
    [
      "the structure is there",
      "MS-RPCE section 2.2.6.2",
      "if (!this.pointer()) throw",
      "if (!this.pointer() && false) throw",
    ],
  ]),
  ...rules("kerberos/ap/checks.ts", [ACCOUNT], [
    [
      "a PAC in a ticket is understood",
      AUTHORIZATION,
      "new Set([...KNOWN_AUTHORIZATION, AdType.Win2kPac])",
      "KNOWN_AUTHORIZATION",
    ],
    [
      "a PAC in an authenticator is not",
      AUTHORIZATION,
      "checkAuthorization(authenticator.authorizationData, KNOWN_AUTHORIZATION)",
      "checkAuthorization(authenticator.authorizationData, KNOWN_IN_TICKETS)",
    ],
  ]),
  ...rules("kerberos/kdc/pac.ts", [KDC], [
    [
      "only a genuine PAC is signed again",
      "MS-PAC section 2.8",
      "    await verifyServerSignature(pac, buffers, key);\n",
      "",
    ],
    [
      "a client puts no PAC into a ticket",
      "MS-PAC section 2.8",
      "if (pacsIn(data).length === 0) return data;",
      "return data;",
    ],
    [
      "a client puts no PAC into a ticket, bare",
      "MS-PAC section 2.8",
      "if (element.adType === AdType.Win2kPac) return [];",
      "if (element.adType === AdType.Win2kPac) return [element];",
    ],
    ["what stands beside a PAC stays", AUTHORIZATION, "rest.length === 0 ? [] :", "rest.length >= 0 ? [] :"],
    ["signatures are made anew", "MS-PAC section 2.8", "!SIGNATURES.includes(type)", "true"],
  ]),
  ...rules("kerberos/kdc/pac_options.ts", [KDC], [
    ["an account has a SID", "MS-DTYP section 2.4.2.1", "parts === undefined ||", ""],
    [
      "an account's SID has a domain",
      "MS-DTYP section 2.4.2",
      "(text === sid && parts.subAuthorities.length < 2)",
      "false",
    ],
  ]),
  ...rules("base/sid.ts", [SIDS, RULES], [
    ["a SID has no more than 15 parts", "MS-DTYP section 2.4.2.2", "{1,15})$/i", "{1,99})$/i"],
    ["parts of a SID have 32 bits", "MS-DTYP section 2.4.2.1", " || subAuthorities.some((part) => part > MAX_U32)", ""],
    [
      "a large authority is hexadecimal",
      "MS-DTYP section 2.4.2.1",
      "hex === undefined && authority > MAX_U32",
      "false",
    ],
  ]),
  ...rules("kerberos/pac/sid.ts", [VECTORS, LOGON, KDC], [
    [
      "an authority is big-endian",
      "MS-DTYP section 2.4.2.2",
      "reader.u16() * 2 ** 32 + reader.u32()",
      "reader.u16(true) + reader.u32(true)",
    ],
  ]),
  ...rules("socks/rules/accounts.ts", [RULES], [
    [
      "an account that is not known is allowed nothing",
      "rules of ours",
      'return rule.action === "deny";',
      "return true;",
    ],
    ["an account that is not known is denied", "rules of ours", 'return rule.action === "deny";', "return false;"],
    ["all kinds of conditions must match", "rules of ours", "conditions.every((tests)", "conditions.some((tests)"],
    ["one of the values must match", "rules of ours", "tests.some((test)", "tests.every((test)"],
    [
      "an allowed account is that of the proven realm",
      "MS-PAC section 4.1.2.3",
      " && account.realm.toLowerCase() === domain!.toLowerCase()",
      "",
    ],
    [
      "the realm of an allowed account is not what the PAC claims",
      "MS-PAC section 4.1.2.3",
      "account.realm.toLowerCase() === domain!",
      "(account.dnsDomain ?? account.realm).toLowerCase() === domain!",
    ],
    ["an allowed account has a domain", "rules of ours", "  if (at < 0) {\n    throw", "  if (false) {\n    throw"],
    [
      "an allowed account is in any case",
      "rules of ours",
      "matchesText(pieces, account.name.toLowerCase())",
      "matchesText(pieces, account.name)",
    ],
    [
      "a denied account is in every spelling",
      "rules of ours",
      "matchesText(pieces, foldName(account.name))",
      "matchesText(pieces, account.name)",
    ],
    [
      "a denied account is meant by its user principal name",
      "rules of ours",
      "if (account.upn !== undefined && foldName(account.upn) === whole) return true;",
      "",
    ],
    [
      "a denied account is meant by its short domain",
      "rules of ours",
      '[account.realm, account.domain, account.dnsDomain ?? ""].map(foldName)',
      "[account.realm].map(foldName)",
    ],
    ["a SID is that of the account", "rules of ours", "account.sid === sid ||", ""],
    ["a SID is that of a group", "rules of ours", " || account.groups.includes(sid)", ""],
    [
      "a SID of a group is not that of the account",
      "rules of ours",
      "return (account) => account.groups.includes(known.sid);",
      "return (account) => account.groups.includes(known.sid) || account.sid === known.sid;",
    ],
    [
      "an allowed group of each domain has a domain",
      "rules of ours",
      "  if (domain === undefined) {\n    throw",
      "  if (false) {\n    throw",
    ],
    [
      "an allowed group is that of the account's domain",
      "MS-PAC section 4.1.2.2",
      "foldName(account.realm) === domain && account.groups",
      "account.groups",
    ],
    [
      "a denied group of another domain may be that domain's",
      "rules of ours",
      "domainOf(group) !== domainOf(account.sid)) return true;",
      "false) return true;",
    ],
    ["a denied group is one of a domain", "MS-DTYP section 2.4.2.4", "!/^S-1-5-21-/.test(group) ||", ""],
    [
      "a denied group ends with the whole part",
      "MS-DTYP section 2.4.2.4",
      "group.endsWith(`-${rid}`)",
      "group.endsWith(`${rid}`)",
    ],
    ["a name is an account", "rules of ours", 'if (name === "" || domain === "") throw', "if (false) throw"],
  ]),
  ...rules("socks/rules/rule_set.ts", [RULES], [
    ["rules look at the account", "rules of ours", "      matchesAccount(rule, identity) &&\n", ""],
    [
      "rules are checked for accounts when they are taken",
      "rules of ours",
      "    this.#rules.forEach(checkAccounts);\n",
      "",
    ],
  ]),
  ...rules("socks/rules/rule_fields.ts", [RULES], [
    ["an account needs a ticket", "rules of ours", "    account: accounts,\n", ""],
    ["a SID needs a ticket", "rules of ours", "    SID: sids,\n", ""],
    ["a group needs a ticket", "rules of ours", "    group: groups,\n", ""],
  ]),
  ...rules("socks/rules/users.ts", [RULES], [
    ["a user is denied by the stored name", "rules of ours", "[`${name}@${dnsDomain}`, ...", "[..."],
    [
      "a user is denied in the account's domain",
      "rules of ours",
      "dnsDomain = account.realm, upn }",
      "upn, realm: dnsDomain }",
    ],
    ["a user is denied by the user principal name", "rules of ours", "...(upn === undefined ? [] : [upn])", ""],
    ["limits count by SID", "rules of ours", "key: account === undefined", "key: account !== account || true"],
    ["a SID is no other user's name", "rules of ours", "`sid:${account.sid}`", "foldName(`sid:${account.sid}`)"],
  ]),
  ...rules("socks/auth/gssapi/channel.ts", [SHOWN], [
    ["an identity has the account", "rules of ours", "...(account === undefined ? {} : { account })", "...{}"],
  ]),
  ...rules("cli/log/event_log.ts", [SHOWN], [
    [
      "log records have the account",
      "rules of ours",
      "if (account !== undefined) Object.assign",
      "if (false) Object.assign",
    ],
    [
      "log records say why there is no account",
      "rules of ours",
      'if (typeof unverifiedAccount === "string") record',
      "if (false) record",
    ],
    [
      "log lines have the account",
      "rules of ours",
      "  if (account !== undefined) return `, account",
      "  if (false) return `, account",
    ],
    [
      "log lines say why there is no account",
      "rules of ours",
      "`, account not known: ${shortened(unverifiedAccount)}`",
      '""',
    ],
  ]),
  ...rules("cli/monitor/monitor.ts", [SHOWN], [
    ["the status has the account", "rules of ours", "shortened(accountName(identity.account))", '""'],
    ["the status has the SID", "rules of ours", 'identity?.account?.sid ?? ""', '""'],
  ]),
  ...rules("page/text.ts", [SHOWN], [
    ["the page shows the account", "rules of ours", "`${user} (${account}, ${sid})`", "user"],
  ]),
];
