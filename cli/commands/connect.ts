/**
 * `gssocks connect`.
 *
 * @module
 */
import { connect } from "../../mod.ts";
import { type Command, ExitCode } from "../command/command.ts";
import { count, host, PROXY_OPTIONS, proxyOptions, time } from "../command/options.ts";

/** The command. */
export const command: Command = {
  summary: "connect standard input and output to a target",
  usage: "--proxy HOST:PORT [OPTIONS] HOST PORT",
  goesOn: true,
  words: [2, 2],
  options: { ...PROXY_OPTIONS, timeout: { value: "TIME", help: "Time until the target is reached (default: 60s)" } },
  details: `
As an ssh ProxyCommand:
  ssh -o ProxyCommand='gssocks connect --proxy proxy.example.com %h %p' user@host`,
  async run(args, io): Promise<number> {
    const [hostname, port] = args.words as [string, string];
    const timeout = args.value("timeout");
    await using connection = await connect({
      ...proxyOptions(args),
      hostname: host(hostname),
      port: count("PORT", port, 65_535),
      timeout: timeout === undefined ? undefined : time("--timeout", timeout),
      signal: io.signal,
    });
    // The end of standard input is handed on; the target's end is the end of the command.
    io.stdin.pipeTo(connection.writable).catch(() => {});
    try {
      await connection.readable.pipeTo(io.stdout, { preventClose: true });
    } catch (error) {
      // A reader that has closed our output is no failure.
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
    return ExitCode.Ok;
  },
};
