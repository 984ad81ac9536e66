/** Whatever a session ends with, the security contexts of both of its sides are disposed by then, made once and given back once. */
import assert from "node:assert/strict";
import {
  type GssAcceptorCredential,
  type GssContext,
  type GssInitiatorCredential,
  type GssNegotiation,
  spnegoAcceptor,
  spnegoInitiator,
} from "../../gss/mod.ts";
import {
  AssociateCommand,
  associateThrough,
  bindThrough,
  connectThrough,
  datagramsDirectly,
  gssapiClient,
  gssapiServer,
  type GssapiServerOptions,
  type OpenTarget,
  parseRule,
  resolveThrough,
  RuleSet,
  SocksReplyError,
  type SocksServer,
  type SocksServerOptions,
} from "../../socks/mod.ts";
import type { Connection } from "../../socks/stream/connection.ts";
import type { BindDatagrams, BindDatagramsOptions } from "../../socks/stream/datagram_socket.ts";
import { credentialPair, memoryRealm } from "../support/gss_pair.ts";
import { makeServer } from "../support/memory_server.ts";
import { pipe } from "../support/pipe.ts";

const PROXY = { hostname: "localhost", port: 1080 };
const TARGET = { hostname: "127.0.0.1", port: 80 };
const GONE = new Error("given up");
const realm = await memoryRealm();

/** Contexts that were handed out, and how many of them were disposed. */
class Contexts {
  made = 0;
  disposed = 0;

  watch(negotiation: GssNegotiation): GssNegotiation {
    const step = negotiation.step.bind(negotiation);
    negotiation.step = async (token) => {
      const result = await step(token);
      if (result.done) this.#watch(result.context);
      return result;
    };
    return negotiation;
  }

  #watch(context: GssContext): void {
    this.made++;
    let disposed = false;
    const dispose = context.dispose.bind(context);
    context.dispose = () => {
      if (!disposed) this.disposed++;
      disposed = true;
      dispose();
    };
  }
}

interface Field {
  readonly contexts: Contexts;
  readonly server: SocksServer;
  readonly through: Parameters<typeof connectThrough>[0];
  /** Ends the client's side of the connection behind so many reads. */
  readonly dialled: Connection[];
}

interface Options {
  readonly server?: Partial<SocksServerOptions>;
  readonly granted?: GssapiServerOptions["protection"];
  readonly asked?: "none" | "integrity" | "confidentiality";
  readonly spnego?: boolean;
  readonly signal?: AbortSignal;
  /** Told of every read of the client's, which it may keep from coming. */
  readonly onRead?: (read: number) => Promise<void> | void;
}

const sockets = new Map<number, BindDatagramsOptions>();
let ports = 0;
const memoryUdp: BindDatagrams = (options) => {
  const port = ++ports;
  sockets.set(port, options);
  const local = { hostname: "127.0.0.1", port };
  return Promise.resolve({
    local,
    send: (bytes, to) => Promise.resolve(sockets.get(to.port)?.onDatagram(new Uint8Array(bytes), local)),
    close: () => void sockets.delete(port),
  });
};
const rules = () => new RuleSet([parseRule("allow", "*")]);

/** Runs a situation, waits until the server has nothing to do any more, and looks at the contexts. */
async function ends(options: Options, use: (field: Field) => Promise<unknown>): Promise<Contexts> {
  const contexts = new Contexts();
  const pair = credentialPair(realm);
  const initiator = options.spnego ? spnegoInitiator(pair.initiator) : pair.initiator;
  const acceptor = options.spnego ? spnegoAcceptor(pair.acceptor) : pair.acceptor;
  const ours: GssInitiatorCredential = {
    mechanism: initiator.mechanism,
    initiate: async (...args) => contexts.watch(await initiator.initiate(...args)),
  };
  const theirs: GssAcceptorCredential = {
    mechanism: acceptor.mechanism,
    accept: (...args) => contexts.watch(acceptor.accept(...args)),
  };
  const { granted, asked = "confidentiality", signal } = options;
  const { server } = makeServer({
    auth: [gssapiServer({ credential: theirs, ...(granted === undefined ? {} : { protection: granted }) })],
    associate: new AssociateCommand({
      bind: memoryUdp,
      open: datagramsDirectly({ rules, resolve: () => Promise.resolve(["127.0.0.1"]), bind: memoryUdp }),
    }),
    ...options.server,
  });
  const sessions: Promise<void>[] = [];
  const dialled: Connection[] = [];
  let reads = 0;
  const dial = () => {
    const [near, far] = pipe();
    const client: Connection = Object.assign(Object.create(near), {
      read: async () => {
        await options.onRead?.(++reads);
        return await near.read();
      },
    });
    sessions.push(server.serve(
      Object.assign(Object.create(far), {
        local: { hostname: "127.0.0.1", port: 1080 },
        remote: { hostname: "127.0.0.1", port: 7 },
      }),
    ));
    dialled.push(near);
    return Promise.resolve(client);
  };
  const auth = [gssapiClient({ credential: ours, protection: asked })];
  const through = { proxy: PROXY, target: TARGET, auth, dial, ...(signal === undefined ? {} : { signal }) };
  await use({ contexts, server, through, dialled });
  await Promise.all(sessions);
  await server[Symbol.asyncDispose]();
  return contexts;
}

const refusing: OpenTarget = () => Promise.reject(new SocksReplyError("NOT_ALLOWED", "not there"));
const hello = new TextEncoder().encode("hello");

