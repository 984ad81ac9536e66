/**
 * Adds up what each user and each rule has come to, from the events of a server: who does not look pays for two entries of a map.
 *
 * @module
 */
import { LruMap } from "../../base/lru_map.ts";
import { shortened } from "../../base/printable.ts";
import { SocksReplyError } from "../../socks/errors.ts";
import type { ServerEvent } from "../../socks/server/events.ts";
import type { LiveSession } from "../../socks/server/status.ts";
import { addSums, MAX_USERS, mergeUsers, NO_SUMS, type RuleSums, type Sums, type UserSums } from "../snapshot/sums.ts";

/** Adds up events. */
export class SumCounter {
  /** By user; who was not heard of for longest makes room. */
  readonly #users = new LruMap<Sums>(MAX_USERS);
  /** By the text of a rule: its number changes when the rules do. */
  readonly #rules = new Map<string, Sums>();

  /** Takes note of an event. */
  take(event: ServerEvent): void {
    const user = "identity" in event ? event.identity?.name : undefined;
    if (event.type === "refused") this.#add({ ...NO_SUMS, refused: 1 }, user, refusingRule(event));
    const rule = "rule" in event ? event.rule?.text : undefined;
    if (carriesOut(event)) this.#add({ ...NO_SUMS, requests: 1 }, user, rule);
    if (event.type === "closed") {
      this.#add({ ...NO_SUMS, sent: event.sent, received: event.received }, user, rule);
    }
  }

  #add(sums: Sums, user: string | undefined, rule: string | undefined): void {
    if (user !== undefined) {
      const name = shortened(user);
      this.#users.set(name, addSums(this.#users.get(name) ?? NO_SUMS, sums));
    }
    if (rule !== undefined) this.#rules.set(rule, addSums(this.#rules.get(rule) ?? NO_SUMS, sums));
  }

  /** The sums of users, with what is under way. */
  users(live: readonly LiveSession[]): readonly UserSums[] {
    const underWay = live.flatMap(({ identity, counts }): UserSums[] =>
      identity === undefined ? [] : [{ ...NO_SUMS, ...counts, user: shortened(identity.name) }]
    );
    return mergeUsers([...[...this.#users].map(([user, sums]) => ({ user, ...sums })), ...underWay]);
  }

  /** The sums of the rules of now, with what is under way. Those of rules that are no more are forgotten. */
  rules(texts: readonly string[], live: readonly LiveSession[]): readonly RuleSums[] {
    const now = new Set(texts);
    for (const text of this.#rules.keys()) if (!now.has(text)) this.#rules.delete(text);
    const sums = new Map(this.#rules);
    for (const { rule, counts } of live) {
      if (rule !== undefined) sums.set(rule.text, addSums(sums.get(rule.text) ?? NO_SUMS, { ...NO_SUMS, ...counts }));
    }
    return texts.map((rule, i) => {
      const own = sums.get(rule) ?? NO_SUMS;
      // Of two that are alike, the first decides.
      sums.delete(rule);
      return { number: i + 1, rule, ...own };
    });
  }
}

/** Whether a request is carried out from this event on. BIND tells it twice, and a look-up is over at once. */
function carriesOut(event: ServerEvent): boolean {
  switch (event.type) {
    case "connected":
      return event.command !== "bind";
    case "listening":
    case "associated":
      return true;
    case "closed":
      return event.command === "resolve" && event.error === undefined;
    default:
      return false;
  }
}

/** The rule that refused something. Rules for clients' addresses, which are asked before a client has a name, are others. */
function refusingRule({ error, identity }: ServerEvent & { type: "refused" }): string | undefined {
  return identity !== undefined && error instanceof SocksReplyError ? error.rule : undefined;
}
