/**
 * HTTP clients of Node's through a proxy: agents of `node:http` and `node:https`, and the connector of undici.
 *
 * @module
 */
import { Agent as HttpAgent, type AgentOptions } from "node:http";
import { Agent as HttpsAgent, type AgentOptions as HttpsAgentOptions } from "node:https";
import { connect as connectNodeTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { Socket } from "node:net";
import { asError } from "../../base/reason.ts";
import type { RequestOptions } from "../calls.ts";
import { connect } from "../connect.ts";
import { nodeSocket } from "./node_socket.ts";

/** Agents for `node:http` and `node:https`. */
export interface NodeAgents {
  /** For `http:`. */
  readonly httpAgent: HttpAgent;
  /** For `https:`. */
  readonly httpsAgent: HttpsAgent;
}

/** Where an agent or undici wants to connect to. */
interface Wanted {
  readonly host?: string | null | undefined;
  readonly hostname?: string | null | undefined;
  readonly port?: number | string | null | undefined;
  readonly servername?: string | null | undefined;
}

/**
 * Returns agents whose connections go through a proxy, for `node:http`, `node:https` and libraries over them (axios, got, node-fetch, the
 * SDKs of clouds). The names are those that axios takes.
 *
 * @param options The proxy, and how long a connection may take. `signal` ends all connections.
 * @param agent Options of Node's agents, such as `keepAlive` and `ca`.
 * @throws {TypeError} An option of the proxy is invalid; the first request fails with it.
 *
 * @example
 * ```ts
 * import { get } from "node:https";
 * import { nodeAgents } from "@gssocks/gssocks/node";
 *
 * export function page(): void {
 *   const { httpsAgent } = nodeAgents({ proxy: "proxy.example.com" });
 *   get("https://intranet.example.com/", { agent: httpsAgent }, (response) => response.resume());
 * }
 * ```
 */
export function nodeAgents(options: RequestOptions, agent: HttpsAgentOptions = {}): NodeAgents {
  return { httpAgent: new ProxiedHttpAgent(options, agent), httpsAgent: new ProxiedHttpsAgent(options, agent) };
}

class ProxiedHttpAgent extends HttpAgent {
  readonly #proxy: RequestOptions;

  constructor(proxy: RequestOptions, agent: AgentOptions) {
    super(agent);
    this.#proxy = proxy;
  }

  override createConnection(wanted: Wanted): Socket {
    return socketTo(this.#proxy, wanted);
  }
}

class ProxiedHttpsAgent extends HttpsAgent {
  readonly #proxy: RequestOptions;

  constructor(proxy: RequestOptions, agent: HttpsAgentOptions) {
    super(agent);
    this.#proxy = proxy;
  }

  override createConnection(wanted: ConnectionOptions): TLSSocket {
    return tlsTo(this.#proxy, wanted, wanted);
  }
}

/** Called with the socket, or with why there is none. */
export type ConnectorCallback = (...args: [error: null, socket: Socket] | [error: Error, socket: null]) => void;

/** A connector of undici: the value of `connect` of its `Agent`, `Pool` and `Client`. */
export type UndiciConnector = (
  wanted: {
    readonly hostname: string;
    readonly protocol: string;
    readonly port?: string | undefined;
    readonly servername?: string | null | undefined;
  },
  callback: ConnectorCallback,
) => void;

/**
 * Returns a connector for undici, whose connections go through a proxy.
 *
 * @param options The proxy, and how long a connection may take.
 * @param tls Options of TLS with targets of `https:`, such as `ca`.
 *
 * @example
 * ```ts
 * import { undiciConnector, type UndiciConnector } from "@gssocks/gssocks/node";
 *
 * // new Agent({ connect }) of npm:undici
 * export const connect: UndiciConnector = undiciConnector({ proxy: "proxy.example.com" });
 * ```
 */
export function undiciConnector(options: RequestOptions, tls: ConnectionOptions = {}): UndiciConnector {
  return (wanted, callback) => {
    const secure = wanted.protocol === "https:";
    const port = wanted.port || (secure ? 443 : 80);
    let settle = (...args: Parameters<ConnectorCallback>): void => {
      settle = () => {};
      callback(...args);
    };
    try {
      const socket = secure
        ? tlsTo(options, { ...wanted, port }, { ALPNProtocols: ["http/1.1"], ...tls })
        : socketTo(options, { ...wanted, port });
      socket.once(secure ? "secureConnect" : "connect", () => settle(null, socket));
      socket.once("error", (error: Error) => settle(error, null));
    } catch (error) {
      settle(asError(error), null);
    }
  };
}

function socketTo(options: RequestOptions, { hostname, host, port }: Wanted): Socket {
  return nodeSocket(connect({ ...options, hostname: hostname ?? host ?? "localhost", port: Number(port ?? 80) }));
}

/** TLS by `node:tls`, so that all of its options work. */
function tlsTo(options: RequestOptions, wanted: Wanted, tls: ConnectionOptions): TLSSocket {
  const host = wanted.hostname ?? wanted.host ?? "localhost";
  // An address is no server name (RFC 6066 section 3).
  const servername = wanted.servername || (/^[\d.]+$|:/.test(host) ? undefined : host);
  return connectNodeTls({
    ...tls,
    ...(servername === undefined ? {} : { servername }),
    host,
    socket: socketTo(options, { ...wanted, port: wanted.port ?? 443 }),
  });
}
