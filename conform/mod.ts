/**
 * A conformance kit for SOCKS version 5 with GSS-API: checks of RFC 1928, 1929 and 1961, for any proxy and any client.
 *
 * @example
 * ```ts
 * import { serve } from "@gssocks/gssocks";
 * import { checkProxy, summaryText } from "@gssocks/gssocks/conform";
 *
 * await using server = serve({ port: 0, allowUnauthenticated: true, rules: ["allow localhost"] });
 * const proxy = { hostname: "127.0.0.1", port: server.addr.port };
 * const report = await checkProxy({ proxy, only: ["hello"] });
 * if (report.verdict !== "ok") throw new Error(summaryText(report));
 * ```
 *
 * @module
 */
export type { CheckResult, Outcome, Severity } from "./check.ts";
export { checkClient, type CheckClientOptions, type ClientStart } from "./check_client.ts";
export type { ClientEnd, RunningClient } from "./client/stage.ts";
export { checkProxy, type CheckProxyOptions, type ConformanceOptions } from "./check_proxy.ts";
export type { Login } from "./bench.ts";
export { jsonOf, type Report, resultText, summaryText, tapOf } from "./report.ts";
export type { TargetOptions } from "./target.ts";
export type { World } from "./world.ts";
