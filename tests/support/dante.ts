/**
 * Dante, built with GSS-API: its server, and its client library preloaded into other programs.
 *
 * @module
 */
import { Daemon, freePort, waitForPort } from "./process.ts";
import { peer } from "./peers.ts";

const PREFIX = () => peer("sockd").replace(/\/sbin\/sockd$/, "");

/** A running Dante server. */
export interface DanteServer extends AsyncDisposable {
  readonly port: number;
  /** The parent process, which leads the process group. */
  readonly pid: number;
}

/** Options of {@linkcode startDante}. */
export interface DanteServerOptions {
  /** A folder that is readable for all users, with krb5.conf and the keytab. */
  readonly directory: string;
  readonly krb5Conf: string;
  readonly keytab: string;
  /** Accepted protection levels, as Dante names them. */
  readonly levels: string;
  readonly method?: string;
  /** Whether the level is negotiated in clear (NEC mode). */
  readonly necMode?: boolean;
}

/** Starts a server. Dante changes its user, so all files in the folder must be readable for all users. */
export async function startDante(options: DanteServerOptions): Promise<DanteServer> {
  const { directory, levels, method = "gssapi", necMode = false } = options;
  const port = freePort();
  const config = `${directory}/sockd-${port}.conf`;
  const gssapi = method.includes("gssapi")
    ? `gssapi.servicename: rcmd\n    gssapi.keytab: FILE:${options.keytab}\n    gssapi.enctype: ${levels}`
    : "";
  await Deno.writeTextFile(
    config,
    `logoutput: stderr
internal: 127.0.0.1 port = ${port}
external: 127.0.0.1
clientmethod: none
socksmethod: ${method}
user.privileged: root
user.unprivileged: nobody
timeout.negotiate: 10
client pass {
    from: 127.0.0.0/8 port 1-65535 to: 127.0.0.0/8
    ${gssapi}
    ${necMode ? "clientcompatibility: necgssapi" : ""}
    log: error
}
socks pass {
    from: 0.0.0.0/0 to: 0.0.0.0/0
    protocol: tcp udp
    command: connect bind udpassociate bindreply udpreply
    log: error
}
`,
  );
  const env = {
    KRB5_CONFIG: options.krb5Conf,
    KRB5RCACHENAME: "none:",
    LD_LIBRARY_PATH: `${PREFIX()}/lib`,
    LC_ALL: "C",
  };
  const daemon = new Daemon(peer("sockd"), ["-f", config, "-p", `${directory}/sockd-${port}.pid`, "-N", "1"], {
    env,
    group: true,
  });
  try {
    await waitForPort(port);
  } catch (error) {
    await daemon[Symbol.asyncDispose]();
    throw new Error(`Dante did not start: ${daemon.output}`, { cause: error });
  }
  return { port, pid: daemon.pid, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}

/** Returns the environment that sends a program's connections through a proxy by Dante's client library. */
export async function socksifyEnv(options: {
  directory: string;
  krb5Conf: string;
  ccache: string;
  proxyPort: number;
  level: string;
  necMode?: boolean;
}): Promise<Record<string, string>> {
  const config = `${options.directory}/socks-${options.proxyPort}-${options.level}.conf`;
  await Deno.writeTextFile(
    config,
    `logoutput: ${options.directory}/socksify.log
resolveprotocol: fake
route {
    from: 0.0.0.0/0 to: 0.0.0.0/0 via: localhost port = ${options.proxyPort}
    proxyprotocol: socks_v5
    protocol: tcp udp
    command: connect bind udpassociate
    method: gssapi
    gssapi.servicename: rcmd
    gssapi.enctype: ${options.level}
    ${options.necMode ? "clientcompatibility: necgssapi" : ""}
}
`,
  );
  return {
    KRB5_CONFIG: options.krb5Conf,
    KRB5CCNAME: options.ccache,
    SOCKS_CONF: config,
    // Without these two, loopback targets would be dialed directly.
    SOCKS_AUTOADD_LANROUTES: "no",
    SOCKS_DIRECTROUTE_FALLBACK: "no",
    LD_LIBRARY_PATH: `${PREFIX()}/lib`,
    LD_PRELOAD: "libdsocks.so",
  };
}
