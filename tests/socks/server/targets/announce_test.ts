/** What clients of UDP ASSOCIATE and BIND are told. */
import assert from "node:assert/strict";
import { announcedFor, checkAnnounce, facingClient } from "../../../../socks/server/targets/announce.ts";
import { SocksReplyError } from "../../../../socks/errors.ts";
import type { Endpoint } from "../../../../socks/wire/address.ts";

const AT = (hostname: string, port = 5000): Endpoint => ({ hostname, port });

Deno.test("announcedFor(): announces one host of each family, or a name, to each client", () => {
  for (
    const good of ["192.0.2.1", "proxy.example", ["192.0.2.1", "2a01::1"], ["2a01::1", "proxy.example"], undefined]
  ) {
    checkAnnounce(good);
  }
  for (
    const bad of [
      [],
      "a b",
      ["192.0.2.1", "192.0.2.2"],
      ["2a01::1", "[2a01::2]"],
      ["a.example", "b.example"],
      "fe80::1%eth0",
    ]
  ) {
    assert.throws(() => checkAnnounce(bad), { message: /^Cannot (announce|use host)/ }, JSON.stringify(bad));
  }
  // deno-lint-ignore no-explicit-any
  assert.throws(() => checkAnnounce(7 as any), TypeError);
  const both = ["192.0.2.1", "2A01::1"];
  assert.deepEqual(["10.0.0.1", "fd00::1", "::ffff:10.0.0.1"].map((to) => announcedFor(both, to)), [
    "192.0.2.1",
    "2a01::1",
    "192.0.2.1",
  ]);
  assert.equal(announcedFor("192.0.2.1", "fd00::1"), undefined);
  assert.equal(announcedFor(["192.0.2.1"], "fd00::1"), undefined);
  assert.equal(announcedFor("proxy.example", "fd00::1"), "proxy.example");
  assert.equal(announcedFor(["proxy.example", "192.0.2.1"], "10.0.0.1"), "192.0.2.1");
  assert.equal(announcedFor(["192.0.2.1", "proxy.example"], "fd00::1"), "proxy.example");
});

Deno.test("facingClient(): binds the client's socket where the client reaches it, in its family", () => {
  const facing = (local?: string, remote?: string, relayedBy?: string, announce?: string | string[]) => {
    const at = (hostname?: string) => hostname === undefined ? undefined : AT(hostname);
    const ends = { local: at(local), remote: at(remote), relayedBy: at(relayedBy) };
    try {
      const { client, bind, announced } = facingClient(ends, announce);
      return `${client} at ${bind}, told ${announced}`;
    } catch (error) {
      assert.ok(error instanceof SocksReplyError);
      return `${error.code}: ${error.message}`;
    }
  };
  assert.equal(facing("10.0.0.1", "10.0.0.9"), "10.0.0.9 at 10.0.0.1, told 10.0.0.1");
  // A mapped client at [::] is one of IPv4.
  const mapped = ["::ffff:10.0.0.1", "::ffff:10.0.0.9"] as const;
  assert.equal(facing(...mapped), "10.0.0.9 at 10.0.0.1, told 10.0.0.1");
  assert.equal(facing(...mapped, undefined, ["2a01::1", "192.0.2.1"]), "10.0.0.9 at 10.0.0.1, told 192.0.2.1");
  // An address of the other family is no place to send to.
  assert.equal(facing("fd00::1", "fd00::9", undefined, "192.0.2.1"), "fd00::9 at fd00::1, told fd00::1");
  assert.equal(facing("fd00::1", "fd00::9", undefined, ["192.0.2.1", "2a01::1"]), "fd00::9 at fd00::1, told 2a01::1");
  for (const [local, remote] of [[undefined, "10.0.0.9"], ["10.0.0.1", undefined], [undefined, undefined]]) {
    assert.match(facing(local, remote), /^COMMAND_NOT_SUPPORTED: Client is connected by a transport without addresses/);
  }
  // Link-local: with the interface, or not at all.
  assert.equal(facing("fe80::1%eth0", "fe80::9%eth0"), "fe80::9 at fe80::1%eth0, told fe80::1");
  assert.match(
    facing("fe80::1", "fe80::9"),
    /^COMMAND_NOT_SUPPORTED: .*fe80::1, and the system does not tell its interface/,
  );
  // Handed on by a balancer: the client comes another way.
  assert.equal(facing("10.0.0.1", "192.0.2.9", "10.0.0.5"), "192.0.2.9 at 0.0.0.0, told 10.0.0.1");
  assert.equal(facing("10.0.0.1", "2a01::9", "10.0.0.5", ["192.0.2.1", "2a01::1"]), "2a01::9 at ::, told 2a01::1");
  assert.match(
    facing("10.0.0.1", "2a01::9", "10.0.0.5", "192.0.2.1"),
    /^GENERAL_FAILURE: .*10\.0\.0\.1, which is of the other family/,
  );
  assert.match(
    facing("10.0.0.1", undefined, "10.0.0.5"),
    /^GENERAL_FAILURE: Client's address is unknown: the balancer 10\.0\.0\.5:5000/,
  );
  assert.match(facing("10.0.0.1", "10.0.0.5", "10.0.0.5"), /^GENERAL_FAILURE: Client's address is unknown/);
  assert.match(facing("fd00::1", "fe80::9", "fd00::5"), /^COMMAND_NOT_SUPPORTED: .*fe80::9/);
});
