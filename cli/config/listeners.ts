/**
 * Where a server listens: `HOST:PORT`, `tls://HOST:PORT`, `unix:PATH`.
 *
 * @module
 */
import { randomBytes } from "../../base/runtime.ts";
import { listenTcp } from "../../socks/shell/tcp.ts";
import { checkIdentity, listenTls } from "../../socks/shell/tls.ts";
import { listenUnix } from "../../socks/shell/unix.ts";
import type { ConnectionListener } from "../../socks/stream/listener.ts";
import { listenAtLoopback } from "../../socks/stream/localhost.ts";
import { balancers } from "../../socks/stream/proxy_protocol.ts";
import type { TlsIdentity } from "../../socks/stream/tls.ts";
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
  config: ServerConfig,
  together: { readonly port: number | undefined } | undefined,
): Promise<ConnectionListener> {
  const { reusePort = false } = config;
  if (place.type === "unix") return reusePort ? listenInPlaceOf(place.path) : await listenAtPath(place.path);
  const port = together?.port ?? place.port;
  const { proxyProtocol: from, timeouts } = config;
  const timeout = timeouts?.handshake === undefined ? undefined : milliseconds(timeouts.handshake);
  const how = { reusePort: reusePort || together !== undefined, proxyProtocol: from && { from, timeout } };
  const { hostname } = place;
  if (hostname === undefined) return listenAtLoopback(port, (where) => listenTcp({ ...where, ...how }));
  const where = { hostname, port, ...how };
  return place.type === "tcp" ? listenTcp(where) : listenTls({ ...where, ...tlsIdentity(config)! });
}

/**
 * Certificate and key of the listeners for TLS, where the configuration names them, read and checked.
 *
 * @throws {ConfigError} When they cannot be read, are none, or are not of one another.
 */
export function tlsIdentity({ tls }: ServerConfig): TlsIdentity | undefined {
  if (tls === undefined) return undefined;
  const read = (name: "certificate" | "key") => {
    try {
      return Deno.readTextFileSync(tls[name]);
    } catch (error) {
      throw new ConfigError(`tls.${name}: ${(error as Error).message}`, { cause: error });
    }
  };
  const identity = { cert: read("certificate"), key: read("key") };
  try {
    checkIdentity(identity);
  } catch (error) {
    throw new ConfigError(`tls: ${tls.certificate} and ${tls.key}: ${(error as Error).message}`, { cause: error });
  }
  return identity;
}

/** Another server may listen at the path: in one step the name is this one's, and the other keeps those who have found him. */
function listenInPlaceOf(path: string): ConnectionListener {
  const own = `${path}.${[...randomBytes(8)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  const listener = listenUnix(own);
  try {
    Deno.renameSync(own, path);
  } catch (error) {
    listener.close();
    Deno.removeSync(own);
    throw error;
  }
  return { ...listener, addr: { hostname: path, port: 0 } };
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
