/** The recipe of CONTRIBUTING for an authentication method, followed: a toy method that neither client nor server knows. */
import assert from "node:assert/strict";
import { randomBytes } from "../../../base/runtime.ts";
import { concat, sameBytes, utf8 } from "../../../base/bytes.ts";
import { connect, serve, type ServerEvent, SocksAuthError } from "../../../mod.ts";
import type { AcceptAuthOptions, ClientAuthMethod, ServerAuthMethod } from "../../../socks/auth/method.ts";
import { plainChannel } from "../../../socks/auth/plain_channel.ts";
import { MessageReader } from "../../../socks/stream/message_reader.ts";
import { SocksServer } from "../../../socks/server/server.ts";
import { openDirectly } from "../../../socks/server/targets/direct.ts";
import { parseRuleText } from "../../../socks/rules/parse_rule.ts";
import { RuleSet } from "../../../socks/rules/rule_set.ts";
import { dialTcp, listenTcp } from "../../../socks/shell/tcp.ts";
import { makeServer } from "../../support/memory_server.ts";
import { pipe } from "../../support/pipe.ts";

/** METHOD byte out of the range for private methods (RFC 1928 section 3). */
const CODE = 0x80;
const NONCE = 16;
const ANSWER = 32;

/** Reads a message of a fixed length. */
const bytesOfLength = (length: number) => (bytes: Uint8Array<ArrayBuffer>) =>
  bytes.length < length ? undefined : { value: bytes.slice(0, length), length };

async function answerTo(nonce: Uint8Array<ArrayBuffer>, secret: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concat(nonce, utf8(secret))));
}

/** The client's side: answers the server's nonce with a hash. */
function toyClient(secret: string): ClientAuthMethod {
  return {
    code: CODE,
    name: "password",
    async authenticate(connection) {
      const reader = new MessageReader(connection, NONCE);
      await connection.write(await answerTo(await reader.next(bytesOfLength(NONCE)), secret));
      return plainChannel(reader.rest(), { method: "password", name: "toy", attributes: {} });
    },
  };
}

/** The server's side. */
function toyServer(secret: string): ServerAuthMethod {
  return {
    code: CODE,
    name: "password",
    async accept(connection) {
      const nonce = randomBytes(NONCE);
      await connection.write(nonce);
      const reader = new MessageReader(connection, ANSWER);
      const answer = await reader.next(bytesOfLength(ANSWER));
      if (!sameBytes(answer, await answerTo(nonce, secret))) {
        throw new SocksAuthError("BAD_CREDENTIALS", "Client gave a wrong answer");
      }
      return plainChannel(reader.rest(), { method: "password", name: "toy", attributes: { toy: 1 } });
    },
  };
}

/** A server with the toy method, and an echo target. */
function start(secret: string) {
  const events: ServerEvent[] = [];
  const rules = new RuleSet([parseRuleText("allow localhost")]);
  const resolve = () => Promise.resolve([]);
  const server = new SocksServer({
    auth: [toyServer(secret)],
    open: openDirectly({ rules: () => rules, resolve, dial: dialTcp }),
    onEvent: (event) => void events.push(event),
  });
  const listener = listenTcp({ hostname: "127.0.0.1", port: 0 });
  const listening = server.listen(listener);
  const target = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const echoing = (async () => {
    for await (const conn of target) await conn.readable.pipeTo(conn.writable).catch(() => {});
  })();
  return {
    events,
    proxy: listener.addr,
    port: (target.addr as Deno.NetAddr).port,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      target.close();
      await Promise.all([listening, echoing]);
    },
  };
}

Deno.test("toy method: a method that the library does not know authenticates and carries data", async () => {
  await using place = start("right");
  const { proxy, port } = place;
  await using connection = await connect({ proxy, hostname: "127.0.0.1", port, auth: [toyClient("right")] });
  await connection.write(utf8("through"));
  await connection.closeWrite();
  assert.equal(await new Response(connection.readable).text(), "through");
  const seen = place.events.find((event) => event.type === "authenticated");
  assert.deepEqual(seen?.type === "authenticated" && seen.identity, {
    method: "password",
    name: "toy",
    attributes: { toy: 1 },
  });
});

Deno.test("toy method: a client that fails it is refused", async () => {
  await using place = start("right");
  const { proxy, port } = place;
  await assert.rejects(connect({ proxy, hostname: "127.0.0.1", port, auth: [toyClient("wrong")] }));
  const refused = place.events.find((event) => event.type === "refused");
  assert.equal(refused?.type === "refused" && (refused.error as SocksAuthError).code, "BAD_CREDENTIALS");
});

Deno.test("toy method: one around another passes its options on, the signal among them", async () => {
  const given = Promise.withResolvers<AcceptAuthOptions>();
  const inner: ServerAuthMethod = {
    code: CODE,
    name: "password",
    accept: (_connection, options) => (given.resolve(options), new Promise(() => {})),
  };
  const outer: ServerAuthMethod = {
    ...inner,
    accept: (connection, options) => inner.accept(connection, { ...options, source: "elsewhere" }),
  };
  const { server } = makeServer({ auth: [outer] });
  const [client, far] = pipe();
  const served = server.serve(far);
  await client.write(Uint8Array.of(5, 1, CODE));
  const { signal, source, onGone, beforeClosing } = await given.promise;
  assert.deepEqual([source, typeof onGone, typeof beforeClosing], ["elsewhere", "function", "function"]);
  const reason = new Error("gone");
  onGone!(reason);
  assert.equal(signal!.reason, reason);
  await served;
});

Deno.test("toy method: serve() offers only the methods of its options", async () => {
  await using server = serve({ port: 0, allowUnauthenticated: true });
  const failing = connect({ proxy: server.addr, hostname: "127.0.0.1", port: 9, auth: [toyClient("right")] });
  await assert.rejects(failing, { code: "NO_ACCEPTABLE_METHOD" });
});
