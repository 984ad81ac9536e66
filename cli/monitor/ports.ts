/**
 * The admin port and the health port of a server.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../socks/wire/address.ts";
import { at } from "../config/config_error.ts";
import type { ServerConfig } from "../config/settings.ts";
import type { Faults } from "../log/guard.ts";
import type { ProgramLog } from "../log/program_log.ts";
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
  { log, faults }: { readonly log: ProgramLog; readonly faults: Faults },
): AsyncDisposable {
  const open: HttpPort[] = [];
  const close = async () => {
    for (const port of open) await port[Symbol.asyncDispose]();
  };
  const begin = (name: string, where: Endpoint | undefined, start: typeof startAdmin) => {
    if (where === undefined) return;
    const reports: PortReports = {
      say: (text) => log.note({ event: "port", text }),
      onFault: (error) => faults.take(error, name),
    };
    const port = start(where, take, reports);
    open.push(port);
    const at = formatEndpoint(port.addr);
    log.note({
      event: "listening",
      text: `${name} on http://${at}/`,
      facts: { what: name.toLowerCase(), address: at },
    });
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
