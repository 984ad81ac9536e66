/**
 * Forged requests to an acceptor, and what becomes of them.
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

/** How an acceptor is asked. */
export interface Attempt {
  /** Options of the acceptor beside its keys. */
  readonly options?: (forge: Forge) => Partial<KerberosAcceptorOptions>;
  /** Options of accept(). */
  readonly accept?: AcceptOptions;
}

/** A request without mutual authentication. */
export const NOT_MUTUAL: RequestChanges = { checksum: { flags: { mutual: false } } };

/** The context of a forged request; fails when it is refused. */
export async function accept(forge: Forge, changes: RequestChanges = {}, attempt: Attempt = {}): Promise<GssContext> {
  const { token } = await forge.apReq(changes);
  const step = await forge.acceptor(attempt.options?.(forge)).accept(attempt.accept).step(token);
  assert.ok(step.done);
  return step.context;
}

/** The error of a refused request, and the number in its error token. */
export async function refusal(promise: Promise<unknown>): Promise<{ error: GssError; code: string; number: number }> {
  const error = await promise.then(() => undefined, (reason) => reason);
  assert.ok(error instanceof GssError, `GssError wanted, ${error} came`);
  const { id, message } = decodeContextToken(error.token!);
  assert.equal(id, "KRB-ERROR");
  const refused = readMessage(KrbError, message);
  assert.equal(refused.eText, undefined, "the token has a number and no text");
  return { error, code: error.code, number: refused.errorCode };
}
