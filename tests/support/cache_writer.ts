/**
 * A process that changes a credential cache while others do: `CACHE NAME COUNT` stores COUNT tickets of alice; with a
 * COUNT of 0 it reads commands from standard input, one per line.
 *
 * @module
 */
import { KerberosError } from "../../kerberos/errors.ts";
import { FileCredentialCache } from "../../kerberos/credentials/shell/stores.ts";
import { contents, ticket } from "./cache_contents.ts";

const [path, name, count] = Deno.args as [string, string, string];
const cache = new FileCredentialCache(path);

async function runCommand(command: string): Promise<string> {
  try {
    if (command === "store") await cache.store(ticket("alice@R.TEST", `rcmd/${name}@R.TEST`));
    else if (command === "destroy") await cache.destroy();
    else await cache.initialize(contents(command));
    return "done";
  } catch (error) {
    return error instanceof KerberosError ? error.code : String(error);
  }
}

async function writeLine(line: string): Promise<void> {
  const writer = Deno.stdout.writable.getWriter();
  await writer.write(new TextEncoder().encode(`${line}\n`));
  writer.releaseLock();
}

for (let i = 0; i < Number(count); i++) await cache.store(ticket("alice@R.TEST", `rcmd/${name}-${i}@R.TEST`));
if (count === "0") {
  await writeLine("ready");
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) await writeLine(await runCommand(line));
  }
}
