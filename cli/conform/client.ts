/**
 * `gssocks conform --client`: plays a proxy to a client, right and wrong.
 *
 * @module
 */
import { checkClient } from "../../conform/check_client.ts";
import { CLIENT_PARTS } from "../../conform/client/all.ts";
import { KerberosAcceptorCredential } from "../../kerberos/mech/credentials.ts";
import { readKeytab } from "../../kerberos/credentials/shell/stores.ts";
import { exclude, type ParsedArguments, UsageError } from "../command/command.ts";
import { endpoint } from "../command/options.ts";
import type { CliIo } from "../terminal/io.ts";
import { clientCommand } from "./client_process.ts";
import { onlyOf, timeOf } from "./limits.ts";
import { onResult, showReport } from "./output.ts";
import { startOwnKdc, writeClientCache } from "./own_kdc.ts";

/** Plays the parts. */
export async function conformClient(args: ParsedArguments, io: CliIo): Promise<number> {
  for (const name of ["user", "password-file", "target", "target-name", "ccache", "no-ticket", "service"]) {
    exclude(args, "client", name);
  }
  const run = args.value("run");
  if (run === undefined) throw new UsageError("--client needs --run COMMAND, which starts the client");
  const only = onlyOf(args, CLIENT_PARTS);
  const listen = endpoint(args.value("listen") ?? "localhost:0", 0);
  const show = onResult(args, io);
  await using keys = await keysFor(args, listen.hostname);
  const report = await checkClient({
    start: clientCommand(run, keys.env),
    credential: keys.credential,
    listen,
    shows: !args.has("no-output"),
    only,
    timeout: timeOf(args, "timeout"),
    silence: timeOf(args, "silence"),
    onResult: show,
    signal: io.signal,
  });
  return showReport(args, io, report);
}

interface Keys extends AsyncDisposable {
  readonly credential: KerberosAcceptorCredential;
  /** Environment of the client. */
  readonly env: Readonly<Record<string, string>>;
}

/** The key of the service: the user's, or one of the embedded KDC, whose ticket the client gets. */
async function keysFor(args: ParsedArguments, host: string): Promise<Keys> {
  const keytab = args.value("keytab");
  exclude(args, "keytab", "write-keytab", "krb5-conf");
  if (keytab !== undefined) {
    const credential = new KerberosAcceptorCredential({ keys: readKeytab(keytab) });
    return { credential, env: {}, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const folder = await Deno.makeTempDir({ prefix: "gssocks-conform-" });
  try {
    const files = { keytab: `${folder}/keytab`, krb5Conf: `${folder}/krb5.conf` };
    const own = await startOwnKdc(`rcmd/${host}`, files);
    await writeClientCache(own, `${folder}/ccache`);
    return {
      credential: new KerberosAcceptorCredential({ keys: own.kdc.keytab(`rcmd/${host}`) }),
      env: { KRB5_CONFIG: files.krb5Conf, KRB5CCNAME: `FILE:${folder}/ccache` },
      async [Symbol.asyncDispose](): Promise<void> {
        await own[Symbol.asyncDispose]();
        await Deno.remove(folder, { recursive: true });
      },
    };
  } catch (error) {
    await Deno.remove(folder, { recursive: true });
    throw error;
  }
}
