/**
 * The table of pre-authentication mechanisms. A new mechanism is a file beside this one and an entry here.
 *
 * @module
 */
import { KerberosError, peerText } from "../../errors.ts";
import type { PaData } from "../../messages/basic.ts";
import { formatPrincipal } from "../../principal.ts";
import { encryptedTimestamp } from "./encrypted_timestamp.ts";
import { mechanismName } from "../../registry/pa_types.ts";
import type { PreauthClient, PreauthMechanism, PreauthRound } from "./mechanism.ts";

/** The mechanisms of a client that is configured with nothing but its key. */
export const PREAUTH_MECHANISMS: readonly PreauthMechanism[] = [encryptedTimestamp];

/** Mechanisms that a message names at most. */
const MAX_NAMED = 20;

/** Starts the first mechanism that begins with the first request; `undefined` if there is none. */
export async function offerMechanism(
  mechanisms: readonly PreauthMechanism[],
  client: PreauthClient,
): Promise<PreauthRound | undefined> {
  return await mechanisms.find(({ offer }) => offer !== undefined)?.offer?.(client);
}

/**
 * Starts the first mechanism that a KDC offers and the client can perform: the KDC's list is in its order of preference
 * (RFC 6113 section 2.3).
 *
 * @throws {KerberosError} `PREAUTH_UNSUPPORTED` when there is none.
 */
export async function startMechanism(
  mechanisms: readonly PreauthMechanism[],
  client: PreauthClient,
  methods: readonly PaData[],
): Promise<PreauthRound> {
  for (const { padataType } of methods) {
    const mechanism = mechanisms.find((candidate) => candidate.padataType === padataType);
    const round = await mechanism?.start(client, methods);
    if (round !== undefined) return round;
  }
  const offered = new Set(
    methods.map(({ padataType }) => mechanismName(padataType)).filter((name) => name !== undefined),
  );
  const shown = [...offered].slice(0, MAX_NAMED).join(", ") + (offered.size > MAX_NAMED ? " and others" : "");
  const supported = mechanisms.map(({ name }) => name).join(", ") || "none";
  throw new KerberosError(
    "PREAUTH_UNSUPPORTED",
    `Cannot authenticate ${
      peerText(formatPrincipal(client.client))
    }: the KDC offers the pre-authentication mechanisms ` +
      `${
        shown || "of no name"
      }; supported here: ${supported}. The realm's administrator can allow that for the account`,
  );
}
