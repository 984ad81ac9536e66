/**
 * `gssocks demo`: everything at once on the loopback interface, in plain words.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import { aborted } from "../../base/deadline.ts";
import { randomBytes, systemRuntime } from "../../base/runtime.ts";
import type { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { startTestKdc, type TestKdc } from "../../kerberos/kdc/start.ts";
import { formatPrincipal, parsePrincipal } from "../../kerberos/principal.ts";
import { writeKeytab } from "../../kerberos/credentials/shell/stores.ts";
import { systemTickets } from "../../kerberos/system.ts";
import { bridge, connect, type RunningServer, serve } from "../../mod.ts";
import { listenTcp } from "../../socks/shell/tcp.ts";
import { ownLoopback } from "../../socks/stream/localhost.ts";
import type { ProtectionLevel } from "../../socks/protection.ts";
import { formatEndpoint } from "../../socks/wire/address.ts";
import { type Command, ExitCode } from "../command/command.ts";
import type { CliIo } from "../terminal/io.ts";

/** The command. */
export const command: Command = {
  summary: "show everything working, on this machine alone",
  usage: "[OPTIONS]",
  options: { stay: { help: "Keep it running, and print commands to try against it" } },
  async run(args, io): Promise<number> {
    const password = encodeHex(randomBytes(6));
    await using stack = new AsyncDisposableStack();
    const host = ownLoopback(listenTcp);
    io.out(`gssocks demo: a Kerberos realm, a web server, a SOCKS5 proxy and a bridge, all on ${host}\n\n`);
    const setting = await setUp(stack, { host, password }, io);
    await fetchThroughBridges(setting, io);
    await fetchThroughLibrary(setting, io);
    io.out("\nDone: every page came whole, protected as asked.\n");
    if (args.has("stay")) await stay(setting, password, io);
    return ExitCode.Ok;
  },
};

interface Setting {
  readonly kdc: TestKdc;
  readonly origin: Deno.HttpServer<Deno.NetAddr>;
  readonly proxy: RunningServer;
  readonly tickets: KerberosTickets;
}

const LEVELS: readonly ProtectionLevel[] = ["integrity", "confidentiality"];
const PAGE = "Hello from the origin. ".repeat(2_850);

async function setUp(
  stack: AsyncDisposableStack,
  { host, password }: { readonly host: string; readonly password: string },
  io: CliIo,
): Promise<Setting> {
  const principals = { alice: password, "rcmd/localhost": {} };
  const [kdc, kdcTime] = await timed(() => startTestKdc({ hostname: host, principals }));
  stack.use(kdc);
  step(
    io,
    "KDC",
    `realm ${kdc.realm.name} on port ${kdc.port} (TCP and UDP), user alice, service rcmd/localhost`,
    kdcTime,
  );
  const origin = Deno.serve({ hostname: host, port: 0, onListen: () => {} }, () => new Response(PAGE));
  stack.use(origin);
  step(io, "Web server", `http://${formatEndpoint(origin.addr)}/, a page of ${PAGE.length} bytes`);
  const proxy = stack.use(serve({
    port: 0,
    keytab: kdc.keytab("rcmd/localhost"),
    rules: [`allow localhost:${origin.addr.port}`],
  }));
  step(io, "SOCKS5 proxy", `localhost:${proxy.addr.port}, GSS-API only, allows ${formatEndpoint(origin.addr)} only`);
  const tickets = systemTickets({ config: kdc.config, principal: "alice", password });
  const service = parsePrincipal("rcmd/localhost", { defaultRealm: kdc.realm.name });
  const [{ credential: tgt }, tgtTime] = await timed(() => tickets.initialTicket());
  step(io, "Initial ticket", `${formatPrincipal(tgt.client)} by password, ${tgt.key.enctypeName}`, tgtTime);
  const [{ credential }, ticketTime] = await timed(() => tickets.serviceTicket(service));
  step(io, "Service ticket", `${formatPrincipal(credential.server)}, ${credential.key.enctypeName}`, ticketTime);
  return { kdc, origin, proxy, tickets };
}

/** The runtime's own `fetch`, which knows nothing of Kerberos. */
async function fetchThroughBridges({ origin, proxy, tickets }: Setting, io: CliIo): Promise<void> {
  for (const protection of LEVELS) {
    await using local = bridge({
      proxy: { hostname: "localhost", port: proxy.addr.port },
      credentials: tickets,
      protection,
      port: 0,
    });
    // It takes no IPv6 address there.
    using client = Deno.createHttpClient({ proxy: { url: `socks5h://localhost:${local.addr.port}` } });
    const init: RequestInit & { readonly client: Deno.HttpClient } = { client };
    const [page, time] = await timed(async () =>
      await (await fetch(`http://${formatEndpoint(origin.addr)}/`, init)).text()
    );
    check(page === PAGE);
    step(
      io,
      "fetch",
      `through a bridge on port ${local.addr.port}, protection ${protection}, ${page.length} bytes`,
      time,
    );
  }
}

async function fetchThroughLibrary({ origin, proxy, tickets }: Setting, io: CliIo): Promise<void> {
  for (const protection of LEVELS) {
    const [page, time] = await timed(async () => {
      await using connection = await connect({
        proxy: { hostname: "localhost", port: proxy.addr.port },
        hostname: origin.addr.hostname,
        port: origin.addr.port,
        credentials: tickets,
        protection,
      });
      check(connection.protection === protection);
      await connection.write(new TextEncoder().encode("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n"));
      return (await new Response(connection.readable).text()).split("\r\n\r\n")[1] ?? "";
    });
    check(page === PAGE);
    step(io, "connect()", `with the library, protection ${protection}, ${page.length} bytes`, time);
  }
}

async function stay({ kdc, origin, proxy, tickets }: Setting, password: string, io: CliIo): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "gssocks-demo-" });
  try {
    await Deno.writeTextFile(`${directory}/krb5.conf`, kdc.krb5Conf);
    await writeKeytab(`${directory}/service.keytab`, kdc.keytab("rcmd/localhost"));
    await using local = bridge({
      proxy: { hostname: "localhost", port: proxy.addr.port },
      credentials: tickets,
      port: 0,
    });
    const page = `http://${formatEndpoint(origin.addr)}/`;
    io.out(`
Try it from another terminal, in this folder:

  gssocks() { $(command -v deno || echo npx -y deno@2) task -q gssocks "$@"; }
  export KRB5_CONFIG=${directory}/krb5.conf KRB5CCNAME=FILE:${directory}/cc
  echo ${password} | gssocks kinit alice           # or MIT's: echo ${password} | kinit alice
  gssocks klist
  gssocks kvno rcmd/localhost --keytab ${directory}/service.keytab
  printf 'GET / HTTP/1.0\\r\\n\\r\\n' | gssocks connect --proxy localhost:${proxy.addr.port} ${origin.addr.hostname} ${origin.addr.port}
  curl --socks5-hostname ${formatEndpoint(local.addr)} ${page}      # any program, through the bridge

Control-C ends it.
`);
    await aborted(io.signal);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function step(io: CliIo, name: string, text: string, milliseconds?: number): void {
  io.out(`  ${name.padEnd(15)} ${text}${milliseconds === undefined ? "" : ` (${milliseconds.toFixed(0)} ms)`}\n`);
}

function check(condition: boolean): void {
  if (!condition) throw new Error("The demonstration failed: what came is not what was sent");
}

async function timed<T>(run: () => Promise<T>): Promise<[T, number]> {
  const start = systemRuntime.now();
  const result = await run();
  return [result, systemRuntime.now() - start];
}
