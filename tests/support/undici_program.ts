/**
 * Fetches a page three times by npm:undici through a proxy, with the tickets of the environment; prints the answers.
 *
 * @module
 */
import { Agent, request } from "undici";
import { undiciConnector } from "../../proxy/node.ts";

const [proxy, url] = Deno.args as [string, string];
const dispatcher = new Agent({ connections: 1, connect: undiciConnector({ proxy }) });
const answers: string[] = [];
for (let i = 0; i < 3; i++) {
  const { body, statusCode } = await request(url, { dispatcher });
  answers.push(`${statusCode} ${await body.text()}`);
}
await dispatcher.close();
// deno-lint-ignore no-console
console.log(answers.join("\n"));
