/**
 * `--verbose`: each step on the way through a proxy, and what is known of each client of a server. No line has a secret.
 *
 * @module
 */
import { printable, quoted, shortened } from "../../base/printable.ts";
import { reasonText } from "../../base/reason.ts";
import type { ServiceTicket, TicketSource } from "../../kerberos/credentials/ticket_source.ts";
import { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { formatPrincipal } from "../../kerberos/principal.ts";
import { system } from "../../proxy/default_system.ts";
import { type ProxyOptions, type Upstream, upstreamOf } from "../../proxy/proxy_options.ts";
import type { ClientAuthMethod } from "../../socks/auth/method.ts";
import type { ServerEvent } from "../../socks/server/events.ts";
import type { Dialer } from "../../socks/stream/connection.ts";
import { type Endpoint, formatEndpoint } from "../../socks/wire/address.ts";
import type { CliIo } from "../terminal/io.ts";

/** Takes a step. */
export type Say = (text: string) => void;

/** Says steps as lines of standard error. */
export function sayTo(io: CliIo): Say {
  return (text) => io.err(`* ${printable(shortened(text))}\n`);
}

/** The same proxy, where each step on the way through it is said. */
export function verboseProxy(options: ProxyOptions, say: Say): Upstream {
  const { credentials, protection = "confidentiality", auth } = options;
  const traced = auth === undefined && credentials !== undefined
    ? { ...options, credentials: verboseTickets(credentials, say) }
    : options;
  const { proxy, dial, auth: methods } = upstreamOf(system, traced as ProxyOptions);
  const wanted = auth === undefined ? `, asking for protection ${protection}` : "";
  return { proxy, dial: verboseDialer(dial, say), auth: methods.map((method) => verboseMethod(method, wanted, say)) };
}

function verboseDialer(dial: Dialer, say: Say): Dialer {
  return async (endpoint, options) => {
    say(`Connecting to proxy ${formatEndpoint(endpoint)}`);
    const connection = await dial(endpoint, options);
    say(`Connected to ${connection.remote === undefined ? "it" : formatEndpoint(connection.remote)}`);
    return connection;
  };
}

function verboseMethod(method: ClientAuthMethod, wanted: string, say: Say): ClientAuthMethod {
  return {
    ...method,
    async authenticate(connection, options) {
      say(`Proxy chose method ${method.name}${wanted}`);
      const channel = await method.authenticate(connection, options);
      const { identity: { name, attributes: { enctype } }, protection } = channel;
      const keys = enctype === undefined ? "" : `, enctype ${enctype}`;
      say(`Authenticated${name === "" ? "" : ` to ${name}`}${keys}; protection granted: ${protection}`);
      return channel;
    },
  };
}

function verboseTickets(source: TicketSource, say: Say): TicketSource {
  const place = source instanceof KerberosTickets ? ` (cache ${source.cache.name})` : "";
  const said = async (what: string, ticket: Promise<ServiceTicket>) => {
    try {
      const { credential } = await ticket;
      const until = new Date(credential.endtime).toISOString();
      say(
        `Ticket of ${formatPrincipal(credential.client)} for ${formatPrincipal(credential.server)}${place}: ` +
          `session key ${credential.key.enctypeName}, good until ${until}`,
      );
    } catch (error) {
      say(`No ${what}${place}: ${reasonText(error)}`);
    }
    return await ticket;
  };
  return {
    serviceTicket: (service, options) =>
      said(`ticket for ${formatPrincipal(service)}`, source.serviceTicket(service, options)),
    forwardedTicket: (options) => said("ticket to forward", source.forwardedTicket(options)),
    refusedForTime: (ticket) => source.refusedForTime?.(ticket) ?? false,
  };
}

/** Says that a proxy has connected to a target. */
export function sayReply(say: Say, target: Endpoint, bound: Endpoint | undefined): void {
  say(
    `Proxy has connected to ${formatEndpoint(target)}${bound === undefined ? "" : `, from ${formatEndpoint(bound)}`}`,
  );
}

/** Says what is known of each client of a server, and what each asks for. */
export function verboseEvents(say: Say): (event: ServerEvent) => void {
  return (event) => {
    const session = `[${event.session}]`;
    if (event.type === "authenticated") {
      const facts = Object.entries(event.identity.attributes).map(([name, value]) =>
        `${name} ${quoted(String(value))}`
      );
      say(
        `${session} method ${event.identity.method}, protection granted: ${event.protection}; ${
          facts.length === 0 ? "no further facts" : facts.join(", ")
        }`,
      );
    } else if (event.type === "connected" || event.type === "refused") {
      const { command, target } = event;
      if (command === undefined || target === undefined) return;
      const answer = event.type === "connected" ? `success, bound to ${formatEndpoint(event.bound)}` : "refused";
      say(`${session} request ${command} ${formatEndpoint(target)}: ${answer}`);
    }
  };
}
