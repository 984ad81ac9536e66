/**
 * Markdown that the reference is written in.
 *
 * @module
 */

/** A cell of a table: one line, with a bar that does not end it. */
function cell(text: string): string {
  return text.replaceAll("\n", " ").replaceAll("|", "\\|");
}

/** A table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |\n`;
  return line(head) + line(head.map(() => "---")) + rows.map(line).join("");
}

/** Text as it is: a star or an angle bracket is itself. */
export function plain(text: string): string {
  return text.replace(/[*<]/g, "\\$&");
}

/** Text in the type of code. */
export function code(text: string): string {
  return `\`${text}\``;
}
