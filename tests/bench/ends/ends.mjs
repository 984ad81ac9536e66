/**
 * Both ends of contexts of npm's "kerberos" (an addon on MIT's library) in one process of Node.js: `node ends.mjs FOLDER`, with
 * the folder that has the package. Of the commands of ends.c, it has "pairs" only: the package's wrap() takes no message, but
 * makes the answer of SASL's negotiation, and its server has neither wrap nor unwrap.
 */
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const kerberos = createRequire(`${process.argv[2]}/`)("kerberos");

async function pair() {
  const client = await kerberos.initializeClient("rcmd@localhost", { gssFlags: kerberos.GSS_C_MUTUAL_FLAG });
  const server = await kerberos.initializeServer("rcmd@localhost");
  await server.step(await client.step(""));
  await client.step(server.response);
  if (!client.contextComplete || !server.contextComplete) throw new Error("not established");
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, seconds] = line.split(" ");
  if (command !== "pairs") throw new Error(`no command ${command}`);
  const [start, before] = [performance.now(), process.cpuUsage()];
  let count = 0;
  for (; performance.now() - start < Number(seconds) * 1000; count++) await pair();
  const { user, system } = process.cpuUsage(before);
  // deno-lint-ignore no-console
  console.log(`${count} ${(performance.now() - start) / 1000} ${(user + system) / 1e6}`);
}
