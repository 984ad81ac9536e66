/** Where the account of a ticket is shown: log in both forms, status page, and the rows of sessions. */
import assert from "node:assert/strict";
import { eventPrinter, type LogFormat } from "../../../cli/log/event_log.ts";
import { userText } from "../../../page/text.ts";
import type { SessionRow, Snapshot } from "../../../cli/snapshot/snapshot.ts";
import { connect } from "../../../mod.ts";
import type { ServerEvent } from "../../../socks/server/events.ts";
import { gssocks } from "../../support/run_cli.ts";
import { startRealmFolder } from "../../support/realm_folder.ts";
import { echoServer } from "../../support/servers.ts";

const SID = "S-1-5-21-1-2-3-1105";
const ALICE = { password: "alicepw", pac: { sid: SID, account: "Alice", domain: "CORP" } };

/** Starts `serve` with an admin port and further arguments. */
async function serving(args: readonly string[], use: (port: number, admin: number) => Promise<void>): Promise<string> {
  const stop = new AbortController();
  const ports = Promise.withResolvers<[number, number]>();
  const all = ["serve", "-l", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--drain-timeout", "0", ...args];
  const run = gssocks(all, {
    signal: stop.signal,
    onErr: (text) => {
      const port = /Listening on 127\.0\.0\.1:(\d+)/.exec(text)?.[1];
      const admin = /Admin port on http:\/\/127\.0\.0\.1:(\d+)\//.exec(text)?.[1];
      if (port !== undefined && admin !== undefined) ports.resolve([Number(port), Number(admin)]);
    },
  });
  await use(...await ports.promise);
  stop.abort();
  return (await run).err;
}

Deno.test("log and status page: show the account and the SID that a ticket proves", async () => {
  await using realm = await startRealmFolder({ principals: { alice: ALICE } });
  await using echo = echoServer();
  for (const json of [false, true]) {
    const rules = ["--deny", "10.0.0.0/8,account=alice", "--allow", `localhost,sid=${SID}`];
    const log = await serving(["-k", realm.keytab, ...rules, ...(json ? ["--json"] : [])], async (port, admin) => {
      const through = { proxy: { hostname: "localhost", port }, credentials: realm.tickets };
      await assert.rejects(connect({ ...through, hostname: "10.0.0.1", port: 80 }), { code: "NOT_ALLOWED" });
      await using _connection = await connect({ ...through, hostname: "127.0.0.1", port: echo.port });
      const status: Snapshot = await (await fetch(`http://127.0.0.1:${admin}/status.json`)).json();
      const [row] = status.sessions;
      assert.deepEqual([row?.user, row?.account, row?.sid], ["alice@GSSOCKS.TEST", "CORP\\Alice", SID]);
    });
    if (json) {
      const lines = log.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
      for (const type of ["authenticated", "connected", "refused", "closed"]) {
        const { account, sid } = lines.find(({ event }) => event === type);
        assert.deepEqual([account, sid], ["CORP\\Alice", SID], type);
      }
    } else {
      assert.match(
        log,
        /authenticated \S+ alice@GSSOCKS\.TEST by gssapi, protection \w+, account CORP\\Alice S-1-5-21-1-2-3-1105$/m,
      );
    }
  }
});

Deno.test("log: says why an account is not known, and nothing where a ticket names none", () => {
  const lines = (format: LogFormat, attributes: Record<string, string>) => {
    const out: string[] = [];
    const io = { err: (text: string) => void out.push(text) } as Parameters<typeof eventPrinter>[1];
    const identity = { method: "gssapi", name: "alice@A.TEST", attributes };
    const event = { type: "authenticated", session: 1, identity, protection: "none" };
    eventPrinter(format, io)(event as ServerEvent);
    return out.join("");
  };
  const wrong = { unverifiedAccount: "it has no server signature" };
  assert.match(lines("text", wrong), /protection none, account not known: it has no server signature\n$/);
  assert.equal(JSON.parse(lines("json", wrong)).unverifiedAccount, "it has no server signature");
  assert.match(lines("text", {}), /protection none\n$/);
  assert.deepEqual(Object.keys(JSON.parse(lines("json", {}))).filter((key) => /account|sid/i.test(key)), []);
});

Deno.test("status page: shows a user with the account", () => {
  const row = (user: string, account: string, sid: string) => userText({ user, account, sid } as SessionRow);
  assert.equal(row("alice@A.TEST", "CORP\\Alice", SID), `alice@A.TEST (CORP\\Alice, ${SID})`);
  assert.equal(row("alice@A.TEST", "", ""), "alice@A.TEST");
  assert.equal(row("", "", ""), "(unauthenticated)");
});