async function talk({ connection }: { connection: Connection }): Promise<void> {
  await connection.write(hello);
  assert.deepEqual(await connection.read(), hello);
}

/** Situations that end otherwise than by a context that never was. */
const SITUATIONS: Readonly<Record<string, readonly [Options, (field: Field) => Promise<unknown>]>> = {
  "the client closes": [{}, async ({ through }) => {
    const made = await connectThrough(through);
    await talk(made);
    made.connection.close();
  }],
  "with SPNEGO around it": [{ spnego: true }, async ({ through }) => {
    const made = await connectThrough(through);
    await talk(made);
    made.connection.close();
  }],
  "at level none": [{ asked: "none", granted: ["none"] }, async ({ through }) => {
    const made = await connectThrough(through);
    await talk(made);
    made.connection.close();
  }],
  "both directions end": [{}, async ({ through }) => {
    const made = await connectThrough(through);
    await talk(made);
    await made.connection.closeWrite();
    assert.equal(await made.connection.read(), null);
    made.connection.close();
  }],
  "the transport is cut": [{}, async ({ through, dialled }) => {
    const made = await connectThrough(through);
    await talk(made);
    dialled[0]!.close();
    await assert.rejects(made.connection.read());
    made.connection.close();
  }],
  "what comes is not genuine": [{}, async ({ through, dialled }) => {
    const made = await connectThrough(through);
    await dialled[0]!.write(Uint8Array.of(1, 3, 0, 1, 0));
    await assert.rejects(async () => {
      while (await made.connection.read() !== null);
      throw new Error("ended");
    });
    made.connection.close();
  }],
  "the target is refused": [{ server: { open: refusing } }, async ({ through }) => {
    await assert.rejects(connectThrough(through), { code: "NOT_ALLOWED" });
  }],
  "a command that is not served": [{}, async ({ through }) => {
    await assert.rejects(resolveThrough({ ...through, hostname: "localhost" }), { code: "COMMAND_NOT_SUPPORTED" });
  }],
  "a name is looked up": [
    { server: { resolve: () => Promise.resolve("192.0.2.1") } },
    async ({ through }) => void await resolveThrough({ ...through, hostname: "localhost" }).catch(() => {}),
  ],
  "BIND is not served": [{}, async ({ through }) => {
    await assert.rejects(bindThrough({ ...through, expected: TARGET }), { code: "COMMAND_NOT_SUPPORTED" });
  }],
  "the server grants too little": [{ granted: () => "none" }, async ({ through }) => {
    await assert.rejects(connectThrough(through), { code: "PROTECTION_TOO_WEAK" });
  }],
  "the server grants no level": [{ granted: () => undefined }, async ({ through }) => {
    await assert.rejects(connectThrough(through), { code: "REFUSED_BY_PEER" });
  }],
  "the server's limits": [
    { server: { limits: { sessionsPerUser: 1 } } },
    async ({ through }) => {
      const first = await connectThrough(through);
      await assert.rejects(connectThrough(through));
      first.connection.close();
    },
  ],
  "the server is disposed": [{}, async ({ through, server }) => {
    const made = await connectThrough(through);
    await talk(made);
    await server[Symbol.asyncDispose]();
    await made.connection.read().catch(() => null);
    made.connection.close();
  }],
  "datagrams, and the client closes": [{}, async ({ through }) => {
    const made = await associateThrough({ ...through, bind: memoryUdp, resolve: () => Promise.resolve(["127.0.0.1"]) });
    await made.send(hello, TARGET);
    made.close();
  }],
  "datagrams, and the proxy goes": [{}, async ({ through, server }) => {
    const made = await associateThrough({ ...through, bind: memoryUdp, resolve: () => Promise.resolve(["127.0.0.1"]) });
    const receiving = assert.rejects(made.receive());
    await server[Symbol.asyncDispose]();
    await receiving;
  }],
  "datagrams for which there is no socket": [{}, async ({ through }) => {
    const bind = () => Promise.reject(GONE);
    const resolve = () => Promise.resolve(["127.0.0.1"]);
    await assert.rejects(associateThrough({ ...through, bind, resolve }), GONE);
  }],
};

for (const [name, [options, use]] of Object.entries(SITUATIONS)) {
  Deno.test(`contexts: both are disposed: ${name}`, async () => {
    const { made, disposed } = await ends(options, use);
    assert.ok(made >= 2, `${made} made`);
    assert.equal(disposed, made);
  });
}

Deno.test("contexts: both are disposed in every phase in which the client is aborted", async () => {
  const seen = new Set<number>();
  for (const spnego of [false, true]) {
    for (let phase = 1; phase <= 5; phase++) {
      for (const when of ["before", "behind"]) {
        const abort = new AbortController();
        const onRead = (read: number) => {
          if (read !== phase) return;
          if (when === "before") abort.abort(GONE);
          else queueMicrotask(() => abort.abort(GONE));
        };
        const { made, disposed } = await ends({ spnego, signal: abort.signal, onRead }, async ({ through }) => {
          const result = await connectThrough(through).catch((error) => error);
          if (result === GONE) return;
          // Behind the last read: it was made before, and is the caller's.
          assert.ok("connection" in result, String(result));
          result.connection.close();
        });
        seen.add(made);
        assert.equal(disposed, made, `${spnego ? "SPNEGO, " : ""}aborted ${when} read ${phase}`);
      }
    }
  }
  // None, the acceptor's alone, both.
  assert.deepEqual([...seen].sort(), [0, 1, 2]);
});
