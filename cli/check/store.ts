/**
 * Looks at the store that several machines share.
 *
 * @module
 */
import { checkShared, openShared, storeName, storeReason } from "../config/shared_store.ts";
import type { SharedConfig } from "../config/setting_objects.ts";
import { type Finding, good, warning } from "./finding.ts";

/**
 * Connects to the store, and writes to it as the server does each second.
 *
 * @throws {Error} When a file cannot be read, or Deno KV cannot be opened: without these the server does not start.
 */
export async function checkStore(shared: SharedConfig | undefined): Promise<Finding[]> {
  if (shared === undefined) return [];
  checkShared(shared);
  await using store = await openShared(shared, () => {});
  const { up, reason, onLoss } = store.state();
  const name = storeName(shared);
  if (up) return [good("shared", `${name} takes what is written: ${reason}`, { store: name, up })];
  const until = onLoss === "refuse" ? "no client is let in until it is there" : "replays are let in until it is there";
  return [
    warning("shared", `${name}: ${storeReason(reason)}; the server would start, and ${until}`, { store: name, up }),
  ];
}
