/**
 * A small network of hosts in network namespaces, on one switch: for faults that only a network has. Needs root on Linux, `ip` and
 * `nft`. Several networks may be there at one time.
 *
 * @module
 */
import { Daemon, run, type RunResult } from "../support/process.ts";

/** What a program of a host is given. */
export interface ProgramOptions {
  /** Variables beside those of this process. */
  readonly env?: Record<string, string>;
  /** Its input. */
  readonly stdin?: string;
  /** Milliseconds after which it is killed. */
  readonly timeout?: number;
  /** Whether it may end with an error that nobody handles. @default {false} */
  readonly mayThrow?: boolean;
}

let count = 0;

/** The hosts and the switch between them. */
export class Network implements AsyncDisposable {
  readonly #prefix: string;
  readonly #hosts = new Map<string, Host>();

  private constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /**
   * Makes hosts, which know one another by name.
   *
   * @param hosts Last octet of each one's address, by its name.
   * @param names More names of hosts, by address.
   */
  static async start(hosts: Record<string, number>, names: Record<string, string> = {}): Promise<Network> {
    const network = new Network(`gs${Deno.pid}x${++count}`);
    try {
      await network.#add(hosts, names);
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #add(hosts: Record<string, number>, names: Record<string, string>): Promise<void> {
    const hub = `${this.#prefix}-hub`;
    await ip("netns", "add", hub);
    await ip("-n", hub, "link", "add", "br0", "type", "bridge");
    await ip("-n", hub, "link", "set", "br0", "up");
    const addresses = Object.entries(hosts).map(([name, last]) => [`${name}.${DOMAIN}`, `10.77.0.${last}`] as const);
    const all = [["localhost", "127.0.0.1"], ...addresses, ...Object.entries(names).map(([name, at]) => [name, at])];
    const table = all.map(([name, address]) => `${address} ${name}\n`).join("");
    for (const [index, [name, last]] of Object.entries(hosts).entries()) {
      const space = `${this.#prefix}-${name}`;
      await Deno.mkdir(`/etc/netns/${space}`, { recursive: true });
      await Deno.writeTextFile(`/etc/netns/${space}/hosts`, table);
      await Deno.writeTextFile(
        `/etc/netns/${space}/resolv.conf`,
        `nameserver 10.77.0.${NAME_SERVER}\noptions timeout:1 attempts:1\n`,
      );
      await ip("netns", "add", space);
      const cable = `g${Deno.pid % 100_000}c${count}n${index}`;
      await ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space);
      await ip("link", "set", cable, "netns", hub);
      await ip("-n", hub, "link", "set", cable, "master", "br0", "up");
      await ip("-n", space, "addr", "add", `10.77.0.${last}/24`, "dev", "eth0");
      await ip("-n", space, "link", "set", "eth0", "up");
      await ip("-n", space, "link", "set", "lo", "up");
      this.#hosts.set(name, new Host(space, `10.77.0.${last}`));
    }
  }

  /** A host. */
  host(name: string): Host {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`There is no host ${name}`);
    return host;
  }

  /** Ends what runs on the hosts, and takes them away. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of this.#hosts.values()) await host[Symbol.asyncDispose]();
    const { stdout } = await run("ip", ["netns", "list"]);
    for (const space of stdout.split("\n").map((line) => line.split(" ")[0]!)) {
      if (!space.startsWith(`${this.#prefix}-`)) continue;
      await run("ip", ["netns", "del", space]);
      await Deno.remove(`/etc/netns/${space}`, { recursive: true }).catch(() => {});
    }
  }
}

/** What hosts are called after their names. */
export const DOMAIN = "lab.test";
/** Last octet of the host that all ask for names, whether or not it is there. */
export const NAME_SERVER = 53;

/** One host of a network. */
export class Host implements AsyncDisposable {
  /** Its address. */
  readonly address: string;
  readonly #space: string;
  readonly #running: Daemon[] = [];

  constructor(space: string, address: string) {
    this.#space = space;
    this.address = address;
  }

  /** Starts a program that runs beside the test. */
  start(command: string, args: readonly string[], { env = {} }: Pick<ProgramOptions, "env"> = {}): Daemon {
    const daemon = new Daemon("ip", ["netns", "exec", this.#space, command, ...args], { env });
    this.#running.push(daemon);
    return daemon;
  }

  /** Runs a program to its end. */
  async run(command: string, args: readonly string[], options: ProgramOptions = {}): Promise<RunResult> {
    return await run("ip", ["netns", "exec", this.#space, command, ...args], options);
  }

  /** Drops everything from and to the host, or to and from some address, without a word. */
  async cut(address?: string): Promise<void> {
    const [from, to] = address === undefined ? ["", ""] : [`ip saddr ${address} `, `ip daddr ${address} `];
    await this.filter(
      "chain in { type filter hook input priority 0; iif lo accept; " + `${from}drop; }`,
      "chain out { type filter hook output priority 0; oif lo accept; " + `${to}drop; }`,
    );
  }

  /** Filters packets in the words of nft, in the place of what was filtered before. */
  async filter(...chains: readonly string[]): Promise<void> {
    await this.heal();
    const rules = `table inet lab {\n${chains.join("\n")}\n}\n`;
    const { code, stderr } = await this.run("nft", ["-f", "-"], { stdin: rules });
    if (code !== 0) throw new Error(`nft does not take ${rules}: ${stderr}`);
  }

  /** Lets everything pass again. */
  async heal(): Promise<void> {
    await this.run("nft", ["delete", "table", "inet", "lab"]);
  }

  /** Takes its cable out, or puts it back. */
  async link(state: "up" | "down"): Promise<void> {
    await ip("-n", this.#space, "link", "set", "eth0", state);
  }

  /** Gives it another address in the place of the one that it has. */
  async move(last: number): Promise<void> {
    await ip("-n", this.#space, "addr", "flush", "dev", "eth0");
    await ip("-n", this.#space, "addr", "add", `10.77.0.${last}/24`, "dev", "eth0");
  }

  /** Kills everything that runs on it at once, as a loss of power does. */
  async crash(): Promise<void> {
    const { stdout } = await run("ip", ["netns", "pids", this.#space]);
    for (const pid of stdout.split("\n").filter((line) => line !== "")) signal(Number(pid), "SIGKILL");
    await Promise.all(this.#running.map((daemon) => daemon.ended));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.heal().catch(() => {});
    for (const daemon of this.#running.reverse()) {
      // What is stopped does not hear that it is to end.
      signal(daemon.pid, "SIGCONT");
      await daemon[Symbol.asyncDispose]();
    }
    this.#running.length = 0;
  }
}

/** Sends a signal to a program, which may have ended. */
export function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function ip(...args: readonly string[]): Promise<void> {
  const { code, stderr } = await run("ip", args);
  if (code !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
}
