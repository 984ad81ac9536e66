/**
 * The reference of a server's settings, out of the table from which the schema and the options are made.
 *
 * @module
 */
import { configJsonSchema, PLACED_OPTIONS, SETTINGS_AT_START } from "../../../cli/config/server_config.ts";
import { code, plain, table } from "./markdown.ts";

/** The part of JSON Schema that settings use. */
interface Schema {
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly pattern?: string;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
}

/** What the items of a list are. */
function listed(items: Schema): string {
  if (items.anyOf?.some(({ properties }) => properties !== undefined)) return "texts and objects";
  return items.enum === undefined ? "texts" : kindOf(items);
}

/** What a value may be, in words. */
function kindOf({ type, enum: words, const: only, pattern, items, anyOf }: Schema): string {
  if (anyOf !== undefined) {
    const kinds = new Set(anyOf.map(kindOf));
    for (const kind of ["time", "size"]) if (kinds.has(kind)) return kind;
    return [...kinds].join(", or ");
  }
  if (only !== undefined) return code(only);
  if (words !== undefined) return words.map(code).join(", ");
  if (pattern?.includes("never")) return "time";
  if (pattern !== undefined) return "size";
  if (type === "array") return `list of ${listed(items ?? {})}`;
  return { string: "text", boolean: "true or false", integer: "number", object: "object" }[type ?? ""] ?? "";
}

/** The options that give a setting. */
function optionsFor(path: string): string {
  const placed = PLACED_OPTIONS.find((option) => option.path.join(".") === path);
  return Object.keys(placed?.options ?? {}).map((name) => code(`--${name}`)).join(" ");
}

/** Settings of the configuration, below a group or at its top. */
function placedRows(properties: Readonly<Record<string, Schema>>, under = ""): string[][] {
  return Object.entries(properties).filter(([name]) => !name.startsWith("$")).map(([name, schema]) => {
    const path = `${under}${name}`;
    const restart = SETTINGS_AT_START.some((setting) => setting === path) ? ". A change needs a restart" : "";
    return [code(path), kindOf(schema), optionsFor(path), `${plain(schema.description ?? "")}${restart}`];
  });
}

/** Members of an object that stands in a list. */
function memberRows(properties: Readonly<Record<string, Schema>>): string[][] {
  return Object.entries(properties).map(([name, schema]) => [
    code(name),
    kindOf(schema),
    plain(schema.description ?? ""),
  ]);
}

const HEAD = ["setting", "value", "option", "meaning"];

/** The object that the items of a list, the members of an object, or a value that may be a text too, are. */
function insideOf({ items, additionalProperties, anyOf = [] }: Schema): Schema | undefined {
  const inner = items ?? (typeof additionalProperties === "object" ? additionalProperties : undefined);
  return [inner, ...inner?.anyOf ?? [], ...anyOf].find((schema) => schema?.properties !== undefined);
}

/** All settings: those at the top, then each group. */
export function settingSections(): string {
  const { properties = {} } = configJsonSchema() as Schema;
  const groups = Object.entries(properties).filter(([, schema]) =>
    schema.properties !== undefined || insideOf(schema) !== undefined
  );
  const sections = groups.map(([name, schema]) => {
    const restart = SETTINGS_AT_START.some((setting) => setting === name) ? " A change needs a restart." : "";
    const what = `## ${name}\n\n${schema.description}.${restart}`;
    return schema.properties === undefined
      ? `${what} An object in ${code(name)} has:\n\n${
        table(["member", "value", "meaning"], memberRows(insideOf(schema)!.properties!))
      }`
      : `${what}\n\n${table(HEAD, placedRows(schema.properties, `${name}.`))}`;
  });
  const top = Object.entries(properties).filter(([, schema]) => schema.properties === undefined);
  return [`## At the top\n\n${table(HEAD, placedRows(Object.fromEntries(top)))}`, ...sections].join("\n");
}
