/**
 * Messages wrapped and unwrapped without a socket, and contexts established in one process: compared with other libraries, and
 * with OpenSSL's speed for the same cipher and hash on one core.
 *
 * @module
 */
import { peer } from "../support/peers.ts";
import { run } from "../support/process.ts";
import type { Contest, Goal } from "./contest.ts";
import { Ends } from "./ends.ts";
import type { Field } from "./field.ts";

/** Largest message of RFC 1961 in whole cipher blocks. */
const LARGEST = 65_472;
const SERVICES = { seal: "wrap 1", open: "unwrap 1", sign: "wrap 0", verify: "unwrap 0" } as const;
type Service = keyof typeof SERVICES;
/** Seconds of a turn: many short ones leave less room for noise than few long ones. */
const TURN = 0.03;

/** Smallest ratio to MIT's library, by service and length. */
const GOALS: Readonly<Partial<Record<Service, Readonly<Record<number, number>>>>> = {
  seal: { 64: 1, 1024: 1.1, 4096: 1.1 },
  open: { 64: 1, 1024: 1.1, 4096: 1.1 },
  sign: { 64: 1 },
};

function contest(ends: Ends, service: Service, size: number, enctype: string, turns = 11): Contest {
  const goal = GOALS[service]?.[size];
  const goals: Goal[] = goal === undefined ? [] : [{ to: "MIT", least: goal }];
  const [unit, scale] = size < 1000 ? ["messages per s", 1] as const : ["MB/s", size / 1e6] as const;
  return {
    measures: [{ work: `${service} ${size} bytes, ${enctype}`, unit, goals }],
    ...ends.contestants(`${SERVICES[service]} ${size} ${TURN}`, ({ wall }) => wall * scale),
    turns,
  };
}

/** Messages of all lengths, with all enctypes. */
export async function* tokens(field: Field): AsyncGenerator<Contest> {
  {
    await using ends = new Ends(field);
    for (const command of Object.values(SERVICES)) await ends.warmUp(`${command} 4096 0.3`);
    for (const service of ["seal", "open", "sign", "verify"] as const) {
      const sizes = service === "verify" ? [64, LARGEST] : [64, 1024, 4096, 16_384, LARGEST];
      for (const size of sizes) yield contest(ends, service, size, "AES256-SHA1");
    }
    yield* oneCore(ends, field);
  }
  for (const [enctype, name] of [[17, "AES128-SHA1"], [19, "AES128-SHA256"], [20, "AES256-SHA384"]] as const) {
    await using other = await field.with(enctype);
    await using ends = new Ends(other, ["MIT"]);
    for (const command of Object.values(SERVICES)) await ends.warmUp(`${command} 4096 0.2`);
    for (const service of ["seal", "open", "sign"] as const) {
      for (const size of [64, 1024, 4096, LARGEST]) yield contest(ends, service, size, name, 7);
    }
  }
}

/** Contexts established, both ends. */
export async function* contexts(field: Field): AsyncGenerator<Contest> {
  await using ends = new Ends(field, ["MIT", "Heimdal", "Java", "npm:kerberos"]);
  await ends.warmUp("pairs 1");
  yield {
    measures: [{
      work: "contexts established, both ends in one process",
      unit: "per s",
      goals: [{ to: "MIT", least: 0.5 }],
    }],
    ...ends.contestants("pairs 0.5", ({ wall }) => wall),
  };
}

/** Measures MB/s of OpenSSL on one core. */
async function opensslSpeed(...args: readonly string[]): Promise<number> {
  const { stdout } = await run(peer("openssl"), ["speed", "-mr", "-seconds", "1", "-bytes", "65536", ...args]);
  const figures = /^\+F:.*:([\d.]+)$/m.exec(stdout);
  if (figures === null) throw new Error(`openssl speed: ${stdout}`);
  return Number(figures[1]) / 1e6;
}

/** Measures what OpenSSL's AES-256-CBC and SHA-1, one after the other, allow on one core, in MB/s. */
export async function opensslLimit(sealing: boolean): Promise<number> {
  const cipher = await opensslSpeed(...sealing ? [] : ["-decrypt"], "-evp", "aes-256-cbc");
  return 1 / (1 / cipher + 1 / await opensslSpeed("-evp", "sha1"));
}

/** Long messages for a second of processor time. */
async function* oneCore(ends: Ends, field: Field): AsyncGenerator<Contest> {
  for (const [service, least] of [["seal", 0.5], ["open", 0.43]] as const) {
    const goals = [{ to: "OpenSSL", least }];
    const { ours } = ends.contestants(
      `${SERVICES[service]} ${LARGEST} 0.3`,
      (rates) => rates.processor * LARGEST / 1e6,
    );
    yield {
      measures: [{ work: `${service} ${LARGEST} bytes, by processor time`, unit: "MB/s of one core", goals }],
      ours,
      peers: { OpenSSL: field.has("openssl") ? () => opensslLimit(service === "seal") : undefined },
    };
  }
}
