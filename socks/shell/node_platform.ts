/**
 * The sockets, TLS and names of Node's modules, which Node and Bun have.
 *
 * @module
 */
import { reasonText } from "../../base/reason.ts";
import { dialingFrom, nodeDial, nodeDialUnix } from "./node_dial.ts";
import { nodeListen, nodeListenUnix } from "./node_listener.ts";
import { nodeTls } from "./node_modules.ts";
import { nodeNames } from "./node_names.ts";
import type { SocksPlatform } from "./platform.ts";
import { tlsSockets } from "./tls_sockets.ts";
import { bindDatagrams } from "./udp_system.ts";

/** The sockets, TLS and names of Node's modules. */
export const nodePlatform: SocksPlatform = {
  dial: nodeDial,
  listen: nodeListen,
  dialFrom: dialingFrom(nodeDial),
  dialUnix: nodeDialUnix,
  listenUnix: nodeListenUnix,
  ...tlsSockets({ dial: nodeDial, listen: nodeListen, checkIdentity }),
  bindDatagrams,
  names: nodeNames,
};

function checkIdentity({ cert, key }: { readonly cert: string; readonly key: string }): void {
  try {
    nodeTls().tls.createSecureContext({ cert, key });
  } catch (cause) {
    const reason = reasonText(cause);
    throw new TypeError(`Cannot use certificate and key for TLS: ${reason}`, { cause });
  }
}
