/**
 * Realms on the way of a ticket, judged by the service itself where its KDC has not done so (RFC 4120 section 2.7).
 *
 * @module
 */
import type { TransitedEncoding } from "../messages/ap.ts";
import { decodeTransited, DOMAIN_X500_COMPRESS, MAX_TRANSITED } from "../messages/transited.ts";
import { printable } from "../errors.ts";
import { ApError } from "./error.ts";

/**
 * Realms that may vouch on the way from one realm to another, as `[capaths]` of krb5.conf has them: by the client's realm,
 * then by the service's. `.` stands for none. Where there is an entry it is used in place of the hierarchy of the names.
 */
export type Capaths = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

/** The realms at both ends of a way. */
export interface RealmEnds {
  /** Realm of the client. */
  readonly client: string;
  /** Realm of the service, that is, of the key that opened the ticket. */
  readonly service: string;
}

/** UTF-16 units of a name whose parents are looked for. */
const MAX_REALM_LENGTH = 512;

/**
 * Judges the realms on a way: each must lie between its ends by `capaths` or, where that has no entry, by the hierarchy of
 * their names, so that a user of one domain gets to a service of its sibling, and a realm of nobody's vouches for nobody.
 * This holds for clients of the service's own realm too, between which and the service nothing lies.
 *
 * @throws {ApError} `KRB_AP_PATH_NOT_ACCEPTED`, or `KDC_ERR_TRTYPE_NOSUPP` for an encoding that is not known.
 */
export function checkTransited(transited: TransitedEncoding, ends: RealmEnds, capaths?: Capaths): void {
  const { trType, contents } = transited;
  // A KDC of Windows says "type 0" where there is nothing to be said.
  if (trType === 0 && contents.length === 0) return;
  if (trType !== DOMAIN_X500_COMPRESS) {
    throw new ApError(
      "KDC_ERR_TRTYPE_NOSUPP",
      `Cannot accept ticket: the realms on its way are in encoding ${trType}, which is not known`,
    );
  }
  if (contents.length === 0) return;
  const configured = capaths?.get(ends.client)?.get(ends.service)?.filter((realm) => realm !== ".");
  const allowed = new Set([ends.client, ends.service, ...(configured ?? realmsBetween(ends.client, ends.service))]);
  for (const realm of expandTransited(contents, ends)) {
    if (allowed.has(realm)) continue;
    throw notAccepted(
      ends,
      `realm ${printable(realm)} is on it, which ${
        configured === undefined ? "neither the hierarchy of their names nor [capaths] has there" : "[capaths] forbids"
      }`,
    );
  }
}

function notAccepted({ client, service }: RealmEnds, problem: string): Error {
  return new ApError(
    "KRB_AP_PATH_NOT_ACCEPTED",
    `Cannot accept ticket by its way from ${printable(client)} to ${printable(service)}: ${problem}`,
    { details: { clientRealm: printable(client), serviceRealm: printable(service) } },
  );
}

/**
 * All realms that a transited field in DOMAIN-X500-COMPRESS stands for. Repetitions are kept.
 *
 * @throws {ApError} `KRB_AP_PATH_NOT_ACCEPTED` when it cannot be read or stands for too many.
 */
export function expandTransited(contents: Uint8Array, ends: RealmEnds): string[] {
  const realms: string[] = [];
  const add = (...more: readonly string[]) => {
    realms.push(...more);
    if (realms.length > MAX_TRANSITED) throw notAccepted(ends, `more than ${MAX_TRANSITED} realms are on it`);
  };
  // Where a run of null subfields began.
  let from: string | undefined;
  let last = ends.client;
  for (const realm of listedRealms(contents, ends)) {
    if (realm === undefined) {
      from ??= last;
      continue;
    }
    if (from !== undefined) add(...realmsBetween(from, realm));
    add(realm);
    from = undefined;
    last = realm;
  }
  if (from !== undefined) add(...realmsBetween(from, ends.service));
  return realms;
}

function listedRealms(contents: Uint8Array, ends: RealmEnds): readonly (string | undefined)[] {
  try {
    return decodeTransited(contents);
  } catch (error) {
    throw error instanceof RangeError ? notAccepted(ends, error.message) : error;
  }
}

/** Realms between two by the hierarchy of their names: up to what they have in common, and down again; the ends are not. */
function realmsBetween(from: string, to: string): string[] {
  if (Math.max(from.length, to.length) > MAX_REALM_LENGTH) return [];
  const up = withParents(from);
  const down = withParents(to);
  const above = new Set(down);
  const top = up.find((realm) => above.has(realm));
  const below = (realms: readonly string[]) => top === undefined ? realms : realms.slice(0, realms.indexOf(top));
  const between = [...below(up), ...(top === undefined ? [] : [top]), ...below(down).toReversed()];
  return between.filter((realm) => realm !== from && realm !== to);
}

/** A realm and those above it: `A.B.C`, `B.C`, `C` or, in X.500 style, `/A/B`, `/A` (section 6.1). */
function withParents(realm: string): string[] {
  const realms = [realm];
  if (realm.startsWith("/")) {
    for (let at = realm.lastIndexOf("/"); at > 0; at = realm.lastIndexOf("/", at - 1)) realms.push(realm.slice(0, at));
  } else {
    for (let at = realm.indexOf("."); at >= 0 && at < realm.length - 1; at = realm.indexOf(".", at + 1)) {
      realms.push(realm.slice(at + 1));
    }
  }
  return realms;
}
