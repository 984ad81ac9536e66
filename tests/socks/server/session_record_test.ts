/** What the events and the status of a session tell of its time and its rule. */
import assert from "node:assert/strict";
import type { SecuredChannel } from "../../../socks/auth/method.ts";
import type { ServerEvent } from "../../../socks/server/events.ts";
import { SessionRecord } from "../../../socks/server/session_record.ts";
import type { TargetRequest } from "../../../socks/server/targets/target.ts";
import { pipe } from "../../support/pipe.ts";

Deno.test("session record: events tell how long a login and a connection took", () => {
  const events: ServerEvent[] = [];
  const observer = {
    options: { onEvent: (event: ServerEvent) => void events.push(event) },
    onError: () => {},
    onFailure: () => {},
  };
  const record = new SessionRecord(1, pipe()[0], observer);
  record.clock[Symbol.dispose]();
  const at = (duration: number) => Object.defineProperty(record, "duration", { value: duration, configurable: true });
  const identity = { method: "none", name: "", attributes: {} } as const;
  const channel = { identity, protection: "none" } as unknown as SecuredChannel;
  const target = { hostname: "db.test", port: 443 };
  const request = { identity, command: "connect", ...target } as unknown as TargetRequest;
  at(10);
  record.authenticated(channel);
  at(15);
  record.requested(channel, { command: "connect", target });
  record.allowedBy({ number: 2, text: "allow *" });
  assert.deepEqual(record.status().rule, { number: 2, text: "allow *" });
  at(40);
  record.reportCommand(request, { type: "connected", bound: target });
  at(90);
  record.reportCommand(request, { type: "closed" });
  const times = events.map((event) => [event.type, "duration" in event && event.duration]);
  assert.deepEqual(times, [["authenticated", 10], ["connected", 25], ["closed", 90]]);
  assert.equal(record.status().rule, undefined);
});
