/** The embedded KDC's sockets: framing (RFC 4120 section 7.2.2), and what is no request. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { decode, encode } from "../../../../asn1/codec.ts";
import { abortable, startDeadline } from "../../../../base/deadline.ts";
import { passwordKey } from "../../../../kerberos/exchange/client_key.ts";
import { KdcClient } from "../../../../kerberos/reach/kdc_client.ts";
import { parseEndpoint } from "../../../../kerberos/reach/locate.ts";
import { KerberosTickets } from "../../../../kerberos/credentials/tickets/tickets.ts";
import { systemTransport } from "../../../../kerberos/reach/shell/transport.ts";
import type { KerberosConfig } from "../../../../kerberos/config/krb5_conf.ts";
import { answerDatagram } from "../../../../kerberos/kdc/shell/listener.ts";
import { startTestKdc } from "../../../../kerberos/kdc/mod.ts";
import { KrbError } from "../../../../kerberos/messages/error.ts";
import { AsReq } from "../../../../kerberos/messages/kdc.ts";
import { parsePrincipal } from "../../../../kerberos/principal.ts";

Deno.test("KdcListener: survives garbage and oversize, and serves the next client", async () => {
  await using kdc = await startTestKdc({ principals: { alice: "pw" } });
  for (const junk of [new Uint8Array([0, 0, 0, 4, 1, 2, 3, 4]), new Uint8Array(10)]) {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: kdc.port });
    await connection.write(junk);
    await connection.closeWrite();
    assert.equal(await connection.read(new Uint8Array(1)), null);
  }
  const initial = { client: parsePrincipal("alice@GSSOCKS.TEST"), key: passwordKey("pw") };
  await new KerberosTickets({ config: kdc.config, kdc: kdc.client, initial }).initialTicket();
});

Deno.test("KdcListener: answers a length that is too large with KRB_ERR_FIELD_TOOLONG and closes", async () => {
  await using kdc = await startTestKdc();
  for (const length of [[255, 255, 255, 255], [0x80, 0, 0, 4], [0, 1, 0, 1]]) {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: kdc.port });
    await connection.write(new Uint8Array([...length, 1, 2, 3, 4]));
    const answer: number[] = [];
    const buffer = new Uint8Array(1000);
    // To the end, which the KDC makes: this side stays open.
    using deadline = startDeadline({ milliseconds: 5000, reason: () => new Error("the KDC does not close") });
    const read = () => abortable(connection.read(buffer), deadline.signal);
    for (let count = await read(); count !== null; count = await read()) answer.push(...buffer.subarray(0, count));
    const [, , high, low, ...message] = answer;
    assert.equal(message.length, high! * 256 + low!);
    assert.equal(decode(KrbError, new Uint8Array(message)).errorCode, 61);
  }
});

Deno.test("KdcListener: accepts requests byte by byte, and several at once", async () => {
  await using kdc = await startTestKdc();
  const asReq = encode(AsReq, {
    pvno: 5,
    msgType: 10,
    reqBody: { kdcOptions: 0, realm: "GSSOCKS.TEST", till: 0, nonce: 1, etype: [18] },
  });
  const framed = new Uint8Array([0, 0, 0, asReq.length, ...asReq]);
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: kdc.port });
  for (const byte of framed) await connection.write(new Uint8Array([byte]));
  await connection.write(new Uint8Array([...framed, ...framed]));
  await connection.closeWrite();
  const answers: number[] = [];
  const buffer = new Uint8Array(1000);
  for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
    answers.push(...buffer.subarray(0, count));
  }
  const codes: number[] = [];
  for (let at = 0; at < answers.length;) {
    const end = at + 4 + answers[at + 2]! * 256 + answers[at + 3]!;
    codes.push(decode(KrbError, new Uint8Array(answers.slice(at + 4, end))).errorCode);
    at = end;
  }
  assert.deepEqual(codes, [6, 6, 6]);
});

Deno.test("startTestKdc(): a KDC at all addresses tells clients some to connect to", async () => {
  for (const [hostname, loopback] of [["0.0.0.0", "127.0.0.1"], ["::", "::1"], ["0:0::0", "::1"]] as const) {
    await using kdc = await startTestKdc({ hostname, principals: { alice: "pw" } });
    const told = kdc.config.realms.get("GSSOCKS.TEST")!.kdc.map((text) => parseEndpoint(text));
    assert.ok(told.length >= 1 && told.length <= 5);
    assert.equal(told.at(-1)!.hostname, loopback);
    for (const { hostname, port } of told) {
      assert.equal(port, kdc.port);
      assert.doesNotMatch(hostname, /^[0:.]+$|^169\.254|^fe80/);
      const config = withKdc(kdc.config, hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`);
      const initial = { client: parsePrincipal("alice@GSSOCKS.TEST"), key: passwordKey("pw") };
      const client = new KdcClient({ config, transport: systemTransport });
      await new KerberosTickets({ config, kdc: client, initial }).initialTicket();
    }
  }
  await using one = await startTestKdc({ hostname: "::1" });
  assert.deepEqual(one.config.realms.get("GSSOCKS.TEST")!.kdc, [`[::1]:${one.port}`]);
});

function withKdc(config: KerberosConfig, kdc: string): KerberosConfig {
  const realm = { kdc: [kdc], primaryKdc: [] };
  return { ...config, realms: new Map([["GSSOCKS.TEST", realm]]) };
}

Deno.test("answerDatagram(): a datagram that cannot be answered is lost, and nothing else", async () => {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const handler = { answer: () => Promise.resolve(new Uint8Array(3)) };
  const fails = () => {
    throw new Error("no answer");
  };
  const data = new Uint8Array(3);
  await answerDatagram(socket, handler, data, { address: "127.0.0.1", port: 0 });
  await answerDatagram(socket, { answer: fails }, data, { address: "127.0.0.1", port: 1 });
  await answerDatagram(socket, { answer: () => Promise.reject(new Error("no answer")) }, data, {
    address: "127.0.0.1",
    port: 1,
  });
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  await answerDatagram(socket, handler, data, { address: "127.0.0.1", port: 1 });
});
