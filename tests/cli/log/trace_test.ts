/** KRB5_TRACE: what kinit and kvno ask KDCs and get, line by line, and observers that fail. */
import assert from "node:assert/strict";
import { traceLine } from "../../../cli/log/trace_line.ts";
import { answerSummary } from "../../../kerberos/reach/message_summary.ts";
import { type KerberosTraceEvent, trace } from "../../../kerberos/reach/trace.ts";
import { KrbError } from "../../../kerberos/messages/error.ts";
import { encode } from "../../../asn1/codec.ts";
import { parsePrincipal } from "../../../kerberos/principal.ts";
import { systemTickets } from "../../../kerberos/system.ts";
import { commandsIn } from "../../support/cli_process.ts";
import { run } from "../../support/process.ts";
import { startRealmFolder } from "../../support/realm_folder.ts";

const AES = "aes256-cts-hmac-sha1-96";
const ALL = `${AES}, aes256-cts-hmac-sha384-192, aes128-cts-hmac-sha1-96, aes128-cts-hmac-sha256-128`;
const TGS = "krbtgt/GSSOCKS.TEST@GSSOCKS.TEST";
const INFO = "PA-ETYPE-INFO2 (19)";

/** The lines of kinit by password, kvno twice, and kinit by keytab. */
function golden(kdc: string, cache: string, keytab: string): string[] {
  const asReq = (client: string, padata: string) =>
    `AS-REQ to GSSOCKS.TEST for ${client}, service ${TGS}; enctypes ${ALL}; padata ${padata}PA-REQ-ENC-PA-REP (149)`;
  const found = [`KDCs of GSSOCKS.TEST: ${kdc}`];
  const initial = (client: string) => [
    asReq(client, ""),
    `Sending N bytes to tcp/${kdc}`,
    `tcp/${kdc} answers with N bytes: KRB-ERROR KDC_ERR_PREAUTH_REQUIRED (25); ` +
    `offers ${INFO}, PA-ENC-TIMESTAMP (2); keys of ${ALL}`,
    asReq(client, "PA-ENC-TIMESTAMP (2), "),
    `Sending N bytes to tcp/${kdc}`,
    `tcp/${kdc} answers with N bytes: AS-REP, ticket of ${client} for ${TGS} (${AES} kvno 1), reply in ${AES}; padata ${INFO}`,
    `Ticket for ${TGS} issued, and kept in ${cache}; session key ${AES}, good until TIME`,
  ];
  const service = "rcmd/localhost@GSSOCKS.TEST";
  return [
    ...found,
    ...initial("alice@GSSOCKS.TEST"),
    `Cache ${cache} of alice@GSSOCKS.TEST: ${TGS}`,
    ...found,
    `TGS-REQ to GSSOCKS.TEST, service ${service}; enctypes ${ALL}; padata PA-TGS-REQ (1)`,
    `Sending N bytes to tcp/${kdc}`,
    `tcp/${kdc} answers with N bytes: TGS-REP, ticket of alice@GSSOCKS.TEST for ${service} (${AES} kvno 1), ` +
    `reply in ${AES}; padata none`,
    `Ticket for ${service} issued, and kept in ${cache}; session key ${AES}, good until TIME`,
    `Cache ${cache} of alice@GSSOCKS.TEST: ${TGS}, ${service}`,
    `Ticket for ${service} found in ${cache}; session key ${AES}, good until TIME`,
    `Keytab ${keytab} is used for ${service}; it has keys of ${ALL}`,
    ...found,
    ...initial(service),
  ];
}

Deno.test("KRB5_TRACE: kinit and kvno say what they ask and get, line by line", async () => {
  await using realm = await startRealmFolder();
  const file = `${realm.directory}/trace`;
  const cache = `FILE:${realm.directory}/own`;
  const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: cache, KRB5_TRACE: file };
  const kvno = ["kvno", "rcmd/localhost"];
  const commands = [["kinit", "alice"], kvno, kvno, ["kinit", "-kt", realm.keytab, "rcmd/localhost"]];
  for (const { code, err } of await commandsIn(commands, { permissions: ["-A"], env })) assert.equal(code, 0, err);
  const text = await Deno.readTextFile(file);
  const lines = text.trimEnd().split("\n").map((line) => {
    assert.match(line, /^\[\d+\] \d{10}\.\d{6}: /);
    return line.replace(/^\S+ \S+ /, "").replace(/\d+ bytes/, "N bytes").replace(/\d{4}-\d\d-\S+Z/, "TIME");
  });
  assert.deepEqual(lines, golden(`127.0.0.1:${realm.kdc.port}`, cache, realm.keytab));
});

