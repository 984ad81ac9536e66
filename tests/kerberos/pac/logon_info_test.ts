/** KERB_VALIDATION_INFO: what counts as a group, and what cannot be read. */
import assert from "node:assert/strict";
import { readPacBuffers, writePac } from "../../../kerberos/pac/container.ts";
import { MAX_GROUPS, readLogonInfo, writeLogonInfo } from "../../../kerberos/pac/logon_info.ts";
import { DOMAIN_SID, forgeLogon, type LogonFields } from "../../support/forge_pac.ts";

Deno.test("LOGON_INFO: groups are those of the domain, others, and those of the service's domain", () => {
  const { groups, sid, primaryGroup } = readLogonInfo(forgeLogon({
    rids: [[512, 7]],
    extra: [["S-1-18-1", 7], ["S-1-5-21-9-9-9-1111", 0x20000007]],
    resourceDomain: "S-1-5-21-8-8-8",
    resource: [[1300, 0x20000007]],
  }));
  assert.equal(sid, `${DOMAIN_SID}-1105`);
  assert.equal(primaryGroup, `${DOMAIN_SID}-513`);
  const others = ["S-1-18-1", "S-1-5-21-9-9-9-1111", "S-1-5-21-8-8-8-1300"];
  assert.deepEqual(groups, [`${DOMAIN_SID}-513`, `${DOMAIN_SID}-512`, ...others]);
});

Deno.test("LOGON_INFO: a group that is not enabled does not count", () => {
  const { groups } = readLogonInfo(forgeLogon({
    rids: [[512, 3], [1200, 7]],
    extra: [["S-1-18-1", 0x10]],
    resourceDomain: "S-1-5-21-8-8-8",
    resource: [[1300, 0x20000000]],
  }));
  assert.deepEqual(groups, [`${DOMAIN_SID}-513`, `${DOMAIN_SID}-1200`]);
});

Deno.test("LOGON_INFO: an account of no RID has the first of the extra SIDs", () => {
  const { sid, groups } = readLogonInfo(
    forgeLogon({ userId: 0, rids: [], extra: [["S-1-5-21-9-9-9-7", 7], ["S-1-18-1", 7]] }),
  );
  assert.equal(sid, "S-1-5-21-9-9-9-7");
  assert.deepEqual(groups, [`${DOMAIN_SID}-513`, "S-1-18-1"]);
  // The first one is the account also where it is not enabled: the one behind it stays a group, which a rule may deny.
  const disabled = readLogonInfo(
    forgeLogon({ userId: 0, rids: [], extra: [["S-1-5-21-9-9-9-7", 0], ["S-1-18-1", 7]] }),
  );
  assert.deepEqual([disabled.sid, disabled.groups], [sid, groups]);
});

const WRONG: readonly (readonly [string, RegExp, LogonFields])[] = [
  ["no account", /name of its account/, { account: "" }],
  ["no SID of the account", /SID of the account/, { userId: 0 }],
  ["no domain", /SID of its domain/, { domainSid: undefined }],
  ["no domain of the resource", /SID of the resource's domain/, { resource: [[1300, 7]] }],
  ["no SID of a group", /SID of a group/, { extra: [["", 7]] }],
  ["a list that is missing", /a list of 2 groups is missing/, { rids: [], counts: { rids: 2 } }],
  ["a list with fewer groups than are told", /2 elements.*3/, { counts: { rids: 3 } }],
  ["an array of another size", /1 elements.*2/, { arraySize: 1 }],
  ["more groups than there are", /more than 2048/, { counts: { rids: 2 ** 32 - 1 } }],
  ["too many groups", /more than 2048/, {
    rids: Array.from({ length: MAX_GROUPS }, (_, i) => [i, 7] as const),
    extra: [["S-1-18-1", 7]],
  }],
];

Deno.test("LOGON_INFO: refuses what contradicts itself or lacks something", () => {
  for (const [what, message, fields] of WRONG) {
    assert.throws(() => readLogonInfo(forgeLogon(fields)), { code: "BAD_MESSAGE", message }, what);
  }
  const most = Array.from({ length: MAX_GROUPS }, (_, i) => [i + 1, 7] as const);
  assert.equal(readLogonInfo(forgeLogon({ rids: most })).groups.length, MAX_GROUPS);
});

Deno.test("LOGON_INFO: refuses other headers, and every one that is cut off", () => {
  const data = forgeLogon({ extra: [["S-1-18-1", 7]] });
  for (const [at, value] of [[0, 2], [1, 0], [2, 16], [16, 0]] as const) {
    const changed = data.slice();
    changed[at] = value;
    if (at === 16) changed.fill(0, 16, 20);
    assert.throws(() => readLogonInfo(changed), { code: "BAD_MESSAGE" }, `byte ${at}`);
  }
  for (let length = 0; length < data.length; length++) {
    assert.throws(() => readLogonInfo(data.slice(0, length)), Error, `${length} bytes`);
  }
});

Deno.test("LOGON_INFO: reads what it writes", () => {
  const groups = [`${DOMAIN_SID}-1200`, `${DOMAIN_SID}-513`, "S-1-5-21-9-9-9-1111"];
  const written = writeLogonInfo({
    account: "Ünïcode",
    domain: "CORP",
    sid: `${DOMAIN_SID}-1105`,
    primaryGroupId: 513,
    groups,
    server: "DC",
  });
  const read = readLogonInfo(written);
  assert.deepEqual([read.account, read.domain, read.sid], ["Ünïcode", "CORP", `${DOMAIN_SID}-1105`]);
  assert.deepEqual(read.groups.toSorted(), groups.toSorted());
});

Deno.test("PAC container: refuses buffers that overlap, are misplaced, or are too many", () => {
  const pac = writePac([{ type: 1, data: new Uint8Array(24) }, { type: 6, data: new Uint8Array(16) }]);
  const changed = (at: number, value: number) => {
    const copy = pac.slice();
    new DataView(copy.buffer).setUint32(at, value, true);
    return () => readPacBuffers(copy);
  };
  assert.equal(readPacBuffers(pac).length, 2);
  assert.throws(changed(0, 0x10000000), /too short for 268435456 buffers/);
  // The second buffer: into the first, into the table, off its boundary, past the end, and beyond 4 GiB.
  assert.throws(changed(32, 48), /overlaps/);
  for (const [at, value] of [[32, 8], [32, 60], [32, 88], [28, 17], [36, 1]] as const) {
    assert.throws(changed(at, value), /does not lie in it/, `${at}: ${value}`);
  }
});
