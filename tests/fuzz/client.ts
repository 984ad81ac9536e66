/**
 * Fuzzes clients with the answers of a KDC and of a proxy: `deno run -A tests/fuzz/client.ts [--seed N] [--seconds S]
 * [--runs N]`. Exits with 1 if it finds something. Replies are changed in clear, and inside their encrypted part.
 *
 * @module
 */
import { applicationTag, decode, encode } from "../../asn1/codec.ts";
import { type Bytes, concat } from "../../base/bytes.ts";
import { spnegoAcceptor } from "../../gss/spnego/acceptor.ts";
import { spnegoInitiator } from "../../gss/spnego/initiator.ts";
import { KdcClient } from "../../kerberos/reach/kdc_client.ts";
import { passwordKey } from "../../kerberos/exchange/client_key.ts";
import { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { inProcessTransport, type KdcRealm } from "../../kerberos/kdc/mod.ts";
import { AsRep, type KdcRep, TgsRep } from "../../kerberos/messages/kdc.ts";
import { formatPrincipal, parsePrincipal } from "../../kerberos/principal.ts";
import {
  connectThrough,
  gssapiClient,
  gssapiServer,
  noAuthentication,
  passwordClient,
  resolveThrough,
} from "../../socks/mod.ts";
import { replyKeyOf } from "../support/forge_kdc.ts";
import { credentialPair, memoryConfig, memoryRealm } from "../support/gss_pair.ts";
import { pipe } from "../support/pipe.ts";
import { anyOf, gssError, kerberosError, socksError } from "./expected.ts";
import { fuzz, fuzzArguments, report, type Target } from "./fuzz.ts";
import { mutate } from "./mutate.ts";
import { chanceOf, drawn, type Random } from "./random.ts";

/** Decrypts the encrypted part of a reply, changes it, and encrypts it again. */
async function resealed(random: Random, reply: Bytes, message: Bytes, realm: KdcRealm): Promise<Bytes> {
  const tag = applicationTag(reply);
  if (tag !== 11 && tag !== 13) return mutate(random, reply, message);
  const codec = tag === 11 ? AsRep : TgsRep;
  const rep = decode<KdcRep>(codec, reply);
  const { key, usage } = await replyKeyOf(realm, message, rep);
  const plain = await key.decrypt(usage, rep.encPart.cipher);
  const cipher = await key.encrypt(usage, mutate(random, plain, plain));
  return encode<KdcRep>(codec, { ...rep, encPart: { ...rep.encPart, cipher } });
}

/** Target: tickets from replies of which one is changed. A client that gets a ticket has the requested one. */
function kdcTarget(realm: KdcRealm, sealed: boolean): Target {
  const config = memoryConfig(realm);
  const honest = inProcessTransport(realm);
  let given: Uint8Array = new Uint8Array(0);
  return {
    name: sealed ? "KDC's reply, changed before sealing" : "KDC's reply",
    seeds: [],
    expects: kerberosError,
    batch: 10,
    // A KDC may require a million rounds of PBKDF2 (SECURITY.md), and again.
    slow: 5_000,
    make: drawn,
    given: () => given,
    async run(input): Promise<void> {
      const random = chanceOf(input);
      const at = random.below(3);
      let count = 0;
      const tickets = new KerberosTickets({
        config,
        kdc: new KdcClient({
          config,
          transport: {
            async send(address, message, options): Promise<Bytes> {
              const reply = await honest.send(address, message, options);
              if (count++ !== at) return reply;
              given = sealed ? await resealed(random, reply, message, realm) : mutate(random, reply, message);
              return given as Bytes;
            },
          },
        }),
        initial: { client: parsePrincipal(`alice@${realm.name}`), key: passwordKey("alicepw") },
      });
      const { credential } = await tickets.serviceTicket(parsePrincipal(`rcmd/localhost@${realm.name}`));
      const got = `${formatPrincipal(credential.client)} to ${formatPrincipal(credential.server)}`;
      if (got !== `alice@${realm.name} to rcmd/localhost@${realm.name}`) throw new Error(`a ticket for ${got}`);
    },
  };
}

/** Target: the GSS-API method with one changed answer; no byte may arrive that was not sent. */
function gssapiTarget(realm: KdcRealm, spnego: boolean): Target {
  const { initiator, acceptor } = credentialPair(realm);
  const client = gssapiClient({ credential: spnego ? spnegoInitiator(initiator) : initiator });
  const server = gssapiServer({ credential: spnego ? spnegoAcceptor(acceptor) : acceptor });
  let given: Uint8Array = new Uint8Array(0);
  const message = Uint8Array.from({ length: 300 }, (_, i) => i);
  return {
    name: spnego ? "proxy's tokens in SPNEGO" : "proxy's tokens",
    seeds: [],
    expects: anyOf(socksError, gssError),
    batch: 10,
    make: drawn,
    given: () => given,
    async run(input): Promise<void> {
      const random = chanceOf(input);
      const at = random.below(4);
      const tamper = (bytes: Bytes, index: number) => index === at ? given = mutate(random, bytes, bytes) : bytes;
      const [near, far] = pipe({ back: { tamper: tamper as (bytes: Bytes) => Bytes, endAfterTamper: true } });
      const serving = server.accept(far, {}).then(async ({ connection }) => {
        await connection.write(message);
        await connection.closeWrite();
      }).catch(() => far.closeWrite());
      try {
        const { connection } = await client.authenticate(near, { proxy: { hostname: "localhost", port: 1 } });
        const got = await connection.read();
        if (got !== null && (got.length !== message.length || got.some((byte, i) => byte !== message[i]))) {
          throw new Error("other bytes");
        }
      } finally {
        near.close();
        await serving;
      }
    },
  };
}

/** Target: a proxy without cryptography. */
function proxyTarget(): Target {
  const choices = [Uint8Array.of(5, 0), Uint8Array.of(5, 2, 1, 0)];
  const replies = [[5, 0, 0, 1, 10, 0, 0, 1, 0, 80], [5, 0, 0, 3, 4, 97, 98, 99, 100, 0, 80], [
    5,
    4,
    0,
    1,
    0,
    0,
    0,
    0,
    0,
    0,
  ]];
  return {
    name: "proxy",
    seeds: choices.flatMap((choice) => replies.map((reply) => concat(choice, Uint8Array.from(reply)))),
    expects: socksError,
    async run(input, random): Promise<void> {
      const [near, far] = pipe({ back: { chunk: 1 + random.below(50) } });
      await far.write(input);
      await far.closeWrite();
      const options = {
        proxy: { hostname: "p", port: 1 },
        auth: [random.once(2) ? noAuthentication() : passwordClient({ username: "a", password: "b" })],
        dial: () => Promise.resolve(near),
      };
      try {
        if (random.once(2)) await connectThrough({ ...options, target: { hostname: "x", port: 1 } });
        else await resolveThrough({ ...options, hostname: "x" });
      } finally {
        near.close();
      }
    },
  };
}

/** Returns the targets of clients. */
export async function clientTargets(): Promise<Target[]> {
  const realm = await memoryRealm();
  return [
    kdcTarget(realm, false),
    kdcTarget(realm, true),
    gssapiTarget(realm, false),
    gssapiTarget(realm, true),
    proxyTarget(),
  ];
}

if (import.meta.main) {
  const options = fuzzArguments(Deno.args);
  // deno-lint-ignore no-console
  console.log(`client: seed ${options.seed}`);
  Deno.exit(report("client", options, await fuzz(await clientTargets(), options)));
}
