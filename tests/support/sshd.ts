/**
 * A real OpenSSH server.
 *
 * @module
 */
import { peer } from "./peers.ts";
import { Daemon, freePort, run, waitForPort } from "./process.ts";

/** Starts sshd, for root with the key `id` in the folder. */
export async function startSshd(directory: string): Promise<AsyncDisposable & { port: number }> {
  const port = freePort();
  for (const name of ["host", "id"]) {
    await run(peer("ssh-keygen"), ["-q", "-t", "ed25519", "-N", "", "-f", `${directory}/${name}`]);
  }
  await Deno.copyFile(`${directory}/id.pub`, `${directory}/authorized`);
  await Deno.mkdir("/run/sshd", { recursive: true });
  const settings = [
    `Port=${port}`,
    "ListenAddress=127.0.0.1",
    `HostKey=${directory}/host`,
    `AuthorizedKeysFile=${directory}/authorized`,
    "StrictModes=no",
    "UsePAM=no",
    "PermitRootLogin=yes",
    `PidFile=${directory}/sshd.pid`,
  ];
  const daemon = new Daemon(peer("sshd"), [
    "-D",
    "-e",
    "-f",
    "/dev/null",
    ...settings.flatMap((setting) => ["-o", setting]),
  ]);
  await waitForPort(port);
  return { port, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}
