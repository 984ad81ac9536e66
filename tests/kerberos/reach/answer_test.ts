/** What a KDC's message is good for. */
import assert from "node:assert/strict";
import { encode } from "../../../asn1/codec.ts";
import { judgeAnswer } from "../../../kerberos/reach/answer.ts";
import { KerberosError } from "../../../kerberos/errors.ts";
import { inProcessTransport } from "../../../kerberos/kdc/mod.ts";
import { KrbError } from "../../../kerberos/messages/error.ts";
import { memoryConfig, memoryRealm } from "../../support/gss_pair.ts";
import { KdcClient } from "../../../kerberos/reach/kdc_client.ts";
import { KerberosTickets } from "../../../kerberos/credentials/tickets/tickets.ts";
import { passwordKey } from "../../../kerberos/exchange/client_key.ts";
import { parsePrincipal } from "../../../kerberos/principal.ts";

const error = (errorCode: number, realm = "GSSOCKS.TEST") =>
  encode(KrbError, {
    pvno: 5,
    msgType: 30,
    stime: Date.UTC(2026, 0, 1),
    susec: 0,
    errorCode,
    realm,
    sname: { nameType: 2, nameString: ["krbtgt", realm] },
  });

Deno.test("judgeAnswer(): accepts whole answers of the right type and realm, and no excuses", async () => {
  const realm = await memoryRealm();
  const messages: { asked: Uint8Array<ArrayBuffer>; answer: Uint8Array<ArrayBuffer> }[] = [];
  const honest = inProcessTransport(realm);
  const config = memoryConfig(realm);
  const transport = {
    async send(...[address, message, options]: Parameters<typeof honest.send>) {
      const answer = await honest.send(address, message, options);
      messages.push({ asked: message, answer });
      return answer;
    },
  };
  const initial = { client: parsePrincipal("alice@GSSOCKS.TEST"), key: passwordKey("alicepw") };
  const tickets = new KerberosTickets({ config, kdc: new KdcClient({ config, transport }), initial });
  await tickets.serviceTicket(parsePrincipal("rcmd/localhost@GSSOCKS.TEST"));
  const [, as, tgs] = messages;
  const judge = (answer: Uint8Array<ArrayBuffer>, message = as!.asked) =>
    judgeAnswer(answer, { realm: "GSSOCKS.TEST", message });
  assert.equal(judge(as!.answer), "good");
  assert.equal(judge(tgs!.answer, tgs!.asked), "good");
  assert.equal(judge(messages[0]!.answer), "good");
  for (const code of [6, 24, 37, 68]) assert.equal(judge(error(code)), "good");
  assert.equal(judge(error(6, "gssocks.test")), "good");
  for (const code of [6, 7, 68]) assert.equal(judge(error(code, "OTHER.TEST")), "of another realm");
  for (const code of [18, 23, 24, 25, 37]) assert.equal(judge(error(code, "OTHER.TEST")), "good");
  assert.equal(judge(error(52, "OTHER.TEST")), "too big");
  assert.equal(judge(error(29, "OTHER.TEST")), "unavailable");
  const bad: [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>?][] = [
    [tgs!.answer],
    [as!.answer, tgs!.asked],
    [new Uint8Array(0)],
    [new Uint8Array(500)],
    [new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n")],
    [new Uint8Array([...as!.answer, 0])],
  ];
  for (let length = 1; length < as!.answer.length; length += 7) bad.push([as!.answer.slice(0, length)]);
  for (const [answer, asked] of bad) {
    assert.throws(() => judge(answer, asked), (e) => e instanceof KerberosError && e.code === "BAD_MESSAGE");
  }
});
