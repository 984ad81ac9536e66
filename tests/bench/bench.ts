/**
 * Ours and each peer in turn on the same work, medians and ratios: `deno task bench`. Needs the peers of
 * `tests/interop/peers/build.sh`. Writes `docs/performance.md`.
 */
import { KerberosKey } from "../../kerberos/crypto/key.ts";
import { profileOf } from "../../kerberos/crypto/profile.ts";
import { KerberosContext } from "../../kerberos/mech/context.ts";
import { socksifyEnv, startDante } from "../support/dante.ts";
import { GssPeer } from "../support/gss_peer.ts";
import { peer } from "../support/peers.ts";
import { Daemon, run } from "../support/process.ts";
import { type RealmFolder, startRealmFolder } from "../support/realm_folder.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const DENO = ["run", "-q", "-A", "-c", `${ROOT}deno.json`];
const RUNS = 5;
const OCTETS = 256 * (1 << 20);
const rows: string[] = [];

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** Ours and theirs by turns, so that a slow minute hits both. */
async function paired(
  ours: () => Promise<number>,
  theirs: () => Promise<number>,
  runs = RUNS,
): Promise<[number, number]> {
  const seen: [number[], number[]] = [[], []];
  for (let i = 0; i < runs; i++) {
    seen[0].push(await ours());
    seen[1].push(await theirs());
  }
  return [median(seen[0]), median(seen[1])];
}

function row(work: string, unit: string, [ours, theirs]: [number, number], name: string, goal: string): void {
  const show = (value: number) => value >= 100 ? value.toFixed(0) : value.toPrecision(3);
  rows.push(
    `| ${work} | ${show(ours)} ${unit} | ${show(theirs)} ${unit} (${name}) | **${
      (ours / theirs).toFixed(2)
    }** | ${goal} |`,
  );
  // deno-lint-ignore no-console
  console.log(rows.at(-1));
}

function contextPair(enctype: number): [KerberosContext, KerberosContext] {
  const bytes = new Uint8Array(profileOf(enctype).keyLength).fill(7);
  const name = { type: "krb5-principal", text: "x" } as const;
  const flags = {
    delegation: false,
    mutual: true,
    replay: true,
    sequence: true,
    confidentiality: true,
    integrity: true,
  };
  const make = (initiator: boolean) =>
    new KerberosContext({
      initiator,
      peer: name,
      self: name,
      flags,
      channelBound: false,
      expiresAt: 0,
      attributes: {},
      key: new KerberosKey(enctype, bytes),
      acceptorSubkey: true,
      sendSequence: 0,
      receiveSequence: 0,
    });
  return [make(true), make(false)];
}

/** Messages a second, several under way. */
async function rate(run: () => Promise<unknown>, size: number, ways: number): Promise<number> {
  const count = Math.max(200, Math.min(4000, Math.floor(4e7 / size)));
  let left = count;
  const start = performance.now();
  await Promise.all(Array.from({ length: ways }, async () => {
    while (left-- > 0) await run();
  }));
  return count / ((performance.now() - start) / 1000);
}

async function tokens(realm: RealmFolder): Promise<void> {
  const env = {
    KRB5_CONFIG: realm.krb5Conf,
    KRB5CCNAME: realm.ccache,
    KRB5_KTNAME: realm.keytab,
    KRB5RCACHENAME: "none:",
  };
  await using initiator = new GssPeer(env);
  await using acceptor = new GssPeer(env);
  await initiator.command("init rcmd@localhost 62");
  await acceptor.command("accept");
  await initiator.step((await acceptor.step((await initiator.step()).token)).token);
  const goals: Record<number, string> = { 64: "0.5", 1024: "1", 16384: "", 65475: "3" };
  for (const confidential of [true, false]) {
    for (const size of [64, 1024, 16384, 65475]) {
      const [context] = contextPair(18);
      const message = new Uint8Array(size);
      const ours = () => rate(() => context.wrap(message, { confidential }), size, 4);
      const theirs = async () => {
        const [, octets, seconds] = await initiator.command(`bench ${confidential ? 1 : 0} ${size} 0.2`);
        return Number(octets) / size / Number(seconds);
      };
      await ours();
      const [a, b] = await paired(ours, theirs);
      const unit = size >= 1024 ? "MB/s" : "messages/s";
      const scale = size >= 1024 ? size / 1e6 : 1;
      row(
        `wrap ${confidential ? "sealed" : "signed"}, ${size} octets, AES256-SHA1`,
        unit,
        [a * scale, b * scale],
        "MIT",
        confidential ? goals[size]! : "",
      );
    }
  }
}

