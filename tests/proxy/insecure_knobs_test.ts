/** Knobs for odd clients: off, and on by the library, the file and the command line. */
import assert from "node:assert/strict";
import { readArguments } from "../../cli/command/command.ts";
import { serverConfig } from "../../cli/config/serve_arguments.ts";
import { serveOptions } from "../../cli/config/serve_options.ts";
import { command } from "../../cli/commands/serve.ts";
import { serve, type ServeOptions } from "../../mod.ts";
import { ALL_FLAGS } from "../support/flags.ts";
import { ForgedClient } from "../support/forge_socks.ts";
import { credentialPair, memoryRealm } from "../support/gss_pair.ts";
import { pipe } from "../support/pipe.ts";
import { startRealmFolder } from "../support/realm_folder.ts";

const realm = await memoryRealm();
const { initiator } = credentialPair(realm);

/** The level and the reply that a client with such flags gets; `"01ff"` where it gets none. */
async function attempt(options: ServeOptions, flags: Partial<typeof ALL_FLAGS>): Promise<(number | "01ff")[]> {
  await using server = serve({
    rules: ["allow *"],
    dial: () => Promise.resolve(pipe()[0]),
    ...options,
    // A memory that reaches back far enough for clients without mutual authentication.
    gssapi: { replayCache: { insert: () => true, knowsSince: 0 }, ...options.gssapi },
    listeners: [],
  });
  const [near, far] = pipe();
  void server.serveConnection(far);
  try {
    const client = await ForgedClient.open(near, {
      credential: initiator,
      flags: { ...ALL_FLAGS, ...flags },
      greeting: true,
    });
    const { type, data } = await client.level(2);
    if (type !== 2) return ["01ff"];
    return [data[0]!, (await client.request({ command: 1, hostname: "93.184.216.34", port: 80 })).reply];
  } finally {
    near.close();
  }
}

Deno.test("serve(): each insecure option accepts its own clients, and no others", async () => {
  const keytab = realm.keytab("rcmd/localhost");
  const odd = { mutual: { mutual: false }, replay: { replay: false, sequence: false }, sequence: { sequence: false } };
  const cases: [ServeOptions, keyof typeof odd, (number | "01ff")[]][] = [
    [{}, "mutual", ["01ff"]],
    [{}, "replay", ["01ff"]],
    [{}, "sequence", [2, 2]],
    [{ gssapi: { insecureWithoutMutual: true } }, "mutual", [2, 0]],
    [{ gssapi: { insecureWithoutMutual: true } }, "replay", ["01ff"]],
    [{ gssapi: { insecureWithoutMutual: true } }, "sequence", [2, 2]],
    [{ gssapi: { insecureUnordered: true } }, "mutual", ["01ff"]],
    [{ gssapi: { insecureUnordered: true } }, "replay", [2, 0]],
    [{ gssapi: { insecureUnordered: true } }, "sequence", [2, 0]],
    [{ gssapi: { insecureWithoutMutual: false, insecureUnordered: undefined } }, "sequence", [2, 2]],
  ];
  for (const [knobs, flags, wanted] of cases) {
    assert.deepEqual(await attempt({ keytab, ...knobs }, odd[flags]), wanted, `${JSON.stringify(knobs)} ${flags}`);
  }
});

Deno.test("insecure options: command line and file turn on each by its name", async () => {
  await using folder = await startRealmFolder();
  const file = `${folder.directory}/config.json`;
  const knobs = ["insecureWithoutMutual", "insecureUnordered"] as const;
  const flags = ["--insecure-without-mutual", "--insecure-unordered"];
  const read = (args: string[]) => {
    const options = serveOptions(serverConfig(readArguments(command, ["-k", folder.keytab, ...args])));
    return knobs.map((knob) => options.gssapi?.[knob]);
  };
  assert.deepEqual(read([]), [undefined, undefined]);
  for (const [i, knob] of knobs.entries()) {
    const only = knobs.map((other) => other === knob ? true : undefined);
    assert.deepEqual(read([flags[i]!]), only);
    await Deno.writeTextFile(file, JSON.stringify({ gssapi: { [knob]: true } }));
    assert.deepEqual(read(["--config", file]), only);
  }
  await Deno.writeTextFile(file, JSON.stringify({ insecureUnordered: true }));
  assert.throws(() => read(["--config", file]), /insecureUnordered/);
});
