/**
 * The set-up of several machines that docs/operating.md describes, in a network of its own: a balancer in front of
 * two servers, Redis with a replica and three sentinels, two KDCs, an origin, and two user machines.
 *
 * @module
 */
import type { Snapshot } from "../../cli/snapshot/snapshot.ts";
import type { Daemon } from "../support/process.ts";
import { peer } from "../support/peers.ts";
import type { ClientJob, TransferEnd } from "./client.ts";
import { PROXY, REALM, Realm } from "./realm.ts";
import type { Played } from "./replay.ts";
import { type BadCable, DOMAIN, end, type Host, NAME_SERVER, Network } from "./network.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** Peers that the lab needs. */
export const PEERS: readonly string[] = [
  "networks of hosts",
  "krb5kdc",
  "kdb5_util",
  "kadmin.local",
  "kinit",
  "haproxy",
  "redis-server",
  "redis-sentinel",
  "dnsmasq",
  "python3",
  "curl",
];

/**
 * Kernel parameters that an administrator sets, since Deno leaves them to the system: a lost peer is noticed after
 * 60 + 6 x 10 s, or some 100 s where it owes answers; clients that wait at a closed port go to the other process with that port.
 */
const SYSCTLS = {
  "net.ipv4.tcp_keepalive_time": 60,
  "net.ipv4.tcp_keepalive_intvl": 10,
  "net.ipv4.tcp_keepalive_probes": 6,
  "net.ipv4.tcp_retries2": 8,
  "net.ipv4.tcp_migrate_req": 1,
};

/** Options of a lab. */
export interface LabOptions {
  /** `onLoss` of each server; `undefined` for no Redis. @default {refuse on both} */
  readonly onLoss?: readonly ("refuse" | "allow")[] | undefined;
  /** Whether sentinels watch Redis. @default {true} */
  readonly sentinels?: boolean;
  /** Fields of the servers' configuration. */
  readonly config?: Record<string, unknown>;
}

/** A running lab. */
export class Lab implements AsyncDisposable {
  readonly #network: Network;
  readonly #folder: string;
  readonly #options: LabOptions;
  /** The realm. */
  readonly realm: Realm = new Realm((name) => this.file(name));
  readonly #daemons = new Map<string, Daemon>();
  readonly #over = new AbortController();

  private constructor(network: Network, folder: string, options: LabOptions) {
    this.#network = network;
    this.#folder = folder;
    this.#options = options;
  }

  /** Starts everything, and waits until the balancer has both servers. */
  static async start(options: LabOptions = {}): Promise<Lab> {
    const folder = await Deno.makeTempDir({ prefix: "gssocks-lab-" });
    const hosts = { lb: 10, s1: 11, s2: 12, r1: 21, r2: 22, k1: 31, k2: 32, o: 41, dns: NAME_SERVER, c1: 61, c2: 62 };
    const network = await Network.start(hosts, { [PROXY]: "10.77.0.10", [`origin.${DOMAIN}`]: "10.77.0.41" });
    const lab = new Lab(network, folder, options);
    try {
      await lab.#begin();
      return lab;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #begin(): Promise<void> {
    for (const name of ["s1", "s2", "c1", "c2"]) await this.host(name).sysctl(SYSCTLS);
    await Promise.all([
      this.startOrigin(),
      this.realm.make(),
      this.#options.onLoss === undefined ? undefined : this.#startStore(),
    ]);
    for (const name of ["k1", "k2"]) this.startKdc(name);
    await Promise.all(["s1", "s2"].map((name) => this.startServer(name)));
    await this.startBalancer();
    await Promise.all(
      [["c1", "alice"], ["c1", "bob"], ["c2", "alice"]].map(([host, user]) => this.kinit(host!, user!)),
    );
  }

  /** Returns a host of the network. */
  host(name: string): Host {
    return this.#network.host(name);
  }

  /** Puts a bad cable between a host and the switch, until it is disposed. */
  async spoil(host: string, cable: BadCable): Promise<AsyncDisposable> {
    return await this.#network.spoil(host, cable);
  }

  /** Returns a running program by its name: that of its host, or `redis1`, `sentinel1` and so on. */
  daemon(name: string): Daemon {
    const daemon = this.#daemons.get(name);
    if (daemon === undefined) throw new Error(`No program ${name} is running`);
    return daemon;
  }

  /** Returns the path of a file of the lab. */
  file(name: string): string {
    return `${this.#folder}/${name}`;
  }

  #start(name: string, host: string, command: string, args: readonly string[], env?: Record<string, string>): Daemon {
    const daemon = this.host(host).start(command, args, { env: { KRB5_CONFIG: this.file("krb5.conf"), ...env } });
    this.#daemons.set(name, daemon);
    return daemon;
  }

