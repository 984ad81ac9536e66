/**
 * Environment variables and the user's number, through Deno.
 *
 * @module
 */
import type { Environment } from "../load.ts";

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
