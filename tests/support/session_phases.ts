/**
 * The phases of a session, each with a peer or an operation in it that sends nothing, reads nothing, or ignores every
 * signal.
 *
 * @module
 */
import type { SecuredChannel } from "../../socks/auth/method.ts";
import { noAuthentication } from "../../socks/auth/none.ts";
import { passwordServer } from "../../socks/auth/password.ts";
import { AssociateCommand } from "../../socks/server/commands/associate.ts";
import type { DatagramEgress, OpenedTarget, PendingBind } from "../../socks/server/targets/target.ts";
import { SocksReplyError } from "../../socks/errors.ts";
import { openDirectly } from "../../socks/server/targets/direct.ts";
import { openUpstream } from "../../socks/server/targets/upstream.ts";
import { parseRule } from "../../socks/rules/parse_rule.ts";
import { RuleSet } from "../../socks/rules/rule_set.ts";
import type { ServerEvent } from "../../socks/server/events.ts";
import type { SocksServerOptions } from "../../socks/server/options.ts";
import type { Connection } from "../../socks/stream/connection.ts";
import type { DatagramSocket } from "../../socks/stream/datagram_socket.ts";
import { readExactly } from "./pipe.ts";
import { standsStill, until } from "./waiting.ts";
import {
  type Closable,
  closable,
  type StuckOperation,
  stuckOperation,
  type WatchedTarget,
  watchedTarget,
} from "./controlled_resources.ts";
import { unhex } from "./vectors.ts";

/** A session on the way into a phase. */
export interface Stage {
  readonly client: Connection;
  readonly events: readonly ServerEvent[];
}

/** A phase of a session. */
export interface Phase {
  /** Options of the server. */
  readonly options: Partial<SocksServerOptions>;
  /** Brings the session into the phase. */
  enter(stage: Stage): Promise<void>;
  /** Short timeout that ends the phase by itself, and the error code; no code where the client's refusal is reported by then. */
  readonly own: Partial<SocksServerOptions>;
  readonly code: string | undefined;
  /** Completes the stuck operations after the end. */
  late?(): void;
  /** Resources that must be closed at the end. */
  readonly held: readonly Closable[];
  /** Whether all else is right at the end. */
  check?(): boolean;
  /** The only transport that has this phase. */
  readonly only?: string;
  /** The transport that does not have this phase. */
  readonly not?: string;
}

const NONE = "050100";
const CONNECT = "0501000304746573740050";
const BIND = "0502000304746573740050";
const UDP = "0503000100000000" + "0000";
const RESOLVE = "05f0000304746573740000";
const LOGIN = "01 03 626f62 01 78".replaceAll(" ", "");

const send = async ({ client }: Stage, text: string, answer = 0): Promise<void> => {
  await client.write(unhex(text));
  await readExactly(client, answer);
};
const greet = (stage: Stage) => send(stage, NONE, 2);
const eventSeen = ({ events }: Stage, type: ServerEvent["type"]) =>
  until(() => events.some((event) => event.type === type));

/** Sends a request, and is in the phase when the stuck operation has been started. */
function requestStarts(request: string, operation: StuckOperation<unknown>): (stage: Stage) => Promise<void> {
  return async (stage) => {
    await greet(stage);
    await send(stage, request);
    await operation.started;
  };
}

const at = (connection: Connection): OpenedTarget => ({ connection, bound: { hostname: "192.0.2.1", port: 99 } });
const rules = new RuleSet([parseRule("allow", "test"), parseRule("allow", "127.0.0.0/8")]);
const unused = () => Promise.reject(new Error("unused"));
const HANDSHAKE = { own: { timeouts: { handshake: 800 } }, code: "HANDSHAKE_TIMEOUT", held: [] };
const CONNECTING = { own: { timeouts: { connect: 40 } }, code: "CONNECT_TIMEOUT" };
const IDLE = { own: { timeouts: { idle: 60 } }, code: "IDLE_TIMEOUT" };

