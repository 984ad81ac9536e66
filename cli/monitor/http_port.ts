/**
 * The smallest HTTP server that a status needs: one request for each connection, without a body, of bounded size and in
 * bounded time, from so many at a time. `Deno.serve` bounds none of that, and ends for good when it cannot accept; this one
 * faces everyone who can open a connection, and must answer under load.
 *
 * @module
 */
import { reasonText } from "../../base/reason.ts";
import { concat, utf8 } from "../../base/bytes.ts";
import { printable } from "../../base/printable.ts";
import { abortable, onAbort, pause, startDeadline } from "../../base/deadline.ts";
import type { Connection } from "../../socks/stream/connection.ts";
import type { ConnectionListener } from "../../socks/stream/listener.ts";
import { drain } from "../../socks/stream/drain.ts";
import type { Endpoint } from "../../socks/wire/address.ts";

/** How a port behaves. Times are in milliseconds. */
export interface HttpPortOptions {
  /** Answers a request, which has no body, and of its headers those of {@linkcode HEADERS}; `from` is who asks. */
  readonly answer: (request: Request, from: Endpoint | undefined) => Response | Promise<Response>;
  /** Called when a request failed; the client gets status 500. */
  readonly onFault: (error: unknown) => void;
  /** What the port is called in lines. */
  readonly name: string;
  /** Called with a line, including its end, when accepting fails and when it works again. */
  readonly say: (line: string) => void;
  /** Connections at one time; the oldest makes room for another. @default {32} */
  readonly maxConnections?: number | undefined;
  /** Time that a connection has for everything. @default {5000} */
  readonly timeout?: number | undefined;
  /** Pause behind an accept that failed. @default {250} */
  readonly retry?: number | undefined;
}

/** What a port tells beside its answers. */
export type PortReports = Pick<HttpPortOptions, "say" | "onFault">;

/** A port that is open. */
export interface HttpPort extends AsyncDisposable {
  /** Where it listens. */
  readonly addr: Endpoint;
}

/** Headers that say who asks. */
const HEADERS: readonly string[] = ["authorization", "origin", "sec-fetch-site"];

/** Bytes that the head of a request may have. */
const MAX_HEAD = 8_192;

/** Answers on a listener, which is this port's from then on. */
export function httpPort(listener: ConnectionListener, options: HttpPortOptions): HttpPort {
  const port = new Port(options);
  const accepting = port.accept(listener);
  return {
    addr: listener.addr,
    async [Symbol.asyncDispose](): Promise<void> {
      listener.close();
      port.close();
      await accepting;
    },
  };
}

class Port {
  readonly #options: HttpPortOptions;
  readonly #closing = new AbortController();
  /** Under way, the oldest first, with what gives each up. */
  readonly #open = new Map<Connection, () => void>();
  readonly #serving = new Set<Promise<void>>();
  #working = true;

  constructor(options: HttpPortOptions) {
    this.#options = options;
  }

  close(): void {
    this.#closing.abort(new Error("The port is closed"));
    for (const giveUp of this.#open.values()) giveUp();
  }

  /** Accepts until the listener is closed, however often that fails. */
  async accept(listener: ConnectionListener): Promise<void> {
    const { retry = 250, maxConnections = 32 } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        const connection = await listener.accept();
        if (connection === undefined) break;
        this.#tell(true, "it accepts");
        if (this.#open.size >= maxConnections) this.#makeRoom();
        const serving = this.#serve(connection).finally(() => this.#serving.delete(serving));
        this.#serving.add(serving);
      } catch (error) {
        this.#tell(false, reasonText(error));
        await pause(retry, signal);
      }
    }
    await Promise.all(this.#serving);
  }

  /** Closes the oldest connection, whatever its state. */
  #makeRoom(): void {
    const [[connection, giveUp] = []] = this.#open;
    this.#open.delete(connection!);
    giveUp!();
  }

  #tell(working: boolean, reason: string): void {
    if (this.#working === working) return;
    this.#working = working;
    const { name, say } = this.#options;
    say(working ? `${name} accepts again\n` : `${name} cannot accept, and tries on: ${printable(reason)}\n`);
  }

