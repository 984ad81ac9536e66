/**
 * The set-up of docs/operating.md for several machines, with real peers in a network of its own, and its surroundings failing: the short
 * form of `deno task lab`.
 */
import { GROUPS } from "../lab/groups.ts";
import { Lab, PEERS } from "../lab/setup.ts";
import { peerTest } from "../support/peers.ts";

for (const { name, lab: options, faults } of GROUPS) {
  const short = faults.filter(({ short }) => short);
  peerTest(`several machines, faults of ${name}`, PEERS, async (t) => {
    await using lab = await Lab.start(options);
    for (const fault of short) {
      await t.step(fault.name, async () => {
        const now = await fault.run(lab);
        // deno-lint-ignore no-console
        console.log(`${fault.name}: ${now}`);
      });
    }
  });
}
