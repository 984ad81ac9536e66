/**
 * `gssocks kvno`.
 *
 * @module
 */
import { readMessage } from "../../kerberos/messages/read.ts";
import { KeyUsage } from "../../kerberos/registry/key_usages.ts";
import { NameType } from "../../kerberos/registry/name_types.ts";
import { enctypeName } from "../../kerberos/crypto/enctypes.ts";
import { Ticket } from "../../kerberos/messages/ap.ts";
import { formatPrincipal, parsePrincipal } from "../../kerberos/principal.ts";
import type { Credential } from "../../kerberos/credential.ts";
import { readKeytab } from "../../kerberos/credentials/shell/stores.ts";
import { type Command, ExitCode } from "../command/command.ts";
import { CCACHE_OPTION, ticketsFrom } from "../command/options.ts";

/** The command. */
export const command: Command = {
  summary: "get service tickets and show their key versions",
  usage: "[OPTIONS] SERVICE...",
  words: [1, Infinity],
  options: {
    ...CCACHE_OPTION,
    keytab: { value: "FILE", short: "k", help: "Check that this keytab opens the tickets" },
    json: { help: "Show it as JSON" },
  },
  details: `
SERVICE is a principal such as rcmd/proxy.example.com, with a realm or without.`,
  async run(args, io): Promise<number> {
    const tickets = ticketsFrom(args);
    const keytab = args.value("keytab");
    const results = [];
    for (const word of args.words) {
      const service = parsePrincipal(word, { nameType: NameType.SrvInst });
      const { credential } = await tickets.serviceTicket(service, { signal: io.signal });
      const { encPart } = readMessage(Ticket, credential.ticket);
      results.push({
        service: formatPrincipal(credential.server),
        kvno: encPart.kvno ?? null,
        enctype: enctypeName(encPart.etype),
        keytabOpensIt: keytab === undefined ? undefined : await opens(keytab, credential),
      });
    }
    if (args.has("json")) io.out(`${JSON.stringify(results, null, 2)}\n`);
    else {
      for (const { service, kvno, enctype, keytabOpensIt } of results) {
        const check = keytabOpensIt === undefined
          ? ""
          : keytabOpensIt
          ? ", keytab opens it"
          : ", keytab does NOT open it";
        io.out(`${service}: kvno = ${kvno ?? "?"} (${enctype})${check}\n`);
      }
    }
    return results.some(({ keytabOpensIt }) => keytabOpensIt === false) ? ExitCode.Failure : ExitCode.Ok;
  },
};

async function opens(keytab: string, credential: Credential): Promise<boolean> {
  const { encPart } = readMessage(Ticket, credential.ticket);
  const wanted = { service: credential.server, enctype: encPart.etype, kvno: encPart.kvno };
  for (const { key } of readKeytab(keytab).candidates(wanted)) {
    if (await key.decrypt(KeyUsage.KdcRepTicket, encPart.cipher).then(() => true, () => false)) return true;
  }
  return false;
}