  /** Serves one request. Never rejects: a bad request or a client that goes is no fault. */
  async #serve(connection: Connection): Promise<void> {
    const { timeout: milliseconds = 5_000 } = this.#options;
    using deadline = startDeadline({ milliseconds, reason: () => new Error("the time for a request is over") });
    using _cutting = onAbort(deadline.signal, () => connection.close());
    this.#open.set(connection, () => deadline.abort(new Error("another one takes its place")));
    try {
      const request = readRequest(await readHead(connection), connection.local);
      const response = request instanceof Request
        ? await abortable(this.#answer(request, connection.remote), deadline.signal)
        : new Response(`${request}\n`, { status: request.startsWith("The head") ? 431 : 400 });
      await send(connection, response, request instanceof Request && request.method === "HEAD");
      // Unread input would turn the close into a reset, which may destroy the answer.
      await drain(connection, { signal: deadline.signal });
    } catch {
      // The client has gone, or was cut.
    } finally {
      this.#open.delete(connection);
      connection.close();
    }
  }

  async #answer(request: Request, from: Endpoint | undefined): Promise<Response> {
    try {
      return await this.#options.answer(request, from);
    } catch (error) {
      this.#options.onFault(error);
      return new Response("Internal error.\n", { status: 500 });
    }
  }
}

/** The head of a request; `undefined` where it is longer than it may be. However it comes, each byte is looked at a few times. */
async function readHead(connection: Connection): Promise<string | undefined> {
  let head = "";
  for (;;) {
    const more = await connection.read();
    if (more === null) throw new Error("The request has no end");
    // The end may have begun in what came before.
    const from = Math.max(0, head.length - 3);
    head += latin1(more.subarray(0, MAX_HEAD + 1));
    // Lines end with CR LF, and a recipient may take LF alone (RFC 9112 section 2.2).
    const end = /\r?\n\r?\n/.exec(head.slice(from));
    if (end !== null && from + end.index <= MAX_HEAD) return head.slice(0, from + end.index);
    if (head.length > MAX_HEAD) return undefined;
  }
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** A request without its body, or what is wrong with it. */
function readRequest(head: string | undefined, local: Endpoint | undefined): Request | string {
  if (head === undefined) return `The head of a request has at most ${MAX_HEAD} bytes here.`;
  const [first = "", ...lines] = head.split(/\r?\n/);
  const [, method, target] = /^([A-Z]{1,16}) (\/\S*) HTTP\/1\.[01]$/.exec(first) ?? [];
  if (method === undefined || target === undefined) return "A request of HTTP/1.1 is wanted.";
  const valuesOf = (name: string) =>
    lines.filter((line) => line.slice(0, line.indexOf(":")).trim().toLowerCase() === name)
      .map((line) => line.slice(line.indexOf(":") + 1).trim());
  const hosts = valuesOf("host");
  if (hosts.length > 1) return "A request names one host.";
  const own = local === undefined ? "localhost" : local.hostname.includes(":") ? `[${local.hostname}]` : local.hostname;
  const url = `http://${hosts[0] || own}${target}`;
  if (!URL.canParse(url) || /[^\w.:[\]-]/.test(hosts[0] ?? "")) return "The host named is none.";
  try {
    return new Request(url, {
      method,
      headers: HEADERS.flatMap((name) => valuesOf(name).map((value): [string, string] => [name, value])),
    });
  } catch {
    return "A method that is none, or is not for here.";
  }
}

async function send(connection: Connection, response: Response, headAlone: boolean): Promise<void> {
  const body = new Uint8Array(await response.arrayBuffer());
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = `HTTP/1.1 ${response.status} ${REASONS[response.status] ?? "Answer"}\r\n${headers}` +
    `content-length: ${body.length}\r\nconnection: close\r\n\r\n`;
  await connection.write(headAlone ? utf8(head) : concat(utf8(head), body));
}

/** Reasons (RFC 9110 section 15) of the statuses that are given here. */
const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  421: "Misdirected Request",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
};
