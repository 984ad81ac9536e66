/**
 * The machine's files, settings and functions for names, through Node's modules.
 *
 * @module
 */
import { builtin, requireBuiltin } from "../../base/builtin.ts";
import { RecheckedValue } from "../names/rechecked_value.ts";
import type { SystemNames } from "../names/system_names.ts";
import { getAddresses, getNames } from "./getaddrinfo.ts";
import { nodeDial } from "./node_dial.ts";
import { type FileReader, parsedFile, versionText } from "./system_file.ts";
import { bindDatagrams } from "./udp_system.ts";

/** Files through `node:fs`. A runtime without it has no such files. */
export const nodeFileReader: FileReader = {
  mayRead: () => builtin("node:fs") !== undefined,
  versionOf(path) {
    const found = fs().statSync(path, { throwIfNoEntry: false });
    return found === undefined ? "" : versionText(found.mtimeMs, found.size, found.ino, found.dev);
  },
  open(path) {
    const { openSync, fstatSync, readSync, closeSync } = fs();
    const file = openSync(path, "r");
    return { size: fstatSync(file).size, read: (into) => readSync(file, into), close: () => closeSync(file) };
  },
};

function fs(): typeof import("node:fs") {
  return requireBuiltin("node:fs", "read files", "pass what is in them");
}

function os(): typeof import("node:os") | undefined {
  return builtin("node:os");
}

const interfaces = new RecheckedValue<readonly string[]>(() =>
  Object.values(os()?.networkInterfaces() ?? {}).flatMap((all) => (all ?? []).map(({ address }) => address))
);

/** What the runtime tells about its process. */
function thisProcess(): { readonly platform?: string; readonly env?: Readonly<Record<string, string | undefined>> } {
  return builtin<{ env: Record<string, string> }>("node:process") ?? {};
}

/** The machine's files, settings and functions for names, through Node's modules. */
export const nodeNames: SystemNames = {
  sockets: { bind: bindDatagrams, dial: nodeDial },
  file: (path, parse) => parsedFile(path, parse, nodeFileReader),
  ownAddresses: () => interfaces.value,
  environment() {
    const { env = {} } = thisProcess();
    return { host: os()?.hostname(), localDomain: env["LOCALDOMAIN"], options: env["RES_OPTIONS"] };
  },
  // Only Linux uses these files.
  canQueryNameServers: () => thisProcess().platform === "linux",
  getAddresses,
  getNames,
};
