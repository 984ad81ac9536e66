import assert from "node:assert/strict";
import { splitEndpoint } from "../../base/endpoint.ts";

Deno.test("splitEndpoint(): splits host, address, zone and port", () => {
  const name = { bracketed: false, zone: undefined };
  const cases: [string, ReturnType<typeof splitEndpoint>][] = [
    ["host", { ...name, host: "host", port: 9 }],
    ["host:0", { ...name, host: "host", port: 0 }],
    ["192.0.2.1:65535", { ...name, host: "192.0.2.1", port: 65_535 }],
    ["user@host:1", { ...name, host: "user@host", port: 1 }],
    ["[::1]", { host: "::1", bracketed: true, zone: undefined, port: 9 }],
    ["[fe80::1%eth0]:1080", { host: "fe80::1", bracketed: true, zone: "eth0", port: 1080 }],
    ["[fe80::1%25br-lan]", { host: "fe80::1", bracketed: true, zone: "25br-lan", port: 9 }],
    ["[fe80::1%veth@if3]", { host: "fe80::1", bracketed: true, zone: "veth@if3", port: 9 }],
  ];
  for (const [text, parts] of cases) assert.deepEqual(splitEndpoint(text, 9), parts, text);
});

Deno.test("splitEndpoint(): returns undefined for other texts", () => {
  const texts = ["", ":1", "host:", "host:x", "host:65536", "host:123456", "::1:80", "a b", "a/b", "[::1", "[host]:1"];
  for (const text of [...texts, "[fe80::1%]:1", "[fe80::1%a b]:1"]) {
    assert.equal(splitEndpoint(text, 9), undefined, text);
  }
  assert.equal(splitEndpoint("host"), undefined, "no port and no default");
  assert.equal(splitEndpoint("host", 65_536), undefined);
});
