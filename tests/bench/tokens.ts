/**
 * Messages wrapped and unwrapped without a socket: compared with MIT's library, Java's, and OpenSSL's speed with the
 * same cipher and hash on one core.
 *
 * @module
 */
import { KerberosKey } from "../../kerberos/crypto/key.ts";
import { KerberosContext } from "../../kerberos/mech/context.ts";
import { ALL_FLAGS } from "../support/flags.ts";
import { GssPeer } from "../support/gss_peer.ts";
import { hasPeer, peer } from "../support/peers.ts";
import { run } from "../support/process.ts";
import type { Field } from "./field.ts";
import { byTurns, cpuMilliseconds, median } from "./measure.ts";
import { type Report, show } from "./report.ts";

/** Largest message of RFC 1961 in whole cipher blocks. */
const LARGEST = 65_472;
const SIZES = [64, 1024, 16_384, LARGEST];

/** Creates both ends of a context of AES256-SHA1, without a negotiation. */
export function contextPair(): [KerberosContext, KerberosContext] {
  const name = { type: "mechanism-name", text: "x" } as const;
  const make = (initiator: boolean) =>
    new KerberosContext({
      initiator,
      peer: name,
      self: name,
      flags: ALL_FLAGS,
      channelBound: false,
      expiresAt: 0,
      attributes: {},
      key: new KerberosKey(18, new Uint8Array(32).fill(7)),
      acceptorSubkey: true,
      sendSequence: 0,
      receiveSequence: 0,
    });
  return [make(true), make(false)];
}

/** Measures wrapped messages per second, several in parallel, each into reused memory. */
export async function wrapRate(size: number, confidential: boolean, ways = 4): Promise<number> {
  using context = contextPair()[0];
  const message = new Uint8Array(size);
  const count = Math.max(100, Math.min(20_000, Math.floor(3e8 / size)));
  let left = count;
  const start = performance.now();
  await Promise.all(Array.from({ length: ways }, async () => {
    const into = new Uint8Array(size + 100);
    while (left-- > 0) await context.wrap(message, { confidential, into });
  }));
  return count / ((performance.now() - start) / 1000);
}

/** Measures unwrapped messages per second, several in parallel. */
export async function unwrapRate(size: number, confidential: boolean): Promise<number> {
  const [ours, theirs] = contextPair();
  using _ = ours;
  using acceptor = theirs;
  const count = Math.max(50, Math.min(5_000, Math.floor(1e8 / size)));
  const message = new Uint8Array(size);
  const tokens: Uint8Array[] = [];
  for (let i = 0; i < count; i++) tokens.push(await ours.wrap(message, { confidential }));
  const start = performance.now();
  for (let i = 0; i < count; i += 4) await Promise.all(tokens.slice(i, i + 4).map((token) => acceptor.unwrap(token)));
  return count / ((performance.now() - start) / 1000);
}

/** Returns MIT's initiator with an established context. */
export async function mitInitiator(field: Field): Promise<GssPeer> {
  const initiator = new GssPeer(field.env);
  await using acceptor = new GssPeer(field.env);
  await initiator.command("init rcmd@localhost 62");
  await acceptor.command("accept");
  await initiator.step((await acceptor.step((await initiator.step()).token)).token);
  return initiator;
}

/** Measures messages that MIT wraps per second. */
export async function mitWrapRate(mit: GssPeer, size: number, confidential: boolean): Promise<number> {
  const [, bytes, seconds] = await mit.command(`bench ${confidential ? 1 : 0} ${size} 0.4`);
  return Number(bytes) / size / Number(seconds);
}

