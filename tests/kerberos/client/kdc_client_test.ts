/** Which KDC is asked, how long it is waited for, and what is tried next; over real sockets where it matters. */
import assert from "node:assert/strict";
import { KdcClient, type KdcTransport } from "../../../kerberos/client/kdc_client.ts";
import { locateKdcs, parseEndpoint } from "../../../kerberos/client/locate.ts";
import { KerberosTickets } from "../../../kerberos/client/tickets.ts";
import { passwordKey } from "../../../kerberos/client/client_key.ts";
import { denoTransport } from "../../../kerberos/client/transports.ts";
import { DEFAULT_CONFIG, type KerberosConfig } from "../../../kerberos/config/krb5_conf.ts";
import { KerberosError } from "../../../kerberos/errors.ts";
import { startTestKdc } from "../../../kerberos/kdc/mod.ts";
import { parsePrincipal } from "../../../kerberos/principal.ts";
import { freePort } from "../../support/process.ts";
import { TcpServer } from "../../support/servers.ts";
import { vectors } from "../../support/vectors.ts";

function withKdcs(config: KerberosConfig, ...kdc: string[]): KerberosConfig {
  return {
    ...config,
    realms: new Map([["GSSOCKS.TEST", { kdc, primaryKdc: [], kpasswdServer: [], adminServer: [] }]]),
  };
}

function login(config: KerberosConfig, options: { transport?: KdcTransport; timeout?: number } = {}): KerberosTickets {
  const kdc = new KdcClient({ config, transport: options.transport ?? denoTransport, timeout: options.timeout });
  return new KerberosTickets({
    config,
    kdc,
    initial: { client: parsePrincipal("alice@GSSOCKS.TEST"), key: passwordKey("pw") },
  });
}

Deno.test("parseEndpoint() agrees with MIT's samples", () => {
  type Case = { text: string; default_port: number; valid: boolean; host: string | null; port: number | null };
  for (const v of vectors<Case>("kdc_host_strings")) {
    if (!v.valid) assert.throws(() => parseEndpoint(v.text, v.default_port), KerberosError, v.text);
    else {assert.deepEqual(parseEndpoint(v.text, v.default_port || 88), {
        protocol: undefined,
        hostname: v.host,
        port: v.port,
      });}
  }
  assert.deepEqual(parseEndpoint("tcp/kdc.example.com"), { protocol: "tcp", hostname: "kdc.example.com", port: 88 });
});

Deno.test("locateKdcs() sorts SRV records and obeys dns_lookup_kdc", async () => {
  const asked: string[] = [];
  const resolveSrv = (name: string) => {
    asked.push(name);
    return Promise.resolve(
      name.includes("_tcp")
        ? [
          { priority: 10, weight: 0, port: 88, target: "b.example." },
          { priority: 0, weight: 1, port: 89, target: "a1.example." },
          { priority: 0, weight: 9, port: 88, target: "a2.example." },
          { priority: 0, weight: 9, port: 88, target: "." },
        ]
        : [],
    );
  };
  const found = await locateKdcs("EXAMPLE.COM", { config: DEFAULT_CONFIG, resolveSrv });
  assert.deepEqual(found.map(({ hostname, port }) => `${hostname}:${port}`), [
    "a2.example:88",
    "a1.example:89",
    "b.example:88",
  ]);
  assert.deepEqual(asked, ["_kerberos._tcp.EXAMPLE.COM.", "_kerberos._udp.EXAMPLE.COM."]);
  await assert.rejects(locateKdcs("EXAMPLE.COM", { config: { ...DEFAULT_CONFIG, dnsLookupKdc: false }, resolveSrv }), {
    code: "KDC_UNREACHABLE",
  });
  await assert.rejects(locateKdcs("../etc", { config: DEFAULT_CONFIG, resolveSrv }), { code: "KDC_UNREACHABLE" });
});

