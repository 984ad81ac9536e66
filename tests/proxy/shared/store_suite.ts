/**
 * What every store that servers share must do: one table, for Redis, Deno KV, one in memory, and whatever comes.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { SharedStore, SharedStoreOptions } from "../../../proxy/shared/store.ts";
import { until } from "../../support/until.ts";

/** Connects a server to a store that is empty, and that all which are connected in one test have in common. */
export type ConnectStore = (options: SharedStoreOptions) => Promise<SharedStore>;

/** A test of a store. */
export interface StoreTest {
  readonly name: string;
  run(connect: ConnectStore): Promise<void>;
}

const REFUSE: SharedStoreOptions = { onLoss: "refuse" };
let count = 0;
const entry = (milliseconds = 60_000) => {
  const now = Date.now();
  return { tag: (++count).toString(16).padStart(64, "0"), now, expiresAt: now + milliseconds, madeAt: now + 1_000 };
};

/** The table. */
export const STORE_TESTS: readonly StoreTest[] = [
  {
    name: "an authenticator is good once over all servers",
    async run(connect) {
      await using one = await connect(REFUSE);
      await using two = await connect(REFUSE);
      for (let i = 0; i < 20; i++) {
        const same = entry();
        const both = await Promise.all([one, two].map(({ replayCache }) => replayCache.insert(same)));
        assert.deepEqual(both.sort(), [false, true]);
        assert.equal(await two.replayCache.insert(same), false);
      }
    },
  },
  {
    name: "one from before the store knew everything is refused, and one from later is not",
    async run(connect) {
      await using one = await connect(REFUSE);
      const since = one.replayCache.knowsSince!;
      assert.ok(since <= Date.now() && since > Date.now() - 10_000);
      await assert.rejects(
        async () => await one.replayCache.insert({ ...entry(), madeAt: since - 100 }),
        { code: "SHARED_STORE", message: /before the shared store began anew/ },
      );
      assert.equal(await one.replayCache.insert({ ...entry(), madeAt: since + 1 }), true);
      // Whoever comes later is told the same.
      await using two = await connect(REFUSE);
      assert.ok(Math.abs(two.replayCache.knowsSince! - since) < 1_000);
    },
  },
  {
    name: "a user has so many sessions over all servers, however close the requests are",
    async run(connect) {
      await using one = await connect(REFUSE);
      await using two = await connect(REFUSE);
      const ledgers = [one.userLedger, two.userLedger];
      const entered = await Promise.all(Array.from({ length: 20 }, (_, i) => ledgers[i % 2]!.enter("u", 5)));
      assert.equal(entered.filter(Boolean).length, 5);
      assert.equal(await two.userLedger.enter("other", 1), true);
      assert.equal(await one.userLedger.enter("other", 1), false);
      two.userLedger.leave("other");
      await until("the end is known elsewhere", () => one.userLedger.enter("other", 1));
    },
  },
  {
    name: "sessions count for as long as their server lives, and for a lease after that",
    async run(connect) {
      const options = { ...REFUSE, lease: 900 };
      const one = await connect(options);
      await using two = await connect(options);
      const begun = performance.now();
      // That of the server that lives on stays meanwhile.
      for (const { userLedger } of [one, two]) assert.equal(await userLedger.enter("u", 2), true);
      await until("three leases are over", async () => {
        assert.equal(await two.userLedger.enter("u", 2), false);
        return performance.now() - begun > 2_700;
      });
      await one[Symbol.asyncDispose]();
      await until("the lease runs out", () => two.userLedger.enter("u", 2), 5_000);
    },
  },
  {
    name: "it says that it is there, and nothing is asked once it is closed",
    async run(connect) {
      const one = await connect(REFUSE);
      await until("it is there", () => one.state().up);
      await one[Symbol.asyncDispose]();
      await one[Symbol.asyncDispose]();
      assert.equal(one.state().up, false);
      await assert.rejects(async () => await one.replayCache.insert(entry()), { code: "SHARED_STORE" });
      await assert.rejects(async () => await one.userLedger.enter("u", 1), { code: "SHARED_STORE" });
    },
  },
];
