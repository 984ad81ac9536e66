/**
 * A ticket with its session key and facts.
 *
 * @module
 */
import { type Bytes, copyBytes, EMPTY } from "../base/bytes.ts";
import type { KerberosKey } from "./crypto/key.ts";
import type { AuthorizationDataElement, HostAddress } from "./messages/basic.ts";
import { formatPrincipal, type Principal } from "./principal.ts";

/** Fields of a new {@linkcode Credential}. Times are in milliseconds since the epoch. */
export interface CredentialInit {
  /** Client of the ticket. */
  readonly client: Principal;
  /** Service that the ticket is for. */
  readonly server: Principal;
  /** Session key. */
  readonly key: KerberosKey;
  /** When the client was authenticated. */
  readonly authtime: number;
  /** When the ticket becomes valid. @default {authtime} */
  readonly starttime?: number | undefined;
  /** When the ticket expires. */
  readonly endtime: number;
  /** Until when the ticket can be renewed. @default {0, it is not renewable} */
  readonly renewTill?: number | undefined;
  /** Ticket flags (RFC 4120 section 5.3). */
  readonly flags: number;
  /** DER of the ticket. */
  readonly ticket: Bytes;
  /** Whether the ticket is sealed in another ticket's session key. @default {false} */
  readonly isSkey?: boolean | undefined;
  /** Addresses that the ticket is limited to. @default {none: it is not limited} */
  readonly addresses?: readonly HostAddress[] | undefined;
  /** Authorization data. @default {none} */
  readonly authdata?: readonly AuthorizationDataElement[] | undefined;
  /** DER of the second ticket of user-to-user authentication. */
  readonly secondTicket?: Bytes | undefined;
}

/**
 * A ticket with its session key. `Deno.inspect` shows neither.
 *
 * @example
 * ```ts
 * import { systemTickets } from "@gssocks/gssocks/kerberos";
 * import { startTestKdc } from "@gssocks/gssocks/kerberos/kdc";
 *
 * await using kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
 * const { credential } = await systemTickets({ config: kdc.config, principal: "alice", password: "secret" }).initialTicket();
 * if (credential.endtime <= credential.starttime) throw new Error("no time to use it");
 * ```
 */
export class Credential {
  /** Client of the ticket. */
  readonly client: Principal;
  /** Service that the ticket is for. */
  readonly server: Principal;
  /** Session key. */
  readonly key: KerberosKey;
  /** When the client was authenticated. */
  readonly authtime: number;
  /** When the ticket becomes valid. */
  readonly starttime: number;
  /** When the ticket expires. */
  readonly endtime: number;
  /** Until when the ticket can be renewed; 0 if it is not renewable. */
  readonly renewTill: number;
  /** Ticket flags. */
  readonly flags: number;
  /** Whether the ticket is sealed in another ticket's session key. */
  readonly isSkey: boolean;
  /** Addresses that the ticket is limited to; none if it is not limited. */
  readonly addresses: readonly HostAddress[];
  /** Authorization data. */
  readonly authdata: readonly AuthorizationDataElement[];
  readonly #ticket: Bytes;
  readonly #secondTicket: Bytes;

  /**
   * Creates a credential.
   *
   * @param init The fields; bytes are copied.
   * @throws {TypeError} When a field of bytes is no bytes.
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

  /** Whether this is no ticket, but a setting that MIT stores among the tickets of a cache. */
  get isConfiguration(): boolean {
    return this.server.realm === "X-CACHECONF:";
  }

  /** Returns `client -> service`, for messages. */
  toString(): string {
    return `${formatPrincipal(this.client)} -> ${formatPrincipal(this.server)}`;
  }
}

function copied(bytes: Uint8Array): Bytes {
  return copyBytes(bytes, "make a credential of");
}
