/**
 * Datagrams to IPv4 addresses from a machine without IPv4: by a NAT64 translator.
 *
 * @module
 */
import { throughNat64 } from "../../names/nat64_prefixes.ts";
import { type Nat64Source, translated } from "../../rules/nat64.ts";
import { dialError } from "../../stream/dial_error.ts";
import { addressFor } from "../../wire/networks.ts";
import type { Endpoint } from "../../wire/address.ts";
import { formatIp, parseIp } from "../../wire/ip.ts";
import type { BindDatagrams, BindDatagramsOptions, DatagramSocket } from "../../stream/datagram_socket.ts";

/**
 * Makes sockets that send to an IPv4 address, to which no way leads, under the first prefix that is known. Answers come from the IPv4
 * address that was written to.
 *
 * @param bind Makes sockets of one family.
 * @param nat64 Gives the prefixes as they are known.
 * @param egress Addresses of this machine's to send from; the IPv6 one among them faces translators.
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
  /** The one that faces translators, once it is wanted. */
  #other: Promise<DatagramSocket> | undefined;
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

  /** Where a datagram came from, on the far side of the translator. */
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
      if (hostname === undefined || !maySayNoWay(to, error)) throw error;
      const other = await (this.#other ??= this.#bind());
      if (this.#closed) other.close();
      await other.send(bytes, { hostname, port: to.port });
    }
  }

  close(): void {
    this.#closed = true;
    this.#socket.close();
    this.#other?.then((other) => other.close(), () => {});
  }

  ref(): void {
    this.#socket.ref?.();
  }

  unref(): void {
    this.#socket.unref?.();
  }
}

/** Deno's `node:dgram` does not say that no way leads somewhere, but that it does not know what has failed. */
function maySayNoWay(to: Endpoint, error: unknown): boolean {
  return (error as { code?: unknown }).code === "UNKNOWN" || dialError(to, error).code === "NETWORK_UNREACHABLE";
}
