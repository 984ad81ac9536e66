import assert from "node:assert/strict";
import type { MechanismErrorCode } from "../../gss/error_codes.ts";
import { GssError, type GssMajor, MAJOR_STATUS } from "../../gss/status.ts";
import { KdcError, KerberosError, type KerberosErrorCode } from "../../kerberos/errors.ts";
import { kerberosFailure, toGssError } from "../../kerberos/mech/errors.ts";
import { ErrorCode, type KerberosErrorName } from "../../kerberos/registry/errors.ts";

/** Compiles only if `A` and `B` have the same members. */
type Same<A extends string, B extends string> = [Exclude<A, B>, Exclude<B, A>] extends [never, never] ? true : never;

Deno.test("MechanismErrorCode: lists the codes that Kerberos reports, and no other", () => {
  const same: Same<MechanismErrorCode, KerberosErrorCode | KerberosErrorName> = true;
  assert.ok(same);
});

/** The major status of each of the Kerberos layer's own codes. */
const KERBEROS: Record<KerberosErrorCode, GssMajor> = {
  BAD_MESSAGE: "DEFECTIVE_TOKEN",
  BAD_FILE: "FAILURE",
  BAD_CONFIG: "FAILURE",
  INTEGRITY: "BAD_SIG",
  UNSUPPORTED_ENCTYPE: "FAILURE",
  BAD_KEY: "FAILURE",
  BAD_S2K_PARAMS: "FAILURE",
  PREAUTH_UNSUPPORTED: "FAILURE",
  REPLY_MISMATCH: "FAILURE",
  REFERRAL_LOOP: "FAILURE",
  KDC_UNREACHABLE: "FAILURE",
  NO_CREDENTIALS: "NO_CRED",
  TICKET_EXPIRED: "CREDENTIALS_EXPIRED",
};

Deno.test("toGssError(): keeps every code of the Kerberos layer and of a KDC", () => {
  for (const [code, major] of Object.entries(KERBEROS)) {
    const error = toGssError(new KerberosError(code as KerberosErrorCode, "x"));
    assert.ok(error instanceof GssError);
    assert.deepEqual([error.code, error.major], [code, major]);
  }
  for (const [code, errorCode] of Object.entries(ErrorCode)) {
    const reported = toGssError(new KdcError({ errorCode, clockOffset: 0 }));
    assert.ok(reported instanceof GssError);
    assert.deepEqual([reported.code, reported.minor], [code, errorCode]);
    assert.equal(kerberosFailure(code as KerberosErrorName, "x").code, code);
  }
});

/** Texts of the sources of these folders. */
function* sources(...folders: string[]): Generator<string> {
  for (const folder of folders) {
    for (const entry of Deno.readDirSync(folder)) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) yield* sources(path);
      else if (path.endsWith(".ts") && !path.endsWith("/error_codes.ts")) yield Deno.readTextFileSync(path);
    }
  }
}

Deno.test("GssError: every code of SPNEGO is reported and documented, every other code is a major status", () => {
  const list = Deno.readTextFileSync("gss/error_codes.ts");
  const codes = [...list.matchAll(/^ {2}\| "(SPNEGO_\w+)"/gm)].map(([, code]) => code!);
  assert.ok(codes.length >= 6, codes.join());
  const texts = [...sources("gss/spnego")].join();
  for (const code of codes) {
    assert.ok(texts.includes(`"${code}"`), `${code} is reported`);
    assert.match(list, new RegExp(`^ \\* - \`${code}\`: `, "m"), `${code} is documented`);
  }
  for (const text of sources("gss", "kerberos/mech")) {
    for (const [, code] of text.matchAll(/\bmajor: "\w+",\s*code: "(\w+)"/g)) assert.ok(code! in MAJOR_STATUS, code);
  }
});
