/**
 * The implementation that is used where the caller gives none.
 *
 * @module
 */
import { builtin, hasDeno } from "../../base/builtin.ts";
import { denoPlatform } from "./deno_platform.ts";
import { nodePlatform } from "./node_platform.ts";
import { noPlatform } from "./no_platform.ts";
import type { SocksPlatform } from "./platform.ts";

/** The implementation for this runtime: Deno's, that of Node's modules (Node, Bun), or none. */
export const platform: SocksPlatform = hasDeno
  ? denoPlatform
  : builtin("node:net") !== undefined
  ? nodePlatform
  : noPlatform;
