/**
 * Looks at the places to listen: each is opened and closed at once.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import { randomBytes } from "../../base/runtime.ts";
import { listenTcp } from "../../socks/shell/tcp.ts";
import { listenUnix } from "../../socks/shell/unix.ts";
import { listenAtLoopback } from "../../socks/stream/localhost.ts";
import { type Endpoint, formatEndpoint } from "../../socks/wire/address.ts";
import { folderOf } from "../../kerberos/credentials/shell/reason.ts";
import { isAnswered, listenPlaces } from "../config/listeners.ts";
import type { ServerConfig } from "../config/settings.ts";
import { readPorts } from "../monitor/ports.ts";
import { type Finding, found, good, warning } from "./finding.ts";

/**
 * Looks at all places. One that is taken is a warning only: this server may run already, and a reload does not listen anew.
 */
export async function checkPlaces(config: ServerConfig): Promise<Finding[]> {
  const { admin, health } = readPorts(config);
  const findings: Finding[] = [];
  for (const [i, place] of listenPlaces(config).entries()) {
    const what = config.listen === undefined ? "listen" : `listen[${i}]`;
    const look = place.type === "unix"
      ? () => lookAtPath(what, place.path)
      : () => lookAt(what, place, config.reusePort);
    findings.push(...await found(what, look), ...openToAll(config, what, place));
  }
  for (const [what, where] of [["admin", admin], ["health", health]] as const) {
    if (where !== undefined) findings.push(...await found(what, () => lookAt(what, where)));
  }
  return findings;
}

/** Where to listen; the first loopback address where no host is named. */
interface Place {
  readonly hostname: string | undefined;
  readonly port: number;
}

function lookAt(what: string, { hostname, port }: Place, reusePort = false): Finding[] {
  // Deno has no other sign of the flag, and ends the process where it is missing.
  if (reusePort && !("listenDatagram" in Deno)) {
    throw new TypeError("reusePort needs deno run --unstable-net, with which several servers may listen on one port");
  }
  try {
    const listenAt = (where: Endpoint) => listenTcp({ ...where, reusePort });
    const listener = hostname === undefined ? listenAtLoopback(port, listenAt) : listenAt({ hostname, port });
    listener.close();
    // The port that the system has chosen now is not the one that it will choose.
    return [good(what, `${formatEndpoint({ ...listener.addr, port })} is free`)];
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    return [taken(what, formatEndpoint({ hostname: hostname ?? "127.0.0.1", port }))];
  }
}

function taken(what: string, where: string): Finding {
  return warning(
    what,
    `${where}: something listens there already; a reload of the server that it may be is not concerned, but a start needs it free`,
    { address: where, inUse: true },
  );
}

/** A socket file that nobody listens at is removed by the start, and stays here. */
async function lookAtPath(what: string, path: string): Promise<Finding[]> {
  try {
    if (Deno.lstatSync(path).isSocket) {
      return [await isAnswered(path) ? taken(what, path) : good(what, `${path} is left over, and will be replaced`)];
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const trial = `${folderOf(path)}/.gssocks-${encodeHex(randomBytes(4))}`;
    listenUnix(trial).close();
    return [good(what, `${path} can be created`)];
  }
  throw new TypeError(`Cannot listen at ${path}: there is a file that is no socket; remove it, or choose another path`);
}

/** Whoever reaches this machine may use a server that listens everywhere and asks nobody. */
function openToAll({ methods = ["gssapi"], clients }: ServerConfig, what: string, place: object): Finding[] {
  const { hostname = "" } = place as Partial<Endpoint>;
  if (!["0.0.0.0", "::"].includes(hostname) || !methods.includes("none") || clients !== undefined) return [];
  const text = `${hostname} is every address of this machine, and the method none asks nobody who he is`;
  return [warning(what, `${text}; say in clients who may come`)];
}
