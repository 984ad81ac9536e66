/**
 * Environment variables and the user, through Deno or Node's modules.
 *
 * @module
 */
import { builtin, hasDeno } from "../../../base/builtin.ts";
import type { Environment } from "../environment.ts";

/** What the runtime tells about its process. */
interface NodeProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  getuid?(): number;
}

const node = (): NodeProcess | undefined => builtin<NodeProcess>("node:process");

/** The environment of this process. A runtime without one has no variables. */
export const systemEnvironment: Environment = {
  variable(name) {
    if (!hasDeno) return node()?.env[name];
    try {
      return Deno.env.get(name);
    } catch (error) {
      if (!isNotPermitted(error)) throw error;
      const problem = `the environment variable ${name} may not be read; allow it with --allow-env=${name}`;
      throw new Error(problem, { cause: error });
    }
  },
  userName() {
    const os = builtin<typeof import("node:os")>("node:os");
    if (os === undefined) throw new Error("the name of the user is not known here");
    try {
      return os.userInfo().username;
    } catch (error) {
      if (!isNotPermitted(error)) throw error;
      const problem = "the name of the user may not be read; allow it with --allow-sys=uid,gid,userInfo";
      throw new Error(problem, { cause: error });
    }
  },
  userNumber() {
    try {
      return (hasDeno ? Deno.uid() : node()?.getuid?.()) ?? undefined;
    } catch (error) {
      // Without --allow-sys=uid.
      if (!isNotPermitted(error)) throw error;
      return undefined;
    }
  },
};

/** Whether Deno's permissions do not suffice for what was tried. */
function isNotPermitted(error: unknown): boolean {
  return error instanceof Error && error.name === "NotCapable";
}
