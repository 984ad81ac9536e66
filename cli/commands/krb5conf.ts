/**
 * `gssocks krb5conf`.
 *
 * @module
 */
import { readConfigFiles } from "../../kerberos/system.ts";
import { type Command, ExitCode } from "../command/command.ts";
import { type ConfigReport, type ReportedValue, reportOf } from "../krb5conf/report.ts";
import type { ProfileReading } from "../../kerberos/config/profile_reader.ts";
import { emptySection } from "../../kerberos/config/profile.ts";

/** The command. */
export const command: Command = {
  summary: "show what krb5.conf says, and what of it counts",
  usage: "[OPTIONS]",
  words: [0, 0],
  options: { json: { help: "Show it as JSON" } },
  details: `
It shows the files that are read, the settings that count with file and line, and the values that cannot be used, have
no effect here, or are not known. The exit code is 1 if a value cannot be used.`,
  run(args, io): Promise<number> {
    const report = reportOf(readConfigFiles() ?? NOTHING);
    io.out(args.has("json") ? `${JSON.stringify(report, null, 2)}\n` : textOf(report));
    return Promise.resolve(report.bad.length > 0 ? ExitCode.Failure : ExitCode.Ok);
  },
};

/** What is read where there is no file. */
const NOTHING: ProfileReading = { profile: emptySection(), sources: [], notes: [] };

function textOf({ files, settings, bad, unused, unknown, notes }: ConfigReport): string {
  const groups: [string, readonly string[]][] = [
    ["Files", files.length > 0 ? files : ["none: /etc/krb5.conf does not exist"]],
    ["Settings", settings.map(valueLine)],
    ["Cannot be used", bad.map(valueLine)],
    ["No effect here", unused.map(valueLine)],
    ["Not known", unknown.map(valueLine)],
    ["Notes", notes.map(({ source, line, text }) => `${source}:${line}: ${text}`)],
  ];
  return groups.filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => `${title}:\n${lines.map((line) => `  ${line}\n`).join("")}`).join("\n");
}

/** `[realms] EXAMPLE.COM kdc = kdc.example.com  (/etc/krb5.conf:7)`. */
function valueLine({ path: [section, ...names], value, source, line, problem }: ReportedValue): string {
  const where = source === null ? "default" : `${source}:${line}`;
  return `[${section}] ${names.join(" ")} = ${value}  (${where})${problem === undefined ? "" : `: ${problem}`}`;
}
