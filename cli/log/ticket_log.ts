/**
 * What becomes of the ticket of a bridge, as lines for people or programs.
 *
 * @module
 */
import { printable } from "../../base/printable.ts";
import { reasonText } from "../../base/reason.ts";
import { systemRuntime } from "../../base/runtime.ts";
import type { TicketNews } from "../../kerberos/credentials/tickets/keeper.ts";
import type { CliIo } from "../terminal/io.ts";
import type { LogFormat } from "./event_log.ts";

/** Prints news of a ticket. */
export function ticketPrinter(format: LogFormat, io: CliIo, run?: string): (news: TicketNews) => void {
  if (format === "none") return () => {};
  if (format === "json") return (news) => io.err(`${printable(JSON.stringify({ run, ...newsRecord(news) }))}\n`);
  return (news) => io.err(`${new Date(systemRuntime.now()).toISOString()} ${printable(newsText(news))}\n`);
}

const iso = (time: number) => new Date(time).toISOString().replace(/\.\d+Z$/, "Z");

function newsText(news: TicketNews): string {
  switch (news.type) {
    case "good":
      return `ticket of ${news.client} until ${iso(news.endtime)}${keptText(news)}`;
    case "renewed":
      return `ticket of ${news.client} renewed, until ${iso(news.endtime)}`;
    case "delayed":
      return `Warning: ticket of ${news.client} was not renewed, and is good until ${iso(news.endtime)}; ` +
        `it is tried again: ${reasonText(news.error)}`;
    case "none":
      return `Warning: no ticket to use the proxy with: ${
        reasonText(news.error).replace(/^Cannot get a ticket: /, "")
      }`;
  }
}

function keptText({ endtime, keptUntil }: TicketNews & { type: "good" }): string {
  if (keptUntil === Infinity) return ", a new one is requested before that";
  return keptUntil > endtime
    ? `, renewed before that, until ${iso(keptUntil)}`
    : ", which is not renewed: run kinit before that";
}

function newsRecord(news: TicketNews): Record<string, unknown> {
  const { type } = news;
  const level = type === "delayed" || type === "none" ? "warning" : "info";
  return {
    time: new Date(systemRuntime.now()).toISOString(),
    level,
    event: "ticket",
    state: type,
    ...("client" in news ? { user: news.client, endtime: iso(news.endtime) } : {}),
    ...(news.type === "good" && news.keptUntil !== Infinity ? { keptUntil: iso(news.keptUntil) } : {}),
    ...("error" in news ? { error: reasonText(news.error) } : {}),
  };
}
