/**
 * The command line: finds the command, runs it, and turns what it throws into a line and an exit code.
 *
 * @module
 */
import { reasonText } from "../base/reason.ts";
import type { CommandEntry, CommandTable } from "./command/command.ts";
import { type CliIo, OUTPUT_CLOSED_CODE, OutputClosed } from "./terminal/io.ts";
import { EXIT_CODES } from "./command/exit_codes.ts";
import { VERSION } from "./command/version.ts";
import { printableIo } from "./terminal/printable_io.ts";

/** Commands, each loaded when it is asked for, with their summaries. */
const COMMANDS: CommandTable = {
  serve: ["Run a SOCKS5 server", () => import("./commands/serve.ts")],
  bridge: ["Let programs on this machine use a Kerberos proxy", () => import("./commands/bridge.ts")],
  connect: ["Connect standard input and output to a target", () => import("./commands/connect.ts")],
  kinit: ["Get an initial ticket", () => import("./commands/kinit.ts")],
  klist: ["Show the tickets of a cache, or the keys of a keytab", () => import("./commands/klist.ts")],
  kdestroy: ["Destroy a credential cache", () => import("./commands/kdestroy.ts")],
  kswitch: ["Choose the primary cache of a collection", () => import("./commands/kswitch.ts")],
  kvno: ["Get service tickets and show their key versions", () => import("./commands/kvno.ts")],
  krb5conf: ["Show what krb5.conf says, and what of it counts", () => import("./commands/krb5conf.ts")],
  passwd: ["Set a user's password in a file for serve", () => import("./commands/passwd.ts")],
  kdc: ["Run the embedded KDC, for tests", () => import("./commands/kdc.ts")],
  conform: ["Hold a proxy or a client to RFC 1928, 1929 and 1961", () => import("./commands/conform.ts")],
  completions: ["Print a script that lets a shell complete commands", () => import("./commands/completions.ts")],
  man: ["Print the manual page of a command", () => import("./commands/man.ts")],
  demo: ["Show everything working, on this machine alone", () => import("./commands/demo.ts")],
};

/** Commands of MIT's that are not here, with what does it instead. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  kpasswd: "change a Kerberos password with MIT's or Heimdal's kpasswd, or at a domain member",
  ktutil: "gssocks klist -k shows a keytab; change it with MIT's or Heimdal's ktutil",
  kadmin: "administer a realm with its own tools; gssocks kdc is for tests",
};

function overview(): string {
  const lines = Object.entries(COMMANDS).map(([name, [summary]]) => `  ${name.padEnd(13)}${summary}`);
  return `gssocks ${VERSION}: SOCKS5 with Kerberos

Usage: gssocks COMMAND [OPTIONS]

Commands:
${lines.join("\n")}

gssocks COMMAND --help shows the options of a command.

Exit codes: ${EXIT_CODES.map(([code, meaning]) => `${code} ${meaning}`).join(", ")}.
Environment: KRB5_CONFIG, KRB5CCNAME, KRB5_KTNAME, KRB5_CLIENT_KTNAME; KRB5_TRACE=/dev/stderr (or a file) shows what KDCs
are asked and answer.
`;
}

/**
 * Runs a command.
 *
 * @returns Its exit code.
 */
export async function main(args: readonly string[], terminal: CliIo): Promise<number> {
  const io = printableIo(terminal);
  try {
    return await answer(args, io, terminal);
  } catch (error) {
    if (error instanceof OutputClosed) return OUTPUT_CLOSED_CODE;
    io.err(`gssocks: ${reasonText(error)}\n`);
    return 1;
  }
}

async function answer(args: readonly string[], io: CliIo, terminal: CliIo): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    (name === undefined ? io.err : io.out)(overview());
    return name === undefined ? 2 : 0;
  }
  if (name === "--version" || name === "-V") {
    io.out(`gssocks ${VERSION}\n`);
    return 0;
  }
  return await runCommand(name, rest, terminal);
}

/** Time that the log has at the end of a command that goes on, in milliseconds. */
const LOG_TIME = 1_000;

/** The command that a signal has read its configuration again, and must not end while it is loaded. */
const RELOADS = "serve";

async function runCommand(name: string, args: readonly string[], terminal: CliIo): Promise<number> {
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined) {
    const { didYouMean } = await import("./command/suggestion.ts");
    const elsewhere = Object.hasOwn(ELSEWHERE, name) ? `; ${ELSEWHERE[name]}` : "";
    const hint = elsewhere || didYouMean(name, Object.keys(COMMANDS)) || "; see gssocks --help";
    printableIo(terminal).err(`gssocks: there is no command "${name}"${hint}\n`);
    return 2;
  }
  if (name !== RELOADS || terminal.onReload === undefined) return await runLoaded(name, entry, args, terminal);
  let reload: (() => void) | undefined;
  let asked = false;
  const end = terminal.onReload(() => reload === undefined ? asked = true : reload());
  const onReload = (callback: () => void) => {
    reload = callback;
    if (asked) callback();
    return () => reload = () => {};
  };
  try {
    return await runLoaded(name, entry, args, { ...terminal, onReload });
  } finally {
    end();
  }
}

async function runLoaded(
  name: string,
  entry: CommandEntry,
  args: readonly string[],
  terminal: CliIo,
): Promise<number> {
  const [{ command }, { errorLine, exitCodeFor, helpFor, readArguments, UsageError }] = await Promise.all([
    entry[1](),
    import("./command/command.ts"),
  ]);
  // What ends soon writes at once, and all of it; what goes on is not to wait for who reads of it.
  const log = command.goesOn ? terminal.log : undefined;
  const io = printableIo(log === undefined ? terminal : { ...terminal, err: (text) => log.write(text) });
  try {
    const parsed = readArguments(command, args);
    if (parsed.has("help")) {
      io.out(helpFor(name, command));
      return 0;
    }
    return await command.run(parsed, io, COMMANDS);
  } catch (error) {
    if (error instanceof OutputClosed) return OUTPUT_CLOSED_CODE;
    io.err(`gssocks ${name}: ${errorLine(error)}\n`);
    if (error instanceof UsageError) io.err(`See gssocks ${name} --help\n`);
    return exitCodeFor(error);
  } finally {
    await log?.close(LOG_TIME);
  }
}
