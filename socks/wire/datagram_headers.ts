/**
 * Headers of datagrams (RFC 1928 section 7), most of which are those of the datagram before: they are compared, and not decoded or encoded again.
 *
 * @module
 */
import { type Bytes, EMPTY } from "../../base/bytes.ts";
import type { Slab } from "../../base/slab.ts";
import type { Endpoint } from "./address.ts";
import { decodeDatagram, encodeDatagram } from "./datagram.ts";

/** A datagram that was read. */
export interface ReadDatagram {
  /** Where it goes, or comes from. */
  readonly endpoint: Endpoint;
  /** FRAG field; 0 for a complete datagram. */
  readonly fragment: number;
  /** DATA field: a view of the input. */
  readonly data: Bytes;
}

/** Offset of the address; RSV and FRAG lie before it. */
const ADDRESS = 3;

/** Reads datagrams. */
export class DatagramReader {
  /** Header of the last datagram. */
  #header: Bytes = EMPTY;
  #endpoint: Endpoint = { hostname: "", port: 0 };

  /**
   * Decodes a datagram.
   *
   * @throws What {@linkcode decodeDatagram} throws.
   */
  read(bytes: Bytes): ReadDatagram {
    if (!this.#isAsBefore(bytes)) {
      const { hostname, port, data } = decodeDatagram(bytes);
      this.#endpoint = Object.freeze({ hostname, port });
      this.#header = bytes.slice(0, bytes.length - data.length);
    }
    return { endpoint: this.#endpoint, fragment: bytes[2]!, data: bytes.subarray(this.#header.length) };
  }

  #isAsBefore(bytes: Bytes): boolean {
    const header = this.#header;
    if (header.length === 0 || bytes.length < header.length) return false;
    for (let i = ADDRESS; i < header.length; i++) if (bytes[i] !== header[i]) return false;
    return true;
  }
}

/** Writes datagrams. */
export class DatagramWriter {
  #endpoint: Endpoint | undefined;
  /** Header with the last endpoint. */
  #header: Bytes = EMPTY;

  /**
   * Encodes a complete datagram in memory of the slab.
   *
   * @throws What {@linkcode encodeDatagram} throws.
   */
  write(slab: Slab, endpoint: Endpoint, data: Uint8Array): Bytes {
    const { hostname, port } = endpoint;
    if (this.#endpoint?.port !== port || this.#endpoint.hostname !== hostname) {
      this.#header = encodeDatagram(endpoint, EMPTY);
      this.#endpoint = { hostname, port };
    }
    const { length } = this.#header;
    const datagram = slab.room(length + data.length);
    slab.take(datagram.length);
    datagram.set(this.#header);
    datagram.set(data, length);
    return datagram;
  }
}
