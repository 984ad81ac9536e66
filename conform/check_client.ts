/**
 * Holds a client to RFC 1928, 1929 and 1961: plays a proxy to it that does everything right, and one thing after another wrong.
 *
 * @module
 */
import type { GssAcceptorCredential } from "../gss/credential.ts";
import { spnegoAcceptor } from "../gss/spnego/acceptor.ts";
import { platform } from "../socks/shell/default_platform.ts";
import type { Connection } from "../socks/stream/connection.ts";
import type { Endpoint } from "../socks/wire/address.ts";
import { acceptAll, Arrivals } from "./arrivals.ts";
import type { ConformanceOptions } from "./check_proxy.ts";
import { CLIENT_PARTS } from "./client/all.ts";
import { TARGET } from "./client/page.ts";
import { type RunningClient, Stage } from "./client/stage.ts";
import { type Report, reportOf } from "./report.ts";
import { runChecks } from "./run.ts";

/** How a client under test is started. */
export interface ClientStart {
  /** Name of the part that is played to it. */
  readonly part: string;
  /** The proxy to use. */
  readonly proxy: Endpoint;
  /** Where to connect to through the proxy. Nothing listens there: the proxy plays it. */
  readonly target: Endpoint;
}

/** Options of {@linkcode checkClient}. */
export interface CheckClientOptions extends ConformanceOptions {
  /**
   * Starts the client, once for each part. It must connect to the target through the proxy, send what it likes (an HTTP request, say), and
   * write to its output what comes back.
   */
  readonly start: (how: ClientStart) => RunningClient;
  /** Credential that accepts the client's contexts. @default {none: parts of RFC 1961 are skipped} */
  readonly credential?: GssAcceptorCredential | undefined;
  /** Whether the client's output has what came from the target; if not, parts that judge by it are skipped. @default {true} */
  readonly shows?: boolean | undefined;
  /** Where the kit listens as a proxy. @default {a free port of localhost} */
  readonly listen?: Endpoint | undefined;
}

/**
 * Plays all parts to a client one after another.
 *
 * @example
 * ```ts
 * import { connect } from "@gssocks/gssocks";
 * import { checkClient, type ClientStart, type RunningClient } from "@gssocks/gssocks/conform";
 *
 * function start({ proxy, target }: ClientStart): RunningClient {
 *   const stop = new AbortController();
 *   const run = async () => {
 *     await using connection = await connect({ proxy, ...target, signal: stop.signal });
 *     return await new Response(connection.readable).text();
 *   };
 *   return { ended: run().catch(() => "").then((output) => ({ output })), stop: () => stop.abort() };
 * }
 *
 * export async function judge(): Promise<string> {
 *   return (await checkClient({ start })).verdict;
 * }
 * ```
 */
export async function checkClient(options: CheckClientOptions): Promise<Report> {
  const { world = platform, start, credential, shows = true, only, onResult, signal } = options;
  const times = { answer: options.timeout ?? 10_000, silence: options.silence ?? 400 };
  const where = options.listen ?? { hostname: "localhost", port: 0 };
  const listener = world.listen(where);
  // Clients may wrap the mechanism.
  const accepts = credential && spnegoAcceptor(credential);
  const arrivals = new Arrivals<Connection>();
  const accepting = acceptAll(listener, arrivals);
  try {
    const chosen = CLIENT_PARTS.filter(({ id }) => only === undefined || only.some((part) => id.startsWith(part)));
    const results = await runChecks(chosen, {
      onResult,
      signal,
      open: ({ id }) => {
        const client = start({ part: id, proxy: { ...where, port: listener.addr.port }, target: TARGET });
        return Promise.resolve(new Stage(client, { arrivals, credential: accepts, times, shows }));
      },
    });
    return reportOf("client", results);
  } finally {
    listener.close();
    await accepting;
  }
}
