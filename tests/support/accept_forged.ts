/**
 * Presents forged AP-REQs to an acceptor: the context of an accepted one, the error of a refused one.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { AcceptOptions } from "../../gss/credential.ts";
import type { GssContext } from "../../gss/context.ts";
import { GssError } from "../../gss/status.ts";
import { readMessage } from "../../kerberos/messages/read.ts";
import type { KerberosAcceptorOptions } from "../../kerberos/mech/credentials.ts";
import { decodeContextToken } from "../../kerberos/mech/tokens/context.ts";
import { KrbError } from "../../kerberos/messages/error.ts";
import type { Forge, RequestChanges } from "./forge_ap.ts";

/** Options of {@linkcode accept}. */
export interface Attempt {
  /** Further options of the acceptor. */
  readonly options?: (forge: Forge) => Partial<KerberosAcceptorOptions>;
  /** Options of accept(). */
  readonly accept?: AcceptOptions;
}

/** A request without mutual authentication. */
export const NOT_MUTUAL: RequestChanges = { checksum: { flags: { mutual: false } } };

/** Returns the context of a forged request; fails when the request is refused. */
export async function accept(forge: Forge, changes: RequestChanges = {}, attempt: Attempt = {}): Promise<GssContext> {
  const { token } = await forge.apReq(changes);
  const step = await forge.acceptor(attempt.options?.(forge)).accept(attempt.accept).step(token);
  assert.ok(step.done);
  return step.context;
}

/** Returns the error of a refused request, and the code in its error token. */
export async function refusal(promise: Promise<unknown>): Promise<{ error: GssError; code: string; number: number }> {
  const error = await promise.then(() => undefined, (reason) => reason);
  assert.ok(error instanceof GssError, `expected a GssError, got ${error}`);
  const { id, message } = decodeContextToken(error.token!);
  assert.equal(id, "KRB-ERROR");
  const refused = readMessage(KrbError, message);
  assert.equal(refused.eText, undefined, "the token has a code and no text");
  return { error, code: error.code, number: refused.errorCode };
}
