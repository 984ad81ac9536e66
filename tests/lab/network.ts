/**
 * A small network of hosts in network namespaces, on one switch, for faults that need a network. Needs root on Linux,
 * `ip` and `nft`. Several networks may exist at the same time.
 *
 * @module
 */
import { CABLE, OWN_CHECKSUMS } from "./programs.ts";
import { Daemon, run, type RunResult } from "../support/process.ts";

/** Options of a host's program. */
export interface ProgramOptions {
  /** Further environment variables. */
  readonly env?: Record<string, string>;
  /** Standard input. */
  readonly stdin?: string;
  /** Milliseconds until it is killed. */
  readonly timeout?: number;
  /** Whether it may have unhandled errors. @default {false} */
  readonly mayThrow?: boolean;
}

/** Options of a bad cable. */
export interface BadCable {
  /** Delay of each frame in milliseconds. */
  readonly delay?: number;
  /** Jitter in milliseconds; frames overtake one another. */
  readonly jitter?: number;
  /** Percentage of lost frames. */
  readonly loss?: number;
  /** Percentage of duplicated frames. */
  readonly twice?: number;
  /** Rate in kilobits per second. */
  readonly rate?: number;
}

let count = 0;

/** The hosts and the switch between them. */
export class Network implements AsyncDisposable {
  readonly #prefix: string;
  readonly #count: number;
  readonly #hosts = new Map<string, Host>();
  readonly #keeper: Deno.ChildProcess;

  private constructor(number: number) {
    this.#count = number;
    const prefix = this.#prefix = `gs${Deno.pid}x${number}`;
    this.#keeper = startKeeper(prefix);
  }

