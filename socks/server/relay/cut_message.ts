/**
 * Messages that a short read has cut in two.
 *
 * @module
 */
import { type Bytes, concat } from "../../../base/bytes.ts";
import { nextTurn } from "../../../base/turn.ts";
import type { Connection } from "../../stream/connection.ts";

/**
 * Joins bytes with those of the next read, if that has any at once: what a socket has is there within the turn of the event loop.
 *
 * @returns The bytes, and the next read if it has none yet.
 */
export async function withRest(bytes: Bytes, from: Connection): Promise<[Bytes, ahead?: Promise<Bytes | null>]> {
  const ahead = from.read();
  const rest = await Promise.race([ahead, nextTurn()]).catch(() => undefined);
  return rest ? [concat(bytes, rest)] : [bytes, ahead];
}
