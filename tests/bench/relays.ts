/**
 * Downloads through proxies: with both ends of this package and of Dante, and servers alone with a client that
 * discards what it receives.
 *
 * @module
 */
import type { Field, Proxy } from "./field.ts";
import { byTurns } from "./measure.ts";
import type { Report } from "./report.ts";

const DOWNLOAD_BYTES = 256 * (1 << 20);
const GOALS: Readonly<Record<string, number>> = { "2": 3, "1": 2, "0": 1 };

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

/** The rows of downloads. */
export async function benchRelays(field: Field, report: Report): Promise<void> {
  await using ours = await field.ourServer();
  await using dante = await field.dante("gssapi");
  for (const [level, goal] of Object.entries(GOALS).reverse()) {
    const [own, theirs] = await byTurns([() => drain(field, ours, level), () => drain(field, dante, level)]);
    report.compare({
      work: `download through the server alone, level ${level}`,
      unit: "MB/s",
      ours: own!,
      peer: theirs!,
      name: "Dante",
      goal,
    });
    const [both, danteBoth] = await byTurns([
      () => field.ourDownload(ours, level, DOWNLOAD_BYTES),
      () => field.curlDownload(dante, level, DOWNLOAD_BYTES),
    ]);
    report.compare({
      work: `download through client and server, level ${level}`,
      unit: "MB/s",
      ours: both!,
      peer: danteBoth!,
      name: "Dante",
      goal,
    });
  }
  await benchPlain(field, report, ours);
}

async function benchPlain(field: Field, report: Report, ours: Proxy): Promise<void> {
  await using dante = await field.dante("none");
  await using microsocks = await field.microsocks();
  await using ssh = await field.sshTunnel();
  const peers = { Dante: dante, microsocks, "ssh -D, encrypted": ssh };
  for (const [name, proxy] of Object.entries(peers)) {
    if (proxy === undefined) continue;
    const [own, theirs] = await byTurns([
      () => field.curlDownload(ours, undefined, DOWNLOAD_BYTES),
      () => field.curlDownload(proxy, undefined, DOWNLOAD_BYTES),
    ]);
    report.compare({
      work: "download by curl, no authentication",
      unit: "MB/s",
      ours: own!,
      peer: theirs!,
      name,
      ...(name === "Dante" ? { goal: 1 } : {}),
    });
  }
}
