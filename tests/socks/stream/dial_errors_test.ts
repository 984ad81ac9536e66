/** What the system says of a connection that cannot be made, and which reply and which words that is. */
import assert from "node:assert/strict";
import { replyCodeFor, replyCodeName } from "../../../socks/errors.ts";
import { dialError, isOutOfResources } from "../../../socks/stream/dial_error.ts";
import { run } from "../../support/process.ts";

const TARGET = { hostname: "192.0.2.1", port: 80 };
const failed = (code: string | undefined, message = "as the system says", target = TARGET) =>
  dialError(target, Object.assign(new Error(message), code === undefined ? {} : { code }));

/** RFC 1928 section 6; Dante 1.4.2 answers 01 to EACCES of a prohibited route, and 06 to ETIMEDOUT, and the same to the rest. */
const REPLIES: Readonly<Record<string, number>> = {
  ECONNREFUSED: 5,
  ENETUNREACH: 3,
  ENETDOWN: 3,
  ENONET: 3,
  EADDRNOTAVAIL: 3,
  EAFNOSUPPORT: 3,
  EHOSTUNREACH: 4,
  EHOSTDOWN: 4,
  ETIMEDOUT: 4,
  EACCES: 4,
  EPERM: 4,
  ENOPROTOOPT: 1,
  EINVAL: 1,
  EMFILE: 1,
  ENFILE: 1,
  ENOBUFS: 1,
  ENOMEM: 1,
  EWHATEVER: 1,
  toString: 1,
  constructor: 1,
};

Deno.test("dialError(): each network error has its reply, none is NOT_ALLOWED", () => {
  for (const [code, reply] of Object.entries(REPLIES)) {
    const error = failed(code);
    assert.equal(error.reply, reply, code);
    assert.equal(replyCodeFor(error), reply);
    assert.match(error.message, /^Cannot connect to 192\.0\.2\.1:80: .*as the system says$/);
    assert.equal((error.cause as { code?: string }).code, code);
  }
});

Deno.test("dialError(): adds explanations to the system's message", () => {
  for (
    const [code, words] of [
      ["EACCES", /a route, a router or a firewall forbids it: /],
      ["EPERM", /a route, a router or a firewall forbids it: /],
      ["ENOPROTOOPT", /the host does not support TCP: /],
      ["EMFILE", /no room for another connection, see its limit of open files/],
      ["ENOMEM", /short of memory/],
    ] as const
  ) {
    assert.match(failed(code).message, words, code);
  }
});

Deno.test("dialError(): short of descriptors or memory is OUT_OF_RESOURCES, sent as 01", () => {
  for (const code of ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]) {
    assert.equal(failed(code).code, "OUT_OF_RESOURCES");
    assert.ok(isOutOfResources(Object.assign(new Error("x"), { code })));
  }
  for (const code of ["ECONNREFUSED", "EINVAL", undefined, "toString"]) {
    assert.ok(!isOutOfResources(Object.assign(new Error("x"), { code })), code);
  }
  assert.equal(replyCodeName(1), "GENERAL_FAILURE");
});

Deno.test("dialError(): Deno's permissions are rules, an unknown name is HOST_UNREACHABLE", () => {
  const denied = dialError(TARGET, new Deno.errors.NotCapable("Requires net access"));
  assert.deepEqual([denied.code, denied.reply], ["NOT_ALLOWED", 2]);
  assert.equal(dialError(TARGET, new Deno.errors.PermissionDenied("no code")).code, "GENERAL_FAILURE");
  assert.equal(failed(undefined, "failed to lookup", { hostname: "db.example", port: 1 }).code, "HOST_UNREACHABLE");
  assert.equal(failed(undefined, "odd").code, "GENERAL_FAILURE");
  assert.equal(dialError(TARGET, "text").message, "Cannot connect to 192.0.2.1:80: text");
});

Deno.test("dialError(): knows errors by number", () => {
  assert.equal(failed(undefined, "Host is down (os error 112)").code, "HOST_UNREACHABLE");
  assert.equal(failed(undefined, "Machine is not on the network (os error 64)").code, "NETWORK_UNREACHABLE");
  // It may stand anywhere in what others say.
  assert.equal(failed(undefined, "(os error 112) is what I say").code, "GENERAL_FAILURE");
});

const DIAL = `
  import { dialTcp } from ${JSON.stringify(new URL("../../../socks/shell/tcp.ts", import.meta.url).href)};
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const target = { hostname: "127.0.0.1", port: listener.addr.port };
  const held = [];
  try {
    for (let i = 0; i < 1_000; i++) held.push(await dialTcp(target, {}));
  } catch (error) {
    console.log(error.name, error.code, error.reply);
  }
  Deno.exit(0);
`;

Deno.test("dialTcp(): reports a process without descriptors", { ignore: Deno.build.os === "windows" }, async () => {
  const config = new URL("../../../deno.json", import.meta.url).pathname;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, DIAL);
    const args = [Deno.execPath(), "run", "-q", "--no-check", "-A", "-c", config, file];
    const { stdout, stderr } = await run("/bin/sh", ["-c", 'ulimit -n 64; exec "$@"', "sh", ...args]);
    assert.equal(stdout.trim(), "SocksReplyError OUT_OF_RESOURCES 1", stderr);
  } finally {
    await Deno.remove(file);
  }
});
