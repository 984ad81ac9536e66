/**
 * What MIT's library makes of krb5.conf, through `tests/interop/peers/profile_dump.c`.
 *
 * @module
 */
import { peer } from "./peers.ts";
import { run } from "./process.ts";

/** Lines of one answer, each with its fields. */
type Answer = readonly (readonly string[])[];

/** Asks all questions in one process. */
export async function askMit(questions: readonly (readonly ["file" | "deltat", string])[]): Promise<readonly Answer[]> {
  const encoder = new TextEncoder();
  const encoded = (text: string) =>
    [...encoder.encode(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  const stdin = questions.map(([kind, text]) => `${kind} ${encoded(text)}\n`).join("");
  // Settings of whoever runs the tests are not to count.
  const { stdout } = await run("env", ["-u", "KRB5CCNAME", "-u", "KRB5_CONFIG", "-u", "TMPDIR", peer("profile_dump")], {
    stdin,
  });
  const answers = stdout.split(/^\.\n/m).slice(0, -1);
  if (answers.length !== questions.length) {
    throw new Error(`${answers.length} answers to ${questions.length} questions`);
  }
  return answers.map((answer) =>
    answer.split("\n").filter((line) => line !== "").map((line) => line.split("\t").map(decoded))
  );
}

function decoded(field: string): string {
  const bytes: number[] = [];
  for (let i = 0; i < field.length; i++) {
    if (field[i] === "%") bytes.push(parseInt(field.slice(i + 1, (i += 2) + 1), 16));
    else bytes.push(field.charCodeAt(i));
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
