/** What systemd is told of a server: ready, reloading, stopping, alive; and what happens where it cannot be told. */
import assert from "node:assert/strict";
import { managed } from "../../../cli/server/managed.ts";
import type { CliIo } from "../../../cli/terminal/io.ts";
import { serviceManager } from "../../../cli/terminal/service_manager.ts";
import { Daemon } from "../../support/process.ts";
import { startRealmFolder } from "../../support/realm_folder.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;

for (const workers of [1, 2]) {
  Deno.test(`serve: tells systemd how it stands, with ${workers} thread${workers > 1 ? "s" : ""}`, async () => {
    await using realm = await startRealmFolder();
    const folder = await Deno.makeTempDir();
    try {
      const socket = `${folder}/notify`;
      await using systemd = new Daemon(Deno.execPath(), [
        ...["run", "-q", "--unstable-net", "-A", `${ROOT}tests/support/notify_socket.ts`, socket],
      ]);
      await systemd.waitFor(/waiting/);
      await Deno.mkdir(`${folder}/run`);
      await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify({ listen: ["127.0.0.1:0"], workers }));
      await using server = new Daemon(Deno.execPath(), [
        ...["run", "-q", "--no-prompt", "--unstable-net", "--allow-net"],
        ...[`--allow-read=${realm.keytab},${ROOT},${folder}`, `--allow-write=${folder}/run,${socket}`],
        ...["--allow-env=NOTIFY_SOCKET,RUNTIME_DIRECTORY,WATCHDOG_USEC", "-c", `${ROOT}deno.json`],
        ...[`${ROOT}cli/mod.ts`, "serve", "--config", `${folder}/config.json`, "-k", realm.keytab],
      ], { env: { NOTIFY_SOCKET: socket, RUNTIME_DIRECTORY: `${folder}/run:/other`, WATCHDOG_USEC: "400000" } });
      await systemd.waitFor(/told READY=1 \| STATUS=Serving/);
      await systemd.waitFor(/told WATCHDOG=1[^]*told WATCHDOG=1/);
      // The file of its own socket was needed for a moment only.
      assert.deepEqual([...Deno.readDirSync(`${folder}/run`)], []);
      Deno.kill(server.pid, "SIGHUP");
      await systemd.waitFor(/told RELOADING=1 \|[^]*told READY=1 \| STATUS=Serving/);
      await server.waitFor(/Configuration read again/);
      Deno.kill(server.pid, "SIGTERM");
      await systemd.waitFor(/told STOPPING=1 \|/);
      assert.equal((await server.ended).code, 0, server.output);
      assert.equal(/systemd/.test(server.output), false, server.output);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("systemd: nobody is told where nobody asks, and a server that cannot tell says why", () => {
  const lines: string[] = [];
  const manager = (values: Record<string, string>) => {
    using made = serviceManager((line) => lines.push(line), (name) => values[name]);
    return made;
  };
  assert.equal(manager({}), undefined);
  assert.equal(manager({ NOTIFY_SOCKET: "" }), undefined);
  assert.deepEqual(lines, []);
  assert.equal(manager({ NOTIFY_SOCKET: "/run/x" }), undefined);
  assert.match(
    lines[0]!,
    /^Warning: systemd waits for word of this server and cannot be told: .*(--unstable-net|RuntimeD)/,
  );
});

Deno.test("systemd: permission to write is kept for its socket, and none else that is given up", async () => {
  const told: string[] = [];
  const revoked: Deno.PermissionName[] = [];
  let reload = () => {};
  const stop = new AbortController();
  const io = {
    signal: stop.signal,
    onReload: (callback: () => void) => (reload = callback, () => {}),
    revoke: (names: readonly Deno.PermissionName[]) => Promise.resolve(void revoked.push(...names)),
  } as unknown as CliIo;
  {
    using made = managed(io, { tell: (state) => void told.push(state), [Symbol.dispose]: () => {} });
    await made.revoke!(["run", "write", "sys"]);
    made.onReload!(() => told.push("read"));
    reload();
    stop.abort();
  }
  assert.deepEqual(revoked, ["run", "sys"]);
  assert.deepEqual(told, ["reloading", "read", "ready", "stopping"]);
});
