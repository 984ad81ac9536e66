/**
 * The stream sockets of this runtime.
 *
 * @module
 */
import { hasDeno } from "../../../base/builtin.ts";
import { denoSockets } from "./deno_sockets.ts";
import { nodeSockets } from "./node_sockets.ts";
import type { StreamSockets } from "./stream_sockets.ts";

/** Deno's sockets, or those of `node:net`; where there is neither, each call says so. */
export const sockets: StreamSockets = hasDeno ? denoSockets : nodeSockets;
