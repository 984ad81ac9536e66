/**
 * A server whose clients and targets are in memory.
 *
 * @module
 */
import { noAuthentication } from "../../socks/auth/none.ts";
import type { OpenTarget } from "../../socks/server/targets/target.ts";
import { SocksServer } from "../../socks/server/server.ts";
import type { ServerEvent } from "../../socks/server/events.ts";
import type { SocksServerOptions } from "../../socks/server/options.ts";
import { pipe } from "./pipe.ts";

/** A target that echoes. */
export const echoTarget: OpenTarget = () => {
  const [ours, theirs] = pipe();
  (async () => {
    for (let bytes = await theirs.read(); bytes !== null; bytes = await theirs.read()) await theirs.write(bytes);
    await theirs.closeWrite();
  })().catch(() => {});
  return Promise.resolve({ connection: ours, bound: { hostname: "192.0.2.1", port: 99 } });
};

/** Creates a server in memory; records its events. */
export function makeServer(
  options: Partial<SocksServerOptions> = {},
): { server: SocksServer; events: ServerEvent[]; refusals: () => (string | undefined)[] } {
  const events: ServerEvent[] = [];
  const server = new SocksServer({
    auth: [noAuthentication()],
    open: echoTarget,
    onEvent: (event) => void events.push(event),
    ...options,
  });
  const refusals = () =>
    events.flatMap((event) => event.type === "refused" ? [(event.error as { code?: string }).code] : []);
  return { server, events, refusals };
}