/** The rows of tokens. */
export async function benchTokens(field: Field, report: Report): Promise<void> {
  await using mit = await mitInitiator(field);
  const java = await javaRates(field);
  const goals: Readonly<Record<number, number>> = { 64: 0.5, 1024: 1, [LARGEST]: 3 };
  for (const confidential of [true, false]) {
    const how = confidential ? "sealed" : "signed";
    for (const size of SIZES) {
      const [ours, theirs] = await byTurns([
        () => wrapRate(size, confidential),
        () => mitWrapRate(mit, size, confidential),
      ]);
      const [scale, unit] = size < 1000 ? [1, "messages/s"] : [size / 1e6, "MB/s"];
      const row = { work: `wrap ${how}, ${size} bytes`, unit, ours: ours! * scale };
      const goal = confidential ? goals[size] : undefined;
      report.compare({ ...row, peer: theirs! * scale, name: "MIT", ...(goal === undefined ? {} : { goal }) });
      const other = java.get(`${confidential ? 1 : 0} ${size}`);
      if (other === undefined) continue;
      const wanted = size === LARGEST ? { goal: 1 } : {};
      report.compare({ ...row, peer: other.wraps * scale, name: "Java", ...wanted });
      const opened = median([await unwrapRate(size, confidential), await unwrapRate(size, confidential)]);
      report.compare({
        work: `unwrap ${how}, ${size} bytes`,
        unit,
        ours: opened * scale,
        peer: other.unwraps * scale,
        name: "Java",
        ...wanted,
      });
    }
  }
  if (hasPeer("openssl")) await benchAgainstOpenssl(report);
}

async function javaRates(field: Field): Promise<Map<string, { wraps: number; unwraps: number }>> {
  const rates = new Map<string, { wraps: number; unwraps: number }>();
  if (!hasPeer("java")) return rates;
  const { krb5Conf, ccache, keytab } = field.realm;
  const program = new URL("./java_wrap.java", import.meta.url).pathname;
  const { stdout, stderr } = await run(peer("java"), [program, krb5Conf, ccache.replace("FILE:", ""), keytab], {
    timeout: 120_000,
  });
  for (const line of stdout.trim().split("\n")) {
    const [sealed, size, wraps, unwraps] = line.split(" ");
    if (unwraps === undefined) throw new Error(`Java: ${line} ${stderr}`);
    rates.set(`${sealed} ${size}`, { wraps: Number(wraps), unwraps: Number(unwraps) });
  }
  return rates;
}

/** Measures MB/s of OpenSSL on one core. */
async function opensslSpeed(...args: readonly string[]): Promise<number> {
  const { stdout } = await run(peer("openssl"), ["speed", "-mr", "-seconds", "1", "-bytes", "65536", ...args]);
  const figures = /^\+F:.*:([\d.]+)$/m.exec(stdout);
  if (figures === null) throw new Error(`openssl speed: ${stdout}`);
  return Number(figures[1]) / 1e6;
}

/** Compares processor time: of one core, and of two cores with several tokens in parallel. */
async function benchAgainstOpenssl(report: Report): Promise<void> {
  const hash = await opensslSpeed("-evp", "sha1");
  for (const sealing of [true, false]) {
    const cipher = await opensslSpeed(...sealing ? [] : ["-decrypt"], "-evp", "aes-256-cbc");
    const limit = 1 / (1 / cipher + 1 / hash);
    const before = cpuMilliseconds(Deno.pid);
    let messages = 0;
    const start = performance.now();
    while (performance.now() - start < 2000) {
      messages += 100;
      if (sealing) await wrapMany(100);
      else await unwrapMany(100);
    }
    const wall = (performance.now() - start) / 1000;
    const processor = (cpuMilliseconds(Deno.pid) - before) / 1000;
    const bytes = messages * LARGEST / 1e6;
    report.limit({
      what: `${sealing ? "seal" : "open"} ${LARGEST} bytes, of what OpenSSL's cipher and hash allow on one core (${
        show(limit)
      } MB/s)`,
      figure: bytes / processor / limit,
      unit: "of it",
      goal: { least: 0.8 },
      remark: `${show(bytes / processor)} MB for a second of processor time, ${
        show(bytes / wall)
      } MB/s with several at once`,
    });
  }
}

const [SENDER, RECEIVER] = contextPair();
const SPARE = Array.from({ length: 4 }, () => new Uint8Array(LARGEST + 100));
const MESSAGE = new Uint8Array(LARGEST);

async function wrapMany(count: number): Promise<void> {
  let left = count;
  await Promise.all(SPARE.map(async (into) => {
    while (left-- > 0) await SENDER.wrap(MESSAGE, { confidential: true, into });
  }));
}

let sealed: Uint8Array | undefined;
/** The same token again and again: a replay is detected after all the work on it. */
async function unwrapMany(count: number): Promise<void> {
  sealed ??= await SENDER.wrap(MESSAGE, { confidential: true });
  const same = sealed;
  for (let i = 0; i < count; i += 4) await Promise.all([1, 2, 3, 4].map(() => RECEIVER.unwrap(same)));
}