  #script(name: string, ...args: readonly string[]): string[] {
    return ["run", "-q", "-A", "--no-check", "-c", `${ROOT}deno.json`, `${ROOT}tests/lab/${name}`, ...args];
  }

  /** Ends a program by a signal, and waits until it has. */
  async stop(name: string, how: Deno.Signal = "SIGKILL"): Promise<void> {
    await end(this.daemon(name), how);
  }

  /** Starts a KDC. */
  startKdc(name: string, env: Record<string, string> = {}): void {
    const profile = { KRB5_KDC_PROFILE: this.file(`${name}/kdc.conf`) };
    this.#start(name, name, peer("krb5kdc"), ["-n", "-r", REALM], { ...profile, ...env });
  }

  async #startStore(): Promise<void> {
    await this.startRedis("redis1", []);
    await this.startRedis("redis2", ["--replicaof", this.host("r1").address, "6379"]);
    await this.daemon("redis2").waitFor(/MASTER <-> REPLICA sync: Finished/);
    if (this.#options.sentinels === false) return;
    for (const [index, host] of ["r1", "r2", "lb"].entries()) {
      const file = this.file(`sentinel${index + 1}.conf`);
      await Deno.writeTextFile(
        file,
        `port 26379
bind 0.0.0.0
protected-mode no
sentinel monitor lab ${this.host("r1").address} 6379 2
sentinel down-after-milliseconds lab 2000
sentinel failover-timeout lab 3000
`,
      );
      this.#start(`sentinel${index + 1}`, host, peer("redis-sentinel"), [file]);
    }
  }

  /** Starts a Redis: `redis1` or `redis2`. */
  async startRedis(name: "redis1" | "redis2", args: readonly string[]): Promise<void> {
    const plain = "--port 6379 --bind 0.0.0.0 --protected-mode no --appendonly no --repl-diskless-sync-delay 0".split(
      " ",
    );
    this.#start(name, name === "redis1" ? "r1" : "r2", peer("redis-server"), [
      ...plain,
      "--save",
      "",
      "--dir",
      this.#folder,
      ...args,
    ]);
    await this.daemon(name).waitFor(/Ready to accept connections/);
  }

  /** Returns the configuration of a server. */
  config(name: string): Record<string, unknown> {
    const { onLoss, sentinels = true, config = {} } = this.#options;
    const store = sentinels
      ? sentinelUrl(["r1", "r2", "lb"].map((host) => `${this.host(host).address}:26379`))
      : `redis://${this.host("r1").address}:6379`;
    return {
      listen: ["0.0.0.0:1080"],
      keytab: this.file("keytab"),
      gssapi: { services: ["rcmd"] },
      commands: ["connect", "udp", "bind"],
      rules: ["allow 10.77.0.0/24", `allow .${DOMAIN}`],
      proxyProtocol: [this.host("lb").address],
      datagrams: { announce: this.host(name).address },
      admin: "127.0.0.1:9180",
      health: "0.0.0.0:9181",
      log: "json",
      ...(onLoss === undefined ? {} : { shared: { redis: store, onLoss: onLoss[name === "s1" ? 0 : 1] ?? onLoss[0] } }),
      ...config,
    };
  }

  /** Returns the command line of a server with this configuration. */
  serveCommand(file: string): string[] {
    const deno = ["run", "-q", "-A", "--unstable-net", "--no-check", "-c", `${ROOT}deno.json`];
    return [Deno.execPath(), ...deno, `${ROOT}cli/mod.ts`, "serve", "--config", file];
  }

  /** Starts a server, with variables, a changed configuration, or a wrapping program. */
  async startServer(
    name: string,
    env: Record<string, string> = {},
    change: Record<string, unknown> = {},
    by: readonly string[] = [],
  ): Promise<void> {
    const file = this.file(`${name}.json`);
    await Deno.writeTextFile(file, JSON.stringify({ ...this.config(name), ...change }));
    const [command, ...args] = [...by, ...this.serveCommand(file)];
    this.#start(name, name, command!, args, env);
    await this.daemon(name).waitFor(/Listening on/);
  }

  /** Starts a server by its own command line. */
  async startServerBy(name: string, args: readonly string[]): Promise<void> {
    const [command, ...all] = [...this.serveCommand("").slice(0, -3), ...args];
    this.#start(name, name, command!, all);
    await this.daemon(name).waitFor(/Listening on/);
  }

  /** Starts a name server that knows one name, if given. */
  startNames(name?: string, address?: string): Daemon {
    const alone = ["-k", "-C", "/dev/null", "--no-resolv", "--no-hosts", "--pid-file="];
    const known = name === undefined ? `--local=/${DOMAIN}/` : `--address=/${name}/${address}`;
    return this.host("dns").start(peer("dnsmasq"), [...alone, known]);
  }

  /** Starts the origin. */
  async startOrigin(): Promise<void> {
    this.#start("o", "o", Deno.execPath(), this.#script("origin.ts", "7000"));
    await this.daemon("o").waitFor(/Origin at 7000/);
  }

  /** Starts the balancer, and waits until it has both servers. */
  async startBalancer(): Promise<void> {
    const file = this.file("haproxy.cfg");
    await Deno.writeTextFile(
      file,
      `global
  maxconn 4000
  stats socket ${this.file("haproxy.sock")} level admin
defaults
  mode tcp
  log stdout format raw local0
  timeout connect 3s
  timeout client 1h
  timeout server 1h
  retries 2
  option redispatch
frontend socks
  bind 0.0.0.0:1080
  default_backend servers
backend servers
  balance roundrobin
  option httpchk GET /healthz
  default-server inter 500ms fall 2 rise 1 check port 9181 send-proxy-v2
  server s1 ${this.host("s1").address}:1080
  server s2 ${this.host("s2").address}:1080
`,
    );
    this.#start("lb", "lb", peer("haproxy"), ["-f", file, "-db"]);
    await this.balanced();
  }

  /** Waits until the balancer has both servers. */
  async balanced(): Promise<void> {
    await this.until("both servers are in the balancer", async () => {
      const { stdout } = await this.host("lb").run("python3", ["-c", SHOW_SERVERS, this.file("haproxy.sock")]);
      return ["s1", "s2"].every((name) => new RegExp(`^servers,${name},.*,UP,`, "m").test(stdout));
    });
  }

  /** Restarts a server with a changed configuration. */
  async restartServer(name: string, change: Record<string, unknown> = {}, by: readonly string[] = []): Promise<void> {
    await this.stop(name);
    await this.startServer(name, {}, change, by);
  }

  /** Sends an authenticator of alice to servers; without a token, a new one. */
  async play(servers: readonly string[], token?: string): Promise<Played> {
    const to = servers.map((name) => this.host(name).address).join(",");
    const { stdout, stderr } = await this.host("c1").run(
      Deno.execPath(),
      this.#script("replay.ts", to, ...(token === undefined ? [] : [token])),
      { env: { KRB5_CONFIG: this.file("krb5.conf"), KRB5CCNAME: this.cache("c1", "alice") } },
    );
    if (stdout === "") throw new Error(`replay.ts failed: ${stderr}`);
    return JSON.parse(stdout);
  }

  /** Gets a user's ticket on a machine. */
  async kinit(host: string, user: string): Promise<void> {
    const { code, stderr } = await this.host(host).run(peer("kinit"), ["-f", "-c", this.cache(host, user), user], {
      env: { KRB5_CONFIG: this.file("krb5.conf") },
      stdin: `${user}pw\n`,
    });
    if (code !== 0) throw new Error(`kinit ${user}: ${stderr}`);
  }

  /** Returns the path of a user's cache. */
  cache(host: string, user: string): string {
    return `FILE:${this.file(`cc_${host}_${user}`)}`;
  }

  /** Starts a client; see {@linkcode endsOf}. */
  client(host: string, user: string, job: Partial<ClientJob> = {}, env: Record<string, string> = {}): Daemon {
    const all = JSON.stringify({ proxy: `${PROXY}:1080`, ...job });
    const known = { KRB5_CONFIG: this.file("krb5.conf"), KRB5CCNAME: this.cache(host, user), ...env };
    return this.host(host).start(Deno.execPath(), this.#script("client.ts", all), { env: known });
  }

  /** Runs a client to its end. */
  async clients(
    host: string,
    user: string,
    job: Partial<ClientJob> = {},
    env: Record<string, string> = {},
  ): Promise<TransferEnd[]> {
    return await this.allOf(this.client(host, user, job, env));
  }

  /** Waits until a client has reported all its transfers. */
  async allOf(client: Daemon, seconds = 110): Promise<TransferEnd[]> {
    await client.waitFor(/^\{"counts".*$/m, 1_000 * seconds);
    return endsOf(client);
  }

  /** Returns status and word of a server's health port. */
  async health(name: string): Promise<string> {
    const url = `http://${this.host(name).address}:9181/healthz`;
    const { stdout } = await this.host("lb").run(peer("curl"), ["-s", "-m", "3", "-w", " %{http_code}", url]);
    return stdout.trim();
  }

  /** Returns the status of a server's admin port. */
  async status(name: string): Promise<Record<string, unknown>> {
    const { stdout } = await this.host(name).run(peer("curl"), ["-s", "-m", "3", "http://127.0.0.1:9180/status.json"]);
    return JSON.parse(stdout);
  }

  /** Returns the number of a server's connected sessions. */
  async connected(name: string): Promise<number> {
    const { sessions } = await this.status(name) as unknown as Snapshot;
    return sessions.filter(({ address }) => address !== "").length;
  }

  /** Returns the number of all sessions of a server. */
  async sessions(name: string): Promise<number> {
    return (await this.status(name)).sessionCount as number;
  }

  /** Returns the distinct reasons in a server's log of sessions that did not end by themselves. */
  reasons(name: string): string {
    const closed = this.daemon(name).output.matchAll(/"event":"closed".*"error":"([^"]*)"/g);
    return [...new Set([...closed].map(([, error]) => error))].join("; ");
  }

  /** Waits until a server has exactly this many transfers of this size. */
  async underWay(name: string, count: number): Promise<void> {
    await this.until(`${count} transfers go through ${name}`, async () => {
      const { sessionCount, sessions } = await this.status(name) as unknown as Snapshot;
      return sessionCount === count && sessions.every(({ received }) => received > 100_000);
    });
  }

  /**
   * Waits until no session is left at a server.
   *
   * @returns The time in milliseconds.
   */
  async empty(name: string, seconds = 10): Promise<number> {
    return await this.until(`no session is left at ${name}`, async () => await this.sessions(name) === 0, seconds);
  }

  /** Polls until a condition is true, with a limit in seconds. */
  async until(what: string, isSo: () => Promise<boolean>, seconds = 30): Promise<number> {
    const begun = performance.now();
    for (;;) {
      this.#over.signal.throwIfAborted();
      if (await isSo()) return performance.now() - begun;
      if (performance.now() - begun > 1_000 * seconds) throw new Error(`Not within ${seconds} s: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new Error("The laboratory is no more"));
    try {
      await this.#network[Symbol.asyncDispose]();
    } finally {
      await Deno.remove(this.#folder, { recursive: true });
    }
  }
}

/** Returns the store URL of sentinels. */
function sentinelUrl(sentinels: readonly string[]): string {
  return `redis+sentinel://${sentinels.join(",")}/lab`;
}

/** haproxy reports its servers at a Unix socket. */
const SHOW_SERVERS = `import socket,sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b"show stat\\n")
while True:
    b = s.recv(65536)
    if not b: break
    sys.stdout.write(b.decode())
`;

/** Returns the transfers that a client has reported so far. */
export function endsOf(client: Daemon): TransferEnd[] {
  return client.output.split("\n").filter((line) => line.startsWith('{"id"')).map((line) => JSON.parse(line));
}

/** Counts the results by their end. */
export function countsOf(ends: readonly TransferEnd[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { end } of ends) counts[end] = (counts[end] ?? 0) + 1;
  return counts;
}
