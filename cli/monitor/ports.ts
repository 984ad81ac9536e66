/**
 * The admin port and the health port of a server.
 *
 * @module
 */
import { type Endpoint, formatEndpoint } from "../../socks/wire/address.ts";
import { at } from "../config/config_error.ts";
import type { ServerConfig } from "../config/settings.ts";
import type { Faults } from "../log/guard.ts";
import type { LogNote, ProgramLog } from "../log/program_log.ts";
import { adminEndpoint, startAdmin } from "./admin.ts";
import { readText } from "../config/read_text.ts";
import { type AdminToken, type EndSession, parseAdminTokens } from "./end_session.ts";
import { healthEndpoint, startHealth } from "./health.ts";
import type { HttpPort, PortReports } from "./http_port.ts";
import type { TakeSnapshot } from "../snapshot/snapshot.ts";

/** Where they are. */
interface Ports {
  /** Status page, metrics and health. */
  readonly admin: Endpoint | undefined;
  /** Who may end sessions there. */
  readonly tokens: readonly AdminToken[] | undefined;
  /** A word of health. */
  readonly health: Endpoint | undefined;
}

/** A server as ports see it. */
export interface WatchedServer {
  /** Tells its state. */
  readonly take: TakeSnapshot;
  /** Ends a session of it. */
  readonly end: EndSession;
}

/** Opens ports that show a server, and tell of their faults. */
export type OpenPorts = (server: WatchedServer, faults: Faults) => AsyncDisposable;

/**
 * Reads where they are to be.
 *
 * @throws {ConfigError}
 */
export function readPorts({ admin, health }: ServerConfig): Ports {
  const { listen, endSessions } = typeof admin === "object" ? admin : { listen: admin };
  return {
    admin: read("admin", listen, adminEndpoint),
    tokens: endSessions === undefined
      ? undefined
      : at("admin.endSessions", () => parseAdminTokens(readText(endSessions))),
    health: read("health", health, healthEndpoint),
  };
}

function read(name: string, text: string | undefined, endpoint: (text: string) => Endpoint): Endpoint | undefined {
  if (text === undefined) return undefined;
  return at(name, () => {
    if (/^\d{1,5}$/.test(text)) throw new TypeError(`"${text}" is a port without an address; write 127.0.0.1:${text}`);
    return endpoint(text);
  });
}

/** Opens them: all, or, where one cannot be opened, none. */
export function openPorts(
  { admin, tokens, health }: Ports,
  { take, end }: WatchedServer,
  { log, faults }: { readonly log: ProgramLog; readonly faults: Faults },
): AsyncDisposable {
  const open: HttpPort[] = [];
  const close = async () => {
    for (const port of open) await port[Symbol.asyncDispose]();
  };
  const begin = (name: string, where: Endpoint | undefined, start: typeof startHealth) => {
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
    const ending = tokens && { tokens, end, note: (note: LogNote) => log.note(note) };
    begin("Admin port", admin, (where, take, reports) => startAdmin(where, take, reports, ending));
    begin("Health port", health, startHealth);
  } catch (error) {
    void close();
    throw error;
  }
  return { [Symbol.asyncDispose]: close };
}
