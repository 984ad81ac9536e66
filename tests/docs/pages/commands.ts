/**
 * The reference of commands, out of the tables from which `--help` is made.
 *
 * @module
 */
import { type Command, COMMON } from "../../../cli/command/command.ts";
import { gssocks } from "../../support/run_cli.ts";
import { code, plain, table } from "./markdown.ts";

/** Names of the commands in the order of `gssocks --help`. */
async function commandNames(): Promise<string[]> {
  const { out } = await gssocks(["--help"]);
  return [...out.split("Commands:")[1]!.split("\n\n")[0]!.matchAll(/^ {2}(\w+) /gm)].map(([, name]) => name!);
}

/** One command: its usage, its options, what else its help says. */
function section(name: string, command: Command): string {
  const { summary, usage, options, details } = command;
  const rows = Object.entries({ ...options, ...COMMON }).map(([option, { short, value, multiple, help }]) => {
    const names = [...short === undefined ? [] : [code(`-${short}`)], code(`--${option}${value ? ` ${value}` : ""}`)];
    return [names.join(" "), `${plain(help)}${multiple ? " (more than once)" : ""}`];
  });
  const more = details === undefined
    ? ""
    : `\n${plain(details.trim().split("\n").map((line) => line.trim()).join("\n"))}\n`;
  const what = `${summary[0]!.toUpperCase()}${summary.slice(1)}.`;
  return `## gssocks ${name}\n\n${what}\n\n${code(`gssocks ${name} ${usage}`)}\n\n${
    table(["option", "meaning"], rows)
  }${more}`;
}

/** All commands. */
export async function commandSections(): Promise<string> {
  const sections = [];
  for (const name of await commandNames()) {
    const { command } = await import(`../../../cli/commands/${name}.ts`) as { command: Command };
    sections.push(section(name, command));
  }
  return sections.join("\n");
}
