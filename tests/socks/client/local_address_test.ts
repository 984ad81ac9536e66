/** The local address that a client's datagrams go out from. */
import assert from "node:assert/strict";
import { bindForRelay } from "../../../socks/client/local_address.ts";
import type { Endpoint } from "../../../socks/wire/address.ts";
import { ScriptedUdp, systemError } from "../../support/scripted_udp.ts";

const AT = (hostname: string, port = 5000): Endpoint => ({ hostname, port });

Deno.test("bindForRelay(): binds the address of the connection if it can reach the relay", async () => {
  const bound = async (relay: string, local: string | undefined, missing: readonly string[] = []) => {
    const asked: string[] = [];
    const udp = new ScriptedUdp();
    udp.failBind = ({ hostname }) => missing.includes(hostname) ? systemError("EADDRNOTAVAIL") : undefined;
    const attempt = new AbortController();
    const binding = (hostname: string) => (asked.push(hostname), udp.bind({ hostname, port: 0, onDatagram: () => {} }));
    const end = local === undefined ? undefined : AT(local);
    await bindForRelay(AT(relay), end, { binding, attempt: attempt.signal });
    return asked.join();
  };
  assert.equal(await bound("198.51.100.1", "192.0.2.7"), "192.0.2.7");
  assert.equal(await bound("198.51.100.1", "::ffff:192.0.2.7"), "192.0.2.7");
  assert.equal(await bound("2a01::1", "2a01::7"), "2a01::7");
  assert.equal(await bound("127.0.0.1", "127.0.0.2"), "127.0.0.2");
  assert.equal(await bound("fe80::1%eth0", "fe80::7%eth0"), "fe80::7%eth0");
  // The other family, a tunnel, and what is no address.
  assert.equal(await bound("198.51.100.1", "2a01::7"), "0.0.0.0");
  assert.equal(await bound("198.51.100.1", "127.0.0.1"), "0.0.0.0");
  assert.equal(await bound("127.0.0.1", "192.0.2.7"), "0.0.0.0");
  for (const none of [undefined, "0.0.0.0", "/run/socket", "name"]) {
    assert.equal(await bound("198.51.100.1", none), "0.0.0.0");
  }
  assert.equal(await bound("2a01::1", "2a01::7", ["2a01::7"]), "2a01::7,::");
  const over = new AbortController();
  const asked: string[] = [];
  const binding = (hostname: string) => {
    asked.push(hostname);
    over.abort(new Error("given up"));
    return Promise.reject(systemError("EADDRNOTAVAIL"));
  };
  await assert.rejects(bindForRelay(AT("2a01::1"), AT("2a01::7"), { binding, attempt: over.signal }), /given up/);
  assert.deepEqual(asked, ["2a01::7"]);
});
