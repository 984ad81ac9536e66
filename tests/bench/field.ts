/**
 * Programs for the benchmarks: an origin, this package's server, bridge and client, Dante, microsocks, V2Ray, `ssh -D`, and
 * the load on MIT's library. Each is a process of its own.
 *
 * @module
 */
import { enctypeName } from "../../kerberos/crypto/enctypes.ts";
import { socksifyEnv, startDante } from "../support/dante.ts";
import { hasPeer, peer } from "../support/peers.ts";
import { Daemon, freePort, run, waitForPort } from "../support/process.ts";
import { type RealmFolder, startRealmFolder } from "../support/realm_folder.ts";
import { startSshd } from "../support/sshd.ts";

/** Folder of this package. */
export const ROOT: string = new URL("../..", import.meta.url).pathname;

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

/** Options of {@linkcode Field.start}. */
export interface FieldOptions {
  /** Folder of the package that is measured. @default {this one} */
  readonly root?: string;
  /** Whether other programs take part. @default {true} */
  readonly peers?: boolean;
  /** @default {18: AES256-SHA1} */
  readonly enctype?: number;
}

/** Longest time in which a load that stays must be ready, in milliseconds. */
const READY_WITHIN = 60_000;

const reported = new Set<string>();

/** The running programs, without the proxies. */
export class Field implements AsyncDisposable {
  readonly root: string;
  readonly realm: RealmFolder;
  /** Port of the origin. */
  readonly target: number;
  readonly #options: FieldOptions;
  readonly #origin: Daemon;

  private constructor(options: FieldOptions, realm: RealmFolder, origin: Daemon, target: number) {
    this.root = options.root ?? ROOT;
    this.realm = realm;
    this.target = target;
    this.#options = options;
    this.#origin = origin;
  }

  static async start(options: FieldOptions = {}): Promise<Field> {
    const enctype = options.enctype ?? 18;
    const realm = await startRealmFolder({ enctypes: [enctype] });
    // Or MIT's library negotiates AES256-SHA1 for its messages (RFC 4537), whatever the tickets have.
    const only = `[libdefaults]\n    permitted_enctypes = ${enctypeName(enctype)}\n`;
    await Deno.writeTextFile(realm.krb5Conf, realm.kdc.krb5Conf.replace("[libdefaults]\n", only));
    const origin = new Daemon(peer("load"), ["origin"]);
    return new Field(options, realm, origin, Number((await origin.waitFor(/port (\d+)/))[1]));
  }

