/**
 * `gssocks connect`.
 *
 * @module
 */
import { connect } from "../../mod.ts";
import { type Command, ExitCode } from "../command/command.ts";
import { type Endpoint, parseEndpointText } from "../../socks/wire/address.ts";
import { sayReply, sayTo, verboseProxy } from "../log/verbose.ts";
import { outputError } from "../terminal/io.ts";
import {
  count,
  host,
  PROXY_OPTIONS,
  proxyOptions,
  ticketsFrom,
  time,
  usable,
  VERBOSE_OPTION,
} from "../command/options.ts";

/** The command. */
export const command: Command = {
  summary: "connect standard input and output to a target",
  usage: "--proxy HOST:PORT [OPTIONS] HOST PORT, or HOST:PORT",
  goesOn: true,
  words: [1, 2],
  options: {
    ...PROXY_OPTIONS,
    ...VERBOSE_OPTION,
    timeout: { value: "TIME", help: "Time until the target is reached (default: 60s)" },
  },
  details: `
As an ssh ProxyCommand:
  ssh -o ProxyCommand='gssocks connect --proxy proxy.example.com %h %p' user@host`,
  async run(args, io): Promise<number> {
    const { hostname, port } = target(args.words);
    const timeout = args.value("timeout");
    const options = { ...proxyOptions(args), credentials: ticketsFrom(args) };
    const say = args.has("verbose") ? sayTo(io) : undefined;
    await using connection = await connect({
      ...(say === undefined ? options : verboseProxy(options, say)),
      hostname,
      port,
      timeout: timeout === undefined ? undefined : time("--timeout", timeout),
      signal: io.signal,
    });
    if (say !== undefined) sayReply(say, { hostname, port }, connection.bound);
    // The end of standard input is handed on; the target's end is the end of the command.
    io.stdin.pipeTo(connection.writable).catch(() => {});
    try {
      await connection.readable.pipeTo(io.stdout, { preventClose: true });
    } catch (error) {
      throw outputError(error);
    }
    return ExitCode.Ok;
  },
};

/** Reads the target, in one word or in two. */
function target([first, port]: readonly string[]): Endpoint {
  if (port !== undefined) return { hostname: host(first!), port: count("PORT", port, 65_535) };
  return usable(() => parseEndpointText(first!));
}
