/** Checks of proxies: a proxy that keeps the RFCs passes all of them, and one that breaks a rule fails its check. */
import assert from "node:assert/strict";
import type { CheckResult } from "../../conform/check.ts";
import { checkProxy, type CheckProxyOptions } from "../../conform/check_proxy.ts";
import { PROXY_CHECKS } from "../../conform/proxy/all.ts";
import type { KdcRealm } from "../../kerberos/kdc/mod.ts";
import { credentialPair, memoryRealm } from "../support/gss_pair.ts";
import { freePort } from "../support/process.ts";
import { LOGIN } from "./breakable/authentication.ts";
import type { ProxyFaults } from "./breakable/faults.ts";
import { BreakableProxy } from "./breakable/proxy.ts";
import { inLanes } from "./lanes.ts";
import { KNOWN_TARGET, PROXY_FAULTS } from "./proxy_faults.ts";

/** Carries checks out against a proxy with faults. */
async function checked(
  realm: KdcRealm,
  faults: ProxyFaults,
  options: Partial<CheckProxyOptions>,
): Promise<readonly CheckResult[]> {
  const { initiator, acceptor } = credentialPair(realm);
  const accept = () => faults.forgetsTokens ? credentialPair(realm).acceptor : acceptor;
  await using proxy = new BreakableProxy(accept, faults);
  const { results } = await checkProxy({
    proxy: proxy.addr,
    credential: initiator,
    service: "rcmd@localhost",
    login: LOGIN,
    silence: 60,
    ...options,
  });
  return results;
}

Deno.test("conformance of a proxy: one that keeps the RFCs passes every check", async () => {
  const results = await checked(await memoryRealm(), {}, {});
  assert.equal(results.length, PROXY_CHECKS.length);
  assert.deepEqual(results.filter(({ outcome }) => outcome !== "pass"), []);
});

Deno.test("conformance of a proxy: each check notices the fault that it is for", async () => {
  const realm = await memoryRealm();
  KNOWN_TARGET.port = freePort();
  const known = { listen: KNOWN_TARGET };
  const wrong: string[] = [];
  const tries = PROXY_CHECKS.flatMap(({ id, severity }) => {
    const { faults = {}, also, says } = PROXY_FAULTS[id] ?? {};
    return [faults, ...(also === undefined ? [] : [also])].map((given) => ({ id, severity, faults: given, says }));
  });
  await inLanes(tries, async ({ id, severity, faults, says }) => {
    const target = faults.cutGoesTo === undefined ? {} : { target: known };
    const results = await checked(realm, faults, { only: [id], ...target, timeout: 1_500, silence: 200 });
    const { outcome, detail } = results.find((result) => result.id === id)!;
    const noticed = severity === "note" ? says !== undefined && detail === says : outcome === "fail";
    if (!noticed) wrong.push(`${id}: ${outcome}, ${detail}`);
  });
  assert.deepEqual(wrong, []);
  assert.deepEqual(Object.keys(PROXY_FAULTS).filter((id) => !PROXY_CHECKS.some((check) => check.id === id)), []);
});
