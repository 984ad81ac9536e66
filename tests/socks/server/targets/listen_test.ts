/** Where BIND listens, and what it announces, over listeners in memory. */
import assert from "node:assert/strict";
import { bindDirectly, type BindDirectlyOptions } from "../../../../socks/server/targets/listen.ts";
import { parseRuleText } from "../../../../socks/rules/parse_rule.ts";
import { RuleSet } from "../../../../socks/rules/rule_set.ts";
import type { ConnectionListener } from "../../../../socks/stream/listener.ts";
import type { Endpoint } from "../../../../socks/wire/address.ts";

const AT = (hostname: string, port = 5000): Endpoint => ({ hostname, port });

/** Where BIND listens and what it tells, over listeners in memory. */
async function bindPlace(
  expected: string,
  local: string | undefined,
  options: Partial<BindDirectlyOptions> = {},
  found: readonly string[] = [],
): Promise<string> {
  const asked: string[] = [];
  const open = bindDirectly({
    rules: () => new RuleSet(["allow fe80::/10", "allow *"].map((text) => parseRuleText(text))),
    resolve: () => Promise.resolve(found),
    listen: ({ hostname, port }) => {
      asked.push(hostname);
      const listener: ConnectionListener = {
        addr: { hostname, port: port || 9 },
        accept: () => new Promise(() => {}),
        close() {},
      };
      return listener;
    },
    ...options,
  });
  const identity = { method: "none", name: "", attributes: {} } as const;
  const request = { command: "bind", identity, protection: "none", signal: new AbortController().signal } as const;
  try {
    const { bound } = await open(
      { ...request, hostname: expected, port: 0 },
      local === undefined ? undefined : AT(local),
    );
    return `${asked.join()} told ${bound.hostname}`;
  } catch (error) {
    return `${(error as { code?: string }).code}`;
  }
}

Deno.test("bindDirectly(): listens at the egress address of the peer's family and announces it", async () => {
  const egress = ["10.0.0.21", "fd00::21"];
  const both = ["192.0.2.1", "2a01::1"];
  const rows: [string, string | undefined, Partial<BindDirectlyOptions>, string, string[]?][] = [
    ["45.79.0.30", "10.0.0.20", { egress }, "10.0.0.21 told 10.0.0.21"],
    ["2a02::30", "10.0.0.20", { egress }, "fd00::21 told fd00::21"],
    ["45.79.0.30", "fd00::20", { egress }, "10.0.0.21 told 10.0.0.21"],
    ["45.79.0.30", "10.0.0.20", { egress, announce: both }, "10.0.0.21 told 192.0.2.1"],
    ["2a02::30", "10.0.0.20", { egress, announce: both }, "fd00::21 told 2a01::1"],
    ["2a02::30", "10.0.0.20", { egress, announce: "192.0.2.1" }, "fd00::21 told fd00::21"],
    // No egress of that family: the client's address if it is of it, else all of the family.
    ["45.79.0.30", "10.0.0.20", {}, "10.0.0.20 told 10.0.0.20"],
    ["45.79.0.30", "::ffff:10.0.0.20", { egress: ["fd00::21"] }, "10.0.0.20 told 10.0.0.20"],
    ["2a02::30", "10.0.0.20", {}, ":: told ::"],
    ["2a02::30", "10.0.0.20", { announce: both }, ":: told 2a01::1"],
    ["45.79.0.30", "fd00::20", {}, "0.0.0.0 told 0.0.0.0"],
    ["45.79.0.30", "fd00::20", { announce: both }, "0.0.0.0 told 192.0.2.1"],
    // Anybody: the client's family.
    ["0.0.0.0", "fd00::20", { egress }, "fd00::21 told fd00::21"],
    ["::", "10.0.0.20", { egress }, "10.0.0.21 told 10.0.0.21"],
    ["0.0.0.0", "fd00::20", { egress: ["10.0.0.21"] }, "fd00::20 told fd00::20"],
    // A name: that of the address that the system prefers.
    ["six.example", "10.0.0.20", { egress }, "fd00::21 told fd00::21", ["2a02::30", "45.79.0.30"]],
    ["45.79.0.30", undefined, { egress }, "10.0.0.21 told 10.0.0.21"],
    ["45.79.0.30", undefined, {}, "GENERAL_FAILURE"],
    ["0.0.0.0", undefined, { egress }, "GENERAL_FAILURE"],
    ["45.79.0.30", undefined, { address: "10.0.0.5" }, "10.0.0.5 told 10.0.0.5"],
    ["45.79.0.30", "10.0.0.20", { egress, address: "10.0.0.5" }, "10.0.0.5 told 10.0.0.5"],
    ["::", "fe80::20%eth0", {}, "fe80::20%eth0 told fe80::20"],
    ["::", "fe80::20", {}, "GENERAL_FAILURE"],
    ["::", "fe80::20", { egress }, "fd00::21 told fd00::21"],
  ];
  for (const [expected, local, options, outcome, found] of rows) {
    assert.equal(
      await bindPlace(expected, local, options, found),
      outcome,
      `${expected} ${local} ${JSON.stringify(options)}`,
    );
  }
  assert.throws(() => bindDirectly({ announce: [] } as unknown as BindDirectlyOptions), TypeError);
});
