/** Rules about users from end to end: tickets of an embedded KDC, a server started as the command line and a file say. */
import assert from "node:assert/strict";
import { connect, serve, systemTickets } from "../../mod.ts";
import { parseRuleText } from "../../socks/rules/parse_rule.ts";
import { gssocks } from "../support/run_cli.ts";
import { startRealmFolder } from "../support/realm_folder.ts";
import { echoServer } from "../support/servers.ts";

const NAMES = ["John Doe", "Doe, John", 'J "x" = Doe', "eve\\\\", "EVE", "eve\\@gssocks.test", "h*", "service/one"];

Deno.test("rules: match the users named, and every spelling of those denied", async () => {
  await using realm = await startRealmFolder({ principals: Object.fromEntries(NAMES.map((name) => [name, "pw"])) });
  await using echo = echoServer();
  const config = `${realm.directory}/config.json`;
  await Deno.writeTextFile(
    config,
    JSON.stringify({
      rules: [
        { action: "deny", destinations: ["*"], users: ['J "x" = Doe@GSSOCKS.TEST'] },
        "deny *,user=eve@GSSOCKS.TEST",
        "allow localhost,user=h\\*@GSSOCKS.TEST",
        "allow localhost,user=service/*@GSSOCKS.TEST",
        { action: "allow", destinations: ["localhost"], users: ["John Doe@GSSOCKS.TEST", "eve*"] },
      ],
    }),
  );
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  const serving = gssocks([
    ...["serve", "-f", config, "-l", "127.0.0.1:0", "-k", realm.keytab, "--drain-timeout", "0"],
    ...["--allow", `localhost:${echo.port},user="Doe, John@GSSOCKS.TEST"`],
  ], {
    signal: stop.signal,
    onErr: (text) => {
      const port = /Listening on 127\.0\.0\.1:(\d+)/.exec(text)?.[1];
      if (port !== undefined) listening.resolve(Number(port));
    },
  });
  const proxy = { hostname: "localhost", port: await listening.promise };
  const allowed: string[] = [];
  for (const name of [...NAMES, "alice"]) {
    const credentials = systemTickets({
      config: realm.kdc.config,
      principal: name.replaceAll("*", "\\*"),
      password: name === "alice" ? "alicepw" : "pw",
    });
    try {
      await using _connection = await connect({ proxy, credentials, hostname: "127.0.0.1", port: echo.port });
      allowed.push(name);
    } catch (error) {
      assert.equal((error as { code?: string }).code, "NOT_ALLOWED", name);
    }
  }
  stop.abort();
  const { err } = await serving;
  assert.deepEqual(allowed, ["John Doe", "Doe, John", "eve\\\\", "h*", "service/one"]);
  assert.match(err, /^\S+ \[1\] authenticated 127\.0\.0\.1:\d+ "John Doe@GSSOCKS\.TEST" by gssapi, /m);
  assert.match(err, /^\S+ \[\d+\] authenticated \S+ "J ""x"" = Doe@GSSOCKS\.TEST" by gssapi, /m);
  assert.match(
    err,
    /^\S+ \[\d+\] refused \S+ eve\\@gssocks\.test@GSSOCKS\.TEST by rule 3: .* not allowed: rule "deny \*,user=eve@/m,
  );
});

Deno.test("rules: an encryption type is denied in every spelling, and a wrong name is an error", async () => {
  await using realm = await startRealmFolder();
  await using echo = echoServer();
  const attempt = async (...rules: string[]) => {
    await using server = serve({ port: 0, keytab: realm.keytab, rules });
    const proxy = { hostname: "localhost", port: server.addr.port };
    const target = { hostname: "127.0.0.1", port: echo.port };
    try {
      await using connection = await connect({ proxy, credentials: realm.tickets, ...target });
      return connection.identity.attributes.enctype;
    } catch (error) {
      return (error as { code?: string }).code;
    }
  };
  assert.equal(await attempt("allow localhost"), "aes256-cts-hmac-sha1-96");
  for (const name of ["aes256-cts-hmac-sha1-96", "AES256-CTS-HMAC-SHA1-96", "aes256-cts", "AES256-SHA1"]) {
    assert.equal(await attempt(`deny *,enctype=${name}`, "allow localhost"), "NOT_ALLOWED", name);
    assert.equal(await attempt(`allow localhost,enctype=${name}`), "aes256-cts-hmac-sha1-96", name);
  }
  for (const name of ["aes256-sha2", "rc4-hmac", "ARCFOUR-HMAC", "des3-cbc-sha1"]) {
    assert.equal(await attempt(`deny *,enctype=${name}`, "allow localhost"), "aes256-cts-hmac-sha1-96", name);
  }
  for (const name of ["aes256-cts-hmac-sha1", "aes", "18", "enctype 2", "constructor"]) {
    const rule = `deny *,enctype=${name}`;
    for (const rules of [[rule], [parseRuleText(rule)]]) {
      assert.throws(() => serve({ port: 0, keytab: realm.keytab, rules }), {
        name: "TypeError",
        message: new RegExp(`Cannot use rule .*"${name}" is no encryption type; .*aes256-cts-hmac-sha384-192`),
      });
    }
  }
});
