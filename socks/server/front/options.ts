/**
 * Options of the conversation with a client up to its request.
 *
 * @module
 */
import type { Deadline } from "../../../base/deadline.ts";
import type { AcceptAuthOptions, SecuredChannel, ServerAuthMethod } from "../../auth/method.ts";

/** A protocol that clients may speak beside SOCKS version 5. */
export type OtherProtocol = "socks4" | "http";

/** All of them. A name may come from JavaScript or from a file. */
export const OTHER_PROTOCOLS: readonly OtherProtocol[] = ["socks4", "http"];

/** Which protocols and methods a server accepts. */
export interface AcceptedProtocols {
  /** Methods accepted, in order of preference. */
  readonly auth: readonly ServerAuthMethod[];
  /** Whether a client that offers GSS-API must use it, although it offers "none" too and "none" is accepted. @default {false} */
  readonly preferGssapi?: boolean | undefined;
  /** Protocols accepted beside SOCKS version 5; clients of these protocols cannot authenticate. @default {[]} */
  readonly protocols?: readonly OtherProtocol[] | undefined;
  /**
   * Whether HTTP clients are told in words why they are refused. The text can name addresses, rules and proxies that the server knows:
   * use it only for programs of the person who runs the server.
   *
   * @default {false}
   */
  readonly tellReasons?: boolean | undefined;
}

/** The step that is under way when a session ends early. */
export interface ClosingStep {
  /** Sends the answer of the step, for a client whose session ends in the middle of it; `undefined` when there is nothing to answer. */
  refusal: (() => Promise<void>) | undefined;
}

/** Options of the conversation with one client. */
export interface FrontOptions {
  /** Protocols and methods accepted. */
  readonly accepts: AcceptedProtocols;
  /** Aborting it ends the conversation. */
  readonly clock: Deadline;
  /** The step that is under way, for a session that ends early. */
  readonly end: ClosingStep;
  /** As {@linkcode AcceptAuthOptions.onGone}. */
  readonly onGone: NonNullable<AcceptAuthOptions["onGone"]>;
  /** As {@linkcode AcceptAuthOptions.source}. */
  readonly source: string;
  /** Called when the client has authenticated. */
  readonly onChannel: (channel: SecuredChannel) => void;
}

/**
 * Returns what a method gets. Its signal is made when the method asks for it, which few do: it takes half a kilobyte. It is a property of
 * the object itself, so that a method around another one may pass a changed copy on.
 */
export function authOptions(
  { clock, onGone, source }: FrontOptions,
  beforeClosing?: AcceptAuthOptions["beforeClosing"],
): AcceptAuthOptions {
  return {
    get signal(): AbortSignal {
      return clock.signal;
    },
    beforeClosing,
    onGone,
    source,
  };
}
