/**
 * The sockets, TLS and names of Deno.
 *
 * @module
 */
import { dialFrom } from "./dial_from.ts";
import type { SocksPlatform } from "./platform.ts";
import { denoNames } from "./system_names.ts";
import { dialTcp, listenTcp } from "./tcp.ts";
import { dialTls, listenTls } from "./tls.ts";
import { tlsOver } from "./tls_over.ts";
import { bindUdp } from "./udp.ts";
import { dialUnix, listenUnix } from "./unix.ts";

/** The sockets, TLS and names of Deno. */
export const denoPlatform: SocksPlatform = {
  dial: dialTcp,
  listen: listenTcp,
  dialFrom,
  dialUnix,
  listenUnix,
  dialTls,
  listenTls,
  tlsOver,
  bindDatagrams: bindUdp,
  names: denoNames,
};
