/** An authenticator is accepted once (RFC 4120 section 3.2.3). */
import assert from "node:assert/strict";
import { encode } from "../../../asn1/codec.ts";
import type { Bytes } from "../../../base/bytes.ts";
import { readMessage } from "../../../kerberos/messages/read.ts";
import { MemoryReplayCache } from "../../../kerberos/ap/replay/memory.ts";
import { SharedReplayCache } from "../../../kerberos/ap/replay/shared.ts";
import { decodeContextToken, encodeContextToken } from "../../../kerberos/mech/tokens/context.ts";
import { ApReq } from "../../../kerberos/messages/ap.ts";
import { type Changes, Forge, type RequestChanges } from "../../support/forge_ap.ts";
import { accept, NOT_MUTUAL, refusal } from "../../support/accept_forged.ts";

const SKEW = 300_000;
const HOUR = 3_600_000;

Deno.test("KerberosAcceptor: recognizes a replay whatever is changed in clear", async () => {
  const forge = new Forge();
  const acceptor = forge.acceptor();
  const { token } = await forge.apReq();
  assert.ok((await acceptor.accept().step(token)).done);
  const request = readMessage(ApReq, decodeContextToken(token).message);
  const changes: Changes<ApReq>[] = [
    {},
    { apOptions: 0 },
    { ticket: { ...request.ticket, realm: "B.TEST" } },
    { ticket: { ...request.ticket, sname: { nameType: 1, nameString: ["other"] } } },
    { ticket: { ...request.ticket, encPart: { ...request.ticket.encPart, kvno: 9 } } },
    // The same authenticator with another ticket of the same session.
    { ticket: await forge.ticket() },
  ];
  for (const change of changes) {
    const again = encodeContextToken("AP-REQ", encode(ApReq, { ...request, ...change } as ApReq));
    const got = await refusal(acceptor.accept().step(again));
    assert.deepEqual([got.code, got.number], ["KRB_AP_ERR_REPEAT", 34]);
  }
  // Another authenticator of the same time, by another client, is no replay.
  const bob = { crealm: "A.TEST", cname: { nameType: 1, nameString: ["bob"] } };
  assert.ok((await acceptor.accept().step((await forge.apReq({ ticket: bob, authenticator: bob })).token)).done);
});

Deno.test("KerberosAcceptor: remembers an authenticator for as long as it would be accepted", async () => {
  const forge = new Forge();
  const acceptor = forge.acceptor();
  // By a clock that is as far ahead as it may be.
  const { token } = await forge.apReq({ authenticator: { ctime: forge.runtime.now() + SKEW, cusec: 0 } });
  assert.ok((await acceptor.accept().step(token)).done);
  forge.runtime.time += 2 * SKEW;
  assert.equal((await refusal(acceptor.accept().step(token))).code, "KRB_AP_ERR_REPEAT");
  forge.runtime.time += 1;
  assert.equal((await refusal(acceptor.accept().step(token))).code, "KRB_AP_ERR_SKEW");
});

Deno.test("KerberosAcceptor: refuses when its replay cache fails", async () => {
  const forge = new Forge();
  const broken = { insert: () => Promise.reject(new Error("lost")) };
  const { token } = await forge.apReq();
  await assert.rejects(forge.acceptor({ replayCache: broken }).accept().step(token), /lost/);
});

Deno.test("KerberosAcceptor: refuses a possible replay from before its cache", async () => {
  const forge = new Forge();
  const replayCache = new MemoryReplayCache({ runtime: forge.runtime });
  const acceptor = forge.acceptor({ replayCache });
  const began = forge.runtime.now();
  const attempt = async (changes: RequestChanges) => acceptor.accept().step((await forge.apReq(changes)).token);
  const early = await refusal(attempt(NOT_MUTUAL));
  assert.deepEqual([early.code, early.number], ["KRB_AP_ERR_REPEAT", 34]);
  assert.match(early.error.message, /without mutual authentication .* try again in 300 s$/);
  assert.equal(early.error.details.retryInSeconds, 300);
  assert.ok((await attempt({})).done, "with mutual authentication a replay cannot go on");

  forge.runtime.time = began + SKEW;
  assert.equal((await refusal(attempt(NOT_MUTUAL))).code, "KRB_AP_ERR_REPEAT", "not before the skew has passed");
  forge.runtime.time += 1000;
  const context = await attempt(NOT_MUTUAL);
  assert.ok(context.done && !context.context.flags.mutual);
  // The skew counts from the time in the authenticator: an older one is refused until it is too old anyway.
  const old = { ...NOT_MUTUAL, authenticator: { ctime: began + SKEW } };
  assert.equal((await refusal(attempt(old))).code, "KRB_AP_ERR_REPEAT");
});

Deno.test("KerberosAcceptor: refuses what its cache may have forgotten while the clock was ahead", async () => {
  for (const kind of [MemoryReplayCache, SharedReplayCache]) {
    const forge = new Forge();
    const replayCache = new kind({ capacity: 16, runtime: forge.runtime });
    const acceptor = forge.acceptor({ replayCache });
    const ok = async (token: Bytes) => assert.ok((await acceptor.accept().step(token)).done);
    // With a steady clock, what is forgotten refuses no client, even one whose clock is behind by the skew.
    forge.runtime.time += HOUR;
    for (let i = 0; i < 40; i++) {
      forge.runtime.time += 61_700;
      const { token } = await forge.apReq(NOT_MUTUAL);
      forge.runtime.time += SKEW;
      await ok(token);
    }
    const { token } = await forge.apReq(NOT_MUTUAL);
    await ok(token);
    forge.runtime.time += HOUR;
    // Of several, since one alone does not get all of a cache.
    for (let i = 0; i < 14; i++) {
      const cname = { nameType: 1, nameString: [`user${i % 7}`] };
      await ok((await forge.apReq({ ...NOT_MUTUAL, ticket: { cname } })).token);
    }
    forge.runtime.time -= HOUR;
    assert.equal((await refusal(acceptor.accept().step(token))).code, "KRB_AP_ERR_REPEAT", kind.name);
    await ok((await forge.apReq()).token);
  }
});

Deno.test("KerberosAcceptor: accepts without mutual authentication at once if its cache outlives it", async () => {
  const forge = new Forge();
  const kept = new MemoryReplayCache({ runtime: forge.runtime });
  const replayCache = { insert: kept.insert.bind(kept) };
  const context = await accept(forge, NOT_MUTUAL, { options: () => ({ replayCache }) });
  assert.equal(context.flags.mutual, false);
});
