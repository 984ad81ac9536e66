/**
 * A server's events as lines for people or programs. What a client chose, and what others did, cannot end a line, drive a
 * terminal, make it longer than journals take, or stand where another field stands: in a line of text the event comes first and then the
 * client's address, names are single words or in quotation marks, and an error's message comes last.
 *
 * @module
 */
import { printable, quoted, shortened } from "../../base/printable.ts";
import { systemRuntime } from "../../base/runtime.ts";
import { KerberosError } from "../../kerberos/errors.ts";
import { GssError } from "../../gss/status.ts";
import { SocksReplyError } from "../../socks/errors.ts";
import type { ServerTrouble, TroubleKind } from "../../socks/server/health.ts";
import type { DecidingRule } from "../../socks/rules/rule.ts";
import { accountName } from "../../gss/account.ts";
import type { Identity } from "../../socks/identity.ts";
import type { ServerEvent } from "../../socks/server/events.ts";
import type { ThroughProxy } from "../../socks/server/targets/target.ts";
import { type Endpoint, formatEndpoint } from "../../socks/wire/address.ts";
import type { CliIo } from "../terminal/io.ts";

/** How events are printed: for people, as JSON lines, or not at all. */
export type LogFormat = "text" | "json" | "none";

/** How much a line matters. */
export type LogLevel = "info" | "warning" | "error";

/**
 * Prints events.
 *
 * @param run Id of this run of the program, for JSON: numbers of sessions begin again with each run.
 * @param unnamed Text for clients that are not authenticated; empty where none is.
 */
export function eventPrinter(
  format: LogFormat,
  io: Pick<CliIo, "err">,
  run?: string,
  unnamed: string = UNAUTHENTICATED,
): (event: ServerEvent) => void {
  if (format === "none") return () => {};
  if (format === "json") return (event) => io.err(jsonLine(levelOf(event), run, eventRecord(event)));
  return (event) =>
    io.err(`${printable(`${new Date(systemRuntime.now()).toISOString()} ${eventText(event, unnamed)}`)}\n`);
}

/** A line of JSON with its time, level and run. */
export function jsonLine(level: LogLevel, run: string | undefined, record: Record<string, unknown>): string {
  const time = new Date(systemRuntime.now()).toISOString();
  return `${printable(JSON.stringify({ time, level, run, ...record }, shortValue))}\n`;
}

/** A refusal may be an attack, or a user who cannot work; the rest is the ordinary course of things. */
function levelOf(event: ServerEvent): LogLevel {
  return event.type === "refused" ? "warning" : "info";
}

/** Shortens texts that a client may have chosen; a rule is the operator's. */
function shortValue(key: string, value: unknown): unknown {
  return typeof value === "string" && key !== "rule" ? shortened(value) : value;
}

/** What is in records of some events alone. */
interface EventRecord extends Record<string, unknown> {
  client?: string;
  method?: string;
  user?: string;
  account?: string;
  sid?: string;
  unverifiedAccount?: string;
  protection?: string;
  target?: string;
  address?: string;
  bound?: string;
  command?: string;
}

/** One event as a record of plain values. */
export function eventRecord(event: ServerEvent): Record<string, unknown> {
  const record: EventRecord = {
    event: event.type,
    session: event.session,
  };
  if (event.client !== undefined) record.client = formatEndpoint(event.client);
  if ("identity" in event && event.identity !== undefined) {
    record.method = event.identity.method;
    record.user = event.identity.name;
    const { account, attributes: { unverifiedAccount } } = event.identity;
    if (account !== undefined) Object.assign(record, { account: accountName(account), sid: account.sid });
    if (typeof unverifiedAccount === "string") record.unverifiedAccount = unverifiedAccount;
  }
  if ("protection" in event) record.protection = event.protection;
  if ("target" in event && event.target !== undefined) record.target = formatEndpoint(event.target);
  if ("address" in event && event.address !== undefined) record.address = formatEndpoint(event.address);
  if ("bound" in event) record.bound = formatEndpoint(event.bound);
  if ("through" in event && event.through !== undefined) {
    const { proxy, user, protection } = event.through;
    record["through"] = { proxy: formatEndpoint(proxy), user, protection };
  }
  if ("command" in event) record.command = event.command;
  if ("rule" in event && event.rule !== undefined) addRule(record, event.rule);
  if (event.type === "closed") {
    const { sent, received, duration, datagrams } = event;
    Object.assign(record, { sent, received, duration });
    if (datagrams !== undefined) record["datagrams"] = datagrams;
  }
  if ("error" in event && event.error !== undefined) addError(record, event.error);
  return record;
}

