/**
 * Downloads through proxies: with both ends of this package and of Dante, and servers alone with a client that
 * discards what it receives.
 *
 * @module
 */
import type { Contest, Run } from "./contest.ts";
import { type Field, LEVELS, type Proxy } from "./field.ts";

const DOWNLOAD_BYTES = 128 * (1 << 20);
/** Smallest ratio to Dante: of the server alone, of both ends. */
const GOALS: Readonly<Record<string, readonly [number, number]>> = { "2": [3, 2.1], "1": [2, 1.8], "0": [1.5, 1.5] };

/** Measures MB/s of a server alone. */
export async function drain(
  field: Field,
  proxy: Proxy,
  level: string,
  connections = 1,
  bytes: number = DOWNLOAD_BYTES,
): Promise<number> {
  const [seconds, came] = await field.load("drain", proxy, level, Math.floor(bytes / connections), connections);
  return came! / seconds! / 1e6;
}

/** Downloads at each level, and without authentication. */
export async function* relays(field: Field): AsyncGenerator<Contest> {
  await using ours = await field.ourServer();
  {
    await using dante = await field.dante();
    for (const [level, [alone, both]] of Object.entries(GOALS).reverse()) {
      const download = async () => {
        const args = ["download", ours.port, field.target, LEVELS[level]!.ours, DOWNLOAD_BYTES];
        return DOWNLOAD_BYTES / 1e6 / await field.ourClient(args);
      };
      yield {
        measures: [measure(`download through the server alone, level ${level}`, alone)],
        ours: { gssocks: () => drain(field, ours, level) },
        peers: { Dante: dante && (() => drain(field, dante, level)) },
      };
      yield {
        measures: [measure(`download through client and server, level ${level}`, both)],
        ours: { gssocks: download },
        peers: { Dante: dante && (() => field.curlDownload(dante, level, DOWNLOAD_BYTES)) },
      };
    }
  }
  await using dante = await field.dante("none");
  await using microsocks = await field.microsocks();
  await using v2ray = await field.v2ray();
  await using ssh = await field.sshTunnel();
  const curl = (proxy: Proxy | undefined): Run | undefined =>
    proxy && (() => field.curlDownload(proxy, undefined, DOWNLOAD_BYTES));
  yield {
    measures: [measure("download by curl, no authentication", 1)],
    ours: { gssocks: curl(ours) },
    peers: { Dante: curl(dante), microsocks: curl(microsocks), V2Ray: curl(v2ray), "ssh -D, encrypted": curl(ssh) },
  };
}

function measure(work: string, least: number) {
  return { work, unit: "MB/s", goals: [{ to: "Dante", least }] };
}
