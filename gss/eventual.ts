/**
 * Per-message calls of a context whose results are there at once if its cryptography is synchronous. The public calls of
 * {@linkcode GssContext} always return promises; the record layer and datagrams use these.
 *
 * @module
 */
import type { Bytes } from "../base/bytes.ts";
import type { Eventually } from "../base/eventually.ts";
import type { GssContext, UnwrapOptions, UnwrappedMessage, WrapOptions } from "./context.ts";

/** A context that offers them. */
interface EventualContext extends GssContext {
  /** As `wrap()`; a wrong argument, or a closed context, throws. The message has been read when this returns. */
  wrapEventually(message: Uint8Array, options: WrapOptions): Eventually<Bytes>;
  /** As `unwrap()`; a token that is not genuine throws. */
  unwrapEventually(token: Uint8Array, options?: UnwrapOptions): Eventually<UnwrappedMessage>;
}

/** Protects a message with any context, now if the context can. */
export function wrapEventually(context: GssContext, message: Uint8Array, options: WrapOptions): Eventually<Bytes> {
  return isEventual(context) ? context.wrapEventually(message, options) : context.wrap(message, options);
}

/** Returns the message of a token for any context, now if the context can. */
export function unwrapEventually(
  context: GssContext,
  token: Uint8Array,
  options?: UnwrapOptions,
): Eventually<UnwrappedMessage> {
  return isEventual(context) ? context.unwrapEventually(token, options) : context.unwrap(token, options);
}

/** Whether a context has read a message when {@linkcode wrapEventually} returns, so that no copy is needed for one that is sealed at once. */
export function readsAtOnce(context: GssContext): boolean {
  return isEventual(context);
}

/** Whether a context offers these calls. It is one of this package then, and memory that it returns is surely nobody else's. */
export function isEventual(context: GssContext): context is EventualContext {
  return (context as Partial<EventualContext>).wrapEventually !== undefined;
}
