/** Who is asked beside whom, who goes first the next time, and what counts as an answer. */
import assert from "node:assert/strict";
import { encode } from "../../../asn1/codec.ts";
import { judgeAnswer } from "../../../kerberos/reach/answer.ts";
import { addressText, KdcAttempts } from "../../../kerberos/reach/attempts.ts";
import { LastAnswers } from "../../../kerberos/reach/last_answers.ts";
import { AllFailed, firstAnswer } from "../../../kerberos/reach/race.ts";
import { parseEndpoint } from "../../../kerberos/reach/locate.ts";
import { KerberosError } from "../../../kerberos/errors.ts";
import { inProcessTransport } from "../../../kerberos/kdc/mod.ts";
import { KrbError } from "../../../kerberos/messages/error.ts";
import { memoryConfig, memoryRealm } from "../../support/gss_pair.ts";
import { KdcClient } from "../../../kerberos/reach/kdc_client.ts";
import { KerberosTickets } from "../../../kerberos/credentials/tickets/tickets.ts";
import { passwordKey } from "../../../kerberos/exchange/client_key.ts";
import { parsePrincipal } from "../../../kerberos/principal.ts";

/** Attempts that end when the test says so. */
function scripted(count: number) {
  const started: number[] = [];
  const aborted: number[] = [];
  const ends = Array.from({ length: count }, () => Promise.withResolvers<string>());
  const began = Array.from({ length: count }, () => Promise.withResolvers<void>());
  const left = Array.from({ length: count }, (_, i) => i);
  const attempt = (i: number, signal: AbortSignal): Promise<string> => {
    started.push(i);
    began[i]!.resolve();
    signal.addEventListener("abort", () => aborted.push(i));
    return ends[i]!.promise;
  };
  return { started, aborted, ends, began, next: () => left.shift(), attempt };
}

const NEVER = 60_000;

Deno.test("firstAnswer(): asks the next at once when one fails, and takes the first answer", async () => {
  const { started, ends, next, attempt } = scripted(3);
  const { signal } = new AbortController();
  ends[0]!.reject(new Error("refused"));
  ends[1]!.resolve("two");
  assert.equal(await firstAnswer({ next, delay: NEVER, atOnce: 8, signal }, attempt), "two");
  assert.deepEqual(started, [0, 1]);
});

Deno.test("firstAnswer(): asks the next beside one that is slow, and ends the losers", async () => {
  const { started, aborted, ends, began, next, attempt } = scripted(3);
  const race = firstAnswer({ next, delay: 1, atOnce: 8, signal: new AbortController().signal }, attempt);
  await began[2]!.promise;
  assert.deepEqual(aborted, []);
  ends[0]!.resolve("slow");
  assert.equal(await race, "slow");
  assert.deepEqual(started, [0, 1, 2]);
  assert.deepEqual(aborted.toSorted(), [0, 1, 2]);
});

Deno.test("firstAnswer(): no more are under way than allowed, and a free place is taken", async () => {
  const { started, ends, began, next, attempt } = scripted(4);
  const race = firstAnswer({ next, delay: 1, atOnce: 2, signal: new AbortController().signal }, attempt);
  await began[1]!.promise;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(started, [0, 1]);
  ends[1]!.reject(new Error("gone"));
  await began[2]!.promise;
  ends[2]!.resolve("three");
  assert.equal(await race, "three");
  assert.deepEqual(started, [0, 1, 2]);
});

