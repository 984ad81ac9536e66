/**
 * How each check of a proxy can fail: the check, and the fault that it must notice. A note is no rule; its fault changes what it says.
 *
 * @module
 */
import { LOGIN } from "./breakable/authentication.ts";
import type { ProxyFaults } from "./breakable/faults.ts";

/** A UDP and TCP port for the target of the run, where the fault needs to know it. */
export const KNOWN_TARGET = { hostname: "127.0.0.1", port: 0 };

/** Faults that a check must notice. */
export interface CheckFaults {
  readonly faults: ProxyFaults;
  /** Another one that it must notice by itself. */
  readonly also?: ProxyFaults;
  /** What a note says then. */
  readonly says?: string;
}

const refusesIt = { says: "refuses it" };

/** Faults by check. */
export const PROXY_FAULTS: Readonly<Record<string, CheckFaults>> = {
  "hello.methods": {
    faults: { choose: (methods, right) => methods.includes(2) ? 0xff : right },
    says: "00 none, 01 gssapi",
  },
  "hello.none-acceptable": { faults: { choose: () => 0 } },
  "hello.offered-only": { faults: { choose: () => 1 } },
  "hello.beside-unknown": { faults: { choose: (methods, right) => methods.length > 1 ? 0xff : right } },
  "hello.order": { faults: { choose: (methods, right) => right === 0xff ? right : methods[0]! }, says: "yes" },
  "hello.all-methods": { faults: { choose: (methods, right) => methods.length > 200 ? 0xff : right } },
  "hello.no-methods": { faults: { choose: (methods, right) => methods.length === 0 ? 0 : right } },
  "hello.version": { faults: { anyVersion: true } },
  "hello.split": { faults: { oneRead: "hello" } },
  "hello.waits": { faults: { eager: "hello" } },
  "hello.joined": { faults: { forget: "hello" } },
  "hello.skipped": { faults: { skipsAuth: true }, also: { skipsAuth: true, codes: { 0: 1 } } },
  "hello.http": { faults: { answersGarbage: true }, says: "48 54 54 50 2f 31 2e 30 20 34 30 30 0d 0a 0d 0a" },

  "password.good": { faults: { checkLogin: () => false } },
  "password.wrong": { faults: { checkLogin: (username) => username === LOGIN.username } },
  "password.closes": { faults: { ignoresRefusal: true } },
  "password.unknown-user": { faults: { checkLogin: (_, password) => password === LOGIN.password } },
  "password.longest": {
    faults: {
      checkLogin: ({ length }) => {
        if (length > 200) throw new Error("too long");
        return false;
      },
    },
  },
  "password.empty-user": { faults: { checkLogin: (username) => username === "" } },
  "password.empty": { faults: { checkLogin: (_, password) => password === "" } },
  "password.version": { faults: { anyVersion: true } },
  "password.split": { faults: { oneRead: "login" } },
  "password.joined": { faults: { forget: "login" }, also: { codes: { 0: 1 } } },

  "token.context": { faults: { tokenType: 2 } },
  "token.split": { faults: { oneRead: "token" } },
  "token.cut": { faults: { oneRead: "token" } },
  "token.waits": { faults: { eager: "token" } },
  "token.one-way": { faults: { noToken: Uint8Array.of(1) } },
  "token.spnego": { faults: { noSpnego: true }, ...refusesIt },
  "token.legs": { faults: { legs: 1 } },
  "token.unordered": { faults: { needsOrder: true }, ...refusesIt },
  "token.empty": { faults: { refuse: "close" } },
  "token.garbage": { faults: { refuse: "close" } },
  "token.damaged": { faults: { refuse: "close" } },
  "token.longest": { faults: { longest: 32_000, refuse: "close" } },
  "token.type-2": { faults: { anyType: true } },
  "token.type-3": { faults: { anyType: true } },
  "token.type-4": { faults: { anyType: true } },
  "token.version": { faults: { anyVersion: true } },
  "token.ends-refused": { faults: { refuse: "stay" } },
  "token.replayed": { faults: { forgetsTokens: true } },
  "token.abort": { faults: { refuse: "stay" } },
  "token.after": { faults: { refuse: "close" } },
  "token.left": { faults: { diesOfLeaving: true } },

  "level.1": { faults: { grant: () => 0 } },
  "level.2": { faults: { grant: () => 4 } },
  "level.3": { faults: { refuse: "close", grant: () => 5 } },
  "level.0": { faults: { grant: (asked) => asked } },
  "level.4": { faults: { grant: (asked) => asked } },
  "level.255": { faults: { grant: (asked) => asked } },
  "level.answer": { faults: { sealsLevel: true } },
  "level.clear": { faults: { clear: "level" } },
  "level.damaged": { faults: { forgives: true } },
  "level.no-token": { faults: { forgives: true } },
  "level.no-byte": { faults: { refuse: "close" } },
  "level.two-bytes": { faults: { refuse: "close" } },
  "level.type-1": { faults: { anyType: true } },
  "level.type-3": { faults: { refuse: "close" } },
  "level.sealed": { faults: { refusesSealedLevel: true }, ...refusesIt },
  "level.split": { faults: { oneRead: "level" } },
  "level.joined": { faults: { forget: "level" } },
  "level.abort": { faults: { refuse: "stay" } },
  "level.again": { faults: { levelAgain: true } },

  "protection.reply-signed": { faults: { sealReply: true } },
  "protection.reply-sealed": { faults: { sealReply: false } },
  "protection.signed": { faults: { seal: true } },
  "protection.sealed": { faults: { seal: false } },
  "protection.selective": { faults: { clear: "replies" } },
  "protection.request-clear": { faults: { clear: "request" } },
  "protection.request-signed": { faults: { anySeal: true } },
  "protection.request-damaged": { faults: { forgives: true } },
  "protection.request-type": { faults: { anyType: true } },
  "protection.sealed-at-1": { faults: { strictSeal: true }, says: "hands nothing on" },
  "protection.clear": { faults: { clear: "data" } },
  "protection.signed-data": { faults: { anySeal: true } },
  "protection.damaged": { faults: { forgives: true } },
  "protection.replayed": { faults: { anyOrder: true } },
  "protection.swapped": { faults: { anyOrder: true } },
  "protection.dropped": { faults: { anyOrder: true } },
  "protection.type": { faults: { anyType: true } },
  "protection.no-token": { faults: { ignoresEmptyTokens: true } },
  "protection.reflected": { faults: { takesOwn: true } },

  "frames.split": { faults: { oneRead: "data" } },
  "frames.joined": { faults: { forget: "data" } },
  "frames.straddled": { faults: { oneRead: "data" } },
  "frames.waits": { faults: { eager: "data" } },
  "frames.empty": { faults: { endsOnEmpty: true } },
  "frames.longest": { faults: { longest: 65_535 } },
  "frames.many": { faults: { longest: 16_384 } },
  "frames.request-split": { faults: { oneToken: true } },
  "frames.request-data": { faults: { forget: "request" } },

  "connect.ipv4": { faults: { fails: 1 } },
  "connect.name": { faults: { fails: 3 } },
  "connect.ipv6": { faults: { fails: 4 } },
  "connect.reply": { faults: { reserved: 7 } },
  "connect.reserved": { faults: { refusesReserved: true }, ...refusesIt },
  "connect.split": { faults: { oneRead: "request" } },
  "connect.waits": { faults: { twoReplies: true } },
  "connect.closed": { faults: { codes: { 5: 1 } } },
  "connect.command": { faults: { codes: { 7: 1 } } },
  "connect.address-type": { faults: { codes: { 8: 1 } } },
  "connect.long-name": { faults: { codes: { 4: 0 } } },
  "connect.empty-name": { faults: { codes: { 1: 0 } } },
  "connect.version": { faults: { anyVersion: true }, also: { anyVersion: true, codes: { 0: 1 } } },
  "connect.ends-refused": { faults: { staysAfterRefusal: true } },
  "connect.early-data": { faults: { forget: "request" } },
  "end.client": { faults: { noHalfClose: "client" } },
  "end.target": { faults: { noHalfClose: "target" } },
  "end.both": { faults: { neverEnds: true } },
  "end.client-gone": { faults: { neverEnds: true } },

  "bind.first-reply": { faults: { bind: "no port" }, also: { bind: "closed port" } },
  "bind.second-reply": { faults: { bind: "no address" }, also: { bind: "another address" } },
  "bind.data": { faults: { bind: "deaf" } },

  "udp.there-and-back": { faults: { udp: "header" }, also: { udp: "another address" } },
  "udp.name": { faults: { udp: "no names" } },
  "udp.fragment": { faults: { udp: "fragments" } },
  "udp.short": { faults: { cutGoesTo: KNOWN_TARGET } },
  "udp.source": { faults: { udp: "any source" } },
  "udp.ended": { faults: { udp: "outlives" } },
  "udp.goes-on": { faults: { udp: "ends" } },

  "sealed-udp.signed": { faults: { seal: true } },
  "sealed-udp.sealed": { faults: { seal: false } },
  "sealed-udp.clear": { faults: { clear: "data" } },
  "sealed-udp.signed-at-2": { faults: { anySeal: true } },
  "sealed-udp.damaged": { faults: { forgives: true } },
  "sealed-udp.type": { faults: { anyType: true } },
  "sealed-udp.replayed": { faults: { anyOrder: true } },
  "sealed-udp.late": { faults: { strictOrder: true } },

  alive: { faults: { connections: 3 } },
};