/** Adds an error, with what Kerberos says about its cause. */
function addError(record: EventRecord, error: Error): void {
  const { cause } = error;
  record["error"] = error.message;
  if ("code" in error) record["code"] = error.code;
  if (error instanceof SocksReplyError) {
    // What a rule refuses was allowed by none.
    if (error.rule !== undefined) addRule(record, { text: error.rule, number: error.ruleNumber });
  }
  if (cause instanceof KerberosError) record["cause"] = cause.code;
  if (cause instanceof GssError) Object.assign(record, { gssCode: cause.code }, cause.details);
}

/** Adds the rule that decided. */
function addRule(
  record: EventRecord,
  { text, number }: { readonly text: string; readonly number?: number | undefined },
) {
  record["rule"] = text;
  if (number !== undefined) record["ruleNumber"] = number;
}

/** The address that stands for a name; an address stands for itself. */
function atAddress(target: Endpoint, address: Endpoint | undefined): string {
  const text = address === undefined ? "" : formatEndpoint(address);
  return text === "" || text === formatEndpoint(target) ? "" : ` at ${text}`;
}

/** The proxy that has connected, as whom and how it was used. */
function throughText({ proxy, user, protection }: ThroughProxy): string {
  return `${user === "" ? "" : ` as ${quoted(shortened(user))}`} via ${formatEndpoint(proxy)}, ${protection}`;
}

/** Shown instead of a user. */
const UNAUTHENTICATED = "(unauthenticated)";

function eventText(event: ServerEvent, unnamed: string): string {
  const { session, client } = event;
  const address = client === undefined ? "?" : formatEndpoint(client);
  // A user with this name is shown in quotation marks.
  const who = (name: string) => {
    if (name === "") return unnamed === "" ? "" : ` ${unnamed}`;
    return name === UNAUTHENTICATED ? ` "${name}"` : ` ${quoted(shortened(name))}`;
  };
  const why = (error: Error) => shortened(error.message);
  switch (event.type) {
    case "accepted":
      return `[${session}] connection from ${address}`;
    case "authenticated":
      return `[${session}] authenticated ${address}${who(event.identity.name)} by ${event.identity.method}, ` +
        `protection ${event.protection}${accountText(event.identity)}`;
    case "refused":
      return `[${session}] refused ${address}${who(event.identity?.name ?? "")}${refusedBy(event.error)}: ` +
        why(event.error);
    case "listening":
      return `[${session}] listens for ${address}${who(event.identity.name)} on ${formatEndpoint(event.bound)}` +
        byRule(event.rule);
    case "associated":
      return `[${session}] relays datagrams of ${address}${who(event.identity.name)} on ` +
        `${formatEndpoint(event.bound)}${byRule(event.rule)}`;
    case "connected":
      return `[${session}] connected ${address}${who(event.identity.name)} to ${formatEndpoint(event.target)}` +
        `${atAddress(event.target, event.address)}${byRule(event.rule)}` +
        (event.through === undefined ? "" : throughText(event.through));
    case "closed":
      return `[${session}] closed ${address}${who(event.identity.name)} to ${formatEndpoint(event.target)}, ` +
        `${event.sent} bytes sent, ${event.received} received${byRule(event.rule)}` +
        (event.error === undefined ? "" : `: ${why(event.error)}`);
  }
}

/** The rule that allowed something. */
function byRule(rule: DecidingRule | undefined): string {
  return rule === undefined ? "" : `, rule ${rule.number} "${rule.text}"`;
}

/** The number of the rule that refused something; its text is in the message. */
function refusedBy(error: Error): string {
  return error instanceof SocksReplyError && error.ruleNumber !== undefined ? ` by rule ${error.ruleNumber}` : "";
}

/** What a ticket proved about the account of its user, or why it proved nothing. */
function accountText({ account, attributes: { unverifiedAccount } }: Identity): string {
  if (account !== undefined) return `, account ${quoted(shortened(accountName(account)))} ${account.sid}`;
  return typeof unverifiedAccount === "string" ? `, account not known: ${shortened(unverifiedAccount)}` : "";
}

/** What each kind of trouble means. */
const TROUBLES: Readonly<Record<TroubleKind, string>> = {
  accept: "Clients cannot be accepted",
  descriptors: "No descriptors or no memory for another connection",
  observer: "An observer of this server failed",
  ledger: "The end of a session could not be reported to the ledger of users",
};

/** Returns a line about trouble that belongs to no session. */
export function troubleLine({ kind, count, error }: ServerTrouble): string {
  const times = count === 1 ? "" : ` (${count} times so far)`;
  return `Warning: ${TROUBLES[kind]}${times}: ${printable(error.message)}\n`;
}
