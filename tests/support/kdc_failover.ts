/**
 * Measures how long tickets take when the first of two KDCs is gone, for MIT's programs and for this package. Run as
 * a program it prints JSON, so that it can run in a network namespace with an address that loses all packets.
 *
 * @module
 */
import { createSocket } from "node:dgram";
import { passwordKey } from "../../kerberos/exchange/client_key.ts";
import { KdcClient } from "../../kerberos/reach/kdc_client.ts";
import { KerberosTickets } from "../../kerberos/credentials/tickets/tickets.ts";
import { systemTransport } from "../../kerberos/reach/shell/transport.ts";
import { parseKrb5Conf } from "../../kerberos/config/parse.ts";
import { parsePrincipal } from "../../kerberos/principal.ts";
import { MemoryCredentialCache } from "../../kerberos/credentials/caches/memory.ts";
import { startMitKdc } from "./mit_kdc.ts";
import { peer } from "./peers.ts";
import { freePort, run } from "./process.ts";
import { TcpServer } from "./servers.ts";

/** Times of a client in milliseconds: the initial ticket, and two service tickets after it. */
export interface Times {
  readonly initial: number;
  readonly first: number;
  readonly second: number;
}

/** Results for one state of the first KDC. */
export interface Failover {
  readonly state: string;
  /** This package, without memory between tickets, as in separate programs. */
  readonly alone: Times;
  /** This package, in one program. */
  readonly together: Times;
  /** MIT's programs. */
  readonly mit: Times;
}

const SERVICES = ["rcmd/localhost", "socks/localhost"];

async function timed(call: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await call();
  return Math.round(performance.now() - start);
}

async function times(initial: () => Promise<unknown>, service: (name: string) => Promise<unknown>): Promise<Times> {
  return {
    initial: await timed(initial),
    first: await timed(() => service(SERVICES[0]!)),
    second: await timed(() => service(SERVICES[1]!)),
  };
}

/** Starts a KDC port that accepts all over TCP and UDP, and answers nothing. */
async function startFrozen(): Promise<AsyncDisposable & { readonly port: number }> {
  for (let tries = 1;; tries++) {
    const tcp = new TcpServer(async (connection) => {
      while (await connection.read(new Uint8Array(4096)) !== null);
    });
    const udp = createSocket("udp4");
    const close = async () => {
      await new Promise<void>((resolve) => udp.close(() => resolve()));
      await tcp[Symbol.asyncDispose]();
    };
    try {
      await new Promise<void>((resolve, reject) => {
        udp.once("error", reject);
        udp.bind(tcp.port, "127.0.0.1", resolve);
      });
      return { port: tcp.port, [Symbol.asyncDispose]: close };
    } catch (error) {
      // The port is free for TCP, but may be taken for UDP.
      await close();
      if (tries === 50) throw error;
    }
  }
}

/** Measures every state; `blackHole` is an address that loses all packets. */
export async function measure(blackHole: string | undefined): Promise<readonly Failover[]> {
  // Each client uses its default: MIT's tries UDP first, this package TCP.
  await using kdc = await startMitKdc("MIT.TEST", 1465);
  await using frozen = await startFrozen();
  const states: [state: string, first: string | undefined][] = [
    ["well", undefined],
    ["process gone", `127.0.0.1:${freePort()}`],
    ["frozen", `127.0.0.1:${frozen.port}`],
  ];
  if (blackHole !== undefined) states.push(["host gone", `${blackHole}:88`]);
  const out: Failover[] = [];
  for (const [state, first] of states) {
    const kdcs = [...first === undefined ? [] : [first], `127.0.0.1:${kdc.port}`];
    const lines = kdcs.map((one) => `    kdc = ${one}\n`).join("");
    const text = kdc.krb5Conf.replace(/^ +kdc = \S+\n/m, lines);
    const path = `${kdc.directory}/krb5-${out.length}.conf`;
    await Deno.writeTextFile(path, text);
    const env = { ...kdc.env, KRB5_CONFIG: path, KRB5CCNAME: `FILE:${kdc.directory}/cc-${out.length}` };
    const program = async (name: string, args: string[], stdin?: string) => {
      const { code, stderr } = await run(peer(name), args, { env, timeout: 60_000, ...stdin && { stdin } });
      if (code !== 0) throw new Error(`${name}: ${stderr}`);
    };
    out.push({
      state,
      alone: await ours(text, () => ({ ...systemTransport })),
      together: await ours(text, ((transport) => () => transport)({ ...systemTransport })),
      mit: await times(() => program("kinit", ["carol"], "carolpw\n"), (name) => program("kvno", [name])),
    });
  }
  return out;
}

function ours(text: string, transport: () => typeof systemTransport): Promise<Times> {
  const config = { ...parseKrb5Conf({ name: "krb5.conf", text }), udpPreferenceLimit: 0 };
  const cache = new MemoryCredentialCache();
  const initial = { client: parsePrincipal("carol@MIT.TEST"), key: passwordKey("carolpw") };
  const tickets = () =>
    new KerberosTickets({ config, kdc: new KdcClient({ config, transport: transport() }), cache, initial });
  return times(
    () => tickets().initialTicket(),
    (name) => tickets().serviceTicket(parsePrincipal(`${name}@MIT.TEST`)),
  );
}

if (import.meta.main) {
  // deno-lint-ignore no-console
  console.log(JSON.stringify(await measure(Deno.args[0])));
}
