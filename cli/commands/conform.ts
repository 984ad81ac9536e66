/**
 * `gssocks conform`.
 *
 * @module
 */
import { type Command, errorLine, UsageError } from "../command/command.ts";
import { PASSWORD_FILE_OPTION } from "../command/credentials.ts";
import { CCACHE_OPTION } from "../command/options.ts";
import { CONFORM_CODES, OUTPUT_OPTIONS } from "../conform/output.ts";
import { conformProxy } from "../conform/proxy.ts";

/** The command. */
export const command: Command = {
  summary: "hold a proxy to RFC 1928, 1929 and 1961",
  usage: "[OPTIONS] HOST:PORT",
  words: [1, 1],
  options: {
    service: { value: "NAME[@HOST]", help: "Service name of the proxy (default: rcmd)" },
    ...CCACHE_OPTION,
    "no-ticket": { help: "Skip the checks of RFC 1961" },
    "write-keytab": {
      value: "FILE",
      help: "Run the embedded KDC: write the key of the service to a new FILE for the peer under test",
    },
    "krb5-conf": { value: "FILE", help: "Where its krb5.conf is written (default: FILE.krb5.conf)" },
    user: { value: "NAME", short: "u", help: "A user of the proxy, for RFC 1929; the password is asked for" },
    ...PASSWORD_FILE_OPTION,
    target: { value: "HOST:PORT", help: "Where the kit listens for the proxy (default: 127.0.0.1:0 and [::1]:0)" },
    "target-name": { value: "NAME", help: "A name that the proxy resolves to the address of --target" },
    only: { value: "PREFIX", multiple: true, help: "Only checks whose names begin with this, such as level" },
    timeout: { value: "TIME", help: "How long to wait for an answer or an end (default: 10s)" },
    silence: { value: "TIME", help: "How long nothing must come where nothing may (default: 400ms)" },
    ...OUTPUT_OPTIONS,
  },
  details: `
The proxy must be allowed to connect to the target, a server of the kit itself.
Exit codes: 0 no rule that must hold is broken, 1 one is, 2 wrong arguments, 3 the checks could not be carried out.`,
  async run(args, io): Promise<number> {
    try {
      return await conformProxy(args, io);
    } catch (error) {
      if (error instanceof UsageError) throw error;
      io.err(`gssocks conform: ${errorLine(error)}\n`);
      return CONFORM_CODES["not run"];
    }
  },
};
