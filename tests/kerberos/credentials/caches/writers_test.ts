/** Several who write to one credential cache: nothing is lost, undone or brought back, in one process and in several. */
import assert from "node:assert/strict";
import { pause } from "../../../../base/deadline.ts";
import { KerberosError } from "../../../../kerberos/errors.ts";
import { formatPrincipal, parsePrincipal } from "../../../../kerberos/principal.ts";
import { MemoryCredentialCache } from "../../../../kerberos/credentials/caches/memory.ts";
import { encodeCcache } from "../../../../kerberos/credentials/formats/ccache.ts";
import { changeFile } from "../../../../kerberos/credentials/shell/change_file.ts";
import { FileCredentialCache } from "../../../../kerberos/credentials/shell/stores.ts";
import { KerberosTickets } from "../../../../kerberos/credentials/tickets/tickets.ts";
import { startTestKdc } from "../../../../kerberos/kdc/mod.ts";
import { systemTickets } from "../../../../kerberos/system.ts";
import { contents, ticket } from "../../../support/cache_contents.ts";
import { noneUncaughtIn } from "../../../support/unhandled.ts";

const ROOT = new URL("../../../..", import.meta.url).pathname;
const ALICE = "alice@R.TEST";
const BOB = "bob@R.TEST";

async function inFolder(body: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(`${folder}/cc`, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const hasCode = (code: string) => (error: unknown) => error instanceof KerberosError && error.code === code;

/** A process that changes a cache by commands. */
class Writer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #commands: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: ReadableStreamDefaultReader<string>;
  readonly #errors: Promise<string>;
  #rest = "";

  constructor(path: string, name: string) {
    this.#child = writerCommand(path, name, 0).spawn();
    this.#commands = this.#child.stdin.getWriter();
    this.#answers = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#errors = new Response(this.#child.stderr).text();
  }

  async answer(): Promise<string> {
    while (!this.#rest.includes("\n")) this.#rest += (await this.#answers.read()).value ?? "\n";
    const [line, ...rest] = this.#rest.split("\n");
    this.#rest = rest.join("\n");
    return line!;
  }

  async does(command: string): Promise<string> {
    await this.#commands.write(new TextEncoder().encode(`${command}\n`));
    return await this.answer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#commands.close();
    while (!(await this.#answers.read()).done);
    await this.#child.status;
    noneUncaughtIn(await this.#errors);
  }
}

function writerCommand(path: string, name: string, count: number): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-q", "--no-check", "-c", `${ROOT}deno.json`, `--allow-read=${path.replace(/\/cc$/, "")}`],
      ...[`--allow-write=${path.replace(/\/cc$/, "")}`, `${ROOT}tests/support/cache_writer.ts`],
      ...[path, name, String(count)],
    ],
    stdin: count === 0 ? "piped" : "null",
    stdout: "piped",
    stderr: "piped",
  });
}

Deno.test("FileCredentialCache: loses no ticket when several processes store at one time", async () => {
  await inFolder(async (path, folder) => {
    const cache = new FileCredentialCache(path);
    await cache.initialize(contents(ALICE));
    const [processes, each] = [5, 20];
    const ended = await Promise.all(
      Array.from({ length: processes }, (_, i) => writerCommand(path, `w${i}`, each).output()),
    );
    for (const { stderr } of ended) noneUncaughtIn(new TextDecoder().decode(stderr));
    assert.deepEqual(ended.map(({ code }) => code), Array(processes).fill(0));
    const { credentials } = (await cache.load())!;
    assert.equal(credentials.length, 1 + processes * each);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["cc"]);
  });
});

Deno.test("FileCredentialCache: a process that stores does not undo kinit or kdestroy", async () => {
  await inFolder(async (path) => {
    await using bridge = new Writer(path, "bridge");
    await using kinit = new Writer(path, "kinit");
    assert.deepEqual([await bridge.answer(), await kinit.answer()], ["ready", "ready"]);
    const cache = new FileCredentialCache(path);
    const counts = { undone: 0, back: 0, lost: 0 };
    for (let round = 0; round < 25; round++) {
      await cache.initialize(contents(ALICE));
      const [stored, initialized] = await Promise.all([bridge.does("store"), kinit.does(BOB)]);
      assert.equal(initialized, "done");
      assert.ok(["done", "NO_CREDENTIALS"].includes(stored), stored);
      const held = (await cache.load())!;
      if (formatPrincipal(held.principal) !== BOB || held.credentials.length !== 1) counts.undone++;
      await cache.initialize(contents(ALICE));
      await Promise.all([bridge.does("store"), kinit.does("destroy")]);
      if (await cache.load() !== undefined) counts.back++;
      await cache.initialize(contents(ALICE));
      assert.deepEqual(await Promise.all([bridge.does("store"), kinit.does("store")]), ["done", "done"]);
      if ((await cache.load())!.credentials.length !== 3) counts.lost++;
    }
    assert.deepEqual(counts, { undone: 0, back: 0, lost: 0 });
  });
});

