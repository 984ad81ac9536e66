/** Tutorials: each runs from an empty folder to its end, line by line, and shows what it says. */
import assert from "node:assert/strict";
import { peerTest } from "../support/peers.ts";
import { isShown, playTutorial, tutorialSteps } from "../support/tutorial.ts";

const TUTORIALS = new URL("../../docs/tutorials/", import.meta.url);

for (const name of ["administrator", "desktop", "library", "edge"]) {
  peerTest(`tutorial: ${name} runs line by line, and shows what it says`, ["bash", "script", "curl"], async () => {
    await playTutorial(await Deno.readTextFile(new URL(`${name}.md`, TUTORIALS)));
  });
}

Deno.test("tutorial: every file of the folder is run", () => {
  const names = [...Deno.readDirSync(TUTORIALS)].map(({ name }) => name).sort();
  assert.deepEqual(names, ["administrator.md", "desktop.md", "edge.md", "library.md"]);
});

peerTest("tutorial: a line that fails, or shows something else, fails the test", ["bash", "script"], async () => {
  const block = (words: string, text: string) => `\`\`\`${words}\n${text}\n\`\`\`\n`;
  await playTutorial(block("sh", "echo one\necho two") + block("text", "one\ntwo"));
  await playTutorial(block("sh exit=3", "(exit 3)") + block("json file=a.txt", "here"));
  await assert.rejects(playTutorial(block("sh", "echo one") + block("text", "two")), /line 1: echo one/);
  await assert.rejects(playTutorial(block("sh", "echo one")), /line 1: echo one/, "what is shown is said");
  await assert.rejects(playTutorial(block("sh", "false")), /1 !== 0/);
});

Deno.test("tutorial: times and ports of clients may differ, and nothing else", () => {
  const said = "2026-11-26T17:30:26.448Z [1] connection from 127.0.0.1:53938\n...\nthe end";
  assert.ok(isShown("2027-01-01T00:00:00.000Z [1] connection from 127.0.0.1:40000\nx\ny\nthe end\n", said));
  assert.ok(!isShown("2027-01-01T00:00:00.000Z [2] connection from 127.0.0.1:40000\nx\ny\nthe end\n", said));
  assert.ok(!isShown("2027-01-01T00:00:00.000Z [1] connection from 127.0.0.1:40000\nthe end, or not\n", said));
  assert.throws(() => tutorialSteps("```text\nx\n```\n"), /line 1: no commands show this/);
});
