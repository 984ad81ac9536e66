/** PACs of the embedded KDC: from the initial ticket to the service, over realms, and what a client adds of its own. */
import assert from "node:assert/strict";
import { decode, encode } from "../../../asn1/codec.ts";
import { utf8 } from "../../../base/bytes.ts";
import { hostbasedService } from "../../../gss/names.ts";
import { handleKdcMessage } from "../../../kerberos/kdc/mod.ts";
import { KerberosAcceptorCredential, KerberosInitiatorCredential } from "../../../kerberos/mech/credentials.ts";
import { AuthorizationData, type AuthorizationDataElement } from "../../../kerberos/messages/basic.ts";
import { TgsRep } from "../../../kerberos/messages/kdc.ts";
import { accountOf, pacsIn } from "../../../kerberos/pac/account.ts";
import { readPacBuffers } from "../../../kerberos/pac/container.ts";
import { errorCodeOf, forgeTgsReq, forgeTicket, openTicket } from "../../support/forge_kdc.ts";
import { ifRelevant } from "../../support/forge_pac.ts";
import { credentialPair, establish, memoryConfig, memoryRealm, memoryTickets } from "../../support/gss_pair.ts";

const SID = "S-1-5-21-1-2-3-1105";
const alice = { password: "alicepw", pac: { sid: SID, groups: ["S-1-5-21-1-2-3-1200", "S-1-18-1"] } };

Deno.test("KDC: tickets of a principal with an account have a PAC that acceptors verify", async () => {
  for (const enctype of [17, 18, 19, 20]) {
    const realm = await memoryRealm({ enctypes: [enctype], principals: { alice } });
    const { theirs } = await establish(credentialPair(realm));
    assert.deepEqual(theirs.account, {
      name: "alice",
      domain: "GSSOCKS",
      realm: "GSSOCKS.TEST",
      dnsDomain: "GSSOCKS.TEST",
      upn: "alice@gssocks.test",
      sid: SID,
      primaryGroup: "S-1-5-21-1-2-3-513",
      groups: ["S-1-5-21-1-2-3-513", "S-1-5-21-1-2-3-1200", "S-1-18-1"],
    });
  }
  const { theirs } = await establish(credentialPair(await memoryRealm()));
  assert.equal(theirs.account, undefined);
  assert.equal(theirs.attributes["unverifiedAccount"], undefined);
});

Deno.test("KDC: an account has the names that are given, and its user another", async () => {
  const pac = { sid: SID, account: "aduser", domain: "CORP", primaryGroupId: 514, upn: "a.user@corp.example" };
  const realm = await memoryRealm({ principals: { alice: { password: "alicepw", pac } } });
  const { theirs: { account, peer } } = await establish(credentialPair(realm));
  assert.equal(peer.text, "alice@GSSOCKS.TEST");
  assert.deepEqual(
    [account?.name, account?.domain, account?.upn, account?.primaryGroup, account?.groups],
    ["aduser", "CORP", "a.user@corp.example", "S-1-5-21-1-2-3-514", ["S-1-5-21-1-2-3-514"]],
  );
});

Deno.test("KDC: an account crosses to a realm that trusts its own, signed again", async () => {
  const home = await memoryRealm({ realm: "A.TEST", principals: { alice } });
  const other = await memoryRealm({ realm: "B.TEST", principals: { "rcmd/b.test": {} } });
  await other.trust(home);
  await home.trust(other);
  const config = { ...memoryConfig(home, other), domainRealm: new Map([["b.test", "B.TEST"]]) };
  const initiator = new KerberosInitiatorCredential(memoryTickets([home, other], { config }));
  const request = await (await initiator.initiate(hostbasedService("rcmd", "b.test"))).step();
  const accepted = await new KerberosAcceptorCredential({ keys: other.keytab("rcmd/b.test") }).accept().step(
    request.token,
  );
  assert.ok(accepted.done);
  using context = accepted.context;
  assert.deepEqual([context.account?.sid, context.account?.realm], [SID, "A.TEST"]);
});

Deno.test("KDC: a PAC that a client adds goes into no ticket", async () => {
  const realm = await memoryRealm({ principals: { alice } });
  const { credential: tgt } = await memoryTickets([realm]).initialTicket();
  const own = await forgeTicket(realm, tgt, ({ authorizationData }) => ({ authorizationData }));
  const bare = await forgeTicket(realm, tgt, () => ({ authorizationData: undefined }));
  const pac = utf8("forged");
  const other = { adType: 77, adData: utf8("x") };
  const added: readonly (readonly AuthorizationDataElement[])[] = [
    [{ adType: 128, adData: pac }],
    ifRelevant(pac),
    [{ adType: 1, adData: encode(AuthorizationData, [other, { adType: 128, adData: pac }]) }],
  ];
  const granted = async (presented: typeof tgt, elements: readonly AuthorizationDataElement[]) => {
    const cipher = await presented.key.encrypt(4, encode(AuthorizationData, elements));
    const { message } = await forgeTgsReq(
      { tgt: presented, service: "rcmd/localhost", now: realm.now() },
      {
        body: { encAuthorizationData: { etype: presented.key.enctype, cipher } },
        authenticator: () => ({ subkey: undefined }),
      },
    );
    return await openTicket(realm, decode(TgsRep, (await handleKdcMessage(realm, message))!).ticket);
  };
  const [key] = realm.keytab("rcmd/localhost").entries;
  for (const [i, elements] of added.entries()) {
    const part = await granted(own, elements);
    assert.equal(pacsIn(part.authorizationData).length, 1);
    const finding = await accountOf(part, key!.key);
    assert.equal(finding.state === "verified" && finding.account.sid, SID);
    const kept = (await granted(bare, elements)).authorizationData;
    assert.equal(pacsIn(kept).length, 0);
    const rest = [{ adType: 1, adData: encode(AuthorizationData, [other]) }];
    assert.deepEqual(kept, i === 2 ? rest : undefined);
  }
});

Deno.test("KDC: a ticket whose PAC is not genuine is refused", async () => {
  const realm = await memoryRealm({ principals: { alice } });
  const { credential: tgt } = await memoryTickets([realm]).initialTicket();
  for (const length of [0, 60, Infinity]) {
    const changed = await forgeTicket(realm, tgt, ({ authorizationData }) => {
      const [pac] = pacsIn(authorizationData);
      const bytes = pac!.slice(0, length);
      if (length === Infinity) readPacBuffers(bytes)[0]!.data[60]! ^= 1;
      return { authorizationData: ifRelevant(bytes) };
    });
    const { message } = await forgeTgsReq({ tgt: changed, service: "rcmd/localhost", now: realm.now() });
    assert.equal(await errorCodeOf(realm, message), 41);
  }
});

Deno.test("KDC: an account without a SID cannot be added", async () => {
  for (const pac of [{ sid: "alice" }, { sid: "S-1-5" }, { sid: "S-1-18-1" }, { sid: SID, groups: ["Users"] }]) {
    await assert.rejects(memoryRealm({ principals: { alice: { pac } } }), {
      name: "TypeError",
      message: /^Cannot add alice@GSSOCKS\.TEST: ".*" in its pac is no SID; "S-1-5-21-1-2-3-1105" is one$/,
    });
  }
});
