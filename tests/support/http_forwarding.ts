/**
 * A server whose targets are scripted origins of HTTP in memory.
 *
 * @module
 */
import { utf8 } from "../../base/bytes.ts";
import { noAuthentication } from "../../socks/auth/none.ts";
import { SocksReplyError } from "../../socks/errors.ts";
import type { ServerEvent } from "../../socks/server/events.ts";
import type { SocksServerOptions } from "../../socks/server/options.ts";
import { SocksServer } from "../../socks/server/server.ts";
import type { Connection } from "../../socks/stream/connection.ts";
import { pipe, type PipeEnd, readAll } from "./pipe.ts";

/** What an origin reads and sends, one character for each byte. */
export class OriginSide {
  readonly #connection: Connection;
  #held = "";

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Reads up to and with a text; everything that there is if the proxy ends before. */
  async until(text: string): Promise<string> {
    for (;;) {
      const at = this.#held.indexOf(text);
      if (at >= 0) return this.take(at + text.length);
      const bytes = await this.#connection.read().catch(() => null);
      if (bytes === null) return this.take(this.#held.length);
      this.#held += text1(bytes);
    }
  }

  /** Takes characters that were read. */
  take(length: number): string {
    const taken = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return taken;
  }

  /** Reads a head. */
  head(): Promise<string> {
    return this.until("\r\n\r\n");
  }

  /** Sends a text. */
  async send(text: string): Promise<void> {
    await this.#connection.write(utf8(text));
  }

  /** Ends the connection. */
  async end(): Promise<void> {
    await this.#connection.closeWrite();
  }

  /** Cuts the connection. */
  cut(): void {
    this.#connection.close();
  }
}

function text1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/** A server with scripted origins, and what it has done. */
export interface ForwardingServer {
  readonly server: SocksServer;
  readonly events: ServerEvent[];
  /** Targets connected to. */
  readonly targets: string[];
  /** Sends all of it and returns all that comes back; ends its own side behind it unless `half` is false. */
  ask(text: string, half?: boolean): Promise<string>;
}

/** Starts a server whose connections to targets are served by `origin`. */
export function forwardingServer(
  origin: (side: OriginSide, target: string) => Promise<void>,
  { chunk = Infinity, ...options }: Partial<SocksServerOptions> & { chunk?: number } = {},
): ForwardingServer {
  const events: ServerEvent[] = [];
  const targets: string[] = [];
  const server = new SocksServer({
    auth: [noAuthentication()],
    protocols: ["http"],
    tellReasons: true,
    open: ({ hostname, port }) => {
      if (hostname === "denied.example") return Promise.reject(new SocksReplyError("NOT_ALLOWED", "a rule says no"));
      const target = `${hostname}:${port}`;
      targets.push(target);
      const [ours, theirs] = pipe({ chunk });
      const side = new OriginSide(theirs);
      origin(side, target).catch(() => {}).finally(() => theirs.closeWrite().catch(() => {}));
      return Promise.resolve({ connection: ours, bound: { hostname: "192.0.2.1", port: 99 } });
    },
    onEvent: (event) => void events.push(event),
    ...options,
  });
  const ask = async (text: string, half = true): Promise<string> => {
    const [client, far] = pipe({ chunk });
    const served = server.serve(far);
    await client.write(utf8(text));
    if (half) await client.closeWrite();
    const answer = await readAll(client).catch(() => far.sent());
    client.close();
    await served;
    return text1(answer);
  };
  return { server, events, targets, ask };
}

/** A client of a server, for conversations. */
export function clientOf(server: SocksServer): { side: OriginSide; near: PipeEnd; served: Promise<void> } {
  const [near, far] = pipe();
  return { side: new OriginSide(near), near, served: server.serve(far) };
}