  /**
   * Creates hosts that resolve one another's names.
   *
   * @param hosts Last byte of each host's address, by name.
   * @param names Further host names, by address.
   */
  static async start(hosts: Record<string, number>, names: Record<string, string> = {}): Promise<Network> {
    const network = new Network(++count);
    try {
      await network.#add(hosts, names);
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #add(hosts: Record<string, number>, names: Record<string, string>): Promise<void> {
    const addresses = Object.entries(hosts).map(([name, last]) => [`${name}.${DOMAIN}`, `10.77.0.${last}`] as const);
    const all = [["localhost", "127.0.0.1"], ...addresses, ...Object.entries(names).map(([name, at]) => [name, at])];
    const table = all.map(([name, address]) => `${address} ${name}\n`).join("");
    const hub = `${this.#prefix}-hub`;
    const todo = [`netns add ${hub}`, `-n ${hub} link add br0 type bridge`, `-n ${hub} link set br0 up`];
    for (const [name, last] of Object.entries(hosts)) {
      const space = `${this.#prefix}-${name}`;
      await Deno.mkdir(`/etc/netns/${space}`, { recursive: true });
      await Deno.writeTextFile(`/etc/netns/${space}/hosts`, table);
      await Deno.writeTextFile(
        `/etc/netns/${space}/resolv.conf`,
        `nameserver 10.77.0.${NAME_SERVER}\n`,
      );
      this.#hosts.set(name, new Host(space, `10.77.0.${last}`));
      const cable = this.#cable(name);
      todo.push(
        `netns add ${space}`,
        `link add ${cable} type veth peer name eth0 netns ${space}`,
        `link set ${cable} netns ${hub}`,
        `-n ${hub} link set ${cable} master br0 up`,
        `-n ${space} addr add 10.77.0.${last}/24 dev eth0`,
        `-n ${space} link set eth0 up`,
        `-n ${space} link set lo up`,
      );
    }
    await steps(...todo);
  }

  /**
   * Puts a bad cable between a host and the switch.
   *
   * @returns A resource whose disposal restores the good cable.
   */
  async spoil(
    host: string,
    { delay = 0, jitter = 0, loss = 0, twice = 0, rate = 0 }: BadCable,
  ): Promise<AsyncDisposable> {
    const hub = `${this.#prefix}-hub`;
    const good = this.#cable(host);
    const bad = `b${good.slice(1)}`;
    for (const one of this.#hosts.values()) await one.run("python3", ["-c", OWN_CHECKSUMS]);
    await steps(
      `-n ${hub} link set ${good} nomaster`,
      `-n ${hub} link add ${bad} type veth peer name ${bad}p`,
      `-n ${hub} link set ${bad}p master br0 up`,
      `-n ${hub} link set ${bad} up`,
    );
    const args = ["netns", "exec", hub, "python3", "-c", CABLE, good, bad];
    const program = new Daemon("ip", [...args, ...[delay, jitter, loss, twice, rate].map(String)]);
    await program.waitFor(/there/);
    return {
      async [Symbol.asyncDispose](): Promise<void> {
        await program[Symbol.asyncDispose]();
        await steps(`-n ${hub} link del ${bad}`, `-n ${hub} link set ${good} master br0`);
      },
    };
  }

  /** Returns the name of a host's cable at the switch. */
  #cable(host: string): string {
    const index = [...this.#hosts.keys()].indexOf(host);
    return `g${Deno.pid % 100_000}c${this.#count}n${index}`;
  }

  /** Returns a host. */
  host(name: string): Host {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`There is no host ${name}`);
    return host;
  }

  /**
   * Ends all programs on the hosts, and removes the hosts.
   *
   * @throws {AggregateError} When a program had an unhandled error.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    // All at once: a draining server waits for clients that end too.
    const ends = await Promise.allSettled([...this.#hosts.values()].map((host) => host[Symbol.asyncDispose]()));
    await this.#keeper.stdin.close();
    await this.#keeper.status;
    const errors = ends.filter(({ status }) => status === "rejected").map((end) =>
      (end as PromiseRejectedResult).reason
    );
    if (errors.length > 0) throw new AggregateError(errors, errors.map(({ message }) => message).join("\n"));
  }
}

/** Waits for the end of its input, at the latest the end of its parent, and removes the network. */
const KEEPER = `read _
for space in $(ip netns list | cut -d" " -f1 | grep "^$1-"); do
  ip netns pids "$space" | xargs -r kill -9
  ip netns del "$space"
done
rm -rf /etc/netns/"$1"-*`;

function startKeeper(prefix: string): Deno.ChildProcess {
  // In its own session: a signal to the parent's terminal does not end it.
  const args = ["sh", "-c", KEEPER, "keeper", prefix];
  return new Deno.Command("setsid", { args, stdin: "piped", stdout: "null", stderr: "null" }).spawn();
}

/** Domain of the hosts. */
export const DOMAIN = "lab.test";
/** Last byte of the name server's address, whether or not one is running. */
export const NAME_SERVER = 53;

/** A host of a network. */
export class Host implements AsyncDisposable {
  /** Its address. */
  readonly address: string;
  readonly #space: string;
  readonly #running: Daemon[] = [];

  constructor(space: string, address: string) {
    this.#space = space;
    this.address = address;
  }

  /** Starts a program that runs during the test. */
  start(command: string, args: readonly string[], { env = {} }: Pick<ProgramOptions, "env"> = {}): Daemon {
    const daemon = new Daemon("ip", ["netns", "exec", this.#space, command, ...args], { env });
    this.#running.push(daemon);
    return daemon;
  }

  /** Runs a program to its end. */
  async run(command: string, args: readonly string[], options: ProgramOptions = {}): Promise<RunResult> {
    return await run("ip", ["netns", "exec", this.#space, command, ...args], options);
  }

  /** Drops all packets from and to the host, or from and to some address. */
  async cut(address?: string): Promise<void> {
    const [from, to] = address === undefined ? ["", ""] : [`ip saddr ${address} `, `ip daddr ${address} `];
    await this.filter(
      "chain in { type filter hook input priority 0; iif lo accept; " + `${from}drop; }`,
      "chain out { type filter hook output priority 0; oif lo accept; " + `${to}drop; }`,
    );
  }

  /** Replaces the host's packet filter by nft rules. */
  async filter(...chains: readonly string[]): Promise<void> {
    await this.heal();
    const rules = `table inet lab {\n${chains.join("\n")}\n}\n`;
    const { code, stderr } = await this.run("nft", ["-f", "-"], { stdin: rules });
    if (code !== 0) throw new Error(`nft refuses ${rules}: ${stderr}`);
  }

  /** Removes the packet filter. */
  async heal(): Promise<void> {
    await this.run("nft", ["delete", "table", "inet", "lab"]);
  }

  /** Unplugs or plugs its cable. */
  async link(state: "up" | "down"): Promise<void> {
    await steps(`-n ${this.#space} link set eth0 ${state}`);
  }

  /** Replaces its address. */
  async move(last: number): Promise<void> {
    await steps(
      `-n ${this.#space} addr flush dev eth0`,
      `-n ${this.#space} addr add 10.77.0.${last}/24 dev eth0`,
    );
  }

  /** Sets kernel parameters, as in /etc/sysctl.d. */
  async sysctl(settings: Record<string, number>): Promise<void> {
    const args = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    const { code, stderr } = await this.run("sysctl", ["-qw", ...args]);
    if (code !== 0) throw new Error(`sysctl ${args.join(" ")}: ${stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ends = await Promise.allSettled(
      this.#running.splice(0).map(async (daemon) => {
        // A stopped process does not handle signals.
        signal(daemon.pid, "SIGCONT");
        await daemon[Symbol.asyncDispose]();
      }),
    );
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }
}

/** Ends a program by a signal, and waits until it has ended. */
export async function end(program: Daemon, how: Deno.Signal = "SIGKILL"): Promise<void> {
  signal(program.pid, how);
  await program.ended;
}

/** Sends a signal to a program, which may have ended. */
export function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Runs commands of `ip`, one after another. */
async function steps(...all: readonly string[]): Promise<void> {
  const { code, stderr } = await run("sh", ["-exc", all.map((step) => `ip ${step}`).join("\n")]);
  if (code !== 0) throw new Error(`ip failed: ${stderr}`);
}
