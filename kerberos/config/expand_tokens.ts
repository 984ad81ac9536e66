/**
 * Parameters in names of caches and keytabs, such as `%{uid}`.
 *
 * @module
 */
import { KerberosError } from "../errors.ts";
import type { Environment } from "./environment.ts";
import { systemFailure } from "./system_error.ts";

/** Parameters that depend on how MIT krb5 was installed, or on Windows. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  ...["LIBDIR", "BINDIR", "SBINDIR"],
  ...["APPDATA", "COMMON_APPDATA", "LOCAL_APPDATA", "SYSTEM", "WINDOWS", "USERCONFIG", "COMMONCONFIG"],
]);

/**
 * Expands the parameters of a name.
 *
 * @param instead What to do where the number of the user may not be read, for the error.
 * @throws {KerberosError} `BAD_CONFIG`, with the parameter, if it is not known or cannot be had; `NO_CREDENTIALS` if the number or name
 * of the user may not be read.
 */
export function expandTokens(name: string, environment: Environment, instead: string): string {
  const end = name.lastIndexOf("%{");
  if (end >= 0 && !name.includes("}", end)) {
    throw new KerberosError("BAD_CONFIG", `Cannot expand ${name}: the brace after the last %{ is not closed`);
  }
  return name.replace(/%\{([^}]*)\}/g, (_, token: string) => valueOf(token, name, { environment, instead }));
}

/** Where values come from, and what the error says where one does not. */
interface Source {
  readonly environment: Environment;
  readonly instead: string;
}

function valueOf(token: string, name: string, { environment, instead }: Source): string {
  switch (token) {
    case "uid":
    case "euid":
    case "USERID":
      return userNumber(name, { environment, instead });
    case "username":
      return attempt(name, () => environment.userName());
    case "TEMP":
      return attempt(name, () => environment.variable("TMPDIR") || "/tmp");
    case "null":
      return "";
    default: {
      const problem = ELSEWHERE.has(token)
        ? `%{${token}} depends on how MIT krb5 was installed; write the path itself`
        : `%{${token}} is not known`;
      throw new KerberosError("BAD_CONFIG", `Cannot expand ${name}: ${problem}`);
    }
  }
}

function userNumber(name: string, { environment, instead }: Source): string {
  const uid = environment.userNumber();
  if (uid !== undefined) return String(uid);
  throw new KerberosError("NO_CREDENTIALS", `Cannot expand ${name}: ${instead}, or allow --allow-sys=uid`);
}

function attempt(name: string, read: () => string): string {
  try {
    return read();
  } catch (error) {
    throw systemFailure("BAD_CONFIG", `Cannot expand ${name}`, error);
  }
}
