/** Addresses that targets are reached from: what this machine has not is refused before anybody is served. */
import assert from "node:assert/strict";
import { connect, noAuthentication, serve, type ServeOptions } from "../../mod.ts";
import { checkOwnAddresses } from "../../socks/stream/own_addresses.ts";
import { gssocks } from "../support/run_cli.ts";
import { echoServer } from "../support/servers.ts";

const LOCALHOST = "127.0.0.1";
/** RFC 5737 section 3: nobody has it. */
const NOBODYS = "192.0.2.77";

const options: ServeOptions = { port: 0, allowUnauthenticated: true, rules: ["allow localhost"] };

Deno.test("serve(): refuses an address of egress that this machine does not have", async () => {
  for (const egress of [[NOBODYS], [LOCALHOST, NOBODYS], ["2001:db8::77"]]) {
    assert.throws(() => serve({ ...options, egress: { addresses: egress } }), {
      name: "TypeError",
      message: new RegExp(`egress ${egress.at(-1)!.replaceAll(".", "\\.")}: this machine cannot use that address`),
    });
  }
  assert.throws(() => serve({ ...options, egress: { addresses: ["eth0"] } }), {
    name: "TypeError",
    message: /"eth0": it is no address of this machine/,
  });
  await using echo = echoServer();
  await using server = serve({ ...options, egress: { addresses: [LOCALHOST] } });
  const reach = async () => {
    const auth = [noAuthentication()];
    (await connect({
      proxy: { hostname: LOCALHOST, port: server.addr.port },
      auth,
      hostname: LOCALHOST,
      port: echo.port,
    })).close();
  };
  await reach();
  // One that comes later changes nothing.
  assert.throws(() => server.update({ ...options, rules: [], egress: { addresses: [NOBODYS] } }), {
    name: "TypeError",
  });
  await reach();
});

Deno.test("checkOwnAddresses(): accepts an address that it may not bind", () => {
  checkOwnAddresses([NOBODYS], () => {
    throw new Deno.errors.NotCapable("Requires net access");
  });
  let closed = 0;
  checkOwnAddresses([LOCALHOST, "::1"], ({ hostname, port }) => ({
    addr: { hostname, port },
    accept: () => Promise.resolve(undefined),
    close: () => void closed++,
  }));
  assert.equal(closed, 2, "nothing is left open");
});

Deno.test("serve: reports a foreign address of egress before it listens, as --check does", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const file = `${directory}/c.json`;
    const config = {
      listen: ["127.0.0.1:0"],
      methods: ["none"],
      rules: ["allow *"],
      egress: { addresses: [LOCALHOST, NOBODYS] },
    };
    await Deno.writeTextFile(file, JSON.stringify(config));
    for (const more of [["--check"], []]) {
      const { code, err, out } = await gssocks(["serve", "--config", file, ...more]);
      assert.notEqual(code, 0);
      assert.match(err, /egress 192\.0\.2\.77: this machine cannot use that address/);
      assert.doesNotMatch(err, /Listening/);
      assert.doesNotMatch(out, /is good/);
    }
    assert.match((await gssocks(["serve", "--config", file, "--check"])).err, /egress\.addresses\[1\]: /);
    await Deno.writeTextFile(file, JSON.stringify({ ...config, egress: { addresses: [LOCALHOST] } }));
    assert.equal((await gssocks(["serve", "--config", file, "--check"])).code, 0);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
