/**
 * The sockets, TLS and names of Deno.
 *
 * @module
 */
import { denoCheckIdentity } from "./deno_identity.ts";
import { denoNames } from "./deno_names.ts";
import { denoDial, denoListen } from "./deno_tcp.ts";
import { denoDialUnix, denoListenUnix } from "./deno_unix.ts";
import { dialingFrom } from "./node_dial.ts";
import type { SocksPlatform } from "./platform.ts";
import { tlsSockets } from "./tls_sockets.ts";
import { bindDatagrams } from "./udp_system.ts";

/** The sockets, TLS and names of Deno. */
export const denoPlatform: SocksPlatform = {
  dial: denoDial,
  listen: denoListen,
  dialFrom: dialingFrom(denoDial),
  dialUnix: denoDialUnix,
  listenUnix: denoListenUnix,
  ...tlsSockets({ dial: denoDial, listen: denoListen, checkIdentity: denoCheckIdentity }),
  bindDatagrams,
  names: denoNames,
};
