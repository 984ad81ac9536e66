/** The codes of KerberosError: a closed union, each of them made somewhere and documented. */
import assert from "node:assert/strict";
import { encode } from "../../asn1/codec.ts";
import { DEFAULT_CONFIG } from "../../kerberos/config/krb5_conf.ts";
import { parseKrb5Conf } from "../../kerberos/config/parse.ts";
import { MemoryCredentialCache } from "../../kerberos/credentials/caches/memory.ts";
import { Keytab } from "../../kerberos/credentials/formats/keytab.ts";
import { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { profileOf } from "../../kerberos/crypto/enctypes.ts";
import { KerberosKey } from "../../kerberos/crypto/key.ts";
import { KdcError, KerberosError, type KerberosErrorCode } from "../../kerberos/errors.ts";
import { asExchange, asExchangeWith } from "../../kerberos/exchange/as.ts";
import { inProcessTransport } from "../../kerberos/kdc/mod.ts";
import { KrbError } from "../../kerberos/messages/error.ts";
import { readMessage } from "../../kerberos/messages/read.ts";
import { parsePrincipal } from "../../kerberos/principal.ts";
import { TestRuntime } from "../support/test_runtime.ts";
import { runForged } from "../support/forge_kdc.ts";
import { asInput, memoryRealm, memoryTickets } from "../support/gss_pair.ts";

const runtime = new TestRuntime();
const realm = await memoryRealm({ runtime });
const junk = new Uint8Array([1, 2, 3]);

/** A KDC that refers each client to the realm it is in. */
const wrongRealm = () =>
  encode(KrbError, {
    pvno: 5,
    msgType: 30,
    stime: runtime.time,
    susec: 0,
    errorCode: 68,
    crealm: "GSSOCKS.TEST",
    realm: "GSSOCKS.TEST",
    sname: { nameType: 2, nameString: ["krbtgt", "GSSOCKS.TEST"] },
  });

async function expiredTicket(): Promise<unknown> {
  const source = memoryTickets([realm], { runtime });
  await source.initialTicket();
  const cache = new MemoryCredentialCache((await source.cache.load())!);
  const later = new TestRuntime(runtime.time + 86_400_000);
  const stale = new KerberosTickets({ config: DEFAULT_CONFIG, cache, runtime: later });
  return await stale.serviceTicket(parsePrincipal("a/b@GSSOCKS.TEST"));
}

/** What fails with each code; the compiler misses none. */
const FAILURES: Readonly<Record<KerberosErrorCode, () => unknown>> = {
  BAD_MESSAGE: () => readMessage(KrbError, junk),
  BAD_FILE: () => Keytab.decode(junk),
  BAD_CONFIG: () => parseKrb5Conf({ name: "krb5.conf", text: "[libdefaults]\nforwardable = perhaps\n" }).forwardable,
  INTEGRITY: () => KerberosKey.generate(18).decrypt(1, new Uint8Array(64)),
  UNSUPPORTED_ENCTYPE: () => profileOf(23),
  BAD_KEY: () => new KerberosKey(18, junk),
  BAD_S2K_PARAMS: () => KerberosKey.fromPassword("x", { enctype: 18, salt: "", s2kparams: new Uint8Array(4) }),
  PREAUTH_UNSUPPORTED: () => runForged(asExchangeWith([], asInput(runtime)), realm, {}),
  REPLY_MISMATCH: () => runForged(asExchange(asInput(runtime)), realm, { part: () => ({ nonce: 1 }) }),
  REFERRAL_LOOP: () => runForged(asExchange(asInput(runtime, { canonicalize: true })), realm, wrongRealm),
  KDC_UNREACHABLE: () =>
    inProcessTransport(realm).send({ hostname: "elsewhere", port: 88, protocol: "tcp" }, junk, {
      signal: new AbortController().signal,
    }),
  NO_CREDENTIALS: () => asExchange(asInput(runtime, { enctypes: [] })).next(),
  TICKET_EXPIRED: expiredTicket,
};

Deno.test("KerberosError: each code is made", async () => {
  for (const [code, fail] of Object.entries(FAILURES)) {
    await assert.rejects(async () => await fail(), (error) => {
      assert.ok(error instanceof KerberosError, `${code}: ${error}`);
      assert.equal(error.code, code);
      assert.match(error.message, /^[A-Z]/, code);
      return true;
    });
  }
});

Deno.test("KerberosError: each code is documented, at the type and in the reference", async () => {
  const [type, reference] = await Promise.all(
    ["kerberos/errors.ts", "docs/reference.md"].map((path) =>
      Deno.readTextFile(new URL(`../../${path}`, import.meta.url))
    ),
  );
  for (const code of Object.keys(FAILURES)) {
    assert.ok(type!.includes(` * | \`${code}\` | `), code);
    assert.ok(reference!.includes(`\`${code}\``), code);
  }
});

Deno.test("KdcError: a code that the table does not have is KRB_ERR_GENERIC, and its number is kept", () => {
  const error = new KdcError({ errorCode: 4711, client: "alice@A.TEST", server: "x@A.TEST", clockOffset: 0 });
  assert.equal(error.code, "KRB_ERR_GENERIC");
  assert.equal(error.errorCode, 4711);
  assert.match(error.message, /^KDC refused: KRB_ERR_GENERIC \(4711\) for client alice@A\.TEST, service x@A\.TEST$/);
  assert.equal(new KdcError({ errorCode: 91, clockOffset: 0 }).code, "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED");
});
