/**
 * `connect()` in a browser: over a WebSocket to a proxy behind `Deno.serve`, with tickets of a KDC behind HTTP.
 *
 * @module
 */
import { dialWebSocket } from "../../proxy/edge.ts";
import { edgeProgram, kdcOverFetch } from "./program.ts";

try {
  const { given, kdcUrl, proxyUrl } = await (await fetch("/given")).json();
  const body = await edgeProgram(given, dialWebSocket(proxyUrl), kdcOverFetch(kdcUrl));
  await fetch("/result", { method: "POST", body });
} catch (error) {
  await fetch("/result", { method: "POST", body: `failed ${(error as Error).stack}` });
}
