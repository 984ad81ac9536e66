/**
 * Programs for the benchmarks: an origin, this package's server, bridge and client, Dante, microsocks, `ssh -D`, and
 * the load on MIT's library. Each is a process of its own.
 *
 * @module
 */
import { socksifyEnv, startDante } from "../support/dante.ts";
import { hasPeer, peer } from "../support/peers.ts";
import { Daemon, freePort, run, waitForPort } from "../support/process.ts";
import { type RealmFolder, startRealmFolder } from "../support/realm_folder.ts";
import { startSshd } from "../support/sshd.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
/** Command that starts a program of this package. */
export const DENO: readonly string[] = ["run", "-q", "-A", "--unstable-net", "-c", `${ROOT}deno.json`];
/** The command line. */
export const CLI: string = `${ROOT}cli/mod.ts`;

/** Levels of RFC 1961 section 4 as the load names them, with the names of this package and of Dante. */
export const LEVELS: Readonly<Record<string, { readonly ours: string; readonly dante: string }>> = {
  "0": { ours: "none", dante: "clear" },
  "1": { ours: "integrity", dante: "integrity" },
  "2": { ours: "confidentiality", dante: "confidentiality" },
};

/** A proxy under test. */
export interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** Its process, or the first of its group. */
  readonly pid: number;
}

/** The running programs, without the proxies. */
export class Field implements AsyncDisposable {
  readonly realm: RealmFolder;
  /** Port of the origin. */
  readonly target: number;
  readonly #origin: Daemon;

  private constructor(realm: RealmFolder, origin: Daemon, target: number) {
    this.realm = realm;
    this.#origin = origin;
    this.target = target;
  }

  static async start(): Promise<Field> {
    const realm = await startRealmFolder({ enctypes: [18] });
    const origin = new Daemon(peer("load"), ["origin"]);
    return new Field(realm, origin, Number((await origin.waitFor(/port (\d+)/))[1]));
  }

  /** Environment of programs with alice's tickets. */
  get env(): Record<string, string> {
    const { krb5Conf, ccache, keytab } = this.realm;
    return { KRB5_CONFIG: krb5Conf, KRB5CCNAME: ccache, KRB5_KTNAME: keytab, KRB5RCACHENAME: "none:" };
  }

  /** Starts the server, with every method and level. */
  async ourServer(workers = 1): Promise<Proxy> {
    const methods = ["--method", "gssapi,none", "--prefer-gssapi", "--protection", "confidentiality,integrity,none"];
    const places = ["-l", "127.0.0.1:0", "-k", this.realm.keytab, "--allow", "localhost", "--max-sessions", "30000"];
    const commands = ["--command", "connect,udp"];
    const args = [...DENO, CLI, "serve", "-q", ...places, ...methods, ...commands, "--workers", String(workers)];
    return await listening(new Daemon(Deno.execPath(), args));
  }

  /** Starts a bridge to one of the servers. */
  async ourBridge(server: Proxy, level: string): Promise<Proxy> {
    const args = ["bridge", "-q", "-l", "127.0.0.1:0", "-p", `localhost:${server.port}`, "--protection"];
    return await listening(
      new Daemon(Deno.execPath(), [...DENO, CLI, ...args, LEVELS[level]!.ours], { env: this.env }),
    );
  }

  /** Starts Dante, with GSS-API at every level, or without authentication. */
  async dante(method: "gssapi" | "none"): Promise<Proxy> {
    return await startDante({ ...this.realm, levels: "clear integrity confidentiality", method });
  }

  async microsocks(): Promise<Proxy | undefined> {
    if (!hasPeer("microsocks")) return undefined;
    const port = freePort();
    const daemon = new Daemon(peer("microsocks"), ["-i", "127.0.0.1", "-p", String(port)]);
    await waitForPort(port);
    return { port, pid: daemon.pid, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
  }

  /** Starts `ssh -D` to an sshd on this machine. */
  async sshTunnel(): Promise<Proxy | undefined> {
    if (!hasPeer("sshd") || !hasPeer("ssh") || !hasPeer("root's rights")) return undefined;
    const sshd = await startSshd(this.realm.directory);
    const port = freePort();
    const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes", "LogLevel=ERROR"];
    const daemon = new Daemon(peer("ssh"), [
      ...["-N", "-D", `127.0.0.1:${port}`, "-F", "none", "-i", `${this.realm.directory}/id`, "-p", String(sshd.port)],
      ...options.flatMap((option) => ["-o", option]),
      "root@127.0.0.1",
    ]);
    await waitForPort(port);
    return {
      port,
      pid: daemon.pid,
      async [Symbol.asyncDispose](): Promise<void> {
        await daemon[Symbol.asyncDispose]();
        await sshd[Symbol.asyncDispose]();
      },
    };
  }

  /** Runs a command of the load on MIT's library; returns the numbers that it prints. */
  async load(command: string, proxy: Proxy, level: string, ...more: readonly number[]): Promise<number[]> {
    const args = [command, proxy.port, this.target, level, ...more].map(String);
    const { code, stdout, stderr } = await run(peer("load"), args, { env: this.env, timeout: 240_000 });
    if (code !== 0) throw new Error(`load ${args.join(" ")}: ${stderr}`);
    return stdout.trim().split(" ").map(Number);
  }

  /** Downloads with this package's client; returns MB/s. */
  async ourDownload(proxy: Proxy, level: string, bytes: number): Promise<number> {
    const args = [...DENO, `${ROOT}tests/bench/client.ts`, proxy.port, this.target, LEVELS[level]!.ours, bytes];
    const { code, stdout, stderr } = await run(Deno.execPath(), args.map(String), { env: this.env, timeout: 120_000 });
    if (code !== 0) throw new Error(stderr);
    return bytes / Number(stdout) / 1e6;
  }

  /** Downloads with curl, with Dante's client library if a level is given; returns MB/s. */
  async curlDownload(proxy: Proxy, level: string | undefined, bytes: number): Promise<number> {
    const url = `http://127.0.0.1:${this.target}/${bytes}`;
    // Debian's curl offers GSS-API by default.
    const plain = level === undefined ? ["--socks5-basic", "--socks5", `127.0.0.1:${proxy.port}`] : [];
    const env = level === undefined
      ? {}
      : await socksifyEnv({ ...this.realm, proxyPort: proxy.port, level: LEVELS[level]!.dante });
    const args = ["-s", "-o", "/dev/null", "-w", "%{speed_download} %{size_download}", ...plain, url];
    const { stdout } = await run(peer("curl"), args, { env, timeout: 120_000 });
    const [speed, size] = stdout.split(" ").map(Number);
    if (size !== bytes) throw new Error(`curl got ${size} bytes of ${bytes}`);
    return speed! / 1e6;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#origin[Symbol.asyncDispose]();
    await this.realm[Symbol.asyncDispose]();
  }
}

async function listening(daemon: Daemon): Promise<Proxy> {
  const port = Number((await daemon.waitFor(/Listening on \S*:(\d+)/))[1]);
  return { port, pid: daemon.pid, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}
