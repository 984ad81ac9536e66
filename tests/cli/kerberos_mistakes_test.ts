/** What goes wrong with Kerberos between people, KDC and server: each error says with what, what was found and what to do. */
import assert from "node:assert/strict";
import { FileCredentialCache, writeKeytab } from "../../kerberos/credentials/shell/stores.ts";
import { systemTickets } from "../../kerberos/system.ts";
import { Environment } from "../support/environment.ts";
import { startRealmFolder } from "../support/realm_folder.ts";
import { gssocks } from "../support/run_cli.ts";
import { until } from "../support/until.ts";

/** A realm with its files, and what starts servers in it. */
async function startSite() {
  const realm = await startRealmFolder({
    principals: {
      "rcmd/other": {},
      left: { password: "x", expires: 1 },
      late: { password: "x", passwordExpires: 0 },
      locked: { password: "x", disabled: true },
    },
  });
  const { directory, kdc, krb5Conf } = realm;
  const conf = await Deno.readTextFile(krb5Conf);
  const put = (name: string, text: string) => Deno.writeTextFile(`${directory}/${name}`, text);
  await put("garbage", "garbage");
  await put("empty", "");
  await put("badconf", "nonsense = x\n");
  await put("rc4conf", conf.replace("[libdefaults]", "[libdefaults]\n permitted_enctypes = arcfour-hmac"));
  await put("strictconf", conf.replace("[libdefaults]", "[libdefaults]\n kdc_timesync = 0"));
  await put("nodefault", conf.replace(/.*default_realm.*/, "").replaceAll(/127\.0\.0\.1:\d+/g, "tcp/127.0.0.1:1"));
  await put("downconf", conf.replaceAll(/127\.0\.0\.1:\d+/g, "tcp/127.0.0.1:1"));
  await writeKeytab(`${directory}/other.keytab`, kdc.keytab("rcmd/other"));
  const tickets = (name: string) => {
    const cache = new FileCredentialCache(`${directory}/${name}`);
    return systemTickets({ config: kdc.config, principal: "alice", password: "alicepw", cache });
  };
  return { ...realm, tickets, [Symbol.asyncDispose]: () => realm[Symbol.asyncDispose]() };
}

type Site = Awaited<ReturnType<typeof startSite>>;

/** What was typed, with @ for the folder; the exit code; what it says. */
type Row = readonly [mistake: string, args: string, code: number, text: RegExp, conf?: string];

