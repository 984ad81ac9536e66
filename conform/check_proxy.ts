/**
 * Holds a proxy to RFC 1928, 1929 and 1961.
 *
 * @module
 */
import { serviceAt } from "../gss/names.ts";
import type { GssInitiatorCredential } from "../gss/credential.ts";
import { platform } from "../socks/shell/default_platform.ts";

import { type Endpoint, formatEndpoint } from "../socks/wire/address.ts";
import { Method } from "../socks/wire/messages.ts";
import { Bench, type Lab, type Login } from "./bench.ts";

import { type CheckResult, orUndefined } from "./check.ts";
import { hello } from "./messages.ts";
import { checkMethod, PROXY_CHECKS } from "./proxy/all.ts";
import { type Report, reportOf } from "./report.ts";
import { runChecks } from "./run.ts";
import { Target, type TargetOptions } from "./target.ts";
import type { World } from "./world.ts";

/** Options of every conformance run. */
export interface ConformanceOptions {
  /** Called with each result as it comes. @default {nothing} */
  readonly onResult?: ((result: CheckResult) => void) | undefined;
  /** Carries out the checks whose name begins with one of these alone. @default {all of them} */
  readonly only?: readonly string[] | undefined;
  /** How long to wait for an answer or an end, in milliseconds. @default {10000, the time that RFC 1928 section 6 gives for the end after a refusal} */
  readonly timeout?: number | undefined;
  /** How long nothing must come, where nothing may come, in milliseconds. @default {400} */
  readonly silence?: number | undefined;
  /** Ends the run. @default {none} */
  readonly signal?: AbortSignal | undefined;
  /** Sockets. @default {the runtime's} */
  readonly world?: World | undefined;
}

/** Options of {@linkcode checkProxy}. */
export interface CheckProxyOptions extends ConformanceOptions {
  /** The proxy. */
  readonly proxy: Endpoint;
  /** Credential for contexts with the proxy. @default {none: checks of RFC 1961 are skipped} */
  readonly credential?: GssInitiatorCredential | undefined;
  /** Service name of the proxy: `rcmd`, or with the host in its keytab, `rcmd@proxy.example.com`. @default {"rcmd"} */
  readonly service?: string | undefined;
  /** A user of the proxy and the password. @default {none: checks of RFC 1929 are skipped} */
  readonly login?: Login | undefined;
  /** Where the kit listens for the proxy's connections. @default {a free port of 127.0.0.1, by the name localhost, and one of ::1} */
  readonly target?: TargetOptions | undefined;
}

const TARGET: TargetOptions = { listen: { hostname: "127.0.0.1", port: 0 }, name: "localhost", ipv6: "::1" };

/**
 * Carries out the checks of a proxy one after another. The proxy must be allowed to connect to the target of the kit.
 *
 * @throws {SocksReplyError} When the proxy cannot be reached.
 *
 * @example
 * ```ts
 * import { fixedPasswords, serve } from "@gssocks/gssocks";
 * import { checkProxy } from "@gssocks/gssocks/conform";
 *
 * await using server = serve({ port: 0, passwords: fixedPasswords({ alice: "secret" }), rules: ["allow localhost"] });
 * const report = await checkProxy({
 *   proxy: { hostname: "127.0.0.1", port: server.addr.port },
 *   login: { username: "alice", password: "secret" },
 *   only: ["password"],
 * });
 * if (report.verdict !== "ok") throw new Error("the server breaks a rule of RFC 1929");
 * ```
 */
export async function checkProxy(options: CheckProxyOptions): Promise<Report> {
  const { proxy, world = platform, credential, login, only, onResult, signal } = options;
  const times = { answer: options.timeout ?? 10_000, silence: options.silence ?? 400 };
  const service = serviceAt(options.service ?? "rcmd", proxy.hostname);
  await using target = await Target.open(world, { ...options.target ?? TARGET, times });
  const gss = credential === undefined ? undefined : { credential, service };
  const lab: Lab = { world, proxy, times, target, gss, login, methods: new Set() };
  lab.methods = await methodsOf(lab);
  const chosen = PROXY_CHECKS.filter(({ id }) => only === undefined || only.some((part) => id.startsWith(part)));
  const results = await runChecks(chosen, {
    onResult,
    signal,
    open: (check) => {
      const bench = new Bench(lab);
      checkMethod(bench, check);
      return Promise.resolve(bench);
    },
  });
  return reportOf(`proxy ${formatEndpoint(proxy)}`, results);
}

/** Methods that the proxy chooses when they are offered alone. */
async function methodsOf(lab: Lab): Promise<ReadonlySet<number>> {
  const found = new Set<number>();
  for (const method of [Method.None, Method.Gssapi, Method.Password]) {
    await using bench = new Bench(lab);
    const raw = await bench.connect();
    await raw.send(hello(method));
    // A proxy that says nothing chooses nothing.
    const choice = await orUndefined(raw.take(2, "a choice of a method"));
    if (choice?.[1] === method) found.add(method);
  }
  return found;
}
