/**
 * Where a server listens: `HOST:PORT`, `tls://HOST:PORT`, `unix:PATH`.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import { randomBytes } from "../../base/runtime.ts";
import { listenTcp } from "../../socks/shell/tcp.ts";
import { platform } from "../../socks/shell/default_platform.ts";
import { listenTls } from "../../socks/shell/tls.ts";
import { listenUnix } from "../../socks/shell/unix.ts";
import type { ConnectionListener } from "../../socks/stream/listener.ts";
import { listenAtLoopback } from "../../socks/stream/localhost.ts";
import { balancers } from "../../socks/stream/proxy_protocol.ts";
import type { TlsIdentity } from "../../socks/stream/tls.ts";
import { parseLocalEndpointText } from "../../socks/wire/address.ts";
import { at, ConfigError } from "./config_error.ts";
import { readText } from "./read_text.ts";
import type { ServerConfig } from "./settings.ts";

const PORT = 1080;
/** The first loopback address that the machine has. */
const DEFAULT: readonly ListenPlace[] = [{ type: "tcp", hostname: undefined, port: PORT }];

/** Ports that several servers of one process share. */
interface SharedPorts {
  /** Number of this server, from 0. */
  readonly index: number;
  /** Ports that the first server found, in the order of the configuration. */
  readonly ports: readonly number[] | undefined;
}

/** Returns the places to listen, checked. */
export function listenPlaces({ listen, proxyProtocol }: ServerConfig): readonly ListenPlace[] {
  if (proxyProtocol !== undefined) at("proxyProtocol", () => balancers(proxyProtocol));
  return listen === undefined ? DEFAULT : listen.map((text, i) => {
    if (text.startsWith("unix:")) {
      const path = text.slice("unix:".length);
      // The system would choose an unknown name.
      if (path === "") throw new ConfigError(`listen[${i}]: "unix:" names no path`);
      return { type: "unix", path };
    }
    const tls = text.startsWith("tls://");
    const endpoint = tls ? text.slice("tls://".length) : text;
    return { type: tls ? "tls" : "tcp", ...at(`listen[${i}]`, () => placeOf(endpoint)) };
  });
}

/** Reads an address and its port; what is easily mistaken for one is refused by name. */
function placeOf(text: string): { hostname: string; port: number } {
  if (/^\d{1,5}$/.test(text)) {
    throw new TypeError(
      `"${text}" is a port without an address; write 127.0.0.1:${text} for this machine alone, or 0.0.0.0:${text} or ` +
        `[::]:${text} for all`,
    );
  }
  const [, port = PORT] = /^\*(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (text.startsWith("*")) {
    throw new TypeError(
      `"${text}" names no address; all addresses of this machine are 0.0.0.0:${port} and [::]:${port}`,
    );
  }
  return parseLocalEndpointText(text, PORT);
}

/** A place to listen. */
type ListenPlace =
  | { readonly type: "unix"; readonly path: string }
  | { readonly type: "tcp" | "tls"; readonly hostname: string | undefined; readonly port: number };

/** Opens all listeners, or none if one fails. */
export async function openListeners(config: ServerConfig, together?: SharedPorts): Promise<ConnectionListener[]> {
  const open: ConnectionListener[] = [];
  try {
    for (const [i, place] of listenPlaces(config).entries()) {
      // One socket file serves all threads.
      if (place.type === "unix" && together !== undefined && together.index > 0) continue;
      try {
        open.push(await openListener(place, config, together && { port: together.ports?.[i] }));
      } catch (error) {
        // The class of the system's error says what kind it is.
        if (error instanceof Error && config.listen !== undefined) error.message = `listen[${i}]: ${error.message}`;
        throw error;
      }
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
  const how = {
    reusePort: reusePort || together !== undefined,
    proxyProtocol: from && { from, timeout: timeouts?.handshake },
  };
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
  const identity = {
    cert: at("tls.certificate", () => readText(tls.certificate)),
    key: at("tls.key", () => readText(tls.key)),
  };
  at(`tls: ${tls.certificate} and ${tls.key}`, () => platform.checkIdentity(identity));
  return identity;
}

/** Listens at a path where another server may listen. The name changes hands in one step; the other server keeps its clients. */
function listenInPlaceOf(path: string): ConnectionListener {
  const own = `${path}.${encodeHex(randomBytes(8))}`;
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

/** Listens at a path. A socket file that an earlier run left is removed; one with a server behind it is not. */
async function listenAtPath(path: string): Promise<ConnectionListener> {
  try {
    if (Deno.lstatSync(path).isSocket) {
      if (await isAnswered(path)) {
        throw new Deno.errors.AddrInUse(
          `Cannot listen at ${path}: a server listens there; end it, or choose another path`,
        );
      }
      Deno.removeSync(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return listenUnix(path);
}

/** Whether somebody listens at the path of a socket. */
export async function isAnswered(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
