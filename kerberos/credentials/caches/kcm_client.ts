/**
 * A client of a KCM daemon: sends requests over one connection, within one time for all of them.
 *
 * @module
 */
import { abortable, onAbort, startDeadline } from "../../../base/deadline.ts";
import type { Bytes } from "../../../base/bytes.ts";
import { reasonText } from "../../../base/reason.ts";
import { KerberosError } from "../../errors.ts";
import type { KcmConnection, KcmSocket } from "../kcm_socket.ts";
import { encodeKcmRequest, type KcmParameters, type KcmReply, KcmReplyReader } from "../formats/kcm_messages.ts";

/** Time for all requests of one use, in milliseconds. */
const TIMEOUT = 10_000;
/** Most bytes of all replies of one use: as many as a file may have. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Codes of the com_err library (krb5) that say that there is no such cache or ticket. */
const ABSENT: readonly number[] = [
  -1765328243, // KRB5_CC_NOTFOUND
  -1765328242, // KRB5_CC_END
  -1765328189, // KRB5_FCC_NOFILE
];

/** Sends a request and returns the results; `undefined` if the daemon says that there is no such cache or ticket. */
export type KcmCall = (operation: number, parameters?: KcmParameters) => Promise<Bytes | undefined>;

/** Options of {@linkcode KcmClient}. */
interface KcmClientOptions {
  /** Longest time that one use may take, in milliseconds. @default {10000} */
  readonly timeout?: number | undefined;
}

/** A client of a KCM daemon. */
export class KcmClient {
  readonly #socket: KcmSocket;
  readonly #timeout: number;

  constructor(socket: KcmSocket, { timeout = TIMEOUT }: KcmClientOptions = {}) {
    this.#socket = socket;
    this.#timeout = timeout;
  }

  /**
   * Runs requests over one connection.
   *
   * @param name What is used, for messages: "KCM:".
   * @throws {KerberosError} `BAD_FILE`
   */
  async use<T>(name: string, work: (call: KcmCall) => Promise<T>): Promise<T> {
    const reason = () => new Error(`it did not answer within ${this.#timeout / 1000} s`);
    using deadline = startDeadline({ milliseconds: this.#timeout, reason });
    const { signal } = deadline;
    const connection = await this.#connect(name, signal);
    using _stop = onAbort(signal, () => connection.close());
    const use = { name, connection, signal, bytes: 0 };
    try {
      return await work((operation, parameters) => call(use, operation, parameters));
    } finally {
      connection.close();
    }
  }

  async #connect(name: string, signal: AbortSignal): Promise<KcmConnection> {
    const opening = this.#socket.connect();
    try {
      return await abortable(opening, signal);
    } catch (error) {
      opening.then((late) => late.close(), () => {});
      throw new KerberosError(
        "BAD_FILE",
        `Cannot reach the KCM daemon for credential cache ${name} at ${this.#socket.path}: ${reasonText(error)}`,
        { cause: error instanceof Error && error.cause !== undefined ? error.cause : error },
      );
    }
  }
}

/** One use of the daemon. */
interface Use {
  readonly name: string;
  readonly connection: KcmConnection;
  readonly signal: AbortSignal;
  /** Bytes that were read so far. */
  bytes: number;
}

async function call(use: Use, operation: number, parameters?: KcmParameters): Promise<Bytes | undefined> {
  const failed = `Cannot use credential cache ${use.name}`;
  let reply: KcmReply;
  try {
    reply = await exchange(use, encodeKcmRequest(operation, parameters));
  } catch (thrown) {
    if (thrown instanceof KerberosError) throw thrown;
    const error = use.signal.aborted ? use.signal.reason : thrown;
    throw new KerberosError("BAD_FILE", `${failed}: the KCM daemon: ${reasonText(error)}`, { cause: error });
  }
  if (reply.code === 0) return reply.results;
  if (ABSENT.includes(reply.code)) return undefined;
  throw new KerberosError(
    "BAD_FILE",
    `${failed}: the KCM daemon refuses operation ${operation} with code ${reply.code}`,
  );
}

async function exchange(use: Use, request: Bytes): Promise<KcmReply> {
  const { connection } = use;
  for (let at = 0; at < request.length;) at += await connection.write(request.subarray(at));
  const reader = new KcmReplyReader();
  const buffer = new Uint8Array(65_536);
  for (;;) {
    const length = await connection.read(buffer);
    if (length === null) throw new Error("it has closed the connection");
    if ((use.bytes += length) > MAX_BYTES) throw new Error(`it sends over ${MAX_BYTES / 1024 / 1024} MiB`);
    const reply = reader.push(buffer.subarray(0, length));
    if (reply !== undefined) return reply;
  }
}
