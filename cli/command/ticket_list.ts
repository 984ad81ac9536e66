/**
 * The tickets of a cache as MIT's klist shows them, and as JSON.
 *
 * @module
 */
import { enctypeName } from "../../kerberos/crypto/enctypes.ts";
import type { Credential } from "../../kerberos/credential.ts";
import type { CredentialCacheData } from "../../kerberos/credentials/cache.ts";
import { Ticket } from "../../kerberos/messages/ap.ts";
import type { HostAddress } from "../../kerberos/messages/basic.ts";
import { readMessage } from "../../kerberos/messages/read.ts";
import { formatPrincipal, krbtgt, type Principal, principal, samePrincipal } from "../../kerberos/principal.ts";
import { TicketFlag } from "../../kerberos/registry/flags.ts";
import { LOCAL_TIME_WIDTH, localTime } from "./local_time.ts";

/** What is shown of each ticket beside its times. */
interface TicketDetails {
  readonly flags: boolean;
  readonly etypes: boolean;
  readonly addresses: boolean;
  /** Settings among the tickets. */
  readonly settings: boolean;
}

/** MIT's letters for flags (klist's documentation), in MIT's order, by the number of the bit (RFC 4120 section 5.3, RFC 8062 section 3). */
const LETTERS: readonly (readonly [string, number])[] = [
  ["F", 1],
  ["f", 2],
  ["P", 3],
  ["p", 4],
  ["D", 5],
  ["d", 6],
  ["i", 7],
  ["R", 8],
  ["I", 9],
  ["H", 11],
  ["A", 10],
  ["T", 12],
  ["O", 13],
  ["a", 16],
];

/** Whether a cache serves: its ticket-granting ticket is good, or, without one, any ticket. */
export function isCurrent({ principal: owner, credentials }: CredentialCacheData, now: number): boolean {
  const tickets = credentials.filter((credential) => !credential.isConfiguration);
  const own = tickets.filter(({ server }) => samePrincipal(server, krbtgt(owner.realm)));
  return (own.length > 0 ? own : tickets).some(({ endtime }) => endtime > now);
}

/** The contents of a cache as MIT's klist shows them. */
export function ticketText(name: string, data: CredentialCacheData, details: TicketDetails): string {
  const [begins, ends] = ["Valid starting", "Expires"].map((title) => title.padEnd(LOCAL_TIME_WIDTH));
  const shown = data.credentials.filter((credential) => details.settings || !credential.isConfiguration);
  return `Ticket cache: ${name}\nDefault principal: ${formatPrincipal(data.principal)}\n\n` +
    `${begins}  ${ends}  Service principal\n` +
    shown.map((one) => one.isConfiguration ? setting(one) : ticketLines(one, data.principal, details)).join("");
}

function ticketLines(credential: Credential, owner: Principal, details: TicketDetails): string {
  const { client, server, starttime, endtime, renewTill, flags } = credential;
  const ticket = ticketOf(credential);
  const letters = LETTERS.filter(([, bit]) => (flags & (0x80000000 >>> bit)) !== 0).map(([letter]) => letter).join("");
  // Each part of the first line with its weight: MIT begins another line before the enctypes after more than 3.
  const first = ([
    [2, samePrincipal(client, owner) ? "" : `for client ${formatPrincipal(client)}`],
    [3, renewTill > 0 ? `renew until ${localTime(renewTill)}` : ""],
    [1, details.flags && letters !== "" ? `Flags: ${letters}` : ""],
  ] as const).filter(([, part]) => part !== "");
  const parts = first.map(([, part]) => part);
  const etypes = details.etypes
    ? [`Etype (skey, tkt): ${enctypeName(credential.key.enctype)}, ${ticket?.enctype ?? "unreadable"} `]
    : [];
  const long = first.reduce((sum, [weight]) => sum + weight, 0) > 3;
  const lines = long ? [parts.join(", "), ...etypes] : [[...parts, ...etypes].join(", ")];
  if (details.addresses) lines.push(`Addresses: ${credential.addresses.map(addressText).join(", ") || "(none)"}`);
  if (ticket !== undefined && !samePrincipal(ticket.server, server)) {
    lines.push(`Ticket server: ${formatPrincipal(ticket.server)}`);
  }
  return `${localTime(starttime)}  ${localTime(endtime)}  ${formatPrincipal(server)}\n` +
    lines.filter((line) => line !== "").map((line) => `\t${line}\n`).join("");
}

/** A setting: its name, the principal that it is for, and its value. */
function setting({ server, ticket }: Credential): string {
  const [, name = "", of] = server.components;
  const value = [...ticket].map((byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`
  );
  return `config: ${name}${of === undefined ? "" : `(${of})`} = ${value.join("")}\n`;
}

/** Service and enctype in the ticket itself; `undefined` for what is no ticket. */
function ticketOf(credential: Credential): { readonly server: Principal; readonly enctype: string } | undefined {
  try {
    const { realm, sname, encPart } = readMessage(Ticket, credential.ticket);
    return { server: principal(realm, sname.nameString, sname.nameType), enctype: enctypeName(encPart.etype) };
  } catch {
    return undefined;
  }
}

/** An address as a number. */
function addressText({ addrType, address }: HostAddress): string {
  if (addrType === 2 && address.length === 4) return address.join(".");
  if (addrType === 24 && address.length === 16) {
    const groups = Array.from({ length: 8 }, (_, i) => (address[2 * i]! * 256 + address[2 * i + 1]!).toString(16));
    return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
  }
  return `unknown addrtype ${addrType}`;
}

/** The contents of a cache for JSON. */
export function ticketRecord(
  name: string,
  { principal: owner, credentials }: CredentialCacheData,
  now: number,
): Readonly<Record<string, unknown>> {
  const tickets = credentials.filter((credential) => !credential.isConfiguration);
  return {
    cache: name,
    principal: formatPrincipal(owner),
    tickets: tickets.map((credential) => ({
      service: formatPrincipal(credential.server),
      client: formatPrincipal(credential.client),
      starts: isoTime(credential.starttime),
      ends: isoTime(credential.endtime),
      renewUntil: credential.renewTill > 0 ? isoTime(credential.renewTill) : null,
      expired: credential.endtime <= now,
      sessionEnctype: enctypeName(credential.key.enctype),
      ticketEnctype: ticketOf(credential)?.enctype ?? "unreadable",
      flags: Object.entries(TicketFlag).filter(([, mask]) => (credential.flags & mask) !== 0).map(([flag]) => flag),
      addresses: credential.addresses.map(addressText),
    })),
  };
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(".000", "");
}
