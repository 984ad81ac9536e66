/**
 * The program in memory as a function of Vercel's edge runtime: what it is given comes in the request.
 *
 * @module
 */
import { main } from "./in_memory.ts";

/** The event of a request, as a service worker has it. */
interface FetchEvent {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}

const scope = globalThis as unknown as { addEventListener(type: "fetch", listener: (event: FetchEvent) => void): void };
scope.addEventListener("fetch", (event) => {
  event.respondWith((async () => {
    const { given, kdcUrl, keytab } = await event.request.json();
    return new Response(await main(given, kdcUrl, keytab).catch((error) => `failed: ${error.stack ?? error}`));
  })());
});
