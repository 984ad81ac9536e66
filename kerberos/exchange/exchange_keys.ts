/**
 * The client's keys for the time of one exchange. Salt and parameters come in messages that nothing authenticates, so what
 * they may cost is counted over all of them.
 *
 * @module
 */
import { EMPTY } from "../../base/bytes.ts";
import { namedIterations } from "../crypto/password.ts";
import type { KerberosKey } from "../crypto/key.ts";
import { isSupported, profileOf } from "../crypto/enctypes.ts";
import type { ClientKey, KeyParameters } from "./client_key.ts";

/** PBKDF2 iterations that one exchange may take, however many keys a KDC asks for: as many as one key may. */
const MAX_ITERATIONS = 1 << 20;

/** Keys of one exchange. Each is derived once. */
export class ExchangeKeys {
  readonly #key: ClientKey;
  readonly #made = new Map<string, KerberosKey>();
  #left = MAX_ITERATIONS;

  constructor(key: ClientKey) {
    this.#key = key;
  }

  /**
   * The key that the parameters name.
   *
   * @throws {KerberosError} `BAD_S2K_PARAMS` when the exchange has cost enough already, and what the secret itself throws.
   */
  async keyFor(parameters: KeyParameters): Promise<KerberosKey> {
    const { enctype, salt, s2kparams = EMPTY } = parameters;
    const name = `${enctype} ${s2kparams.join()} ${salt}`;
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    const key = await this.#key.keyFor({ ...parameters, maximumIterations: this.#left });
    this.#left -= iterations(enctype, s2kparams);
    this.#made.set(name, key);
    return key;
  }
}

/** What a key cost that has been made with these parameters. */
function iterations(enctype: number, s2kparams: Uint8Array): number {
  return namedIterations(s2kparams) ?? (isSupported(enctype) ? profileOf(enctype).defaultIterations : 0);
}
