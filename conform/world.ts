/**
 * What the kit needs of the machine.
 *
 * @module
 */
import type { SocksPlatform } from "../socks/shell/platform.ts";

/** Sockets. */
export type World = Pick<SocksPlatform, "dial" | "listen" | "bindDatagrams">;
