/**
 * Tells systemd how a service stands (sd_notify(3)): a unit with `Type=notify` is started when it says so, and units behind it
 * wait. A datagram for each message goes to the socket that the environment names. Deno has such sockets with `--unstable-net`
 * only, and they must have a file of their own, in the service's runtime directory.
 *
 * systemd's `Type=notify-reload` would want the time by the clock that counts from boot, which Deno does not tell: units have
 * `ExecReload=` instead.
 *
 * @module
 */
import { pause } from "../../base/deadline.ts";
import { reasonText } from "../../base/reason.ts";
import { utf8 } from "../../base/bytes.ts";
import type { ServiceManager, ServiceState } from "./io.ts";

/** Sends a message. */
type Send = (message: string) => Promise<unknown>;

const STATES: Readonly<Record<ServiceState, string>> = {
  ready: "READY=1",
  reloading: "RELOADING=1",
  stopping: "STOPPING=1",
};

/** The part of Deno's interface that is used here. Deno's stable types do not have it. */
interface WithUnixDatagrams {
  listenDatagram(options: UnixAddress): {
    send(bytes: Uint8Array, to: UnixAddress): Promise<number>;
    close(): void;
  };
}

interface UnixAddress {
  readonly transport: "unixpacket";
  readonly path: string;
}

/** What systemd says in the environment. */
type Variables = (name: "NOTIFY_SOCKET" | "RUNTIME_DIRECTORY" | "WATCHDOG_USEC") => string | undefined;

/**
 * Returns what tells systemd, or `undefined` where it does not ask.
 *
 * @param onTrouble Called with what keeps it from being told.
 */
export function serviceManager(
  onTrouble: (line: string) => void,
  read: Variables = variable,
): ServiceManager | undefined {
  const socket = read("NOTIFY_SOCKET");
  if (socket === undefined || socket === "") return undefined;
  try {
    const [folder] = (read("RUNTIME_DIRECTORY") ?? "").split(":");
    return telling(socket, folder ?? "", { onTrouble, watchdog: Number(read("WATCHDOG_USEC") ?? 0) });
  } catch (error) {
    onTrouble(unheard(error));
    return undefined;
  }
}

/** A variable that may be read. */
function variable(name: string): string | undefined {
  const allowed = Deno.permissions.querySync({ name: "env", variable: name }).state === "granted";
  return allowed ? Deno.env.get(name) : undefined;
}

interface TellingOptions {
  readonly onTrouble: (line: string) => void;
  /** Microseconds within which systemd wants to hear that the program lives; 0 for never. */
  readonly watchdog: number;
}

function telling(to: string, folder: string, { onTrouble, watchdog }: TellingOptions): ServiceManager {
  if (!("listenDatagram" in Deno)) throw new Error("deno run needs --unstable-net for that");
  if (folder === "") throw new Error("the unit needs RuntimeDirectory=");
  // The file is needed for a moment only: nobody answers.
  const path = `${folder}/notify-${Deno.pid}.sock`;
  const socket = (Deno as unknown as WithUnixDatagrams).listenDatagram({ transport: "unixpacket", path });
  Deno.removeSync(path);
  let last: Promise<unknown> = Promise.resolve();
  const send: Send = (message) =>
    last = last.then(() => socket.send(utf8(message), { transport: "unixpacket", path: to })).catch((error) =>
      onTrouble(unheard(error))
    );
  const ended = new AbortController();
  if (watchdog > 0) void keepAlive(send, watchdog, ended.signal);
  return {
    tell: (state, status = "") => void send(`${STATES[state]}${status === "" ? "" : `\nSTATUS=${status}`}`),
    [Symbol.dispose](): void {
      ended.abort();
      void last.then(() => socket.close());
    },
  };
}

/** Twice in the time that there is: a thread that serves is late now and then. */
async function keepAlive(send: Send, microseconds: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await send("WATCHDOG=1");
    await pause(microseconds / 2_000, signal);
  }
}

function unheard(error: unknown): string {
  return `Warning: systemd waits for word of this server and cannot be told: ${reasonText(error)}`;
}
