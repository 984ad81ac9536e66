/**
 * Starts a client under test by a command that the user gives.
 *
 * @module
 */
import type { ClientStart } from "../../conform/check_client.ts";
import type { ClientEnd, RunningClient } from "../../conform/client/stage.ts";
import { formatEndpoint } from "../../socks/wire/address.ts";
import { UsageError } from "../command/command.ts";

/** Words in braces that the command may have, and what stands for each. */
const PLACES: Readonly<Record<string, (how: ClientStart) => string>> = {
  proxy: ({ proxy }) => formatEndpoint(proxy),
  proxy_host: ({ proxy }) => proxy.hostname,
  proxy_port: ({ proxy }) => String(proxy.port),
  target: ({ target }) => formatEndpoint(target),
  target_host: ({ target }) => target.hostname,
  target_port: ({ target }) => String(target.port),
  part: ({ part }) => part,
};

/**
 * Returns what starts the client: a command in words, as a shell has them, without a shell.
 *
 * @throws {UsageError} When the command has no words, a quote without an end, or a place that is not known.
 */
export function clientCommand(
  text: string,
  env: Readonly<Record<string, string>>,
): (how: ClientStart) => RunningClient {
  const words = splitWords(text);
  for (const [, place] of text.matchAll(/\{(\w+)\}/g)) {
    if (!Object.hasOwn(PLACES, place!)) {
      throw new UsageError(
        `--run: {${place}} is not known; there are ${Object.keys(PLACES).map((name) => `{${name}}`).join(", ")}`,
      );
    }
  }
  if (!/\{proxy(?:_port)?\}/.test(text)) {
    throw new UsageError("--run: the command needs {proxy}, or {proxy_host} and {proxy_port}");
  }
  return (how) => start(words.map((word) => word.replace(/\{(\w+)\}/g, (_, place) => PLACES[place]!(how))), env);
}

function start([program, ...args]: readonly string[], env: Readonly<Record<string, string>>): RunningClient {
  const child = new Deno.Command(program!, { args, env, stdin: "null", stdout: "piped", stderr: "null" }).spawn();
  return {
    ended: child.output().then(({ code, stdout }): ClientEnd => ({ code, output: new TextDecoder().decode(stdout) })),
    stop(): void {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
    },
  };
}

/** The words of a command; quotes keep spaces, as in a shell. */
export function splitWords(text: string): [string, ...string[]] {
  const words: string[] = [];
  for (const [word] of text.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*'|["'])+/g)) {
    const bare = word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2");
    if (/["']/.test(word.replace(/"[^"]*"|'[^']*'/g, ""))) throw new UsageError("--run: a quote has no end");
    words.push(bare);
  }
  if (words.length === 0) throw new UsageError("--run: the command has no words");
  return words as [string, ...string[]];
}
