/** What a KDC's refusal says: what it means and what to do, for the codes that people meet. */
import assert from "node:assert/strict";
import { KdcError } from "../../kerberos/errors.ts";
import { ErrorCode, type KerberosErrorName } from "../../kerberos/registry/errors.ts";

const ABOUT = { client: "alice@A.TEST", server: "rcmd/10.0.0.1@A.TEST", clockOffset: 0 };
const said = (code: KerberosErrorName, more: Partial<ConstructorParameters<typeof KdcError>[0]> = {}) =>
  new KdcError({ ...ABOUT, errorCode: ErrorCode[code], ...more }).message;

Deno.test("KdcError: tells what each common refusal means and what to do", () => {
  for (
    const [code, text] of [
      ["KDC_ERR_NAME_EXP", /the account has expired; .*administrator/],
      ["KDC_ERR_C_PRINCIPAL_UNKNOWN", /no such client in this realm; check the name/],
      [
        "KDC_ERR_S_PRINCIPAL_UNKNOWN",
        /service rcmd\/10\.0\.0\.1@A\.TEST: no such service .*name in its keytab/,
      ],
      ["KDC_ERR_POLICY", /policy forbids it.*ask its administrator/],
      ["KDC_ERR_BADOPTION", /not renewable or not forwardable/],
      ["KDC_ERR_CLIENT_REVOKED", /disabled, or locked after wrong passwords; .*unlock/],
      ["KDC_ERR_KEY_EXPIRED", /the password has expired; change it/],
      ["KDC_ERR_PREAUTH_FAILED", /: wrong password or key$/],
      ["KDC_ERR_MUST_USE_USER2USER", /user-to-user.*not supported; ask for a service with a keytab/],
      ["KDC_ERR_WRONG_REALM", /another realm; name that realm/],
      ["KRB_AP_ERR_TKT_EXPIRED", /has expired; run kinit again/],
    ] as const
  ) assert.match(said(code), text);
  // A code without advice has none.
  assert.match(
    said("KRB_ERR_GENERIC"),
    /KRB_ERR_GENERIC \(60\) for client alice@A\.TEST, service rcmd\/10\.0\.0\.1@A\.TEST$/,
  );
});

Deno.test("KdcError: names the enctypes that were requested", () => {
  const two = said("KDC_ERR_ETYPE_NOSUPP", { enctypes: ["aes256-cts-hmac-sha1-96", "aes128-cts-hmac-sha1-96"] });
  assert.match(two, /; aes256-cts-hmac-sha1-96, aes128-cts-hmac-sha1-96 were requested; RC4.*not supported.*AES key/);
  assert.match(said("KDC_ERR_ETYPE_NOSUPP", { enctypes: ["aes256-cts-hmac-sha1-96"] }), /-96 was requested;/);
  assert.match(said("KDC_ERR_ETYPE_NOSUPP"), /no encryption type in common; RC4/);
});

Deno.test("KdcError: tells an unknown service from a realm without a way there", () => {
  const code = "KDC_ERR_S_PRINCIPAL_UNKNOWN";
  assert.match(said(code, { server: "krbtgt/B.TEST@A.TEST" }), /the KDC knows no path to realm B\.TEST$/);
  assert.match(said(code, { server: "krbtgt/A.TEST@A.TEST" }), /no such service in this realm/);
  assert.match(said(code, { server: undefined }), /no such service in this realm/);
});

Deno.test("KdcError: says which clock is behind and by how much", () => {
  for (
    const [ahead, text] of [
      [600_000, "10 min behind"],
      [-600_000, "10 min ahead of"],
      [90_400, "90 s behind"],
      [7_200_000, "2 h behind"],
      [-172_800_000, "2 days ahead of"],
    ] as const
  ) {
    const wanted = `: our clock is ${text} the KDC's, and KDCs usually allow 300 s; set the clock`;
    const error = new KdcError({ errorCode: ErrorCode.KRB_AP_ERR_SKEW, clockOffset: ahead });
    assert.equal(error.message, `KDC refused: KRB_AP_ERR_SKEW (37)${wanted}`);
    assert.match(said("KRB_AP_ERR_TKT_NYV", { clockOffset: ahead }), new RegExp(`not valid yet; our clock is ${text}`));
  }
  assert.match(said("KRB_AP_ERR_TKT_NYV", { clockOffset: 3_000 }), /the ticket is not valid yet$/);
});
