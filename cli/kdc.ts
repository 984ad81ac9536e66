/**
 * `gssocks kdc`.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import { aborted } from "../gss/deadline.ts";
import { randomBytes } from "../gss/runtime.ts";
import { startTestKdc } from "../kerberos/kdc/test_kdc.ts";
import { writeKeytab } from "../kerberos/stores/files.ts";
import { type Command, ExitCode, type ParsedArguments, UsageError } from "./command.ts";
import { type CliIo, newPassword } from "./io.ts";
import { endpoint } from "./options.ts";

/** The command. */
export const command: Command = {
  summary: "run the embedded KDC, for tests",
  usage: "[OPTIONS]",
  options: {
    realm: { value: "REALM", short: "r", help: "Realm (default: GSSOCKS.TEST)" },
    listen: { value: "HOST:PORT", short: "l", help: "Where to listen, TCP and UDP (default: 127.0.0.1:0)" },
    user: { value: "NAME", short: "u", multiple: true, help: "A user; its password is made up and printed" },
    "user-from-stdin": {
      value: "NAME",
      multiple: true,
      help: "A user; its password is the next line of standard input",
    },
    service: { value: "NAME", short: "s", multiple: true, help: "A service with random keys, such as rcmd/localhost" },
    keytab: { value: "FILE", short: "k", help: "Write the keys of the services there" },
    "krb5-conf": { value: "FILE", help: "Write a krb5.conf for clients there" },
  },
  details: `
It keeps nothing on disk and limits no guessing of passwords: for tests and demonstrations only.`,
  async run(args, io): Promise<number> {
    const listen = endpoint(args.value("listen") ?? "127.0.0.1:0", 0);
    const services = args.ordered("service").map(({ value }) => value);
    const keytab = args.value("keytab");
    if (keytab !== undefined && services.length === 0) throw new UsageError("--keytab needs a --service");
    const names = args.ordered("user", "user-from-stdin", "service").map(({ value }) => value);
    const twice = names.find((name, i) => names.indexOf(name) < i);
    if (twice !== undefined) throw new UsageError(`${twice} is named more than once`);
    const realm = args.value("realm");
    const principals = { ...await users(args, io), ...Object.fromEntries(services.map((name) => [name, {}])) };
    await using kdc = await startTestKdc({
      ...(realm === undefined ? {} : { realm }),
      hostname: listen.hostname,
      port: listen.port,
      principals,
    });
    if (keytab !== undefined) await writeKeytab(keytab, kdc.keytab(...services));
    const conf = args.value("krb5-conf");
    if (conf === undefined) io.out(kdc.krb5Conf);
    else await Deno.writeTextFile(conf, kdc.krb5Conf);
    io.err(`KDC of ${kdc.realm.name} listens on ${kdc.hostname}:${kdc.port}, TCP and UDP\n`);
    await aborted(io.signal);
    return ExitCode.Ok;
  },
};

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
