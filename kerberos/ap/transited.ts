/**
 * The transited realms of a ticket, judged by the service itself if its KDC has not done so (RFC 4120 section 2.7).
 *
 * @module
 */
import type { TransitedEncoding } from "../messages/ap.ts";
import { decodeTransited, DOMAIN_X500_COMPRESS, MAX_TRANSITED } from "../messages/transited.ts";
import { peerText } from "../errors.ts";
import { ApError } from "./error.ts";

/**
 * Realms that may vouch between two realms, as in `[capaths]` of krb5.conf: by the realm of the client, then by that of the
 * service. `.` means none. An entry replaces the hierarchy of the names.
 */
export type Capaths = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

/** The realms of a client and a service. */
export interface RealmEnds {
  /** Realm of the client. */
  readonly client: string;
  /** Realm of the service: that of the key that opened the ticket. */
  readonly service: string;
}

/** UTF-16 units of the longest name whose hierarchy is computed. */
const MAX_REALM_LENGTH = 512;

/**
 * Judges transited realms: each must lie between client and service by `capaths` or, if that has no entry, by the hierarchy of
 * their names. So a user of one domain can reach a service of a sibling domain, and no other realm can vouch. Nothing lies
 * between a service and a client of the same realm.
 *
 * @throws {ApError} `KRB_AP_PATH_NOT_ACCEPTED`, or `KDC_ERR_TRTYPE_NOSUPP` for an encoding that is not known.
 */
export function checkTransited(transited: TransitedEncoding, ends: RealmEnds, capaths?: Capaths): void {
  const { trType, contents } = transited;
  // Windows KDCs send type 0 if there are no realms.
  if (trType === 0 && contents.length === 0) return;
  if (trType !== DOMAIN_X500_COMPRESS) {
    throw new ApError(
      "KDC_ERR_TRTYPE_NOSUPP",
      `Cannot accept ticket: its transited realms have encoding ${trType}, which is unknown`,
    );
  }
  if (contents.length === 0) return;
  const configured = capaths?.get(ends.client)?.has(ends.service) ?? false;
  const allowed = new Set([ends.client, ends.service, ...realmsOnPath(ends, capaths)]);
  for (const realm of expandTransited(contents, ends)) {
    if (allowed.has(realm)) continue;
    throw notAccepted(
      ends,
      `realm ${peerText(realm)} is on it, which ${
        configured ? "[capaths] forbids" : "neither the hierarchy of their names nor [capaths] has there"
      }`,
    );
  }
}

/** Realms between two, from the client's on: those of `capaths`, or if that has no entry, of the hierarchy of their names. */
export function realmsOnPath({ client, service }: RealmEnds, capaths?: Capaths): readonly string[] {
  const configured = capaths?.get(client)?.get(service)?.filter((realm) => realm !== ".");
  return configured ?? realmsBetween(client, service);
}

function notAccepted({ client, service }: RealmEnds, problem: string): Error {
  return new ApError(
    "KRB_AP_PATH_NOT_ACCEPTED",
    `Cannot accept ticket by its way from ${peerText(client)} to ${peerText(service)}: ${problem}`,
    { details: { clientRealm: peerText(client), serviceRealm: peerText(service) } },
  );
}

/**
 * Returns all realms of a transited field in DOMAIN-X500-COMPRESS (RFC 4120 section 3.3.3.2), repetitions included.
 *
 * @throws {ApError} `KRB_AP_PATH_NOT_ACCEPTED` when it cannot be read or has too many realms.
 */
export function expandTransited(contents: Uint8Array, ends: RealmEnds): string[] {
  const realms: string[] = [];
  const add = (...more: readonly string[]) => {
    realms.push(...more);
    if (realms.length > MAX_TRANSITED) throw notAccepted(ends, `more than ${MAX_TRANSITED} realms are on it`);
  };
  // The realm before a run of null subfields.
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

/** Realms between two by the hierarchy of their names: up to the common parent and down again, without the two. */
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

/** A realm and its parents: `A.B.C`, `B.C`, `C` or, in X.500 style, `/A/B`, `/A` (RFC 4120 section 6.1). */
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