Deno.test("store(): adds a ticket to its client's cache only, and to no destroyed one", async () => {
  await inFolder(async (path) => {
    for (const cache of [new FileCredentialCache(path), new MemoryCredentialCache()]) {
      const store = () => cache.store(ticket(ALICE, "rcmd/p@R.TEST"));
      await assert.rejects(store(), hasCode("NO_CREDENTIALS"));
      await cache.initialize(contents(BOB));
      await assert.rejects(
        store(),
        (error) => hasCode("NO_CREDENTIALS")(error) && /belongs to bob@R\.TEST/.test(String(error)),
      );
      await assert.rejects(cache.initialize(contents(ALICE), { replaces: contents(ALICE) }), hasCode("NO_CREDENTIALS"));
      assert.deepEqual((await cache.load())!.credentials.length, 1);
      await cache.initialize(contents(BOB), { replaces: contents(BOB) });
      await cache.destroy();
      await assert.rejects(cache.initialize(contents(BOB), { replaces: contents(BOB) }), hasCode("NO_CREDENTIALS"));
      assert.equal(await cache.load(), undefined);
    }
    assert.throws(() => Deno.lstatSync(path), Deno.errors.NotFound);
  });
});

Deno.test("renewedTicket(): undoes neither kdestroy nor kinit of another client", async () => {
  await inFolder(async (path) => {
    await using kdc = await startTestKdc({ principals: { alice: "a", bob: "b" } });
    const config = { ...kdc.config, renewLifetime: 86_400_000 };
    for (const then of ["destroyed", "bob's"]) {
      const cache = new FileCredentialCache(path);
      await systemTickets({ config, cache, principal: "alice", password: "a" }).initialTicket();
      // What happens while the KDC is asked.
      const between = {
        name: cache.name,
        load: async () => {
          const data = await cache.load();
          if (then === "destroyed") await cache.destroy();
          else await systemTickets({ config, cache, principal: "bob", password: "b" }).initialTicket();
          return data;
        },
        initialize: cache.initialize.bind(cache),
        store: cache.store.bind(cache),
        destroy: cache.destroy.bind(cache),
      };
      const renewing = new KerberosTickets({ config, kdc: kdc.client, cache: between });
      await assert.rejects(renewing.renewedTicket(), hasCode("NO_CREDENTIALS"));
      const data = await cache.load();
      assert.equal(data && formatPrincipal(data.principal), then === "destroyed" ? undefined : "bob@GSSOCKS.TEST");
    }
  });
});

Deno.test("KerberosTickets: neither use nor overwrite another client's tickets", async () => {
  await inFolder(async (path) => {
    await using kdc = await startTestKdc({ principals: { alice: "a", bob: "b", "rcmd/localhost": {} } });
    const { config } = kdc;
    const cache = new FileCredentialCache(path);
    await systemTickets({ config, cache, principal: "bob", password: "b" }).initialTicket();
    const before = await Deno.readFile(path);
    const alice = { config, cache, principal: "alice", password: "a" };
    const service = parsePrincipal("rcmd/localhost@GSSOCKS.TEST");
    for (
      const get of [() => systemTickets(alice).serviceTicket(service), () => systemTickets(alice).forwardedTicket()]
    ) {
      await assert.rejects(get(), (error) => hasCode("NO_CREDENTIALS")(error) && /to bob@/.test(String(error)));
    }
    assert.deepEqual(await Deno.readFile(path), before);
    // Without a principal the owner of the cache is the client; a client's own cache is used.
    for (
      const tickets of [systemTickets({ config, cache }), systemTickets({ ...alice, principal: "bob", password: "b" })]
    ) {
      const { credential } = await tickets.serviceTicket(service);
      assert.equal(formatPrincipal(credential.client), "bob@GSSOCKS.TEST");
    }
    // If the KDC may replace the name, it must answer first; here it answers for alice.
    const canonical = systemTickets({ ...alice, config: { ...config, canonicalize: true } });
    const held = await Deno.readFile(path);
    await assert.rejects(canonical.serviceTicket(service), hasCode("NO_CREDENTIALS"));
    assert.deepEqual(await Deno.readFile(path), held);
  });
});

