/**
 * `gssocks kdc`.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import { aborted } from "../../base/deadline.ts";
import { randomBytes } from "../../base/runtime.ts";
import { startTestKdc, type TestKdc } from "../../kerberos/kdc/start.ts";
import { formatPrincipal } from "../../kerberos/principal.ts";
import { readKeytab, writeKeytab } from "../../kerberos/credentials/shell/stores.ts";
import { listenTcp } from "../../socks/shell/tcp.ts";
import { ownLoopback } from "../../socks/stream/localhost.ts";
import { formatEndpoint } from "../../socks/wire/address.ts";
import { isLocalhost } from "../../socks/wire/host_name.ts";
import { type Command, ExitCode, type ParsedArguments, UsageError } from "../command/command.ts";
import { Faults } from "../log/guard.ts";
import { type CliIo, newPassword } from "../terminal/io.ts";
import { endpoint } from "../command/options.ts";

/** The command. */
export const command: Command = {
  summary: "run the embedded KDC, for tests",
  usage: "[OPTIONS]",
  goesOn: true,
  options: {
    realm: { value: "REALM", short: "r", help: "Realm (default: GSSOCKS.TEST)" },
    listen: { value: "HOST:PORT", short: "l", help: "Where to listen, TCP and UDP (default: localhost:0)" },
    user: { value: "NAME", short: "u", multiple: true, help: "A user; a random password is printed" },
    "user-from-stdin": {
      value: "NAME",
      multiple: true,
      help: "A user; its password is the next line of standard input",
    },
    service: { value: "NAME", short: "s", multiple: true, help: "A service with random keys, such as rcmd/localhost" },
    keytab: {
      value: "FILE",
      short: "k",
      help: "Write the keys of the services to this file; not over those of another realm",
    },
    "krb5-conf": { value: "FILE", help: "Write a krb5.conf for clients to this file; not over another one" },
  },
  details: `
It keeps nothing on disk and limits no guessing of passwords: for tests and demonstrations only.`,
  async run(args, io): Promise<number> {
    const listen = endpoint(args.value("listen") ?? "localhost:0", 0);
    const services = args.ordered("service").map(({ value }) => value);
    const keytab = args.value("keytab");
    if (keytab !== undefined && services.length === 0) throw new UsageError("--keytab needs a --service");
    const names = args.ordered("user", "user-from-stdin", "service").map(({ value }) => value);
    const twice = names.find((name, i) => names.indexOf(name) < i);
    if (twice !== undefined) throw new UsageError(`${twice} is named more than once`);
    const realm = args.value("realm");
    const principals = { ...await users(args, io), ...Object.fromEntries(services.map((name) => [name, {}])) };
    await using kdc = await startTestKdc({
      realm,
      // Its datagrams and its connections are at one address.
      hostname: isLocalhost(listen.hostname) ? ownLoopback(listenTcp) : listen.hostname,
      port: listen.port,
      principals,
    });
    const conf = args.value("krb5-conf");
    if (keytab !== undefined) checkKeytab(keytab, kdc);
    if (conf !== undefined) checkKrb5Conf(conf, kdc);
    if (keytab !== undefined) await writeKeytab(keytab, kdc.keytab(...services));
    if (conf === undefined) io.out(kdc.krb5Conf);
    else await Deno.writeTextFile(conf, kdc.krb5Conf);
    io.err(`KDC of ${kdc.realm.name} listens on ${formatEndpoint(kdc)}, TCP and UDP\n`);
    const unguard = io.onFault?.(new Faults((line) => io.err(line)).take);
    await aborted(io.signal);
    unguard?.();
    return ExitCode.Ok;
  },
};

/** The keys of this machine are not to give way to keys of a test. */
function checkKeytab(path: string, { realm }: TestKdc): void {
  if (!isThere(path)) return;
  const other = readKeytab(path).entries.find(({ principal }) => principal.realm !== realm.name);
  if (other === undefined) return;
  throw new Error(`${path} has keys of ${formatPrincipal(other.principal)}; remove it, or name another file`);
}

/** What an earlier run has written gives way to what is the same but for the port. */
function checkKrb5Conf(path: string, { krb5Conf }: TestKdc): void {
  const shape = (text: string) => text.replaceAll(/^ *kdc = \S+\n/gm, "");
  if (!isThere(path) || shape(Deno.readTextFileSync(path)) === shape(krb5Conf)) return;
  throw new Error(`${path} is there, and not what gssocks kdc writes for this realm; remove it, or name another file`);
}

/** Whether there is a file with something in it. */
function isThere(path: string): boolean {
  try {
    const { isFile, size } = Deno.statSync(path);
    return isFile && size > 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function users(args: ParsedArguments, io: CliIo): Promise<Record<string, string>> {
  const passwords: Record<string, string> = {};
  for (const { name, value } of args.ordered("user", "user-from-stdin")) {
    if (name === "user") {
      passwords[value] = encodeHex(randomBytes(8));
      io.err(`Password of ${value}: ${passwords[value]}\n`);
    } else passwords[value] = await newPassword(io, value);
  }
  return passwords;
}
