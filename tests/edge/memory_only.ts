/**
 * The library as an edge runtime uses it: no permission at all, no socket, no file, no environment. Credentials and
 * keytab come from memory, the KDC stands behind an injected transport, and the proxy runs over streams in memory.
 *
 * Prints `ok` and what it did; run by `edge_test.ts` without any permission.
 */
import {
  decodeCcache,
  encodeCcache,
  KdcClient,
  type KdcTransport,
  KerberosAcceptorCredential,
  KerberosInitiatorCredential,
  KerberosTickets,
  Keytab,
  MemoryCredentialCache,
  parseKrb5Conf,
  parsePrincipal,
  passwordKey,
} from "../../kerberos/mod.ts";
import { createRealm, handleKdcMessage } from "../../kerberos/kdc/mod.ts";
import {
  connectionFromStreams,
  connectThrough,
  gssapiClient,
  gssapiServer,
  openDirectly,
  parseRule,
  RuleSet,
  SocksServer,
} from "../../socks/mod.ts";

const denied = await Promise.all(
  (["read", "write", "env", "net", "run", "sys", "ffi"] as const).map((name) => Deno.permissions.query({ name })),
);
if (denied.some(({ state }) => state === "granted")) throw new Error("this must run without permissions");

const realm = await createRealm({ realm: "EDGE.TEST", principals: { alice: "secret", "rcmd/proxy.edge.test": {} } });
const config = parseKrb5Conf({
  name: "in memory",
  text:
    "[libdefaults]\ndefault_realm = EDGE.TEST\ndns_lookup_kdc = false\n[realms]\nEDGE.TEST = {\n kdc = kdc.edge.test\n}\n[domain_realm]\n.edge.test = EDGE.TEST\n",
});
/** A real program would use `fetch` to a KDC proxy. */
const transport: KdcTransport = {
  async send(_address, message) {
    const reply = await handleKdcMessage(realm, message);
    if (reply === undefined) throw new Error("no reply");
    return reply;
  },
};
const kdc = new KdcClient({ config, transport });
const initial = { client: parsePrincipal("alice@EDGE.TEST"), key: passwordKey("secret") };
const first = new KerberosTickets({ config, kdc, initial });
await first.initialTicket();
// The cache is moved as bytes, as through a key-value store.
const cache = new MemoryCredentialCache(decodeCcache(encodeCcache((await first.cache.load())!)));
const tickets = new KerberosTickets({ config, kdc, cache });
const keys = Keytab.decode(realm.keytab("rcmd/proxy.edge.test").encode());

/** Returns two streams between two ends. */
function duplex(): [ReturnType<typeof connectionFromStreams>, ReturnType<typeof connectionFromStreams>] {
  const there = new TransformStream<Uint8Array, Uint8Array>();
  const back = new TransformStream<Uint8Array, Uint8Array>();
  return [
    connectionFromStreams({ readable: back.readable, writable: there.writable }),
    connectionFromStreams({ readable: there.readable, writable: back.writable }),
  ];
}

const server = new SocksServer({
  auth: [gssapiServer({ credential: new KerberosAcceptorCredential({ keys }) })],
  open: openDirectly({
    rules: new RuleSet([parseRule("allow", "192.0.2.7")]),
    resolve: () => Promise.resolve(["192.0.2.7"]),
    dial: () => {
      const [near, far] = duplex();
      (async () => {
        for (let bytes = await far.read(); bytes !== null; bytes = await far.read()) await far.write(bytes);
        await far.closeWrite();
      })();
      return Promise.resolve(near);
    },
  }),
});

const message = new Uint8Array(300_000).map((_, i) => i * 13);
for (const protection of ["integrity", "confidentiality"] as const) {
  const [near, far] = duplex();
  const served = server.serve(far);
  const { connection, identity } = await connectThrough({
    target: { hostname: "echo.edge.test", port: 7 },
    proxy: { hostname: "proxy.edge.test", port: 1080 },
    auth: [gssapiClient({ credential: new KerberosInitiatorCredential(tickets), protection })],
    dial: () => Promise.resolve(near),
  });
  const writing = connection.write(message).then(() => connection.closeWrite());
  let at = 0;
  for (let bytes = await connection.read(); bytes !== null; bytes = await connection.read()) {
    for (const byte of bytes) if (byte !== message[at++]) throw new Error(`byte ${at} differs`);
  }
  await writing;
  if (at !== message.length) throw new Error(`${at} bytes came back`);
  connection.close();
  await served;
  // deno-lint-ignore no-console
  console.log(`ok ${identity.method} ${protection} ${at}`);
}
await server.shutdown();
