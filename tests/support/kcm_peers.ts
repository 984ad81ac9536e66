/**
 * The real KCM daemons, Heimdal's and SSSD's, each with its files in a folder of its own. Their paths are built in, so that each sees
 * that folder in the place of the system's.
 *
 * @module
 */
import { peer } from "./peers.ts";
import { Daemon } from "./process.ts";
import { until } from "./until.ts";

/** What both daemons need. */
export const KCM_PEERS: readonly string[] = ["klist", "kinit", "kswitch", "kdestroy", "mounts"];

/** A running daemon. */
interface KcmPeer extends AsyncDisposable {
  /** Path of its socket. */
  readonly socket: string;
}

/** Starts Heimdal's kcm. */
export function startHeimdalKcm(): Promise<KcmPeer> {
  return start((folder) => ({
    socket: `${folder}/.heim_org.h5l.kcm-socket`,
    script: `mount --bind ${folder} /run && exec ${peer("kcm")}`,
  }));
}

/** Starts SSSD's KCM daemon, without SSSD itself; it keeps the caches in memory. */
export function startSssdKcm(): Promise<KcmPeer> {
  return start((folder) => {
    const socket = `${folder}/kcm.socket`;
    const [lib, etc, log] = ["lib", "etc", "log"].map((name) => `${folder}/${name}`);
    for (const made of [lib!, `${lib}/db`, etc!, log!]) Deno.mkdirSync(made, { mode: 0o700 });
    const config = `[sssd]\ndomains =\nservices =\n[kcm]\nsocket_path = ${socket}\nccache_storage = memory\n`;
    Deno.writeTextFileSync(`${etc}/sssd.conf`, config, { mode: 0o600 });
    const places = [[lib, "/var/lib/sss"], [log, "/var/log/sssd"], [etc, "/etc/sssd"]];
    const script = [
      ...places.map(([from, to]) => `mkdir -p ${to} && mount --bind ${from} ${to}`),
      `${peer("sssd")} --genconf-section=kcm`,
      `exec ${peer("sssd_kcm")} --uid 0 --gid 0 --logger=stderr`,
    ].join(" && ");
    return { socket, script };
  });
}

async function start(
  how: (folder: string) => { readonly socket: string; readonly script: string },
): Promise<KcmPeer> {
  const folder = await Deno.makeTempDir({ prefix: "gssocks-kcm-" });
  const { socket, script } = how(folder);
  const daemon = new Daemon("unshare", ["-m", "sh", "-c", script]);
  const close = async () => {
    await daemon[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  };
  try {
    await until(`the daemon has its socket: ${daemon.output}`, () => accepts(socket));
  } catch (error) {
    await close();
    throw new Error(`The KCM daemon did not start: ${daemon.output}`, { cause: error });
  }
  return { socket, [Symbol.asyncDispose]: close };
}

async function accepts(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch {
    return false;
  }
}
