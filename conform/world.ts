/**
 * What the kit needs of the machine.
 *
 * @module
 */
import type { Dialer } from "../socks/stream/connection.ts";
import type { BindDatagrams } from "../socks/stream/datagram_socket.ts";
import type { ListenTcp } from "../socks/stream/listen_tcp.ts";

/** Sockets. */
export interface World {
  /** Connects over TCP. */
  readonly dial: Dialer;
  /** Listens on TCP. */
  readonly listen: ListenTcp;
  /** Binds a UDP socket. */
  readonly bindDatagrams: BindDatagrams;
}
