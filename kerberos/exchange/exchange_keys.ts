/**
 * The client's keys during one exchange. Salt and parameters come in messages that nothing authenticates, so the PBKDF2
 * iterations are limited over all of them.
 *
 * @module
 */
import { EMPTY } from "../../base/bytes.ts";
import { namedIterations } from "../crypto/password.ts";
import type { KerberosKey } from "../crypto/key.ts";
import { isSupported, profileOf } from "../crypto/enctypes.ts";
import type { ClientKey, KeyParameters } from "./client_key.ts";

/** Limit of PBKDF2 iterations in one exchange, however many keys a KDC asks for; the same as for one key. */
const MAX_ITERATIONS = 1 << 20;

/** The keys of one exchange. Each is derived once. */
export class ExchangeKeys {
  readonly #key: ClientKey;
  readonly #made = new Map<string, KerberosKey>();
  #left = MAX_ITERATIONS;

  constructor(key: ClientKey) {
    this.#key = key;
  }

  /**
   * Returns the key that the parameters name.
   *
   * @throws {KerberosError} `BAD_S2K_PARAMS` when the limit of iterations is reached, and what the client's secret throws.
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

/** Returns the iterations that a key with these parameters has taken. */
function iterations(enctype: number, s2kparams: Uint8Array): number {
  return namedIterations(s2kparams) ?? (isSupported(enctype) ? profileOf(enctype).defaultIterations : 0);
}
