/**
 * Ways in which {@linkcode BreakableProxy} can break the RFCs. Without any it keeps them.
 *
 * @module
 */
import type { Bytes } from "../../../base/bytes.ts";
import type { Endpoint } from "../../../socks/wire/address.ts";

/** Messages that a proxy reads. */
export type Phase = "hello" | "login" | "token" | "level" | "request" | "data";

/** Faults of a proxy. */
export interface ProxyFaults {
  /** Chooses a method, for what the right choice is. */
  readonly choose?: (methods: readonly number[], right: number) => number;
  /** Versions are not looked at. */
  readonly anyVersion?: boolean;
  /** What does not come whole in one read is no message. */
  readonly oneRead?: Phase;
  /** Acts on the beginning of a message. */
  readonly eager?: Phase;
  /** Forgets what came in one read behind a message. */
  readonly forget?: Phase;
  /** Takes a request in place of the authentication. */
  readonly skipsAuth?: boolean;
  /** Says something to what is no SOCKS. */
  readonly answersGarbage?: boolean;
  /** Judges a login; throws to cut the connection. */
  readonly checkLogin?: (username: string, password: string) => boolean;
  /** Goes on after a refused login. */
  readonly ignoresRefusal?: boolean;
  /** Type of the messages with tokens. */
  readonly tokenType?: number;
  /** What is sent when there is no token. */
  readonly noToken?: Bytes;
  /** Refuses SPNEGO. */
  readonly noSpnego?: boolean;
  /** Most tokens of the client. */
  readonly legs?: number;
  /** Refuses contexts without sequence detection. */
  readonly needsOrder?: boolean;
  /** How contexts and levels are refused. */
  readonly refuse?: "close" | "stay";
  /** Message types are not looked at. */
  readonly anyType?: boolean;
  /** Remembers no token. */
  readonly forgetsTokens?: boolean;
  /** Serves no client after one that left between its tokens. */
  readonly diesOfLeaving?: boolean;
  /** Level that is granted. */
  readonly grant?: (asked: number) => number;
  readonly sealsLevel?: boolean;
  readonly refusesSealedLevel?: boolean;
  /** Grants a level again in place of a request. */
  readonly levelAgain?: boolean;
  /** Whether messages are encrypted. */
  readonly seal?: boolean;
  /** Whether replies are encrypted. */
  readonly sealReply?: boolean;
  /** Takes and sends in clear what must be protected. */
  readonly clear?: "level" | "request" | "data" | "replies";
  /** It does not matter whether a message is encrypted. */
  readonly anySeal?: boolean;
  /** A message may not be encrypted unless the level asks for it. */
  readonly strictSeal?: boolean;
  /** One wrong bit does not matter. */
  readonly forgives?: boolean;
  /** Order and repetition do not matter. */
  readonly anyOrder?: boolean;
  /** Datagrams must be in order. */
  readonly strictOrder?: boolean;
  readonly ignoresEmptyTokens?: boolean;
  /** Takes its own messages back. */
  readonly takesOwn?: boolean;
  readonly endsOnEmpty?: boolean;
  /** Longest token that is read. */
  readonly longest?: number;
  /** A request must lie in one token. */
  readonly oneToken?: boolean;
  /** An address type that fails. */
  readonly fails?: number;
  /** Reserved byte of replies. */
  readonly reserved?: number;
  readonly refusesReserved?: boolean;
  readonly twoReplies?: boolean;
  /** Reply codes in place of the right ones. */
  readonly codes?: { readonly [right: number]: number };
  readonly staysAfterRefusal?: boolean;
  /** Whose end ends both directions. */
  readonly noHalfClose?: "client" | "target";
  /** Hands no end on. */
  readonly neverEnds?: boolean;
  readonly bind?: "no port" | "closed port" | "no address" | "another address" | "deaf";
  readonly udp?: "header" | "another address" | "no names" | "fragments" | "any source" | "outlives" | "ends";
  /** Where datagrams go whose header is cut. */
  readonly cutGoesTo?: Endpoint;
  /** Number of connections that are served. */
  readonly connections?: number;
}