function handshakes(): Record<string, Phase> {
  const check = stuckOperation<boolean>();
  const method = stuckOperation<SecuredChannel>();
  const channel = watchedTarget("silent");
  const passwords = [passwordServer(() => true)];
  const protocols = { protocols: ["socks4", "http"] } as const;
  return {
    "greeting": { ...HANDSHAKE, options: {}, enter: (stage) => eventSeen(stage, "accepted") },
    "part of a SOCKS4 request": { ...HANDSHAKE, options: protocols, enter: (stage) => send(stage, "0401") },
    "part of an HTTP request": { ...HANDSHAKE, options: protocols, enter: (stage) => send(stage, "434f4e4e45435420") },
    "a method choice that is not read": { ...HANDSHAKE, options: {}, enter: (stage) => send(stage, NONE) },
    "authentication": { ...HANDSHAKE, options: { auth: passwords }, enter: (stage) => send(stage, "050102", 2) },
    "a stuck password check": {
      ...HANDSHAKE,
      options: { auth: [passwordServer(check.make)] },
      enter: async (stage) => {
        await send(stage, "050102", 2);
        await send(stage, LOGIN);
        await check.started;
      },
      late: () => check.resolve(true),
    },
    "a stuck method": {
      ...HANDSHAKE,
      options: { auth: [{ ...noAuthentication(), accept: method.make }] },
      enter: async (stage) => {
        await greet(stage);
        await method.started;
      },
      late: () =>
        method.resolve({
          connection: channel,
          identity: { method: "none", name: "", attributes: {} },
          protection: "none",
          datagrams: undefined,
          expiresAt: Infinity,
        }),
      held: [channel],
    },
    "request": { ...HANDSHAKE, options: {}, enter: greet },
    "part of a request": { ...HANDSHAKE, options: {}, enter: (stage) => greet(stage).then(() => send(stage, "0501")) },
  };
}

function connects(): Record<string, Phase> {
  const [opening, dialling, eyeballs] = [
    stuckOperation<OpenedTarget>(),
    stuckOperation<Connection>(),
    stuckOperation<Connection>(),
  ];
  const lookup = stuckOperation<readonly string[]>();
  const [opened, dialled, quick, upstream] = [0, 1, 2, 3].map(() => watchedTarget("silent")) as [
    WatchedTarget,
    WatchedTarget,
    WatchedTarget,
    WatchedTarget,
  ];
  const chain = stuckOperation<Connection>();
  const silent = stuckOperation<Connection>();
  const proxy = { proxy: { hostname: "127.0.0.1", port: 9 }, auth: [noAuthentication()] };
  const unread = watchedTarget("silent");
  return {
    "look-up": {
      ...CONNECTING,
      options: { open: openDirectly({ rules, resolve: lookup.make, dial: unused }) },
      enter: requestStarts(CONNECT, lookup),
      late: () => lookup.resolve(["127.0.0.1"]),
      held: [],
    },
    "open": {
      ...CONNECTING,
      options: { open: opening.make },
      enter: requestStarts(CONNECT, opening),
      late: () => opening.resolve(at(opened)),
      held: [opened],
    },
    "dial": {
      ...CONNECTING,
      options: { open: openDirectly({ rules, resolve: () => Promise.resolve(["127.0.0.1"]), dial: dialling.make }) },
      enter: requestStarts(CONNECT, dialling),
      late: () => dialling.resolve(dialled),
      held: [dialled],
    },
    "dial of several addresses": {
      ...CONNECTING,
      options: {
        open: openDirectly({
          rules,
          resolve: () => Promise.resolve(["127.0.0.1", "127.0.0.2"]),
          dial: eyeballs.make,
        }),
      },
      enter: requestStarts(CONNECT, eyeballs),
      late: () => eyeballs.resolve(quick),
      held: [quick],
    },
    "dial of an upstream proxy": {
      ...CONNECTING,
      options: { open: openUpstream({ ...proxy, dial: chain.make }) },
      enter: requestStarts(CONNECT, chain),
      late: () => chain.resolve(upstream),
      held: [upstream],
    },
    "a silent upstream proxy": {
      ...CONNECTING,
      options: {
        open: openUpstream({
          ...proxy,
          dial: () => {
            void silent.make();
            return Promise.resolve(unread);
          },
        }),
      },
      enter: requestStarts(CONNECT, silent),
      held: [unread],
    },
  };
}

