/**
 * How each part that is played to a client can be failed: the part, and the fault that it must notice.
 *
 * @module
 */
import { ALL_FLAGS } from "../support/flags.ts";
import type { UserFaults } from "./breakable/user.ts";

/** Faults by part. */
export const CLIENT_FAULTS: Readonly<Record<string, { readonly faults: UserFaults; readonly says?: string }>> = {
  "client.offer": { faults: { offers: [0] } },
  "client.context": { faults: { badToken: true } },
  "client.flags": { faults: { flags: { ...ALL_FLAGS, replay: false } } },
  "client.delegation": { faults: { flags: { ...ALL_FLAGS, delegation: true } }, says: "delegates" },
  "client.level": { faults: { asks: 0 } },
  "client.level-signed": { faults: { wrongSeal: "level" } },
  "client.request": { faults: { wrongSeal: "request" } },
  "client.data": { faults: { wrongSeal: "data" } },
  "client.session": { faults: { longest: 40 } },
  "client.split": { faults: { oneRead: "data" } },
  "client.small": { faults: { forget: "data" } },
  "client.longest": { faults: { longest: 65_000 } },
  "client.empty": { faults: { endsOnEmpty: true } },
  "client.early": { faults: { forget: "request" } },
  "client.bound-name": { faults: { failsAddress: 3 } },
  "client.bound-ipv6": { faults: { failsAddress: 4 } },
  "client.login": { faults: { badLogin: true } },

  "refuse.no-method": { faults: { stubborn: "hello" } },
  "refuse.not-offered": { faults: { stubborn: "hello" } },
  "refuse.version": { faults: { stubborn: "hello" } },
  "refuse.login": { faults: { stubborn: "login" } },
  "refuse.abort": { faults: { stubborn: "token" } },
  "refuse.token-garbage": { faults: { stubborn: "token" } },
  "refuse.token-empty": { faults: { stubborn: "token" } },
  "refuse.token-damaged": { faults: { stubborn: "token" } },
  "refuse.token-type": { faults: { anyType: true } },
  "refuse.level-abort": { faults: { stubborn: "level" } },
  "refuse.level-0": { faults: { stubborn: "level" } },
  "refuse.level-9": { faults: { acceptsWeaker: true } },
  "refuse.level-clear": { faults: { stubborn: "level" } },
  "refuse.level-damaged": { faults: { forgives: true } },
  "refuse.level-long": { faults: { stubborn: "level" } },
  "refuse.level-type": { faults: { stubborn: "level" } },
  "refuse.level-weaker": { faults: { acceptsWeaker: true }, says: "asks for 2, goes on" },
  "refuse.reply-clear": { faults: { clear: "request" } },
  "refuse.reply-signed": { faults: { anySeal: true } },
  "refuse.reply-damaged": { faults: { forgives: true } },
  "refuse.reply-type": { faults: { anyType: true } },
  "refuse.reply-code": { faults: { stubborn: "request" } },

  "data.clear": { faults: { clear: "data" } },
  "data.signed": { faults: { anySeal: true } },
  "data.damaged": { faults: { forgives: true } },
  "data.type": { faults: { anyType: true } },
  "data.replayed": { faults: { anyOrder: true } },
  "data.swapped": { faults: { anyOrder: true } },
  "data.dropped": { faults: { anyOrder: true } },
};