  /** Starts another one, whose tickets have another enctype. */
  with(enctype: number): Promise<Field> {
    return Field.start({ ...this.#options, enctype });
  }

  /** Environment of programs with alice's tickets. */
  get env(): Record<string, string> {
    const { krb5Conf, ccache, keytab } = this.realm;
    return { KRB5_CONFIG: krb5Conf, KRB5CCNAME: ccache, KRB5_KTNAME: keytab, KRB5RCACHENAME: "none:" };
  }

  /** Whether other programs take part, and these are installed. Says once what is missing. */
  has(...programs: readonly string[]): boolean {
    const missing = programs.filter((name) => !hasPeer(name));
    if (this.#options.peers === false || missing.length === 0) return this.#options.peers !== false;
    const text = `left out: ${missing.join(", ")} (not installed; see tests/interop/peers/build.sh)`;
    // deno-lint-ignore no-console
    if (!reported.has(text)) console.log(text);
    reported.add(text);
    return false;
  }

  /** Arguments that make Deno run a program of the package that is measured. */
  deno(unstableNet = true): string[] {
    return ["run", "-q", "-A", ...unstableNet ? ["--unstable-net"] : [], "-c", `${this.root}deno.json`];
  }

  /** Starts the server, with every method and level. */
  async ourServer(options: { readonly workers?: number; readonly unstableNet?: boolean } = {}): Promise<Proxy> {
    const methods = ["--method", "gssapi,none", "--prefer-gssapi", "--protection", "confidentiality,integrity,none"];
    // One user may have a tenth of all sessions, and one address a quarter.
    const places = ["-l", "127.0.0.1:0", "-k", this.realm.keytab, "--allow", "localhost", "--max-sessions", "100000"];
    const serve = ["serve", "-q", "--command", "connect,udp", "--workers", String(options.workers ?? 1)];
    return await this.#listening([...serve, ...places, ...methods], options.unstableNet);
  }

  /** Starts a bridge to one of the servers. */
  async ourBridge(server: Proxy, level: string): Promise<Proxy> {
    const to = ["-p", `localhost:${server.port}`, "--protection", LEVELS[level]!.ours];
    return await this.#listening(["bridge", "-q", "-l", "127.0.0.1:0", ...to]);
  }

  async #listening(args: readonly string[], unstableNet?: boolean): Promise<Proxy> {
    const command = [...this.deno(unstableNet), `${this.root}cli/mod.ts`, ...args];
    const daemon = new Daemon(Deno.execPath(), command, { env: this.env });
    return asProxy(daemon, Number((await daemon.waitFor(/Listening on \S*:(\d+)/))[1]));
  }

  /** Starts Dante, with GSS-API at every level, or without authentication. */
  async dante(method: "gssapi" | "none" = "gssapi"): Promise<Proxy | undefined> {
    if (!this.has("sockd", "root's rights")) return undefined;
    return await startDante({ ...this.realm, levels: "clear integrity confidentiality", method });
  }

  async microsocks(): Promise<Proxy | undefined> {
    if (!this.has("microsocks")) return undefined;
    const port = freePort();
    const daemon = new Daemon(peer("microsocks"), ["-i", "127.0.0.1", "-p", String(port)]);
    await waitForPort(port);
    return asProxy(daemon, port);
  }

  async v2ray(): Promise<Proxy | undefined> {
    if (!this.has("v2ray")) return undefined;
    const port = freePort();
    const config = `${this.realm.directory}/v2ray.json`;
    const inbound = { listen: "127.0.0.1", port, protocol: "socks" };
    const outbound = { protocol: "freedom" };
    await Deno.writeTextFile(config, JSON.stringify({ inbounds: [inbound], outbounds: [outbound] }));
    const daemon = new Daemon(peer("v2ray"), ["-config", config]);
    await waitForPort(port);
    return asProxy(daemon, port);
  }

  /** Starts `ssh -D` to an sshd on this machine. */
  async sshTunnel(): Promise<Proxy | undefined> {
    if (!this.has("sshd", "ssh", "root's rights")) return undefined;
    const sshd = await startSshd(this.realm.directory);
    const port = freePort();
    const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes", "LogLevel=ERROR"];
    const daemon = new Daemon(peer("ssh"), [
      ...["-N", "-D", `127.0.0.1:${port}`, "-F", "none", "-i", `${this.realm.directory}/id`, "-p", String(sshd.port)],
      ...options.flatMap((option) => ["-o", option]),
      "root@127.0.0.1",
    ]);
    await waitForPort(port);
    return asProxy(daemon, port, sshd);
  }

  /** Runs a command of the load on MIT's library; returns the numbers that it prints. */
  async load(command: string, proxy: Proxy | undefined, level: string, ...more: readonly number[]): Promise<number[]> {
    const args = [command, proxy?.port ?? 0, this.target, level, ...more].map(String);
    return await this.#numbers(peer("load"), args);
  }

  /** Starts a load that runs until it is ended; resolves once it is ready. */
  async staying(command: string, proxy: Proxy, level: string, ...more: readonly number[]): Promise<AsyncDisposable> {
    const args = [command, proxy.port, this.target, level, ...more].map(String);
    const child = new Deno.Command(peer("load"), { args, env: this.env, stdin: "piped", stdout: "piped" }).spawn();
    const reader = child.stdout.getReader();
    const late = setTimeout(() => child.kill("SIGKILL"), READY_WITHIN);
    const { done } = await reader.read();
    clearTimeout(late);
    if (done) throw new Error(`load ${args.join(" ")} failed, or was not ready in ${READY_WITHIN / 1000} s`);
    return {
      async [Symbol.asyncDispose](): Promise<void> {
        await child.stdin.close();
        while (!(await reader.read()).done);
        await child.status;
      },
    };
  }

  /** Runs a command of this package's client; returns the seconds that it took. */
  async ourClient(
    args: readonly (string | number)[],
    { unstableNet }: { readonly unstableNet?: boolean } = {},
  ): Promise<number> {
    const program = [...this.deno(unstableNet), `${ROOT}tests/bench/client.ts`, this.root];
    return (await this.#numbers(Deno.execPath(), [...program, ...args.map(String)]))[0]!;
  }

  async #numbers(program: string, args: readonly string[]): Promise<number[]> {
    const { code, stdout, stderr } = await run(program, args, { env: this.env, timeout: 120_000 });
    if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
    return stdout.trim().split(" ").map(Number);
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

function asProxy(daemon: Daemon, port: number, more?: AsyncDisposable): Proxy {
  return {
    port,
    pid: daemon.pid,
    async [Symbol.asyncDispose](): Promise<void> {
      await daemon[Symbol.asyncDispose]();
      await more?.[Symbol.asyncDispose]();
    },
  };
}
