/**
 * The keys of a keytab as MIT's klist shows them, and as JSON.
 *
 * @module
 */
import { encodeHex } from "@std/encoding/hex";
import { enctypeName } from "../../kerberos/crypto/enctypes.ts";
import type { KeytabEntry } from "../../kerberos/credentials/formats/keytab.ts";
import { formatPrincipal } from "../../kerberos/principal.ts";
import { LOCAL_TIME_WIDTH, localTime } from "./local_time.ts";

/** What is shown of each key beside its version and principal. */
interface KeyDetails {
  readonly timestamps: boolean;
  readonly etypes: boolean;
  /** The secrets themselves. */
  readonly keys: boolean;
}

/** Columns of a line. */
const WIDTH = 79;

/** A keytab as MIT's klist shows it. */
export function keyText(name: string, entries: readonly KeytabEntry[], details: KeyDetails): string {
  const heads = ["KVNO", ...details.timestamps ? ["Timestamp".padEnd(LOCAL_TIME_WIDTH)] : []];
  const rules = heads.map((head) => "-".repeat(head.length));
  const rest = "-".repeat(WIDTH - rules.join(" ").length - 1);
  const lines = entries.map(({ principal, kvno, key, timestamp = 0 }) =>
    [
      String(kvno).padStart(4),
      ...details.timestamps ? [localTime(timestamp)] : [],
      formatPrincipal(principal),
      ...details.etypes ? [`(${enctypeName(key.enctype)}) `] : [],
      ...details.keys ? [`(0x${encodeHex(key.exportBytes())})`] : [],
    ].join(" ")
  );
  return [`Keytab name: ${name}`, [...heads, "Principal"].join(" "), [...rules, rest].join(" "), ...lines, ""].join(
    "\n",
  );
}

/** A keytab as JSON. */
export function keyJson(name: string, entries: readonly KeytabEntry[], { keys }: KeyDetails): string {
  const shown = entries.map(({ principal, kvno, key, timestamp = 0 }) => ({
    principal: formatPrincipal(principal),
    kvno,
    enctype: enctypeName(key.enctype),
    timestamp: new Date(timestamp).toISOString(),
    ...keys ? { key: encodeHex(key.exportBytes()) } : {},
  }));
  return `${JSON.stringify({ keytab: name, entries: shown }, null, 2)}\n`;
}
