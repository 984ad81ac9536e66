/**
 * A server that is well used, for the status page.
 *
 * @module
 */
import { Monitor } from "../../cli/monitor/monitor.ts";
import type { SessionRow, Snapshot } from "../../cli/snapshot/snapshot.ts";

const USERS = [
  "alice@EXAMPLE.COM",
  "bob@EXAMPLE.COM",
  "host/build7.example.com@EXAMPLE.COM",
  "carol/admin@CORP.EXAMPLE",
];
const TARGETS: readonly (readonly [target: string, address: string, rule: string])[] = [
  ["db.intranet.example.com:5432", "10.3.0.17:5432", "3 allow 10.0.0.0/8,realm=EXAMPLE.COM"],
  ["registry.npmjs.org:443", "104.16.2.34:443", "5 allow *,command=connect,ticket-age=10h"],
  ["10.0.12.9:22", "10.0.12.9:22", "4 allow 10.0.0.0/8:22,group=S-1-5-21-1004336348-1177238915-682003330-1201"],
  ["9.9.9.9:53", "9.9.9.9:53", "2 allow 9.9.9.9:53,command=udp"],
];
const RULES: readonly (readonly [rule: string, requests: number, refused: number])[] = [
  ["deny *:25", 0, 12],
  ["allow 9.9.9.9:53,command=udp", 41, 0],
  ["allow 10.0.0.0/8,realm=EXAMPLE.COM", 1_204, 0],
  ["allow 10.0.0.0/8:22,group=S-1-5-21-1004336348-1177238915-682003330-1201", 87, 0],
  ["allow *,command=connect,ticket-age=10h", 9_310, 0],
];

function session(i: number, now: number): SessionRow {
  const [target, address, rule] = TARGETS[i % TARGETS.length]!;
  const user = USERS[i % USERS.length]!;
  const admin = user.startsWith("carol");
  return {
    session: 10_630 + 7 * i,
    client: i === 2 ? "[2001:db8:6:2a0c::9f31]:50214" : `192.0.2.${7 + i}:${40_000 + 31 * i}`,
    user,
    account: admin ? "CORP\\carol" : "",
    sid: admin ? "S-1-5-21-1004336348-1177238915-682003330-1105" : "",
    method: "gssapi",
    protection: i % 3 === 2 ? "integrity" : "confidentiality",
    command: i % 4 === 3 ? "udp" : "connect",
    target,
    rule,
    address,
    sent: 4_100 * 7 ** i,
    received: 91_000 * 5 ** i,
    rate: 1_800_000 >> (2 * i),
    duration: 4_000 * 9 ** i + now % 1_000,
  };
}

/**
 * The server at a time.
 *
 * @param now Milliseconds since the epoch.
 */
export function shownSnapshot(now: number): Snapshot {
  const second = Math.floor(now / 1_000);
  const wave = (at: number, size: number) => Math.round(size * (1.2 + Math.sin(at / 17) + 0.4 * Math.sin(at / 3)) ** 2);
  return {
    ...new Monitor().snapshot(),
    now,
    startedAt: now - 400_000_000,
    uptime: 400_000_000,
    sessionCount: 6,
    accepted: 12_345,
    closed: 12_339,
    authenticated: { "gssapi confidentiality": 11_802, "gssapi integrity": 131 },
    refused: { NOT_ALLOWED: 12, GSSAPI_FAILED: 31, HANDSHAKE_TIMEOUT: 4 },
    sent: 8.1e9,
    received: 193.4e9,
    datagramsSent: 412_003,
    datagramsReceived: 409_116,
    datagramsDropped: { replayed: 3 },
    sessions: Array.from({ length: 6 }, (_, i) => session(i, now)),
    users: USERS.map((user, i) => ({
      user,
      requests: 7_000 >> i,
      refused: i,
      sent: 5e9 / 9 ** i,
      received: 9e10 / 7 ** i,
    })),
    rules: RULES.map(([rule, requests, refused], i) => ({
      number: i + 1,
      rule,
      requests,
      refused,
      sent: requests * 41_000,
      received: requests * 970_000,
    })),
    denials: [
      {
        at: now - 61_000,
        client: "192.0.2.66:39112",
        user: "bob@EXAMPLE.COM",
        target: "mail.example.net:25",
        reason: 'mail.example.net:25 is not allowed: 198.51.100.7: rule "deny *:25"',
      },
      {
        at: now - 3_600_000,
        client: "192.0.2.71:51200",
        user: "",
        target: "",
        reason: "GSS-API failed: Cannot accept ticket: the clocks differ by 412 s; the client's is ahead",
      },
    ],
    throughput: Array.from({ length: 300 }, (_, i) => {
      const at = second - 299 + i;
      return { at, sent: wave(at, 40_000), received: wave(at + 9, 260_000) };
    }),
    listeners: ["0.0.0.0:1080", "tls://0.0.0.0:1443"],
  };
}
