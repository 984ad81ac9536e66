/**
 * Metrics and spans of a server through OpenTelemetry's API. They go wherever the program's SDK sends them: with Deno's own,
 * `OTEL_DENO=true` is all it takes. Where there is no SDK, nothing happens.
 *
 * @example
 * ```ts
 * import { serve } from "@gssocks/gssocks";
 * import { telemetry } from "@gssocks/gssocks/telemetry";
 *
 * export async function main(): Promise<void> {
 *   await serve({ keytab: "/etc/krb5.keytab", rules: ["allow *"], onEvent: telemetry() }).finished;
 * }
 * ```
 *
 * @module
 */
import { type Attributes, metrics, type Span, SpanStatusCode, trace } from "@opentelemetry/api";
import { printable, shortened } from "../base/printable.ts";
import type { ServerEvent } from "../socks/server/events.ts";
import { formatEndpoint } from "../socks/wire/address.ts";

const NAME = "gssocks";

/**
 * An `onEvent` for `serve` and `bridge`. Each session is a span, with events for what happens in it; metrics count
 * sessions, refusals, bytes and durations. Users, clients and targets are in the spans and not in the metrics.
 *
 * @example
 * ```ts
 * import { bridge } from "@gssocks/gssocks";
 * import { telemetry } from "@gssocks/gssocks/telemetry";
 *
 * export async function main(): Promise<void> {
 *   await bridge({ proxy: "proxy.example.com", onEvent: telemetry() }).finished;
 * }
 * ```
 */
export function telemetry(): (event: ServerEvent) => void {
  const instruments = makeInstruments();
  const tracer = trace.getTracer(NAME);
  const spans = new Map<number, Span>();
  return (event) => {
    if (event.type === "accepted") {
      const span = tracer.startSpan("socks.session", { attributes: { "client.address": event.client?.hostname } });
      // Without an SDK there is no span to keep.
      if (span.isRecording()) spans.set(event.session, span);
    }
    countEvent(instruments, event);
    const span = spans.get(event.session);
    if (span === undefined) return;
    noteEvent(span, event);
    // A refused datagram does not end its session.
    const ended = event.type === "closed" || (event.type === "refused" && !isDatagram(event));
    if (!ended) return;
    span.end();
    spans.delete(event.session);
  };
}

function isDatagram(event: ServerEvent & { type: "refused" }): boolean {
  return event.command === "udp" && event.target?.port !== 0;
}

type Instruments = ReturnType<typeof makeInstruments>;

function makeInstruments() {
  const meter = metrics.getMeter(NAME);
  return {
    sessions: meter.createUpDownCounter("gssocks.sessions", { description: "Sessions with a request under way" }),
    accepted: meter.createCounter("gssocks.accepted", { description: "Clients accepted" }),
    authenticated: meter.createCounter("gssocks.authenticated", { description: "Clients authenticated" }),
    refused: meter.createCounter("gssocks.refused", { description: "Clients, requests and datagrams refused" }),
    bytes: meter.createCounter("gssocks.io", { description: "Bytes relayed", unit: "By" }),
    dropped: meter.createCounter("gssocks.datagrams.dropped", { description: "Datagrams not relayed" }),
    handshake: meter.createHistogram("gssocks.handshake.duration", { description: "Time to log in", unit: "s" }),
    connect: meter.createHistogram("gssocks.connect.duration", { description: "Time to reach a target", unit: "s" }),
    duration: meter.createHistogram("gssocks.session.duration", { description: "Length of sessions", unit: "s" }),
  };
}

function countEvent(instruments: Instruments, event: ServerEvent): void {
  switch (event.type) {
    case "accepted":
      instruments.accepted.add(1);
      break;
    case "authenticated":
      instruments.authenticated.add(1, { method: event.identity.method, protection: event.protection });
      instruments.handshake.record(event.duration / 1_000, { method: event.identity.method });
      break;
    case "refused":
      instruments.refused.add(1, { code: codeOf(event.error) });
      break;
    case "listening":
      break;
    case "associated":
    case "connected":
      if (event.type === "connected" && event.command === "connect") {
        instruments.connect.record(event.duration / 1_000, {});
      }
      instruments.sessions.add(1, { command: event.command });
      break;
    case "closed":
      countEnd(instruments, event);
  }
}

function countEnd(instruments: Instruments, event: ServerEvent & { type: "closed" }): void {
  const { command, sent, received, duration, datagrams } = event;
  // A lookup is closed without ever having been connected.
  if (command !== "resolve") instruments.sessions.add(-1, { command });
  instruments.bytes.add(sent, { direction: "sent" });
  instruments.bytes.add(received, { direction: "received" });
  instruments.duration.record(duration / 1_000, { command });
  for (const [reason, count] of Object.entries(datagrams?.dropped ?? {})) {
    if (count > 0) instruments.dropped.add(count, { reason });
  }
}

function noteEvent(span: Span, event: ServerEvent): void {
  const attributes: Attributes = {};
  if ("identity" in event && event.identity !== undefined) {
    attributes["enduser.id"] = printable(shortened(event.identity.name));
    attributes["socks.method"] = event.identity.method;
  }
  if ("protection" in event) attributes["socks.protection"] = event.protection;
  if ("command" in event && event.command !== undefined) attributes["socks.command"] = event.command;
  if ("target" in event && event.target !== undefined) {
    attributes["socks.target"] = printable(formatEndpoint(event.target));
  }
  if ("address" in event && event.address !== undefined) attributes["socks.address"] = formatEndpoint(event.address);
  if (event.type === "closed") {
    attributes["socks.bytes.sent"] = event.sent;
    attributes["socks.bytes.received"] = event.received;
  }
  span.setAttributes(attributes);
  if (event.type !== "accepted" && event.type !== "closed") span.addEvent(event.type);
  if ("error" in event && event.error !== undefined) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: printable(shortened(event.error.message)) });
    span.setAttribute("error.type", codeOf(event.error));
  }
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
export type { ServerEvent, SessionEvent } from "../socks/server/events.ts";
export type { Endpoint } from "../socks/wire/address.ts";
export type { CommandName } from "../socks/rules/rule.ts";
export type { DatagramCounts, DroppedDatagrams } from "../socks/server/datagrams/counts.ts";
export type { Identity, MethodName } from "../socks/identity.ts";
export type { ProtectionLevel } from "../socks/protection.ts";
export type { UnknownCommand } from "../socks/server/front/request.ts";
export type { GssAccount } from "../gss/account.ts";
export type { DecidingRule } from "../socks/rules/rule.ts";
export type { ThroughProxy } from "../socks/server/targets/target.ts";
