/**
 * The admin port and the health port of a server.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../socks/wire/address.ts";
import { at } from "../config/config_error.ts";
import type { ServerConfig } from "../config/settings.ts";
import type { Faults } from "../log/guard.ts";
import type { CliIo } from "../terminal/io.ts";
import { adminEndpoint, startAdmin } from "./admin.ts";
import { healthEndpoint, startHealth } from "./health.ts";
import type { HttpPort, PortReports } from "./http_port.ts";
import type { TakeSnapshot } from "../snapshot/snapshot.ts";

/** Where they are. */
interface Ports {
  /** Status page, metrics and health. */
  readonly admin: Endpoint | undefined;
  /** A word of health. */
  readonly health: Endpoint | undefined;
}

/** Opens ports that show what is taken, and tell of their faults. */
export type OpenPorts = (take: TakeSnapshot, faults: Faults) => AsyncDisposable;

/**
 * Reads where they are to be.
 *
 * @throws {ConfigError}
 */
export function readPorts({ admin, health }: ServerConfig): Ports {
  return { admin: read("admin", admin, adminEndpoint), health: read("health", health, healthEndpoint) };
}

function read(name: string, text: string | undefined, endpoint: (text: string) => Endpoint): Endpoint | undefined {
  return text === undefined ? undefined : at(name, () => endpoint(text));
}

/** Opens them: all, or, where one cannot be opened, none. */
export function openPorts(
  { admin, health }: Ports,
  take: TakeSnapshot,
  { io, faults }: { readonly io: CliIo; readonly faults: Faults },
): AsyncDisposable {
  const open: HttpPort[] = [];
  const close = async () => {
    for (const port of open) await port[Symbol.asyncDispose]();
  };
  const begin = (name: string, where: Endpoint | undefined, start: typeof startAdmin) => {
    if (where === undefined) return;
    const reports: PortReports = { say: (line) => io.err(line), onFault: (error) => faults.take(error, name) };
    const port = start(where, take, reports);
    open.push(port);
    io.err(`${name} on http://${formatEndpoint(port.addr)}/\n`);
  };
  try {
    begin("Admin port", admin, startAdmin);
    begin("Health port", health, startHealth);
  } catch (error) {
    void close();
    throw error;
  }
  return { [Symbol.asyncDispose]: close };
}
