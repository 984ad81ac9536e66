/**
 * A ticket with what its holder knows of it.
 *
 * @module
 */
import { type Bytes, copyBytes, EMPTY } from "../base/bytes.ts";
import type { KerberosKey } from "./crypto/key.ts";
import type { AuthorizationDataElement, HostAddress } from "./messages/basic.ts";
import { formatPrincipal, type Principal } from "./principal.ts";

/** What {@linkcode Credential} is made of. Times are in milliseconds since the epoch. */
export interface CredentialInit {
  /** Whom the ticket speaks for. */
  readonly client: Principal;
  /** Service that the ticket is for. */
  readonly server: Principal;
  /** Session key. */
  readonly key: KerberosKey;
  /** When the client was authenticated. */
  readonly authtime: number;
  /** When it begins to be good. @default {authtime} */
  readonly starttime?: number | undefined;
  /** When it ends. */
  readonly endtime: number;
  /** Until when it can be renewed. @default {0, not at all} */
  readonly renewTill?: number | undefined;
  /** Ticket flags (RFC 4120 section 5.3). */
  readonly flags: number;
  /** DER of the ticket. */
  readonly ticket: Bytes;
  /** Whether the ticket is sealed in another ticket's session key. @default {false} */
  readonly isSkey?: boolean | undefined;
  /** Addresses that the ticket is good from. @default {none, any} */
  readonly addresses?: readonly HostAddress[] | undefined;
  /** Authorization data. @default {none} */
  readonly authdata?: readonly AuthorizationDataElement[] | undefined;
  /** DER of the second ticket of user-to-user authentication. */
  readonly secondTicket?: Bytes | undefined;
}

/** A ticket with its session key. `Deno.inspect` shows neither. */
export class Credential {
  /** Whom the ticket speaks for. */
  readonly client: Principal;
  /** Service that the ticket is for. */
  readonly server: Principal;
  /** Session key. */
  readonly key: KerberosKey;
  /** When the client was authenticated. */
  readonly authtime: number;
  /** When it begins to be good. */
  readonly starttime: number;
  /** When it ends. */
  readonly endtime: number;
  /** Until when it can be renewed, 0 for not at all. */
  readonly renewTill: number;
  /** Ticket flags. */
  readonly flags: number;
  /** Whether the ticket is sealed in another ticket's session key. */
  readonly isSkey: boolean;
  /** Addresses that the ticket is good from. */
  readonly addresses: readonly HostAddress[];
  /** Authorization data. */
  readonly authdata: readonly AuthorizationDataElement[];
  readonly #ticket: Bytes;
  readonly #secondTicket: Bytes;

  /**
   * Makes one.
   *
   * @param init The parts; bytes among them are copied.
   * @throws {TypeError} When one of these has no bytes to take.
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
    this.addresses = (init.addresses ?? []).map(({ addrType, address }) => ({ addrType, address: kept(address) }));
    this.authdata = (init.authdata ?? []).map(({ adType, adData }) => ({ adType, adData: kept(adData) }));
    this.#ticket = kept(init.ticket);
    this.#secondTicket = kept(init.secondTicket ?? EMPTY);
  }

  /** DER of the ticket. */
  get ticket(): Bytes {
    return this.#ticket;
  }

  /** DER of the second ticket, empty where there is none. */
  get secondTicket(): Bytes {
    return this.#secondTicket;
  }

  /** Whether this is a setting that MIT keeps among the tickets of a cache, and no ticket. */
  get isConfiguration(): boolean {
    return this.server.realm === "X-CACHECONF:";
  }

  /** `client -> service`, for messages. */
  toString(): string {
    return `${formatPrincipal(this.client)} -> ${formatPrincipal(this.server)}`;
  }
}

function kept(bytes: Uint8Array): Bytes {
  return copyBytes(bytes, "make a credential of");
}
