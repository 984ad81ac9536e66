/**
 * The set-up of docs/operating.md for several machines, with real peers in a network of its own, under faults: the short form
 * of `deno task lab`.
 */
import { tryFault } from "../lab/fault.ts";
import { GROUPS } from "../lab/groups.ts";
import { Lab, PEERS } from "../lab/setup.ts";
import { peerTest } from "../support/peers.ts";

for (const { name, lab: options, faults } of GROUPS) {
  const short = faults.filter(({ short }) => short);
  if (short.length === 0) continue;
  peerTest(`lab: survives the faults of ${name}`, PEERS, async (t) => {
    let lab = await Lab.start(options);
    try {
      for (const fault of short) {
        const well = await t.step(fault.name, async () => {
          const now = await tryFault(fault, lab, true);
          // deno-lint-ignore no-console
          console.log(`${fault.name}: ${now}`);
        });
        if (well) continue;
        // The fault may have left the lab broken.
        await lab[Symbol.asyncDispose]();
        lab = await Lab.start(options);
      }
    } finally {
      await lab[Symbol.asyncDispose]();
    }
  });
}
