/**
 * Environment variables and the user, through Deno.
 *
 * @module
 */
import type { Environment } from "../environment.ts";

/** The environment of this process. */
export const denoEnvironment: Environment = {
  variable(name) {
    try {
      return Deno.env.get(name);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotCapable)) throw error;
      const problem = `the environment variable ${name} may not be read; allow it with --allow-env=${name}`;
      throw new Error(problem, { cause: error });
    }
  },
  userName() {
    try {
      return nodeOs().userInfo().username;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotCapable)) throw error;
      const problem = "the name of the user may not be read; allow it with --allow-sys=uid,gid,userInfo";
      throw new Error(problem, { cause: error });
    }
  },
  userNumber() {
    try {
      return Deno.uid() ?? undefined;
    } catch (error) {
      // Without --allow-sys=uid.
      if (!(error instanceof Deno.errors.NotCapable)) throw error;
      return undefined;
    }
  },
};

/** `node:os`, obtained without an import, so that this module loads where there is none. */
function nodeOs(): { userInfo(): { readonly username: string } } {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  const os = process?.getBuiltinModule?.("node:os");
  if (os === undefined) throw new Error("the name of the user is not known here");
  return os as ReturnType<typeof nodeOs>;
}
