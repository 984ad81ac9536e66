/**
 * Programs that hold both ends of GSS-API contexts (`ends/`): this package, MIT's library, Heimdal's, Java's, and the addon for
 * Node.js.
 *
 * @module
 */
import { GssPeer } from "../support/gss_peer.ts";
import { heimdal, peer } from "../support/peers.ts";
import type { Contestants } from "./contest.ts";
import { type Field, ROOT } from "./field.ts";

const FOLDER = `${ROOT}tests/bench/ends`;

/** What a program did of something: in a second, and in a second of its processor time. */
export interface Rates {
  readonly wall: number;
  readonly processor: number;
}

/** The programs, all of them running. */
export class Ends implements AsyncDisposable {
  readonly #programs: Readonly<Record<string, GssPeer>>;

  /** Starts this package's and those of the given others that are installed. */
  constructor(field: Field, others: readonly string[] = ["MIT", "Heimdal", "Java"]) {
    const { env, realm, root } = field;
    const ours = [...field.deno(), `${FOLDER}/ends.ts`, root];
    const java = [`${FOLDER}/Ends.java`, realm.krb5Conf, realm.ccache.replace("FILE:", ""), realm.keytab];
    const starts: Readonly<Record<string, () => GssPeer | false>> = {
      MIT: () => field.has("ends") && new GssPeer(env, peer("ends")),
      Heimdal: () => field.has("heimdal ends") && new GssPeer(env, heimdal("ends")),
      Java: () => field.has("java") && new GssPeer(env, peer("java"), java),
      "npm:kerberos": () =>
        field.has("node", "npm:kerberos") &&
        new GssPeer(env, peer("node"), [`${FOLDER}/ends.mjs`, peer("npm:kerberos")]),
    };
    const started = others.map((name) => [name, starts[name]!()] as const).filter(([, program]) => program !== false);
    this.#programs = { gssocks: new GssPeer(env, Deno.execPath(), ours), ...Object.fromEntries(started) };
  }

  /** Has one of them do something. */
  async rates(name: string, command: string): Promise<Rates> {
    const answer = await this.#programs[name]!.command(command);
    const [count, seconds, processor] = answer.map(Number) as [number, number, number];
    return { wall: count / seconds, processor: count / processor };
  }

  /** Contestants that do something; `figure` makes a figure of it. */
  contestants(command: string, figure: (rates: Rates) => number): { ours: Contestants; peers: Contestants } {
    const runs = Object.keys(this.#programs).map((name) =>
      [name, async () => figure(await this.rates(name, command))] as const
    );
    const { gssocks, ...peers } = Object.fromEntries(runs);
    return { ours: { gssocks }, peers };
  }

  /** Has all of them do something, so that compilers know it. */
  async warmUp(command: string): Promise<void> {
    for (const name of Object.keys(this.#programs)) await this.rates(name, command);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of Object.values(this.#programs)) await program[Symbol.asyncDispose]();
  }
}