Deno.test("KRB5_TRACE: /dev/stderr and /dev/stdout are the program's own", async () => {
  await using realm = await startRealmFolder();
  for (const name of ["/dev/stderr", "/dev/stdout"]) {
    const env = { KRB5_CONFIG: realm.krb5Conf, KRB5CCNAME: realm.ccache, KRB5_TRACE: name };
    const program = ["run", "-A", "-q", "--no-check", new URL("../../../cli/mod.ts", import.meta.url).href];
    const { code, stdout: out, stderr: err } = await run(Deno.execPath(), [...program, "kvno", "rcmd/localhost"], {
      env,
    });
    assert.equal(code, 0, err);
    assert.match(name === "/dev/stderr" ? err : out, /\] \S+ Cache FILE:/);
    assert.match(out, /kvno = 1/);
  }
});

Deno.test("KRB5_TRACE: KDCs that fail, clocks apart, and referrals", () => {
  const refusal = (fields: Partial<KrbError>) =>
    encode(KrbError, {
      ...{ pvno: 5, msgType: 30, stime: 600_000, susec: 0, errorCode: 37, realm: "R" },
      ...{ sname: { nameType: 2, nameString: ["krbtgt", "R"] }, ...fields },
    });
  const answered = (message: Uint8Array<ArrayBuffer>): KerberosTraceEvent => {
    return { type: "answered", realm: "R", kdc: "udp/k:88", bytes: 9, answer: answerSummary(message, 0) };
  };
  const start = "udp/k:88 answers with 9 bytes: KRB-ERROR ";
  const cases: [KerberosTraceEvent, string][] = [
    [answered(refusal({})), `${start}KRB_AP_ERR_SKEW (37); the KDC's clock is 600 s ahead of ours`],
    [
      answered(refusal({ stime: -9_000, eText: "\x1b[2J" })),
      `${start}KRB_AP_ERR_SKEW (37), "\\u001b[2J"; the KDC's clock is 9 s behind ours`,
    ],
    [
      answered(refusal({ errorCode: 68, crealm: "B", stime: 0 })),
      `${start}KDC_ERR_WRONG_REALM (68), refers to realm B`,
    ],
    [answered(refusal({ errorCode: 99, eData: Uint8Array.of(1, 2), stime: 0 })), `${start}unknown (99)`],
    [{ type: "failed", realm: "R", kdc: "tcp/k:88", reason: "refused" }, "No answer from tcp/k:88: refused"],
    [{ type: "located", realm: "R", kdcs: [], primary: true }, "Primary KDCs of R: none"],
    [{ type: "cache", cache: "FILE:/x", client: undefined, services: [], clockOffset: 0 }, "Cache FILE:/x is empty"],
  ];
  for (const [event, line] of cases) assert.equal(traceLine(event), line);
  const many = traceLine({
    type: "located",
    realm: "R",
    kdcs: Array.from({ length: 1e5 }, () => "k:88"),
    primary: false,
  });
  assert.ok(many.length < 500 && many.endsWith(" and others"));
});

Deno.test("tracer: one that fails stops nothing", async () => {
  await using realm = await startRealmFolder();
  const failing = [
    () => {
      throw new Error("of the observer");
    },
    () => Promise.reject(new Error("of the observer, later")),
  ];
  for (const tracer of failing) {
    const tickets = systemTickets({ config: realm.kdc.config, principal: "alice", password: "alicepw", tracer });
    await tickets.serviceTicket(parsePrincipal("rcmd/localhost"));
  }
  let described = 0;
  trace(undefined, () => ({ type: "failed", realm: "R", kdc: "k", reason: String(described++) }));
  assert.equal(described, 0);
});
