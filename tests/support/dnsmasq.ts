/**
 * A real name server: dnsmasq.
 *
 * @module
 */
import { peer } from "./peers.ts";
import { Daemon, freePort, run } from "./process.ts";

/** A running name server that knows one name. */
export interface NameServer extends AsyncDisposable {
  readonly port: number;
}

/**
 * Starts dnsmasq, which answers `www.gssocks.test` with 192.0.2.80.
 *
 * @param more More arguments.
 */
export async function startDnsmasq(...more: readonly string[]): Promise<NameServer> {
  const port = freePort();
  const daemon = new Daemon(peer("dnsmasq"), [
    ...["--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--pid-file="],
    ...["--log-facility=-", "--user=root", `--port=${port}`, "--listen-address=127.0.0.1", "--bind-interfaces"],
    "--address=/www.gssocks.test/192.0.2.80",
    ...more,
  ]);
  await daemon.waitFor(/started/);
  return { port, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}

/** Encodes a query for the address of a name (RFC 1035 section 4.1). */
export function addressQuery(name: string): Uint8Array {
  const header = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  const labels = name.split(".").flatMap((label) => [label.length, ...new TextEncoder().encode(label)]);
  return Uint8Array.from([...header, ...labels, 0, 0, 1, 0, 1]);
}

/** Returns the address at the end of a response. */
export function answeredAddress(answer: Uint8Array): string {
  return answer.subarray(-4).join(".");
}

/** Sends a query with `nc -u` in an environment. */
export async function ncAsk(port: number, name: string, env: Record<string, string>): Promise<string> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeFile(file, addressQuery(name));
    const script = 'nc=$1 port=$2; exec "$nc" -u -W1 127.0.0.1 "$port" <"$3" | od -An -tu1 -v';
    const { stdout } = await run("/bin/sh", ["-c", script, "sh", peer("nc"), String(port), file], { env });
    return answeredAddress(Uint8Array.from(stdout.trim().split(/\s+/).map(Number)));
  } finally {
    await Deno.remove(file);
  }
}
