/**
 * Requests to the ticket-granting service by the KDC's clock as far as it is known: if the KDC refuses one for its time, it is sent
 * again by the clock that the refusal shows.
 *
 * @module
 */
import type { Runtime } from "../../../base/runtime.ts";
import { realmsOnPath } from "../../ap/transited.ts";
import type { KerberosConfig } from "../../config/krb5_conf.ts";
import { fallbackRealms } from "../../config/realms.ts";
import { isClockRefusal, significantOffset } from "../../exchange/clock_offset.ts";
import { tgsExchange, type TgsExchangeInput, type TgsExchangeResult } from "../../exchange/tgs.ts";
import type { KdcClient } from "../../reach/kdc_client.ts";
import type { KdcClock } from "./kdc_clock.ts";
import type { TicketStore } from "./ticket_store.ts";

/** Options of a {@linkcode TgsClient}. */
interface TgsClientInit {
  readonly config: KerberosConfig;
  /** Returns the client of the KDCs; throws if there is none. */
  readonly kdc: () => KdcClient;
  readonly clock: KdcClock;
  readonly store: TicketStore;
  readonly runtime: Runtime;
}

/** A request for a ticket. */
export type TicketRequest = Pick<TgsExchangeInput, "tgt" | "service"> & Partial<TgsExchangeInput> & {
  readonly kdcOffset: number;
};

/** A ticket, the tickets on the path to it, and the clock offset that the KDC accepted. */
type IssuedTicket = TgsExchangeResult & { readonly kdcOffset: number };

/** A client of ticket-granting services. */
export class TgsClient {
  readonly #init: TgsClientInit;

  constructor(init: TgsClientInit) {
    this.#init = init;
  }

  /**
   * Requests a ticket. Nothing authenticates a refusal, but what results from it, if anything, is a ticket, which only the KDC can
   * make.
   */
  async request(request: TicketRequest, signal: AbortSignal): Promise<IssuedTicket> {
    try {
      return await this.#send(request, signal);
    } catch (error) {
      if (!this.#init.config.kdcTimesync || !isClockRefusal(error)) throw error;
      const shown = significantOffset(error.clockOffset);
      if (significantOffset(shown - request.kdcOffset) === 0) throw error;
      const issued = await this.#send({ ...request, kdcOffset: shown }, signal);
      this.#init.clock.measured(shown);
      await this.#init.store.storeOffset(shown);
      return issued;
    }
  }

  async #send(request: TicketRequest, signal: AbortSignal): Promise<IssuedTicket> {
    const { config, kdc, runtime } = this.#init;
    const { defaultTgsEnctypes: enctypes, clockskew } = config;
    const [, host] = request.service.components;
    const exchange = tgsExchange({
      enctypes,
      clockskew,
      runtime,
      fallbackRealms: host === undefined ? [] : fallbackRealms(config, host),
      realmsBetween: (client, service) => realmsOnPath({ client, service }, config.capaths),
      ...request,
    });
    return { ...await kdc().run(exchange, { signal }), kdcOffset: request.kdcOffset };
  }
}