Deno.test("KdcClient goes on to the next KDC when one refuses, hangs up or says nothing", async () => {
  await using kdc = await startTestKdc({ principals: { alice: "pw" } });
  await using hangsUp = new TcpServer(() => Promise.resolve());
  await using silent = new TcpServer(async (connection) => {
    while (await connection.read(new Uint8Array(1000)) !== null);
  });
  const kdcs = [`tcp/127.0.0.1:${freePort()}`, `tcp/127.0.0.1:${hangsUp.port}`, `tcp/127.0.0.1:${silent.port}`];
  await login(withKdcs(kdc.config, ...kdcs, `127.0.0.1:${kdc.port}`), { timeout: 200 }).initialTicket();
  const error = await login(withKdcs(kdc.config, ...kdcs), { timeout: 100 }).initialTicket().then(
    () => undefined,
    (e) => e,
  );
  assert.ok(error instanceof KerberosError && error.code === "KDC_UNREACHABLE");
  assert.ok(error.cause instanceof AggregateError && error.cause.errors.length === 3);
  assert.match(error.message, /did not answer within 100 ms/);
});

Deno.test("KdcClient goes over to TCP when a reply is too big for UDP, and to UDP when there is no TCP", async () => {
  await using kdc = await startTestKdc({ principals: { alice: "pw" } });
  const seen: string[] = [];
  const transport: KdcTransport = {
    send(address, message, options) {
      seen.push(address.protocol);
      return denoTransport.send(address, message, options);
    },
  };
  const config = { ...kdc.config, udpPreferenceLimit: 1465 };
  await login(config, { transport }).initialTicket();
  assert.deepEqual(seen.splice(0), ["udp", "udp"]);
  kdc.faults.maxUdpReply = 300;
  await login(config, { transport }).initialTicket();
  assert.deepEqual(seen.splice(0), ["udp", "tcp", "udp", "tcp"]);
  kdc.faults.maxUdpReply = 4096;
  const deaf: KdcTransport = {
    send: (address, message, options) =>
      address.protocol === "tcp" ? Promise.reject(new Error("no TCP")) : denoTransport.send(address, message, options),
  };
  await login(kdc.config, { transport: deaf }).initialTicket();
});

Deno.test("KdcClient asks again elsewhere when a reply is lost or the KDC is not available", async () => {
  await using kdc = await startTestKdc({ principals: { alice: "pw" } });
  const twice = withKdcs(kdc.config, `tcp/127.0.0.1:${kdc.port}`, `tcp/127.0.0.1:${kdc.port}`);
  kdc.faults.dropReplies = 1;
  await login(twice, { timeout: 500 }).initialTicket();
  assert.equal(kdc.faults.dropReplies, 0);
  kdc.faults.answerWithError = 29;
  await assert.rejects(login(twice).initialTicket(), { code: "KDC_UNREACHABLE" });
});

Deno.test("KdcClient ends with the signal's reason, and leaves nothing open", async () => {
  await using silent = new TcpServer(async (connection) => {
    while (await connection.read(new Uint8Array(1000)) !== null);
  });
  for (const protocol of ["tcp", "udp"]) {
    const config = withKdcs(DEFAULT_CONFIG, `${protocol}/127.0.0.1:${silent.port}`);
    const stop = new AbortController();
    const waiting = login(config, { timeout: 60_000 }).initialTicket({ signal: stop.signal });
    stop.abort(new Error("enough"));
    await assert.rejects(waiting, { message: "enough" });
  }
});

Deno.test("denoTransport refuses a reply that announces an absurd length", async () => {
  await using liar = new TcpServer(async (connection) => {
    await connection.write(new Uint8Array([0x7f, 0xff, 0xff, 0xff]));
  });
  const config = withKdcs(DEFAULT_CONFIG, `tcp/127.0.0.1:${liar.port}`);
  await assert.rejects(login(config).initialTicket(), /announces a reply of 2147483647 octets/);
});

Deno.test("the KDC's listener survives garbage and oversize, and serves the next client", async () => {
  await using kdc = await startTestKdc({ principals: { alice: "pw" } });
  for (
    const junk of [new Uint8Array([255, 255, 255, 255]), new Uint8Array([0, 0, 0, 4, 1, 2, 3, 4]), new Uint8Array(10)]
  ) {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: kdc.port });
    await connection.write(junk);
    await connection.closeWrite();
    assert.equal(await connection.read(new Uint8Array(1)), null);
  }
  await login(kdc.config).initialTicket();
});
