/**
 * Where a server listens: `HOST:PORT`, `tls://HOST:PORT`, `unix:PATH`.
 *
 * @module
 */
import { type ConnectionListener, listenTcp, listenTls, listenUnix } from "../../socks/stream/deno.ts";
import { listenAtLoopback } from "../../socks/stream/localhost.ts";
import { balancers } from "../../socks/stream/proxy_protocol.ts";
import { parseLocalEndpointText } from "../../socks/wire/address.ts";
import { ConfigError, type ServerConfig } from "./server_config.ts";
import { milliseconds } from "./units.ts";

const PORT = 1080;
/** The first loopback address that the machine has. */
const DEFAULT: readonly ListenPlace[] = [{ type: "tcp", hostname: undefined, port: PORT }];

/** Whether several servers of one process listen together. */
export interface Together {
  /** Which of them this is. */
  readonly index: number;
  /** Ports that the first has found, in the order of the configuration. */
  readonly ports: readonly number[] | undefined;
}

/** Places to listen, checked. */
export function listenPlaces({ listen, proxyProtocol }: ServerConfig): readonly ListenPlace[] {
  if (proxyProtocol !== undefined) checkBalancers(proxyProtocol);
  return listen === undefined ? DEFAULT : listen.map((text, i) => {
    if (text.startsWith("unix:")) {
      const path = text.slice("unix:".length);
      // The system would make up a name that nobody knows.
      if (path === "") throw new ConfigError(`listen[${i}]: "unix:" names no path`);
      return { type: "unix", path };
    }
    const tls = text.startsWith("tls://");
    try {
      return { type: tls ? "tls" : "tcp", ...parseLocalEndpointText(tls ? text.slice("tls://".length) : text, PORT) };
    } catch (error) {
      throw new ConfigError(`listen[${i}]: ${(error as Error).message}`);
    }
  });
}

function checkBalancers(from: readonly string[]): void {
  try {
    balancers(from);
  } catch (error) {
    throw new ConfigError(`proxyProtocol: ${(error as Error).message}`);
  }
}

/** A place to listen. */
export type ListenPlace =
  | { readonly type: "unix"; readonly path: string }
  | { readonly type: "tcp" | "tls"; readonly hostname: string | undefined; readonly port: number };

/** Starts to listen: everywhere, or, where that fails, nowhere. */
export async function openListeners(config: ServerConfig, together?: Together): Promise<ConnectionListener[]> {
  const open: ConnectionListener[] = [];
  try {
    for (const [i, place] of listenPlaces(config).entries()) {
      // One socket in the file system is enough for all.
      if (place.type === "unix" && together !== undefined && together.index > 0) continue;
      open.push(await openListener(place, config, together && { port: together.ports?.[i] }));
    }
    return open;
  } catch (error) {
    for (const listener of open) listener.close();
    throw error;
  }
}

async function openListener(
  place: ListenPlace,
  { tls, proxyProtocol: from, timeouts }: ServerConfig,
  together: { readonly port: number | undefined } | undefined,
): Promise<ConnectionListener> {
  if (place.type === "unix") return await listenAtPath(place.path);
  const port = together?.port ?? place.port;
  const timeout = timeouts?.handshake === undefined ? undefined : milliseconds(timeouts.handshake);
  const how = { reusePort: together !== undefined, proxyProtocol: from && { from, timeout } };
  const { hostname } = place;
  if (hostname === undefined) return listenAtLoopback(port, (where) => listenTcp({ ...where, ...how }));
  const where = { hostname, port, ...how };
  if (place.type === "tcp") return listenTcp(where);
  const { certificate, key } = tls!;
  return listenTls({ ...where, cert: Deno.readTextFileSync(certificate), key: Deno.readTextFileSync(key) });
}

/** A socket that an earlier run has left behind is in the way; one that somebody listens at is his. */
async function listenAtPath(path: string): Promise<ConnectionListener> {
  try {
    if (Deno.lstatSync(path).isSocket) {
      if (await isAnswered(path)) throw new Deno.errors.AddrInUse(`Cannot listen at ${path}: a server listens there`);
      Deno.removeSync(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return listenUnix(path);
}

async function isAnswered(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
