/**
 * The machine's files, settings and functions for names, through Deno. The program is never prompted for a permission: what it may not read
 * is left out.
 *
 * @module
 */
import { RecheckedValue } from "../names/rechecked_value.ts";
import type { ResolverEnvironment } from "../names/resolv_conf.ts";
import type { SystemNames } from "../names/system_names.ts";
import { denoDial } from "./deno_tcp.ts";
import { getAddresses, getNames } from "./getaddrinfo.ts";
import { type FileReader, parsedFile, versionText } from "./system_file.ts";
import { bindDatagrams } from "./udp_system.ts";

/** Files through Deno. */
export const denoFileReader: FileReader = {
  mayRead: (path) => isGranted({ name: "read", path }),
  versionOf(path) {
    try {
      const { mtime, size, ino, dev } = Deno.statSync(path);
      return versionText(mtime?.getTime(), size, ino, dev);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    }
  },
  open(path) {
    const file = Deno.openSync(path);
    return { size: file.statSync().size, read: (into) => file.readSync(into) ?? 0, close: () => file.close() };
  },
};

const interfaces = new RecheckedValue<readonly string[]>((before) => {
  if (!isGranted({ name: "sys", kind: "networkInterfaces" })) return before;
  return Deno.networkInterfaces().map(({ address }) => address);
});

function environment(): ResolverEnvironment {
  const env = (variable: string) => isGranted({ name: "env", variable }) ? Deno.env.get(variable) : undefined;
  return {
    host: isGranted({ name: "sys", kind: "hostname" }) ? Deno.hostname() : undefined,
    localDomain: env("LOCALDOMAIN"),
    options: env("RES_OPTIONS"),
  };
}

function isGranted(permission: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(permission).state === "granted";
}

/** Only Linux uses these files, and name servers need the permission for the whole network. */
function canQueryNameServers(): boolean {
  if (Deno.build.os !== "linux") return false;
  const { state, partial } = Deno.permissions.querySync({ name: "net" });
  return state === "granted" && !partial;
}

/** The machine's files, settings and functions for names, through Deno. */
export const denoNames: SystemNames = {
  sockets: { bind: bindDatagrams, dial: denoDial },
  file: (path, parse) => parsedFile(path, parse, denoFileReader),
  ownAddresses: () => interfaces.value,
  environment,
  canQueryNameServers,
  getAddresses,
  getNames,
};