async function check(
  { directory, krb5Conf, ccache }: Site,
  [mistake, args, code, text, conf]: Row,
  password = "wrong",
): Promise<void> {
  using _ = new Environment({ KRB5_CONFIG: conf ? `${directory}/${conf}` : krb5Conf, KRB5CCNAME: ccache });
  const given = args.split(" ").map((arg) => arg.replace("@/", `${directory}/`));
  const got = await gssocks(given, { password, signal: AbortSignal.timeout(20_000) });
  const said = got.err.replaceAll(`${directory}/`, "@/");
  assert.match(said, text, mistake);
  assert.equal(got.code, code, `${mistake}: ${said}`);
  assert.doesNotMatch(said, /undefined|\[object/, mistake);
}

const KDC_REFUSES: readonly Row[] = [
  ["wrong password", "kinit alice", 3, /PREAUTH_FAILED \(24\) for client alice@GSSOCKS\.TEST, .*wrong password or key/],
  ["unknown user", "kinit nobody", 3, /client nobody@GSSOCKS\.TEST, .*: no such client in this realm; check the name/],
  ["realm in lower case", "kinit alice@gssocks.test", 3, /WRONG_REALM.* name that realm, or allow the KDC to refer/],
  ["account ended", "kinit left", 3, /client left@.*the account has expired; the realm's administrator can extend it/],
  ["password ended", "kinit late", 3, /client late@.*the password has expired; change it, such as with kpasswd/],
  ["account disabled", "kinit locked", 3, /client locked@.*disabled, or locked .*administrator can unlock it/],
  ["service unknown", "kvno rcmd/no", 3, /service rcmd\/no@.*no such service in this realm; ask for it by the name in/],
];

const HERE: readonly Row[] = [
  ["realm unknown", "kinit a@B.TEST", 4, /Cannot find a KDC of B\.TEST: krb5\.conf names none; check .*kdc = HOST/],
  ["no default realm", "kinit alice", 2, /alice has no realm, and krb5\.conf has no .*write alice@REALM/, "nodefault"],
  [
    "KDC down",
    "kinit alice",
    4,
    /Cannot reach a KDC of GSSOCKS\.TEST: .*tcp\/127\.0\.0\.1:1: Connection r/,
    "downconf",
  ],
  ["RC4 alone", "kinit alice", 1, /permitted_enctypes in @\/rc4conf, line 2: none of .*"arcfour-hmac" is/, "rc4conf"],
  ["configuration missing", "kinit alice", 1, /KRB5_CONFIG is "@\/nope", and no such file exists/, "nope"],
  ["cache garbage", "klist @/garbage", 1, /cache @\/garbage: it begins with 0x6761, and a cache with 0x0501 .*kinit/],
  ["keytab garbage", "klist -k @/garbage", 1, /keytab @\/garbage: it begins with 0x6761, and a keytab with 0x0502 /],
  [
    "no ticket",
    "kvno -c @/none rcmd/other",
    3,
    /Cannot get a ticket: no credentials cache found \(\S*@\/none\); run kinit first/,
  ],
  [
    "keytab without the user",
    "kinit -kt @/keytab alice",
    3,
    /Cannot authenticate alice@GSSOCKS\.TEST: there is no key .*; keytab @\/keytab has rcmd\/localhost@GSSOCKS\.TEST kvno 1/,
  ],
  [
    "bridge's keytab without the user",
    "bridge -p p -l 127.0.0.1:0 --keytab @/keytab --principal alice",
    3,
    /Cannot authenticate alice@GSSOCKS\.TEST: there is no key .*; keytab @\/keytab has rcmd\/localhost@GSSOCKS\.TEST kvno 1/,
  ],
  ["bridge's keytab garbage", "bridge -p p --keytab @/garbage", 1, /Cannot read keytab @\/garbage: it begins with 0x/],
  ["port alone", "bridge -p p -l 1089", 2, /"1089" is a port without an address; write 127\.0\.0\.1:1089/],
  ["password file and keytab", "kinit --password-file x -kt y a", 2, /--password-file and --\S+ do not go together/],
  ["the same of a bridge", "bridge -p p --password-file x --keytab y", 2, /--password-file and --keytab do not go/],
];

Deno.test("mistakes: what a KDC refuses, and what is wrong here, is named with what to do", async () => {
  await using site = await startSite();
  for (const row of [...KDC_REFUSES, ...HERE]) await check(site, row);
  site.kdc.faults.unsupportedEnctypes = [17, 18, 19, 20];
  const none = /no encryption type in common; aes256\S+, .* were requested; .*AES key/;
  await check(site, ["no enctype in common", "kinit alice", 3, none]);
  site.kdc.faults.unsupportedEnctypes = [];
  for (const [ahead, text] of [[600_000, /10 min behind/], [-600_000, /10 min ahead of/]] as const) {
    site.kdc.clock.advance(ahead);
    const wanted = new RegExp(`KRB_AP_ERR_SKEW.*our clock is ${text.source} the KDC's, .*usually allow 300 s; set the`);
    await check(site, ["KDC's clock", "kinit alice", 3, wanted, "strictconf"], "alicepw");
    site.kdc.clock.advance(-ahead);
  }
});

/** What a client is told, and what the server's log says of it. */
interface Meeting {
  readonly mistake: string;
  /** Options of the server, with @ for the folder. */
  readonly serve: string;
  /** Options of the client. */
  readonly connect: string;
  readonly code: number;
  readonly told: RegExp;
  readonly log: RegExp;
  /** The host that the client is told. @default {localhost} */
  readonly host?: string;
  /** Brings about the mistake. */
  readonly before?: (site: Site) => Promise<void>;
}

const OPEN = "-k @/keytab --allow 127.0.0.0/8";

const MEETINGS: readonly Meeting[] = [
  {
    mistake: "keytab of another service",
    serve: "-k @/other.keytab --allow 127.0.0.0/8",
    connect: "127.0.0.1 9",
    code: 3,
    told: /Service rcmd\/localhost@\S+ refused: KRB_AP_ERR_NOT_US \(35\); its keytab has no key for that name; ask for/,
    log: /wants rcmd\/localhost@\S+ kvno 1 aes256-\S+; the keytab has rcmd\/other@.*; add the keys of that name to the/,
  },
  {
    mistake: "same name, other key",
    serve: OPEN,
    connect: "-c @/rekeyed 127.0.0.1 9",
    code: 3,
    told: /refused: KRB_AP_ERR_BAD_INTEGRITY \(31\); the keys in its keytab are not those of the KDC; run kinit again/,
    log:
      /it wants rcmd\/localhost@\S+ kvno 1 .*; that key does not open it: the key was changed .*extract the keytab again/,
    async before({ kdc, tickets }): Promise<void> {
      await kdc.realm.addPrincipal("rcmd/localhost", {});
      await tickets("rekeyed").initialTicket();
    },
  },
  {
    mistake: "newer key",
    serve: OPEN,
    connect: "-c @/newer 127.0.0.1 9",
    code: 3,
    told:
      /refused: KRB_AP_ERR_BADKEYVER \(44\); the keys in its keytab are not those of the KDC; run kinit again, and if/,
    log: /it wants rcmd\/localhost@\S+ kvno 2 .*; the keytab has .* kvno 1 .*; extract the keytab again/,
    async before({ kdc, tickets }): Promise<void> {
      await kdc.realm.addPrincipal("rcmd/localhost", { kvno: 2 });
      await tickets("newer").initialTicket();
    },
  },
  {
    mistake: "name not in the keytab",
    serve: OPEN,
    host: "127.0.0.1",
    connect: "127.0.0.1 9",
    code: 3,
    told: /no such service in this realm; .*asked for rcmd@127\.0\.0\.1: give that name .*\(--service NAME@HOST\)$/m,
    log: /closed the connection in the middle of the handshake/,
  },
  {
    mistake: "cache garbage",
    serve: OPEN,
    connect: "-c @/garbage 127.0.0.1 9",
    code: 1,
    told: /Cannot read credential cache @\/garbage: it begins with 0x6761, .*run kinit/,
    log: /closed the connection in the middle of the handshake/,
  },
  {
    mistake: "private target",
    serve: OPEN,
    connect: "10.9.9.9 80",
    code: 5,
    told: /cannot reach 10\.9\.9\.9:80: its rules do not allow it; ask its administrator \(NOT_ALLOWED\)/,
    log: /alice@\S+: 10\.9\.9\.9:80 is not allowed: 10\.9\.9\.9: private address, which no rule allows/,
  },
  {
    mistake: "client rule",
    serve: `${OPEN} --deny-client 127.0.0.0/8`,
    connect: "127.0.0.1 9",
    code: 4,
    told: /Proxy localhost:\d+ closed the connection without an answer: it does not allow clients from here, .*its log/,
    log: /Client is not allowed: client rule "deny 127\.0\.0\.0\/8"/,
  },
  {
    mistake: "user without realm",
    serve: "-k @/keytab --allow 127.0.0.0/8,user=alice",
    connect: "127.0.0.1 9",
    code: 5,
    told: /cannot reach 127\.0\.0\.1:9: its rules do not allow it; ask its administrator/,
    log:
      /Warning: allowed user "alice" has no realm, .*write alice@REALM[^]*127\.0\.0\.1:9 is not allowed: no rule allows/,
  },
];

async function meet(site: Site, meeting: Meeting): Promise<void> {
  const { mistake, serve, connect, code, told, log, host = "localhost", before } = meeting;
  const { directory } = site;
  const stop = new AbortController();
  let said = "";
  const given = serve.split(" ").map((arg) => arg.replace("@/", `${directory}/`));
  const options = { signal: stop.signal, onErr: (text: string) => said = text };
  const running = gssocks(["serve", "-l", "127.0.0.1:0", ...given], options);
  try {
    await until("it listens", () => said.includes("Listening on"));
    await before?.(site);
    const port = /Listening on \S+:(\d+)/.exec(said)![1];
    await check(site, [mistake, `connect -p ${host}:${port} ${connect}`, code, told]);
    await until(`the log of "${mistake}"`, () => log.test(said), 5_000);
  } finally {
    stop.abort();
    await running;
  }
}

Deno.test("mistakes: what a server refuses is told to the client and in the log, with what to do", async () => {
  await using site = await startSite();
  for (const meeting of MEETINGS.filter(({ before }) => before === undefined)) await meet(site, meeting);
  for (const meeting of MEETINGS.filter(({ before }) => before !== undefined)) await meet(site, meeting);
});

Deno.test("mistakes: clocks that are apart are told on both sides, with by how much", async () => {
  for (
    const [ahead, code, log] of [
      [600_000, "KRB_AP_ERR_TKT_NYV", /it is not valid yet: it begins in 10 min by our clock; set the clock/],
      [-600_000, "KRB_AP_ERR_SKEW", /the client's clock is 10 min behind ours, and the limit is 300 s; set the clock/],
    ] as const
  ) {
    await using site = await startSite();
    const told = new RegExp(
      `refused: ${code} .*the KDC's was 10 min (?:ahead of|behind) ours .*; set the clock that is`,
    );
    await meet(site, {
      mistake: code,
      serve: OPEN,
      connect: "-c @/apart 127.0.0.1 9",
      code: 3,
      told,
      log,
      async before({ kdc, tickets }): Promise<void> {
        kdc.clock.advance(ahead);
        await tickets("apart").initialTicket();
      },
    });
  }
});

Deno.test("mistakes: a ticket that has expired is told with its cache", async () => {
  await using site = await startSite();
  const { directory, kdc } = site;
  const now = kdc.clock.now();
  kdc.clock.advance(-48 * 3_600_000);
  const cache = new FileCredentialCache(`${directory}/old`);
  const user = { config: kdc.config, principal: "alice", password: "alicepw", cache, runtime: kdc.clock };
  const { credential } = await systemTickets(user).initialTicket();
  assert.ok(credential.endtime < now);
  const text = /Cannot get a ticket: the one in \S*@\/old has expired; run kinit again/;
  await check(site, ["expired", "kvno -c @/old rcmd/other", 3, text]);
});
