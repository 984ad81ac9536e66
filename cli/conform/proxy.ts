/**
 * `gssocks conform HOST:PORT`: holds a proxy to the RFCs.
 *
 * @module
 */
import { pause } from "../../base/deadline.ts";
import { checkProxy } from "../../conform/check_proxy.ts";
import type { Login } from "../../conform/bench.ts";
import { PROXY_CHECKS } from "../../conform/proxy/all.ts";
import type { TargetOptions } from "../../conform/target.ts";
import { KerberosInitiatorCredential } from "../../kerberos/mech/credentials.ts";
import type { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { dialTcp } from "../../socks/shell/tcp.ts";
import { type Endpoint, formatEndpoint, parseEndpointText } from "../../socks/wire/address.ts";
import { isLocalhost } from "../../socks/wire/host_name.ts";
import { exclude, type ParsedArguments, UsageError } from "../command/command.ts";
import { passwordFrom } from "../command/credentials.ts";
import { endpoint, host, ticketsFrom, usable } from "../command/options.ts";
import type { CliIo } from "../terminal/io.ts";
import { onlyOf, timeOf } from "./limits.ts";
import { onResult, showReport } from "./output.ts";
import { type OwnKdc, startOwnKdc } from "./own_kdc.ts";

/** Time for the proxy to start with its new keytab, in milliseconds. */
const START = 300_000;

/** Carries the checks out. */
export async function conformProxy(args: ParsedArguments, io: CliIo): Promise<number> {
  for (const name of ["run", "listen", "keytab", "no-output"]) {
    if (args.has(name)) throw new UsageError(`--${name} is for --client`);
  }
  const [word] = args.words;
  if (word === undefined) throw new UsageError("an argument is missing: HOST:PORT of the proxy, or --client");
  const only = onlyOf(args, PROXY_CHECKS);
  const proxy = usable(() => parseEndpointText(word, 1080));
  const login = await loginFrom(args, io);
  const target = targetFrom(args);
  const show = onResult(args, io);
  await using own = await ownKdc(args, proxy, io);
  const tickets = own?.tickets ?? ticketsOf(args, login !== undefined);
  if (own !== undefined) await answers(proxy, io.signal);
  const report = await checkProxy({
    proxy,
    login,
    target,
    credential: tickets && new KerberosInitiatorCredential(tickets),
    service: args.value("service"),
    only,
    timeout: timeOf(args, "timeout"),
    silence: timeOf(args, "silence"),
    onResult: show,
    signal: io.signal,
  });
  return showReport(args, io, report);
}

async function loginFrom(args: ParsedArguments, io: CliIo): Promise<Login | undefined> {
  const username = args.value("user");
  if (username === undefined) {
    if (args.has("password-file")) throw new UsageError("--password-file needs --user, whose password it is");
    return undefined;
  }
  return { username, password: await passwordFrom(args.value("password-file"), io, username) };
}

/** The user's tickets. With a user and a password alone, RFC 1961 is not asked for. */
function ticketsOf(args: ParsedArguments, login: boolean): KerberosTickets | undefined {
  const asked = args.has("ccache") || args.has("service");
  return login && !asked || args.has("no-ticket") ? undefined : ticketsFrom(args);
}

function targetFrom(args: ParsedArguments): TargetOptions | undefined {
  const text = args.value("target");
  const name = args.value("target-name");
  if (text === undefined) {
    if (name !== undefined) throw new UsageError("--target-name needs --target, whose name it is");
    return undefined;
  }
  const listen = endpoint(text, 0);
  if (isLocalhost(listen.hostname)) return { listen: { ...listen, hostname: "127.0.0.1" }, name: "localhost" };
  return { listen, name: name === undefined ? undefined : host(name) };
}

async function ownKdc(args: ParsedArguments, proxy: Endpoint, io: CliIo): Promise<OwnKdc | undefined> {
  const keytab = args.value("write-keytab");
  if (keytab === undefined) {
    if (args.has("krb5-conf")) throw new UsageError("--krb5-conf needs --write-keytab");
    return undefined;
  }
  exclude(args, "write-keytab", "ccache", "no-ticket");
  const krb5Conf = args.value("krb5-conf") ?? `${keytab}.krb5.conf`;
  const service = (args.value("service") ?? "rcmd").replace("@", "/");
  const own = await startOwnKdc(service.includes("/") ? service : `${service}/${proxy.hostname}`, { keytab, krb5Conf });
  io.err(
    `Start the proxy with KRB5_CONFIG=${krb5Conf} KRB5_KTNAME=FILE:${keytab}; ` +
      `the checks begin once ${formatEndpoint(proxy)} answers\n`,
  );
  return own;
}

/** Waits until the proxy takes connections. */
async function answers(proxy: Endpoint, signal: AbortSignal): Promise<void> {
  for (let waited = 0;; waited += 200) {
    try {
      (await dialTcp(proxy, { signal })).close();
      return;
    } catch (error) {
      if (signal.aborted || waited >= START) throw error;
      await pause(200, signal);
    }
  }
}
