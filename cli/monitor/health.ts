/**
 * Whether clients may be sent to a server, in one word: for the admin port, and for a health port on any address, which tells nothing
 * else and may be public.
 *
 * @module
 */
import { listenTcp } from "../../socks/shell/tcp.ts";
import { type Endpoint, parseEndpointText } from "../../socks/wire/address.ts";
import { type HttpPort, httpPort, type PortReports } from "./http_port.ts";
import type { Snapshot, TakeSnapshot } from "../snapshot/snapshot.ts";
import { cached } from "./cached.ts";

/** Health of a server. */
export interface Health {
  /**
   * `degraded`: clients are let in without what several machines share, some were kept out in the last minute for want of
   * descriptors or memory, or a worker is missing. `failing`: no client is accepted. `draining`: the server stops.
   */
  readonly status: "ok" | "degraded" | "failing" | "draining";
  /** Whether clients are to be sent to it. */
  readonly ready: boolean;
}

/** Returns the health of a server. */
export function healthOf({ draining, shared, degraded }: Pick<Snapshot, "draining" | "shared" | "degraded">): Health {
  const lost = shared?.up === false;
  if (draining) return { status: "draining", ready: false };
  if (lost && shared.onLoss === "refuse") return { status: "failing", ready: false };
  return { status: lost || degraded ? "degraded" : "ok", ready: true };
}

/**
 * Reads where to listen for health checks.
 *
 * @throws {TypeError} When it is no place.
 */
export function healthEndpoint(text: string): Endpoint {
  return parseEndpointText(text);
}

/** Opens a port that says how the server stands, and nothing else. */
export function startHealth(where: Endpoint, take: TakeSnapshot, reports: PortReports): HttpPort {
  const sparing = cached(take);
  return httpPort(listenTcp(where), {
    name: "Health port",
    answer: (request) => healthResponse(request, sparing),
    ...reports,
  });
}

/** Answers a health check. A server that cannot tell its state is failing. */
async function healthResponse(request: Request, take: TakeSnapshot): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (request.method !== "GET" && request.method !== "HEAD") return answer(405, "no", { allow: "GET, HEAD" });
  if (pathname !== "/" && pathname !== "/healthz") return answer(404, "no");
  const { status, ready } = await take().then(healthOf, (): Health => ({ status: "failing", ready: false }));
  return answer(ready ? 200 : 503, status);
}

function answer(status: number, word: string, headers: Record<string, string> = {}): Response {
  return new Response(`${word}\n`, {
    status,
    headers: { "content-type": "text/plain", "cache-control": "no-store", ...headers },
  });
}
