/**
 * Datagrams to IPv4 addresses from a machine without IPv4, through a NAT64 translator.
 *
 * @module
 */
import { throughNat64 } from "../../names/nat64_prefixes.ts";
import { type Nat64Source, translated } from "../../rules/nat64.ts";
import type { BindDatagrams, BindDatagramsOptions, DatagramSocket } from "../../stream/datagram_socket.ts";
import { dialError } from "../../stream/dial_error.ts";
import type { Endpoint } from "../../wire/address.ts";
import { formatIp, parseIp } from "../../wire/ip.ts";
import { addressFor } from "../../wire/networks.ts";

/**
 * Opens sockets that send to an IPv4 address without a route under the first NAT64 prefix. Answers seem to come from the IPv4 address.
 *
 * @param bind Opens sockets of one family.
 * @param nat64 Gives the prefixes that are known now.
 * @param egress Local addresses to send from; the IPv6 address among them faces translators.
 */
export function withNat64(
  bind: BindDatagrams,
  nat64: () => Nat64Source,
  egress: readonly string[] = [],
): BindDatagrams {
  const facing = addressFor("::", egress) ?? "::";
  return async (options) => {
    const socket = await bind(options);
    return parseIp(options.hostname)?.length === 4
      ? new TranslatedSocket(socket, bind, { ...options, facing }, nat64)
      : socket;
  };
}

class TranslatedSocket implements DatagramSocket {
  readonly #socket: DatagramSocket;
  readonly #bind: () => Promise<DatagramSocket>;
  readonly #nat64: () => Nat64Source;
  /** The socket that faces translators, once it is needed. */
  #translating: Promise<DatagramSocket> | undefined;
  #closed = false;

  constructor(
    socket: DatagramSocket,
    bind: BindDatagrams,
    { facing, ...options }: BindDatagramsOptions & { readonly facing: string },
    nat64: () => Nat64Source,
  ) {
    this.#socket = socket;
    this.#nat64 = nat64;
    this.#bind = () =>
      bind({
        ...options,
        hostname: facing,
        port: 0,
        onDatagram: (bytes, from) => options.onDatagram(bytes, this.#source(from)),
      });
  }

  get local(): Endpoint {
    return this.#socket.local;
  }

  /** Returns the sender of a datagram on the far side of the translator. */
  #source(from: Endpoint): Endpoint {
    const bytes = parseIp(from.hostname);
    const sent = bytes === undefined ? undefined : translated(bytes, this.#nat64().prefixes);
    return sent === undefined ? from : { hostname: formatIp(sent.ipv4), port: from.port };
  }

  async send(bytes: Uint8Array, to: Endpoint): Promise<void> {
    try {
      return await this.#socket.send(bytes, to);
    } catch (error) {
      const [hostname] = throughNat64(to.hostname, this.#nat64().prefixes);
      if (hostname === undefined || !maySayNoRoute(to, error)) throw error;
      const translating = await (this.#translating ??= this.#bind());
      if (this.#closed) translating.close();
      await translating.send(bytes, { hostname, port: to.port });
    }
  }

  close(): void {
    this.#closed = true;
    this.#socket.close();
    this.#translating?.then((other) => other.close(), () => {});
  }

  ref(): void {
    this.#socket.ref?.();
  }

  unref(): void {
    this.#socket.unref?.();
  }
}

/** Whether an error may say that there is no route: Deno's `node:dgram` reports that as an unknown error. */
function maySayNoRoute(to: Endpoint, error: unknown): boolean {
  return (error as { code?: unknown }).code === "UNKNOWN" || dialError(to, error).code === "NETWORK_UNREACHABLE";
}