async function ourClient(
  realm: RealmFolder,
  args: readonly (string | number)[],
): Promise<{ seconds: number; done: number }> {
  const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: realm.ccache };
  const got = await run(Deno.execPath(), [...DENO, `${ROOT}tests/bench/client.ts`, ...args.map(String)], {
    env,
    timeout: 120_000,
  });
  if (got.code !== 0) throw new Error(got.stderr);
  return JSON.parse(got.stdout);
}

async function relays(realm: RealmFolder): Promise<void> {
  await using source = new Daemon(Deno.execPath(), [...DENO, `${ROOT}tests/bench/source.ts`, String(OCTETS)]);
  const target = Number((await source.waitFor(/port (\d+)/))[1]);
  await using ours = new Daemon(Deno.execPath(), [
    ...DENO,
    `${ROOT}cli/mod.ts`,
    "serve",
    "-l",
    "127.0.0.1:0",
    "-k",
    realm.keytab,
    "-q",
    "--allow",
    "localhost",
    "--method",
    "gssapi,none",
    "--prefer-gssapi",
    "--protection",
    "confidentiality,integrity,none",
  ]);
  const port = Number((await ours.waitFor(/Listening on .*:(\d+)/))[1]);
  await using dante = await startDante({ ...realm, levels: "clear integrity confidentiality" });
  await using open = await startDante({ ...realm, levels: "", method: "none" });
  const levels = [["confidentiality", "confidentiality", "3"], ["integrity", "integrity", "2"], [
    "none",
    "clear",
    "1",
  ]] as const;
  for (const [protection, level, goal] of levels) {
    const env = await socksifyEnv({ ...realm, proxyPort: dante.port, level });
    const theirs = async () => {
      const args = ["-s", "-o", "/dev/null", "-w", "%{speed_download}", `http://127.0.0.1:${target}/`];
      return Number((await run(peer("curl"), args, { env, timeout: 120_000 })).stdout) / 1e6;
    };
    const own = async () => {
      const { seconds, done } = await ourClient(realm, [port, target, protection, "download", 1, 1]);
      return done / seconds / 1e6;
    };
    row(
      `download of 256 MiB, client and server, level "${protection}"`,
      "MB/s",
      await paired(own, theirs),
      "Dante",
      goal,
    );
  }
  const viaOpen = async () => {
    const args = [
      "-s",
      "-o",
      "/dev/null",
      "-w",
      "%{speed_download}",
      "--socks5",
      `127.0.0.1:${open.port}`,
      `http://127.0.0.1:${target}/`,
    ];
    return Number((await run(peer("curl"), args, { timeout: 120_000 })).stdout) / 1e6;
  };
  const viaOurs = async () => {
    const args = [
      "-s",
      "-o",
      "/dev/null",
      "-w",
      "%{speed_download}",
      "--socks5-basic",
      "--socks5",
      `127.0.0.1:${port}`,
      `http://127.0.0.1:${target}/`,
    ];
    return Number((await run(peer("curl"), args, { timeout: 120_000 })).stdout) / 1e6;
  };
  row(
    "download of 256 MiB by curl, server alone, no authentication",
    "MB/s",
    await paired(viaOurs, viaOpen),
    "Dante",
    "1",
  );
  for (const protection of ["confidentiality", "none"]) {
    const against = (proxy: number) => async () => {
      const { seconds, done } = await ourClient(realm, [proxy, target, protection, "handshakes", 400, 8]);
      return done / seconds;
    };
    const pair = await paired(against(port), against(dante.port), 3);
    row(`handshakes up to the reply, our client, 8 at a time, level "${protection}"`, "per s", pair, "Dante", "2");
  }
}

{
  await using realm = await startRealmFolder({ enctypes: [18] });
  await tokens(realm);
  await relays(realm);
}
const cpu = /model name\s*: (.*)/.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1] ?? "unknown processor";
await Deno.writeTextFile(
  new URL("docs/performance.md", `file://${ROOT}`),
  `# Performance

Written by \`deno task bench\` on ${
    new Date().toISOString().slice(0, 10)
  }: ${cpu}, ${navigator.hardwareConcurrency} cores, shared with other work, Deno
${Deno.version.deno}. Ours and the peer ran by turns on the same work; each figure is the median of the runs. The ratio is ours to theirs; more is better.

| work | ours | peer | ratio | goal |
| --- | --- | --- | --- | --- |
${rows.join("\n")}

What bounds what is short of its goal:

* Sealing long messages: AES-CBC encryption by WebCrypto. It works on a thread beside the HMAC over the same message and
  takes longer than that, and the call alone costs 45 us at 64 KiB on the main thread (43 percent of a server's main thread in
  a profile of a download). Decryption goes through AES-ECB, which is several times as fast.
* Short messages: a cipher object has to be made for each message (5 us), and each call crosses into the runtime.
* The downloads share two cores between source, server and client, so each figure is of both ends' work at once.
* Handshakes: both ends are ours in either case; DER goes through asn1js, which makes an object for each element.
`,
);
