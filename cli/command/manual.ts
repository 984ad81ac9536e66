/**
 * Manual pages in the language of man(7), out of the table of commands and their options.
 *
 * @module
 */
import { type Command, type CommandTable, COMMON, type OptionSpec } from "./command.ts";
import { EXIT_CODES } from "./exit_codes.ts";
import { VERSION, VERSION_DATE } from "./version.ts";

/** The page of one command. */
export function commandPage(
  name: string,
  { summary, usage, options, details = "" }: Command,
  all: CommandTable,
): string {
  return page(`gssocks-${name}`, summary, [
    section("SYNOPSIS", `.B gssocks ${name}\n${text(usage)}`),
    section("DESCRIPTION", prose(details === "" ? `${capital(summary)}.` : details)),
    section("OPTIONS", Object.entries({ ...options, ...COMMON }).map(optionText).join("\n")),
    section("EXIT STATUS", exitCodes()),
    seeAlso(Object.keys(all).filter((other) => other !== name)),
  ]);
}

/** The page of the program. */
export function programPage(all: CommandTable): string {
  const commands = Object.entries(all).map(([name, [summary]]) =>
    item(`.BR gssocks\\-${name} (1)`, text(`${summary}.`))
  );
  return page("gssocks", "SOCKS5 with Kerberos", [
    section("SYNOPSIS", `.B gssocks\n.I COMMAND\n[OPTIONS]`),
    section("DESCRIPTION", "A SOCKS5 proxy and its client with Kerberos (RFC 1928, RFC 1961, RFC 4120)."),
    section("COMMANDS", commands.join("\n")),
    section("EXIT STATUS", exitCodes()),
    section(
      "ENVIRONMENT",
      [
        item(".B KRB5_CONFIG", "The configuration of Kerberos, in place of\n.IR /etc/krb5.conf ."),
        item(".B KRB5CCNAME", "The credential cache."),
        item('.BR KRB5_KTNAME , " KRB5_CLIENT_KTNAME"', "The keytab of services, and that of clients."),
        item(".B KRB5_TRACE", "A file, or /dev/stderr, that is told what KDCs are asked and answer."),
      ].join("\n"),
    ),
    seeAlso(Object.keys(all)),
  ]);
}

function page(name: string, summary: string, sections: readonly string[]): string {
  const head = `.TH ${name.toUpperCase().replaceAll("-", "\\-")} 1 ${VERSION_DATE} "gssocks ${VERSION}" "gssocks"`;
  return `${head}\n${section("NAME", `${text(name)} \\- ${text(summary)}`)}${sections.join("")}`;
}

function section(title: string, body: string): string {
  return `.SH ${title}\n${body}\n`;
}

function item(head: string, body: string): string {
  return `.TP\n${head}\n${body}`;
}

function optionText([name, { short, value, help }]: [string, OptionSpec]): string {
  const parts = [...short === undefined ? [] : [`\\fB\\-${short}\\fR, `], `\\fB\\-\\-${text(name)}\\fR`];
  if (value !== undefined) parts.push(` \\fI${text(value)}\\fR`);
  return item(parts.join(""), text(help));
}

function exitCodes(): string {
  return EXIT_CODES.map(([code, meaning]) => item(`.B ${code}`, text(`${capital(meaning)}.`))).join("\n");
}

function seeAlso(commands: readonly string[]): string {
  const pages = ["gssocks", ...commands.map((name) => `gssocks\\-${name}`)];
  const lines = pages.map((name, i) => `.BR ${name} (1)${i + 1 < pages.length ? " ," : ""}`);
  return section("SEE ALSO", lines.join("\n"));
}

/** Paragraphs; lines that are indented stay as they are. */
function prose(details: string): string {
  return details.trim().split(/\n{2,}/).map((paragraph) => {
    const lines = paragraph.split("\n");
    const plain = lines.filter((line) => !/^\s/.test(line));
    const indented = lines.filter((line) => /^\s/.test(line));
    const example = indented.length === 0
      ? []
      : [".RS 2", ".nf", ...indented.map((line) => text(line.trim())), ".fi", ".RE"];
    return [...plain.map(text), ...example].join("\n");
  }).join("\n.PP\n");
}

/** Text as it is: a backslash, a hyphen that may be typed, and the first character of a line mean something there. */
function text(line: string): string {
  return line.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^[.']/, "\\&$&");
}

function capital(sentence: string): string {
  return `${sentence[0]!.toUpperCase()}${sentence.slice(1)}`;
}