Deno.test("changeFile(): notices changes by MIT's tools, which do not see the lock", async () => {
  await inFolder(async (path, folder) => {
    const added = encodeCcache(contents(BOB));
    const appended = encodeCcache({ ...contents(ALICE), credentials: [ticket(ALICE, "rcmd/mit@R.TEST")] });
    const record = appended.subarray(encodeCcache({ ...contents(ALICE), credentials: [] }).length);
    const meanwhile: Record<string, () => void> = {
      "kinit bob": () => {
        Deno.removeSync(path);
        Deno.writeFileSync(path, added);
      },
      "kinit bob, in place": () => Deno.writeFileSync(path, added),
      kdestroy: () => Deno.removeSync(path),
      "kvno, which adds a ticket": () => Deno.writeFileSync(path, record, { append: true }),
    };
    for (const [name, act] of Object.entries(meanwhile)) {
      const cache = new FileCredentialCache(path);
      await cache.initialize(contents(ALICE));
      let calls = 0;
      const seen: (number | undefined)[] = [];
      const change = changeFile(path, ({ bytes }) => {
        seen.push(bytes?.length);
        if (calls++ === 0) act();
        if (bytes === undefined || formatPrincipal(decodePrincipal(bytes)) !== ALICE) throw new Error("not hers");
        return bytes;
      });
      if (name.startsWith("kvno")) await change;
      else await assert.rejects(change, KerberosError, name);
      assert.equal(calls, 2, name);
      assert.notEqual(seen[0], seen[1], name);
      const there = await cache.load();
      const wanted = name === "kdestroy" ? undefined : name.startsWith("kvno") ? ALICE : BOB;
      assert.equal(there && formatPrincipal(there.principal), wanted, name);
      if (name.startsWith("kvno")) assert.equal(there!.credentials.length, 2);
      const left = [...Deno.readDirSync(folder)].map((entry) => entry.name);
      assert.deepEqual(left, wanted === undefined ? [] : ["cc"]);
    }
  });
});

/** The principal of a cache's bytes. */
function decodePrincipal(bytes: Uint8Array) {
  return [ALICE, BOB].map((name) => parsePrincipal(name)).find((principal) => {
    const start = encodeCcache({ principal, credentials: [] });
    return start.every((byte, i) => byte === bytes[i]);
  })!;
}

Deno.test("changeFile(): waits a bounded time for a lock that is never released", async () => {
  await inFolder(async (path) => {
    const cache = new FileCredentialCache(path, { lockTimeout: 50 });
    await cache.initialize(contents(ALICE));
    for (const act of [() => cache.store(ticket(ALICE, "rcmd/p@R.TEST")), () => cache.destroy()]) {
      using stuck = await Deno.open(path);
      await stuck.lock(true);
      // So that it ends all the same if it does wait.
      const over = new AbortController();
      let released = false;
      const releasing = pause(5_000, over.signal).then(() => {
        released = !over.signal.aborted;
        return stuck.unlock();
      });
      await act();
      assert.equal(released, false);
      over.abort();
      await releasing;
    }
    assert.equal(await cache.load(), undefined);
  });
});

Deno.test("destroy(): destroys the cache that exists when the lock is held", async () => {
  await inFolder(async (path, folder) => {
    const cache = new FileCredentialCache(path);
    await cache.initialize(contents(ALICE));
    const first = await Deno.open(path);
    await first.lock(true);
    const destroying = cache.destroy();
    for (let i = 0; i < 50; i++) await Deno.stat(path);
    // As another writer does it.
    await Deno.writeFile(`${folder}/new`, encodeCcache(contents(BOB)));
    using later = await Deno.open(`${folder}/new`);
    await Deno.rename(`${folder}/new`, path);
    first.close();
    await destroying;
    assert.deepEqual([...Deno.readDirSync(folder)], []);
    const left = new Uint8Array(100);
    await later.read(left);
    assert.deepEqual(left, new Uint8Array(100));
  });
});

Deno.test("changeFile(): waits for the lock of another writer", async () => {
  await inFolder(async (path) => {
    const cache = new FileCredentialCache(path);
    await cache.initialize(contents(ALICE));
    const before = await Deno.readFile(path);
    using first = await Deno.open(path);
    await first.lock(true);
    let done = false;
    const storing = cache.store(ticket(ALICE, "rcmd/p@R.TEST")).then(() => void (done = true));
    // Time for many attempts.
    for (let i = 0; i < 200; i++) await Deno.stat(path);
    assert.equal(done, false);
    assert.deepEqual(await Deno.readFile(path), before);
    await first.unlock();
    await storing;
    assert.equal((await cache.load())!.credentials.length, 2);
  });
});
