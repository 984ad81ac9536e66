/**
 * A ticket with what its holder knows about it.
 *
 * @module
 */
import { type Bytes, copyBytes, EMPTY } from "../base/bytes.ts";
import type { KerberosKey } from "./crypto/key.ts";
import type { AuthorizationDataElement, HostAddress } from "./messages/basic.ts";
import { formatPrincipal, type Principal } from "./principal.ts";

/** Parts of a {@linkcode Credential}. Times are in milliseconds since the epoch. */
export interface CredentialInit {
  /** Client that the ticket was issued to. */
  readonly client: Principal;
  /** Service that the ticket is for. */
  readonly server: Principal;
  /** Session key. */
  readonly key: KerberosKey;
  /** When the client was authenticated. */
  readonly authtime: number;
  /** Start of its validity. @default {authtime} */
  readonly starttime?: number | undefined;
  /** End of its validity. */
  readonly endtime: number;
  /** End of the time in which it can be renewed. @default {0: it cannot be renewed} */
  readonly renewTill?: number | undefined;
  /** Ticket flags (RFC 4120 section 5.3). */
  readonly flags: number;
  /** DER of the ticket. */
  readonly ticket: Bytes;
  /** Whether the ticket is encrypted in the session key of another one. @default {false} */
  readonly isSkey?: boolean | undefined;
  /** Addresses that the ticket may be used from. @default {none: from any} */
  readonly addresses?: readonly HostAddress[] | undefined;
  /** Authorization data. @default {none} */
  readonly authdata?: readonly AuthorizationDataElement[] | undefined;
  /** DER of the second ticket of user-to-user authentication. */
  readonly secondTicket?: Bytes | undefined;
}

/** A ticket with its session key. `Deno.inspect` shows neither. */
export class Credential {
  /** Client that the ticket was issued to. */
  readonly client: Principal;
  /** Service that the ticket is for. */
  readonly server: Principal;
  /** Session key. */
  readonly key: KerberosKey;
  /** When the client was authenticated. */
  readonly authtime: number;
  /** Start of its validity. */
  readonly starttime: number;
  /** End of its validity. */
  readonly endtime: number;
  /** End of the time in which it can be renewed; 0 if it cannot. */
  readonly renewTill: number;
  /** Ticket flags. */
  readonly flags: number;
  /** Whether the ticket is encrypted in the session key of another one. */
  readonly isSkey: boolean;
  /** Addresses that the ticket may be used from. */
  readonly addresses: readonly HostAddress[];
  /** Authorization data. */
  readonly authdata: readonly AuthorizationDataElement[];
  readonly #ticket: Bytes;
  readonly #secondTicket: Bytes;

  /**
   * Creates a credential.
   *
   * @param init The parts; bytes are copied.
   * @throws {TypeError} If a part that must be bytes is not.
   */
  constructor(init: CredentialInit) {
    this.client = init.client;
    this.server = init.server;
    this.key = init.key;
    this.authtime = init.authtime;
    this.starttime = init.starttime ?? init.authtime;
    this.endtime = init.endtime;
    this.renewTill = init.renewTill ?? 0;
    this.flags = init.flags;
    this.isSkey = init.isSkey ?? false;
    this.addresses = (init.addresses ?? []).map(({ addrType, address }) => ({ addrType, address: copied(address) }));
    this.authdata = (init.authdata ?? []).map(({ adType, adData }) => ({ adType, adData: copied(adData) }));
    this.#ticket = copied(init.ticket);
    this.#secondTicket = copied(init.secondTicket ?? EMPTY);
  }

  /** DER of the ticket. */
  get ticket(): Bytes {
    return this.#ticket;
  }

  /** DER of the second ticket; empty if there is none. */
  get secondTicket(): Bytes {
    return this.#secondTicket;
  }

  /** Whether this is no ticket but a setting, which MIT keeps among the tickets of a cache. */
  get isConfiguration(): boolean {
    return this.server.realm === "X-CACHECONF:";
  }

  /** `client -> service`, for messages. */
  toString(): string {
    return `${formatPrincipal(this.client)} -> ${formatPrincipal(this.server)}`;
  }
}

function copied(bytes: Uint8Array): Bytes {
  return copyBytes(bytes, "make a credential of");
}
