/**
 * Scripts in headless Chromium.
 *
 * @module
 */
import { peer } from "./peers.ts";
import { Daemon } from "./process.ts";

/** Runs a module in a page; returns what it sends to `/result`. A GET of `/given` answers with `given`. */
export async function inChromium(script: string, given: unknown = {}): Promise<string> {
  const directory = await Deno.makeTempDir();
  try {
    const result = Promise.withResolvers<string>();
    await using site = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/result") result.resolve(await request.text());
      if (pathname === "/given") return Response.json(given);
      if (pathname === "/b.js") return new Response(script, { headers: { "content-type": "text/javascript" } });
      const page = '<!doctype html><script type="module" src="/b.js"></script>';
      return new Response(page, { headers: { "content-type": "text/html" } });
    });
    const flags = [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--remote-debugging-port=0",
      `--user-data-dir=${directory}/profile`,
    ];
    await using _browser = new Daemon(peer("chromium"), [...flags, `http://127.0.0.1:${site.addr.port}/`], {
      env: { HOME: directory },
      group: true,
    });
    return await result.promise;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
