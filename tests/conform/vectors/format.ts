/**
 * The format of the vectors in tests/vectors/rfc1961/; docs/rfc1961-vectors.md explains it.
 *
 * @module
 */

/** A file of vectors. */
export interface VectorFile {
  readonly about: string;
  readonly cases: readonly SessionVector[];
}

/** A whole session. Bytes are in hexadecimal. */
export interface SessionVector {
  readonly id: string;
  readonly transport: "tcp" | "udp";
  /** Protection level that is agreed, or asked for where none is. */
  readonly level: number;
  /** Number of the enctype of all keys. */
  readonly enctype: number;
  /** Time of both sides. */
  readonly time: string;
  readonly client: string;
  readonly service: string;
  readonly kvno: number;
  readonly keys: VectorKeys;
  /** Numbers of the first messages of both sides. */
  readonly sequence: { readonly client: number; readonly server: number };
  readonly messages: readonly VectorMessage[];
  /** What breaks a rule; absent in good sessions. */
  readonly bad?: VectorFault;
}

/** Keys of a session. */
export interface VectorKeys {
  /** The service's long-term key, in its keytab. */
  readonly service: string;
  /** Session key of the ticket. */
  readonly session: string;
  readonly clientSubkey: string;
  /** The subkey in the AP-REP, which protects all messages. */
  readonly serverSubkey: string;
}

/** A message, as it is sent. */
export interface VectorMessage {
  readonly from: "client" | "server";
  readonly what: string;
  /** Whether it is a datagram. */
  readonly datagram?: true;
  readonly bytes: string;
  /** What its frame holds, where that is a Wrap token. */
  readonly wrapped?: {
    /** The message in the token. */
    readonly data: string;
    readonly confidential: boolean;
    readonly sequence: number;
    /** Random bytes before the message; only of encrypted ones. */
    readonly confounder?: string;
  };
}

/** A message that must be refused. */
export interface VectorFault {
  /** Place of the message in the list; all before it are good. */
  readonly message: number;
  readonly why: string;
  readonly clause: string;
  /** What the receiver does: sends `01 FF` and ends, ends, or drops a datagram. */
  readonly answer: "01ff" | "end" | "drop";
}
