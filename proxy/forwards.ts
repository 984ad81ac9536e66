/**
 * Forwards: ports of this machine that lead to one target each, for programs that know no proxy.
 *
 * @module
 */
import { checkEndpoint } from "../socks/argument_checks.ts";
import type { ConnectionListener } from "../socks/stream/listener.ts";
import { listenAtLoopback } from "../socks/stream/localhost.ts";
import { type Endpoint, parseEndpointText, parseLocalEndpointText } from "../socks/wire/address.ts";
import { parseIp } from "../socks/wire/ip.ts";
import type { ProxySystem } from "./system.ts";

/** A port of this machine whose connections go to one target. */
export interface ForwardOptions {
  /**
   * Where programs connect: a loopback address with a port (0 for a free one), where the host `localhost` is both of its addresses; or a
   * listener, which the bridge owns then.
   */
  readonly listen: Endpoint | ConnectionListener;
  /** Where their connections go, through the proxy. */
  readonly target: Endpoint;
}

/** A forward that can be opened. */
export interface Forward {
  /**
   * Host that it listens on; `undefined` for the first loopback address of this machine, for a socket in the file system, and for a
   * listener without an address.
   */
  readonly hostname: string | undefined;
  /** Where its connections go. */
  readonly target: Endpoint;
  /** Starts to listen. */
  open(sockets: ProxySystem["sockets"]): ConnectionListener;
}

/** What {@linkcode forwardOf} takes, in words. */
const FORM = "LOCAL=HOST:PORT, where LOCAL is PORT, HOST:PORT or unix:PATH: 127.0.0.1:5432=db.example.com:5432";

/**
 * Reads a forward: `127.0.0.1:5432=db.example.com:5432`, `5432=db.example.com:5432`, `unix:/run/db.sock=db.example.com:5432`, or an
 * object that says the same.
 *
 * @throws {TypeError} When it is none.
 */
export function forwardOf(forward: string | ForwardOptions): Forward {
  if (typeof forward === "string") return forwardOfText(forward);
  const { listen, target } = forward;
  const goal = checkEndpoint("forwards: target", target);
  if ("accept" in listen) {
    const { hostname } = listen.addr;
    return { hostname: parseIp(hostname) === undefined ? undefined : hostname, target: goal, open: () => listen };
  }
  return tcpForward(checkEndpoint("forwards: listen", listen), goal);
}

function forwardOfText(text: string): Forward {
  const at = text.lastIndexOf("=");
  try {
    if (at <= 0) throw new TypeError("there is no LOCAL before a =");
    const local = text.slice(0, at);
    const target = parseEndpointText(text.slice(at + 1));
    if (target.port === 0) throw new TypeError("no target has port 0");
    const path = /^unix:(.*)$/s.exec(local)?.[1];
    if (path === "") throw new TypeError("unix: names no path");
    if (path !== undefined) return { hostname: undefined, target, open: ({ listenUnix }) => listenUnix(path) };
    const port = /^(\d{1,5})$/.exec(local)?.[1];
    if (port !== undefined && Number(port) <= 65_535) {
      return tcpForward({ hostname: undefined, port: Number(port) }, target);
    }
    return tcpForward(parseLocalEndpointText(local), target);
  } catch (cause) {
    throw new TypeError(`Cannot use forward ${JSON.stringify(text)}: ${(cause as Error).message}; it is ${FORM}`, {
      cause,
    });
  }
}

function tcpForward({ hostname, port }: { hostname: string | undefined; port: number }, target: Endpoint): Forward {
  return {
    hostname,
    target,
    open: ({ listen }) => hostname === undefined ? listenAtLoopback(port, listen) : listen({ hostname, port }),
  };
}

/** An open forward. */
export interface OpenForward {
  /** Its listener. */
  readonly listener: ConnectionListener;
  /** Where its connections go. */
  readonly target: Endpoint;
}

/** Opens all forwards, or none if one fails. */
export function openForwards(sockets: ProxySystem["sockets"], forwards: readonly Forward[]): readonly OpenForward[] {
  const open: OpenForward[] = [];
  try {
    for (const { open: listen, target } of forwards) open.push({ listener: listen(sockets), target });
    return open;
  } catch (error) {
    for (const { listener } of open) listener.close();
    throw error;
  }
}
