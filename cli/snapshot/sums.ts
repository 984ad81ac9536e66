/**
 * Sums for each user and each rule, in plain values that a thread can send to another.
 *
 * @module
 */

/** What one user, or one rule, has come to. */
export interface Sums {
  /** Requests carried out. */
  readonly requests: number;
  /** Clients, requests and datagrams refused. */
  readonly refused: number;
  /** Bytes to targets. */
  readonly sent: number;
  /** Bytes to clients. */
  readonly received: number;
}

/** Sums of a user; the name is empty for all clients that did not authenticate. */
export interface UserSums extends Sums {
  readonly user: string;
}

/** Sums of a rule. */
export interface RuleSums extends Sums {
  /** Its place among the rules of now, from 1. */
  readonly number: number;
  readonly rule: string;
}

/** Users shown at most, and kept. */
export const MAX_USERS = 500;

/** Nothing yet. */
export const NO_SUMS: Sums = { requests: 0, refused: 0, sent: 0, received: 0 };

/** Adds sums. */
export function addSums(a: Sums, b: Sums): Sums {
  return {
    requests: a.requests + b.requests,
    refused: a.refused + b.refused,
    sent: a.sent + b.sent,
    received: a.received + b.received,
  };
}

/** Merges the users of several threads, those with the most bytes first. */
export function mergeUsers(all: readonly UserSums[]): readonly UserSums[] {
  const users = new Map<string, UserSums>();
  for (const one of all) users.set(one.user, { user: one.user, ...addSums(users.get(one.user) ?? NO_SUMS, one) });
  return [...users.values()].sort((a, b) => b.sent + b.received - a.sent - a.received).slice(0, MAX_USERS);
}

/** Merges the rules of several threads. A thread that has not read the configuration again yet has other ones for a moment. */
export function mergeRules(all: readonly (readonly RuleSums[])[]): readonly RuleSums[] {
  const [first = [], ...others] = all;
  const added = new Map<string, Sums>();
  for (const one of others.flat()) added.set(one.rule, addSums(added.get(one.rule) ?? NO_SUMS, one));
  return first.map((own) => {
    const more = added.get(own.rule) ?? NO_SUMS;
    // Of two that are alike, the first decides, in every thread.
    added.delete(own.rule);
    return { number: own.number, rule: own.rule, ...addSums(own, more) };
  });
}