Deno.test("firstAnswer(): reports all failures if all fail, and ends with its signal", async () => {
  const lost = scripted(3);
  for (const end of lost.ends) end.reject(new Error("no"));
  const { signal } = new AbortController();
  const error = await firstAnswer({ next: lost.next, delay: NEVER, atOnce: 8, signal }, lost.attempt).then(
    () => undefined,
    (e) => e,
  );
  assert.ok(error instanceof AllFailed);
  assert.equal(error.failures.length, 3);
  // What an attempt throws at once is its failure too.
  const thrown = scripted(1);
  const throws = () => {
    throw new RangeError("at once");
  };
  await assert.rejects(firstAnswer({ next: thrown.next, delay: NEVER, atOnce: 1, signal }, throws), AllFailed);
  const empty = { next: () => undefined, delay: NEVER, atOnce: 1, signal };
  await assert.rejects(firstAnswer(empty, () => Promise.resolve(1)), AllFailed);
  for (const when of ["before", "under way"]) {
    const { next, attempt, began, aborted } = scripted(2);
    const stop = new AbortController();
    if (when === "before") stop.abort(new Error("enough"));
    const race = firstAnswer({ next, delay: NEVER, atOnce: 8, signal: stop.signal }, attempt);
    if (when === "under way") {
      await began[0]!.promise;
      stop.abort(new Error("enough"));
    }
    await assert.rejects(race, { message: "enough" });
    assert.deepEqual(aborted, when === "before" ? [] : [0]);
  }
});

Deno.test("LastAnswers: remember an answer for five minutes, in a hundred groups, until it fails", () => {
  let now = 0;
  const memory = new LastAnswers(() => now);
  memory.answered("A", "one");
  memory.answered("A", "two");
  memory.failed("A", "one");
  assert.equal(memory.first("A"), "two");
  memory.failed("A", "two");
  assert.equal(memory.first("A"), undefined);
  memory.answered("A", "one");
  now = 5 * 60_000 - 1;
  assert.equal(memory.first("A"), "one");
  now++;
  assert.equal(memory.first("A"), undefined);
  for (let i = 0; i < 101; i++) memory.answered(`R${i}`, "one");
  assert.equal(memory.first("R0"), undefined);
  assert.equal(memory.first("R1"), "one");
  assert.equal(memory.first("R100"), "one");
});

const order = (kdcs: readonly string[], preferred: "tcp" | "udp", first?: string) => {
  const attempts = new KdcAttempts(kdcs.map((text) => parseEndpoint(text)), preferred, first);
  return { attempts, all: () => Array.from({ length: 20 }, () => attempts.next()).filter((one) => one !== undefined) };
};

Deno.test("KdcAttempts: the preferred protocol goes first, and before it the last to answer", () => {
  assert.deepEqual(order(["a", "b"], "tcp").all().map(addressText), ["tcp/a:88", "tcp/b:88", "udp/a:88", "udp/b:88"]);
  assert.deepEqual(order(["a", "b"], "udp").all().map(addressText), ["udp/a:88", "udp/b:88", "tcp/a:88", "tcp/b:88"]);
  // Where only one will do, that one; and TCP behind UDP, for large replies, but not twice.
  assert.deepEqual(order(["udp/a", "tcp/b"], "tcp").all().map(addressText), ["udp/a:88", "tcp/b:88", "tcp/a:88"]);
  assert.deepEqual(order(["tcp/a", "udp/a"], "tcp").all().map(addressText), ["tcp/a:88", "udp/a:88"]);
  const first = order(["a", "b", "c"], "tcp", "udp/b:88").all().map(addressText);
  assert.deepEqual(first, ["udp/b:88", "tcp/a:88", "tcp/b:88", "tcp/c:88", "udp/a:88", "udp/c:88"]);
  assert.equal(addressText(order(["a", "b"], "tcp", "tcp/gone:88").all()[0]!), "tcp/a:88");
  assert.deepEqual(order([], "tcp").all(), []);
});

Deno.test("KdcAttempts: other attempts at a failed host are the last resort", () => {
  const { attempts, all } = order(["a", "b"], "tcp");
  attempts.failed(attempts.next()!);
  assert.deepEqual(all().map(addressText), ["tcp/b:88", "udp/b:88", "udp/a:88"]);
  // In linear time, however many fail.
  const many = order(Array.from({ length: 50_000 }, (_, i) => `h${i}`), "tcp").attempts;
  let count = 0;
  for (let one = many.next(); one !== undefined; one = many.next(), count++) many.failed(one);
  assert.equal(count, 100_000);
});

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
