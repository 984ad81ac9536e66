/**
 * Kinds of settings. A setting says once what the configuration file may have, how an option of the command line gives the same,
 * and what it is for: the schema, the options, the help and the reading of arguments are made from it.
 *
 * @module
 */
import { z } from "zod";
import { reasonText } from "../../base/reason.ts";
import { count } from "../command/options.ts";
import { type OptionSpec, type ParsedArguments, UsageError } from "../command/command.ts";
import { readSize, readTime, SIZE_FORMS, SIZE_PATTERN, TIME_FORMS, TIME_PATTERN } from "../command/units.ts";

/** A setting: reads a value of the configuration file. */
type Setting<T> = z.ZodType<T | undefined>;

/** Settings of a group, one for each of its members. */
export type Settings<T> = { readonly [K in keyof Required<T>]: Setting<T[K]> };

/** The option of a setting: its name without dashes, and what its value is called in the help. */
interface NamedOption extends Omit<OptionSpec, "help" | "multiple"> {
  readonly name: string;
}

/** Options that give a setting. */
export interface SettingOptions {
  /** Options by name. */
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Reads the value as the configuration file would have it, or `undefined` if no option gives it. */
  readonly read: (args: ParsedArguments) => unknown;
}

/** Options of settings. The value is a `SettingOptions`, whose functions the type of a registry cannot express. */
const OPTIONS = z.registry<{ readonly given: unknown }>();

/** Settings that count from the start of the server on, whatever a reload finds. */
const AT_START = new WeakSet<z.core.$ZodType>();

/** Marks a setting: a reload does not take it, and says that it needs a restart. */
export function atStart<T>(setting: Setting<T>): Setting<T> {
  AT_START.add(setting);
  return setting;
}

/** Whether a setting is so marked. */
export function needsRestart(setting: z.core.$ZodType): boolean {
  return AT_START.has(setting);
}

/** A schema whose values must also be readable: what `read` throws is what is wrong with a value. */
export function readable<T>(schema: z.ZodType<T>, read: (value: T) => unknown): z.ZodType<T> {
  return schema.superRefine((value, context) => {
    try {
      read(value);
    } catch (error) {
      context.addIssue({ code: "custom", message: reasonText(error) });
    }
  });
}

/** Creates a setting of any kind. */
export function setting<T>(schema: z.ZodType<T>, help: string, options?: SettingOptions): Setting<T> {
  const described = schema.optional().describe(help);
  if (options !== undefined) OPTIONS.add(described, { given: options });
  return described;
}

/** A setting that its group must have. */
export function required<T>(schema: z.ZodType<T>, help: string, options: SettingOptions): z.ZodType<T> {
  const described = schema.describe(help);
  OPTIONS.add(described, { given: options });
  return described;
}

/** A setting with one option, which has the same help. */
function simple<T>(
  schema: z.ZodType<T>,
  help: string,
  option: NamedOption | undefined,
  { multiple = false, read }: { multiple?: boolean; read: (args: ParsedArguments, name: string) => unknown },
): Setting<T> {
  if (option === undefined) return setting(schema, help);
  const { name, ...spec } = option;
  return setting(schema, help, { options: { [name]: { ...spec, multiple, help } }, read: (args) => read(args, name) });
}

const one = (args: ParsedArguments, name: string) => args.value(name);
const number = (args: ParsedArguments, name: string) => {
  const text = args.value(name);
  return text === undefined ? undefined : count(`--${name}`, text);
};

const COUNT = z.number().int().positive();
const TIME_WANTED = `a time is wanted: ${TIME_FORMS}`;
const TIME = z.union([
  z.number().int().nonnegative(),
  z.string().refine((text) => readTime(text) !== undefined, TIME_WANTED).meta({ pattern: TIME_PATTERN }),
], { error: TIME_WANTED });
const SIZE_WANTED = `bytes are wanted: ${SIZE_FORMS}`;
const SIZE = z.union([
  COUNT,
  z.string().refine((text) => readSize(text) !== undefined, SIZE_WANTED).meta({ pattern: SIZE_PATTERN }),
], { error: SIZE_WANTED });
/** A list with at least one text. */
export const TEXTS: z.ZodType<readonly string[]> = z.array(z.string()).nonempty();

/** A switch. */
export function flag(help: string, option?: NamedOption): Setting<boolean> {
  return simple(z.boolean(), help, option, { read: (args, name) => args.has(name) || undefined });
}

/** One text. */
export function text(help: string, option?: NamedOption): Setting<string> {
  return simple(z.string(), help, option, { read: one });
}

