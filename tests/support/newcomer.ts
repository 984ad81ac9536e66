/**
 * A newcomer at a shell, in a folder that is empty but for the files of a KDC which runs in the background.
 *
 * @module
 */
import { ShellSession } from "./shell_session.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** A newcomer's place. */
export interface Newcomer extends AsyncDisposable {
  readonly shell: ShellSession;
  /** Password of `alice`, which the KDC has printed. */
  readonly password: string;
  /** Keys to type at the prompt for it, for `shell.runs()`. */
  readonly login: readonly (readonly [prompt: RegExp, keys: string])[];
}

/** Opens a shell, and has the KDC run as its first job: `krb5.conf` and `proxy.keytab` are there then. */
export async function newcomer(): Promise<Newcomer> {
  const shell = await ShellSession.open((folder) => ({ KRB5_CONFIG: `${folder}/krb5.conf` }));
  const [, password = ""] = await shell.starts(
    "gssocks kdc --user alice --service rcmd/localhost --keytab proxy.keytab --krb5-conf krb5.conf",
    /Password of alice: ([0-9a-f]+)\r?\nKDC of GSSOCKS\.TEST listens on 127\.0\.0\.1:\d+, TCP and UDP\r?\n/,
  );
  return {
    shell,
    password,
    login: [[/Password for alice@GSSOCKS\.TEST: /, `${password}\r`]],
    [Symbol.asyncDispose]: () => shell[Symbol.asyncDispose](),
  };
}

/** Starts a proxy as the next job; returns its port. */
export async function startProxy(shell: ShellSession): Promise<string> {
  const serve = "gssocks serve --listen 127.0.0.1:0 --keytab proxy.keytab --allow localhost";
  return (await shell.starts(serve, /Listening on 127\.0\.0\.1:(\d+)/))[1]!;
}

/** Writes the deno.json of a project in which `jsr:@gssocks/gssocks`, and the name that `deno add` gives it, are this checkout. */
export async function startProject(shell: ShellSession, folder = ""): Promise<void> {
  const { imports, links, exports } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const own = Object.entries(exports as Record<string, string>).flatMap(([name, path]) =>
    ["jsr:@gssocks/gssocks", "@gssocks/gssocks"].map((start) => [
      `${start}${name.slice(1)}`,
      new URL(path, `file://${ROOT}`).href,
    ])
  );
  const paths = links.map((path: string) => new URL(path, `file://${ROOT}`).pathname);
  await shell.writes(
    `${folder}deno.json`,
    JSON.stringify({ imports: { ...imports, ...Object.fromEntries(own) }, links: paths }),
  );
}
