/**
 * The admin port: status page, health and metrics, on a loopback address only and without authentication. Every user
 * of the machine can read it; nothing can be changed through it, but that who has a token can end sessions where that is set up.
 *
 * @module
 */
import { printable } from "../../base/printable.ts";
import { listenTcp } from "../../socks/shell/tcp.ts";
import { isLoopback } from "../../socks/rules/special_ranges.ts";
import { type Endpoint, parseEndpointText } from "../../socks/wire/address.ts";
import { endSession, type SessionEnding, sessionToEnd } from "./end_session.ts";
import { healthOf } from "./health.ts";
import { type HttpPort, httpPort, type PortReports } from "./http_port.ts";
import { PAGE_CSS, PAGE_HTML, PAGE_JS } from "./page/assets.ts";
import { processFigures } from "./process_figures.ts";
import { PROMETHEUS_TYPE, prometheusText } from "./prometheus.ts";
import type { Snapshot, TakeSnapshot } from "../snapshot/snapshot.ts";
import { cached, cachedText } from "./cached.ts";

/**
 * Reads where to listen.
 *
 * @throws {TypeError} When it is not a loopback address.
 */
export function adminEndpoint(text: string): Endpoint {
  const where = parseEndpointText(text);
  if (isLoopback(where.hostname)) return where;
  throw new TypeError(
    `Cannot open the admin port on ${where.hostname}: it must be a loopback address, because the port does not authenticate clients`,
  );
}

/** Opens the port. */
export function startAdmin(
  where: Endpoint,
  take: TakeSnapshot,
  reports: PortReports,
  ending?: SessionEnding,
): HttpPort {
  const sparing = cached(take);
  return httpPort(listenTcp(where), {
    name: "Admin port",
    answer: (request, from) => adminResponse(request, sparing, ending, from),
    ...reports,
  });
}

/** Answers a request. */
export async function adminResponse(
  request: Request,
  take: TakeSnapshot,
  ending?: SessionEnding,
  from?: Endpoint,
): Promise<Response> {
  // A foreign web page whose name was pointed to this machine must not read this (DNS rebinding).
  if (!namesLoopback(request)) return answer(421, "text/plain", "Ask for this port by a loopback address.\n");
  const { pathname } = new URL(request.url);
  const session = sessionToEnd(pathname);
  if (session !== undefined && ending !== undefined) {
    if (request.method !== "POST") return answer(405, "text/plain", "POST ends a session.\n", { allow: "POST" });
    const [status, text] = await endSession(session, request, ending, from);
    return answer(status, "text/plain", text, status === 401 ? { "www-authenticate": "Bearer" } : {});
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    return answer(405, "text/plain", "Nothing can be changed here.\n", { allow: "GET, HEAD" });
  }
  switch (pathname) {
    case "/":
      return answer(200, "text/html; charset=utf-8", PAGE_HTML);
    case "/page.css":
      return answer(200, "text/css; charset=utf-8", PAGE_CSS);
    case "/page.js":
      return answer(200, "text/javascript; charset=utf-8", PAGE_JS);
    case "/status.json":
      return answer(
        200,
        "application/json",
        cachedText(await take(), ending === undefined ? shownJson : shownWithEnding),
      );
    case "/metrics":
      return answer(200, PROMETHEUS_TYPE, cachedText(await take(), shownMetrics));
    case "/healthz":
      return await take().then(health, () => answer(503, "application/json", JSON.stringify({ status: "failing" })));
    default:
      return answer(404, "text/plain", "There is /, /healthz, /metrics and /status.json.\n");
  }
}

/** Escapes names, targets and reasons, which others chose, for a page or a terminal. */
function shownJson(snapshot: Snapshot & { readonly endsSessions?: true }): string {
  return JSON.stringify(snapshot, (_key, value) => typeof value === "string" ? printable(value) : value);
}

/** The same for a page that may end sessions. */
function shownWithEnding(snapshot: Snapshot): string {
  return shownJson({ ...snapshot, endsSessions: true });
}

function shownMetrics(snapshot: Snapshot): string {
  return prometheusText(snapshot, processFigures());
}

function namesLoopback(request: Request): boolean {
  const hostname = new URL(request.url).hostname.replace(/^\[(.*)\]$/, "$1");
  return isLoopback(hostname);
}

/** Whether clients may be sent here: for load balancers. */
function health(snapshot: Snapshot): Response {
  const { shared, troubles } = snapshot;
  const { status, ready } = healthOf(snapshot);
  const recent = Object.keys(troubles).filter((kind) => troubles[kind]!.recent);
  const lost = shared?.up === false ? "lost" : undefined;
  const troubled = recent.length === 0 ? undefined : recent;
  return answer(ready ? 200 : 503, "application/json", JSON.stringify({ status, shared: lost, troubles: troubled }));
}

/**
 * What the page may do. The last three have no default: no other site shows it in a frame, in which its buttons could be pressed
 * unseen, and a form, which has no script where that was not loaded, sends nothing.
 */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
  "frame-ancestors 'none'; form-action 'none'; base-uri 'none'";

function answer(status: number, type: string, body: string, headers: Record<string, string> = {}): Response {
  return new Response(body, {
    status,
    headers: {
      "content-type": type,
      "cache-control": "no-store",
      "content-security-policy": POLICY,
      "x-content-type-options": "nosniff",
      ...headers,
    },
  });
}