/** One of a few words. */
export function choice<T extends string>(words: readonly T[], help: string, option?: NamedOption): Setting<T> {
  return simple(z.enum(words) as unknown as z.ZodType<T>, help, option, { read: one });
}

/** A list whose option is given once for each item; `read` throws for an item that cannot be read. */
export function texts(
  help: string,
  option?: NamedOption,
  read?: (text: string) => unknown,
): Setting<readonly string[]> {
  const schema = read === undefined ? TEXTS : z.array(readable(z.string(), read)).nonempty();
  return simple<readonly string[]>(schema, help, option, { multiple: true, read: many });
}

/** Reads the values of an option that may be given more than once. */
export function many(args: ParsedArguments, name: string): readonly string[] | undefined {
  const values = args.ordered(name).map(({ value }) => value);
  return values.length === 0 ? undefined : values;
}

/** A list of words, with commas between them in the option. */
export function list<T extends string>(
  words: readonly T[] | undefined,
  help: string,
  option?: NamedOption & { readonly mayBeEmpty?: boolean },
): Setting<readonly T[]> {
  const item = words === undefined ? z.string() : z.enum(words);
  const items = z.array(item as unknown as z.ZodType<T>);
  const { mayBeEmpty = false, ...named } = option ?? { name: "" };
  const schema = mayBeEmpty ? items : items.nonempty() as unknown as typeof items;
  return simple<readonly T[]>(schema, help, option === undefined ? undefined : named, {
    read: (args, name) => {
      const given = args.value(name)?.split(",").map((item) => item.trim()).filter((item) => item !== "");
      if (given?.length === 0) throw new UsageError(`--${name} "${args.value(name)}" is an empty list`);
      return given;
    },
  });
}

/** A time, in milliseconds once it is read. */
export function time(help: string, option?: NamedOption): Setting<number> {
  const schema = TIME.transform((value) => typeof value === "number" ? value : readTime(value)!);
  return simple(schema, help, option && { value: "TIME", ...option }, {
    read: (args, name) => /^\d+$/.test(args.value(name) ?? "") ? number(args, name) : args.value(name),
  });
}

/** A number of bytes. */
export function size(help: string, option?: NamedOption): Setting<number> {
  const schema = SIZE.transform((value) => typeof value === "number" ? value : readSize(value)!);
  return simple(schema, help, option && { value: "SIZE", ...option }, {
    read: (args, name) => /^\d+$/.test(args.value(name) ?? "") ? number(args, name) : args.value(name),
  });
}

/** A number from 1. */
export function amount(help: string, option?: NamedOption): Setting<number> {
  return simple(COUNT, help, option && { value: "N", ...option }, { read: number });
}

/** A number from 0. */
export function amountOrNone(
  help: string,
  { maximum, ...option }: NamedOption & { readonly maximum?: number },
): Setting<number> {
  const whole = z.number().int().nonnegative();
  const schema = maximum === undefined ? whole : whole.max(maximum);
  return simple(schema, help, { value: "N", ...option }, { read: number });
}

/** A number from 1, or `any`, which is `Infinity` once it is read. */
export function share(help: string, option?: NamedOption): Setting<number> {
  const schema = z.union([COUNT, z.literal("any")], { error: "a number from 1 is wanted, or any" })
    .transform((value) => value === "any" ? Infinity : value);
  return simple(schema, help, option && { value: "N", ...option }, {
    read: (args, name) => args.value(name) === "any" ? "any" : number(args, name),
  });
}

/** A group of settings; every member of the type has one. */
export function group<T>(settings: Settings<T>, help: string): Setting<T> {
  return z.strictObject(settings).optional().describe(help) as unknown as Setting<T>;
}

/** A setting with its path and the options that give it. */
export interface PlacedOptions extends SettingOptions {
  /** Names from the top of the configuration. */
  readonly path: readonly string[];
}

/** Returns the settings that have options, in their order. */
export function optionsOf(
  settings: Readonly<Record<string, z.core.$ZodType>>,
  under: readonly string[] = [],
): PlacedOptions[] {
  return Object.entries(settings).flatMap(([name, schema]) => {
    const path = [...under, name];
    const own = OPTIONS.get(schema)?.given as SettingOptions | undefined;
    if (own !== undefined) return [{ ...own, path }];
    const inner = schema instanceof z.ZodOptional ? schema.unwrap() : schema;
    return inner instanceof z.ZodObject ? optionsOf(inner.shape, path) : [];
  });
}
