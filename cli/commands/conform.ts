/**
 * `gssocks conform`.
 *
 * @module
 */
import { type Command, errorLine, UsageError } from "../command/command.ts";
import { PASSWORD_FILE_OPTION } from "../command/credentials.ts";
import { CCACHE_OPTION } from "../command/options.ts";
import { conformClient } from "../conform/client.ts";
import { LIMIT_OPTIONS } from "../conform/limits.ts";
import { CONFORM_CODES, OUTPUT_OPTIONS } from "../conform/output.ts";
import { conformProxy } from "../conform/proxy.ts";

/** The command. */
export const command: Command = {
  summary: "hold a proxy or a client to RFC 1928, 1929 and 1961",
  usage: "[OPTIONS] HOST:PORT, or --client --run COMMAND",
  words: [0, 1],
  options: {
    service: { value: "NAME[@HOST]", help: "Service name of the proxy (default: rcmd)" },
    ...CCACHE_OPTION,
    "no-ticket": { help: "Skip the checks of RFC 1961" },
    "write-keytab": {
      value: "FILE",
      help: "Run the embedded KDC meanwhile, with the service's key in this new FILE",
    },
    "krb5-conf": { value: "FILE", help: "Where its krb5.conf is written (default: FILE.krb5.conf)" },
    user: { value: "NAME", short: "u", help: "A user of the proxy, for RFC 1929; the password is asked for" },
    ...PASSWORD_FILE_OPTION,
    target: { value: "HOST:PORT", help: "Where the kit listens for the proxy (default: 127.0.0.1:0 and [::1]:0)" },
    "target-name": { value: "NAME", help: "A name that the proxy resolves to the address of --target" },
    client: { help: "Play a proxy, right and wrong, to a client that --run starts once for each part" },
    run: {
      value: "COMMAND",
      help: "The client; {proxy} and {target} stand for HOST:PORT, {proxy_host} and so on for parts",
    },
    listen: { value: "HOST:PORT", short: "l", help: "With --client, where to listen (default: localhost:0)" },
    keytab: {
      value: "FILE",
      help: "With --client, the key of rcmd (default: the embedded KDC, whose ticket the client gets)",
    },
    "no-output": { help: "With --client, the client shows nothing of what comes; skip what is judged by that" },
    ...LIMIT_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  details: `
The proxy must be allowed to connect to the target, a server of the kit itself.
  gssocks conform proxy.example.com:1080
  gssocks conform --client --run 'curl --socks5-gssapi -x socks5h://{proxy} http://{target}/'
Exit codes: 0 no rule that must hold is broken, 1 one is, 2 wrong arguments, 3 the checks could not be carried out.`,
  async run(args, io): Promise<number> {
    try {
      if (!args.has("client")) return await conformProxy(args, io);
      if (args.words.length > 0) throw new UsageError(`"${args.words[0]}" is not taken with --client`);
      return await conformClient(args, io);
    } catch (error) {
      if (error instanceof UsageError) throw error;
      io.err(`gssocks conform: ${errorLine(error)}\n`);
      return CONFORM_CODES["not run"];
    }
  },
};
