/**
 * A runtime without sockets, files and resolver of its own, such as a browser or an edge worker. Each call says what it cannot do here, and
 * what to pass instead.
 *
 * @module
 */
import { unsupported } from "../../base/builtin.ts";
import type { SystemNames } from "../names/system_names.ts";
import type { SocksPlatform } from "./platform.ts";

/** What to pass instead of a socket. */
const DIAL =
  "pass `dial`: dialWebSocket(url), or a function that returns connectionFromStreams({ readable, writable })";
const LISTEN = "serve with `listeners: []`, and give each connection to serveConnection()";

/** Nothing can be read, and nobody asked. */
const noNames: SystemNames = {
  sockets: {
    dial: () => Promise.reject(unsupported("connect to a name server", "pass `resolve`")),
    bind: () => Promise.reject(unsupported("send datagrams to a name server", "pass `resolve`")),
  },
  file: () => () => undefined,
  ownAddresses: () => undefined,
  environment: () => ({ host: undefined, localDomain: undefined, options: undefined }),
  canQueryNameServers: () => false,
  getAddresses: (name) => Promise.reject(unsupported(`look up ${name}`, "pass `resolve`")),
  getNames: (address) => Promise.reject(unsupported(`look up the names of ${address}`, "pass rules that need none")),
};

/** No sockets, no TLS, no names. */
export const noPlatform: SocksPlatform = {
  dial: () => Promise.reject(unsupported("connect over TCP", DIAL)),
  listen() {
    throw unsupported("listen on TCP", LISTEN);
  },
  dialFrom() {
    throw unsupported("choose the address to connect from", DIAL);
  },
  dialUnix() {
    throw unsupported("connect to a socket in the file system", DIAL);
  },
  listenUnix() {
    throw unsupported("listen at a path", LISTEN);
  },
  dialTls() {
    throw unsupported("connect over TLS", `${DIAL}, for example wss:`);
  },
  listenTls() {
    throw unsupported("listen for TLS", LISTEN);
  },
  tlsOver(connection) {
    connection.close();
    return Promise.reject(unsupported("speak TLS inside a connection", "use connect(), and TLS of the runtime's own"));
  },
  checkIdentity() {
    throw unsupported("check a certificate", LISTEN);
  },
  bindDatagrams: () => Promise.reject(unsupported("bind a UDP socket", "use connect(): datagrams need a socket")),
  names: noNames,
};
