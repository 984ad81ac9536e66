/**
 * The client's long-term keys as the KDC of one realm names them: in METHOD-DATA before the client pre-authenticates, in
 * the padata of its reply afterwards (RFC 4120 sections 5.2.7.3 and 5.2.7.5).
 *
 * @module
 */
import { type Bytes, exactText } from "../../base/bytes.ts";
import type { Runtime } from "../../base/runtime.ts";
import type { KerberosKey } from "../crypto/key.ts";
import { enctypeName } from "../crypto/enctypes.ts";
import { KerberosError, peerText } from "../errors.ts";
import { EtypeInfo2, type EtypeInfo2Entry, type PaData } from "../messages/basic.ts";
import type { KdcRep } from "../messages/kdc.ts";
import { readMessage } from "../messages/read.ts";
import { formatPrincipal, type Principal } from "../principal.ts";
import { PaType } from "../registry/pa_types.ts";
import { defaultSalt, type KeyParameters } from "./client_key.ts";
import type { ExchangeKeys } from "./exchange_keys.ts";
import type { LongTermKey, PreauthClient } from "./preauth/mechanism.ts";

/** The client and its keys, for one realm. */
export interface LongTermKeys extends PreauthClient {
  /** Returns the key of a reply to a client that has shown no key. */
  replyKey(reply: KdcRep): Promise<KerberosKey>;
}

/** Input of {@linkcode longTermKeys}. */
interface LongTermKeysInit {
  /** Name of the client, in the realm that is asked. */
  readonly client: Principal;
  /** Enctypes that the client has keys for. */
  readonly enctypes: readonly number[];
  /** The keys of the whole exchange. */
  readonly keys: ExchangeKeys;
  /** Clock and randomness. */
  readonly runtime: Runtime;
}

/** Returns the client's keys for one realm. Nothing that another realm's KDC said is used. */
export function longTermKeys({ client, enctypes, keys, runtime }: LongTermKeysInit): LongTermKeys {
  const replyKey = (reply: KdcRep, shown?: KeyParameters) => keys.keyFor(replyParameters(client, reply, shown));
  return {
    client,
    enctypes,
    runtime,
    replyKey: (reply) => replyKey(reply),
    async longTermKey(methods): Promise<LongTermKey> {
      const parameters = methodParameters(client, enctypes, methods);
      if (parameters === undefined) {
        const wanted = enctypes.map(enctypeName).join(", ");
        throw new KerberosError(
          "UNSUPPORTED_ENCTYPE",
          `Cannot authenticate ${peerText(formatPrincipal(client))}: the KDC has no key of ${wanted}`,
        );
      }
      return { key: await keys.keyFor(parameters), replyKey: (reply) => replyKey(reply, parameters) };
    },
  };
}

/** Parameters of the first key in METHOD-DATA that the client has; its own first enctype if there is no ETYPE-INFO2. */
function methodParameters(
  client: Principal,
  enctypes: readonly number[],
  methods: readonly PaData[],
): KeyParameters | undefined {
  const info = methods.find(({ padataType }) => padataType === PaType.EtypeInfo2);
  if (info === undefined) return { enctype: enctypes[0]!, salt: defaultSalt(client) };
  const entry = readMessage(EtypeInfo2, info.padataValue).find(({ etype }) => enctypes.includes(etype));
  return entry && entryParameters(client, entry);
}

/** Parameters of the key of a reply: as the reply itself names them, or those of the key that the client has shown. */
function replyParameters(client: Principal, reply: KdcRep, shown: KeyParameters | undefined): KeyParameters {
  const { etype } = reply.encPart;
  const info = reply.padata?.find(({ padataType }) => padataType === PaType.EtypeInfo2);
  const entry = info && readMessage(EtypeInfo2, info.padataValue).find((candidate) => candidate.etype === etype);
  if (entry !== undefined) return entryParameters(client, entry);
  if (shown?.enctype === etype) return shown;
  const salt = reply.padata?.find(({ padataType }) => padataType === PaType.PwSalt);
  return { enctype: etype, salt: salt === undefined ? defaultSalt(client) : saltText(salt.padataValue) };
}

function entryParameters(client: Principal, entry: EtypeInfo2Entry): KeyParameters {
  return { enctype: entry.etype, salt: entry.salt ?? defaultSalt(client), s2kparams: entry.s2kparams };
}

function saltText(bytes: Bytes): string {
  try {
    return exactText(bytes);
  } catch (cause) {
    throw new KerberosError("BAD_MESSAGE", "Cannot use KDC reply: its salt is not UTF-8", { cause });
  }
}