function others(): Record<string, Phase> {
  const [waiting, listened] = [closable(), closable()];
  const accepting = stuckOperation<{ connection: Connection; peer: { hostname: string; port: number } }>();
  const listening = stuckOperation<PendingBind>();
  const came = watchedTarget("silent");
  const resolving = stuckOperation<string>();
  const [egress, socket] = [stuckOperation<DatagramEgress>(), stuckOperation<DatagramSocket>()];
  const [made, bound, opened, stood, standing] = [closable(), closable(), closable(), closable(), closable()];
  const counting = stuckOperation<boolean>();
  let counted = 0;
  const bind = { bound: { hostname: "127.0.0.1", port: 9 }, accept: accepting.make };
  const sends = { send: () => Promise.resolve(), local: { hostname: "127.0.0.1", port: 9 } };
  const close = (what: Closable) => () => what.close();
  return {
    "bind": {
      ...CONNECTING,
      options: { bind: listening.make },
      enter: requestStarts(BIND, listening),
      late: () => listening.resolve({ ...bind, close: close(listened) }),
      held: [listened],
    },
    "bind wait": {
      ...CONNECTING,
      options: { bind: () => Promise.resolve({ ...bind, close: close(waiting) }) },
      enter: async (stage) => {
        await greet(stage);
        await send(stage, BIND, 10);
        await accepting.started;
      },
      late: () => accepting.resolve({ connection: came, peer: bind.bound }),
      held: [waiting, came],
    },
    "resolve": {
      ...CONNECTING,
      options: { resolve: resolving.make },
      enter: requestStarts(RESOLVE, resolving),
      late: () => resolving.resolve("127.0.0.1"),
      held: [],
    },
    "an association's egress": {
      ...CONNECTING,
      options: { associate: new AssociateCommand({ open: egress.make, bind: unused }) },
      enter: requestStarts(UDP, egress),
      late: () => egress.resolve({ ...sends, close: close(made) }),
      held: [made],
    },
    "an association's socket": {
      ...CONNECTING,
      options: {
        associate: new AssociateCommand({
          open: () => Promise.resolve({ ...sends, close: close(opened) }),
          bind: socket.make,
        }),
      },
      enter: requestStarts(UDP, socket),
      late: () => socket.resolve({ ...sends, close: close(bound) }),
      held: [opened, bound],
    },
    "association": {
      // Its timeout is an option of the command, not of the server.
      own: {},
      code: "IDLE_TIMEOUT",
      options: {
        associate: new AssociateCommand({
          idleTimeout: 800,
          open: () => Promise.resolve({ ...sends, close: close(standing) }),
          bind: () => Promise.resolve({ ...sends, close: close(stood) }),
        }),
      },
      enter: async (stage) => {
        await greet(stage);
        await send(stage, UDP, 10);
      },
      held: [standing, stood],
    },
    "a stuck user ledger": {
      ...CONNECTING,
      options: {
        auth: [passwordServer(() => true)],
        limits: { sessionsPerUser: 1 },
        userLedger: { enter: counting.make, leave: () => void counted-- },
      },
      enter: async (stage) => {
        await send(stage, "050102", 2);
        await send(stage, LOGIN, 2);
        await send(stage, CONNECT);
        await counting.started;
      },
      late: () => {
        counted++;
        counting.resolve(true);
      },
      held: [],
      check: () => counted === 0,
    },
  };
}

function relays(): Record<string, Phase> {
  const [idle, half, flood, stuck, unread] = [
    watchedTarget("silent"),
    watchedTarget("silent"),
    watchedTarget("flood"),
    watchedTarget("stuck"),
    watchedTarget("silent"),
  ];
  const opens = (connection: Connection) => ({ open: () => Promise.resolve(at(connection)) });
  const connected = async (stage: Stage) => {
    await greet(stage);
    await send(stage, CONNECT, 10);
    await eventSeen(stage, "connected");
  };
  const refused: Partial<SocksServerOptions> = {
    open: () => Promise.reject(new SocksReplyError("NOT_ALLOWED", "no")),
  };
  const refusal = async (stage: Stage, request: string) => {
    await greet(stage);
    await send(stage, request);
    await eventSeen(stage, "refused");
  };
  return {
    "a reply that is not read": {
      ...CONNECTING,
      options: opens(unread),
      enter: async (stage) => {
        await greet(stage);
        await send(stage, CONNECT);
      },
      held: [unread],
      // Other transports buffer the reply.
      only: "streams",
    },
    "relay": { ...IDLE, options: opens(idle), enter: connected, held: [idle] },
    "relay with one side ended": {
      own: { timeouts: { halfClose: 60 } },
      code: "IDLE_TIMEOUT",
      options: opens(half),
      enter: async (stage) => {
        await connected(stage);
        await stage.client.closeWrite();
      },
      held: [half],
    },
    "relay to a client that does not read": {
      ...IDLE,
      options: opens(flood),
      enter: async (stage) => {
        await connected(stage);
        await standsStill(() => flood.reads);
      },
      // This transport buffers every write.
      not: "stuck",
      held: [flood],
    },
    "relay to a stuck target": {
      ...IDLE,
      options: opens(stuck),
      enter: connected,
      held: [stuck],
    },
    "refusal": {
      own: {},
      code: undefined,
      options: refused,
      enter: (stage) => refusal(stage, CONNECT),
      held: [],
    },
    "refusal of an unknown command": {
      own: {},
      code: undefined,
      options: refused,
      enter: (stage) => refusal(stage, CONNECT.replace("0501", "0599")),
      held: [],
    },
    "refusal of a method": {
      own: {},
      code: undefined,
      options: {},
      enter: async (stage) => {
        await send(stage, "050155");
        // The client must read the choice before the refusal is reported.
        await readExactly(stage.client, 2);
        await eventSeen(stage, "refused");
      },
      held: [],
    },
  };
}

/** Returns new phases: each can be used once. */
export function phases(): Record<string, Phase> {
  return { ...handshakes(), ...connects(), ...others(), ...relays() };
}
