/** `gssocks kvno` with the options that people know from MIT's. */
import assert from "node:assert/strict";
import { Environment } from "../../support/environment.ts";
import { gssocks } from "../../support/run_cli.ts";
import { startRealmFolder } from "../../support/realm_folder.ts";

/** Runs a test with a realm, and a function that runs kvno there. */
function kvnoTest(name: string, run: (kvno: typeof gssocks) => Promise<void>): void {
  Deno.test(name, async () => {
    await using realm = await startRealmFolder({
      principals: { "http/p.gssocks.test": {}, "rcmd/p.gssocks.test": {} },
    });
    using _environment = new Environment({ KRB5_CONFIG: realm.krb5Conf });
    await run((args, input) => gssocks(["kvno", "-c", realm.ccache, ...args], input));
  });
}

kvnoTest("kvno: -S takes hosts, -u and -C change nothing here, -q shows nothing", async (kvno) => {
  const got = await kvno(["-S", "http", "P.gssocks.test"]);
  assert.deepEqual([got.code, got.out], [0, "http/p.gssocks.test@GSSOCKS.TEST: kvno = 1 (aes256-cts-hmac-sha1-96)\n"]);
  assert.match((await kvno(["-u", "rcmd/localhost"])).out, /^rcmd\/localhost@GSSOCKS\.TEST: kvno = 1/);
  assert.match((await kvno(["-C", "rcmd/localhost"])).out, /^rcmd\/localhost@GSSOCKS\.TEST: kvno = 1/);
  assert.deepEqual(await kvno(["-q", "rcmd/localhost"]), { code: 0, out: "", err: "", stdout: "" });
});

kvnoTest("kvno: -e asks for a session key of one enctype, and knows which there are", async (kvno) => {
  assert.equal((await kvno(["-e", "aes128-cts-hmac-sha1-96", "rcmd/localhost"])).code, 0);
  assert.equal((await kvno(["-e", "AES256-CTS", "rcmd/localhost"])).code, 0);
  const unknown = await kvno(["-e", "arcfour-hmac", "rcmd/localhost"]);
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /"arcfour-hmac" is not supported; supported are aes256-cts-hmac-sha1-96, /);
});

kvnoTest("kvno: -e needs none of the settings that cannot be used and are not needed", async (kvno) => {
  const path = Deno.env.get("KRB5_CONFIG")!;
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.replace("[libdefaults]", "[libdefaults]\nforwardable = perhaps"));
  for (const options of [[], ["-e", "aes128-cts-hmac-sha1-96"]]) {
    const got = await kvno([...options, "rcmd/localhost"]);
    assert.equal(got.code, 0, got.err);
  }
});

kvnoTest("kvno: a service without a ticket does not keep the others from theirs", async (kvno) => {
  const got = await kvno(["rcmd/none", "rcmd/localhost"]);
  assert.equal(got.code, 3);
  assert.match(got.err, /^gssocks kvno: KDC refused: KDC_ERR_S_PRINCIPAL_UNKNOWN.*rcmd\/none@GSSOCKS\.TEST/);
  assert.match(got.out, /^rcmd\/localhost@GSSOCKS\.TEST: kvno = 1/);
  assert.match((await kvno(["-q", "rcmd/none"])).err, /S_PRINCIPAL_UNKNOWN/);
  assert.equal(JSON.parse((await kvno(["--json", "rcmd/none", "rcmd/localhost"])).out).length, 1);
});

kvnoTest("kvno: --cached-only asks no KDC, --no-store leaves the cache as it is", async (kvno) => {
  const none = await kvno(["--cached-only", "rcmd/localhost"]);
  assert.equal(none.code, 3);
  assert.match(none.err, /Cannot show a ticket for rcmd\/localhost: FILE:.* has no good one/);
  assert.equal((await kvno(["--no-store", "rcmd/localhost"])).code, 0);
  assert.equal((await kvno(["--cached-only", "rcmd/localhost"])).code, 3);
  assert.equal((await kvno(["rcmd/localhost"])).code, 0);
  assert.match((await kvno(["--cached-only", "rcmd/localhost"])).out, /^rcmd\/localhost@GSSOCKS\.TEST: kvno = 1/);
});

kvnoTest("kvno: refuses wrong arguments and what it cannot do with exit code 2", async (kvno) => {
  for (
    const args of [
      ["-q", "--json", "x"],
      ["-u", "-S", "rcmd", "x"],
      ["--cached-only", "--no-store", "x"],
      ["a@B@C"],
      ["-U", "bob", "x"],
      ["-I", "bob", "x"],
      ["-F", "cert", "x"],
      ["-P", "x"],
      ["--u2u", "cc", "x"],
      ["--out-cache", "cc", "x"],
    ]
  ) assert.equal((await kvno(args)).code, 2, args.join(" "));
  assert.match(
    (await kvno(["-U", "bob", "x"])).err,
    /cannot be used: protocol transition \(S4U2Self\) is not supported/,
  );
});
