// deno-lint-ignore-file no-console
/** A proxy in Node or Bun, with its keytab in a file, until SIGINT. */
import { serve } from "@gssocks/gssocks";

let sessions = 0;
const server = serve({
  hostname: "127.0.0.1",
  port: 0,
  keytab: process.argv[2],
  rules: ["allow localhost"],
  onEvent: ({ type }) => void (sessions += type === "closed" ? 1 : 0),
});
process.once("SIGINT", () => void server.shutdown());
console.log(`listening on ${server.addr.port}`);
await server.finished;
console.log(`stopped after ${sessions} session`);
