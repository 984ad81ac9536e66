/**
 * All checks of a proxy, in the order in which they are carried out.
 *
 * @module
 */
import { Method } from "../../socks/wire/messages.ts";
import type { Bench } from "../bench.ts";
import type { Check } from "../check.ts";
import { BIND_CHECKS } from "./bind.ts";
import { FRAME_CHECKS } from "./frames.ts";
import { HELLO_CHECKS } from "./hello.ts";
import { LEVEL_CHECKS } from "./levels.ts";
import { PASSWORD_CHECKS } from "./password.ts";
import { PROTECTION_CHECKS } from "./protection.ts";
import { REQUEST_CHECKS } from "./requests.ts";
import { SEALED_UDP_CHECKS } from "./sealed_udp.ts";
import { TOKEN_CHECKS } from "./tokens.ts";
import { UDP_CHECKS } from "./udp.ts";

/** The last check: whatever came before, the proxy still serves. */
const ALIVE: Check<Bench> = {
  id: "alive",
  clause: "RFC 1928 section 3",
  severity: "must",
  title: "serves a client after all that came before",
  async run(bench): Promise<void> {
    await bench.through(await bench.channel());
  },
};

/** All checks of a proxy. */
export const PROXY_CHECKS: readonly Check<Bench>[] = [
  ...HELLO_CHECKS,
  ...PASSWORD_CHECKS,
  ...TOKEN_CHECKS,
  ...LEVEL_CHECKS,
  ...PROTECTION_CHECKS,
  ...FRAME_CHECKS,
  ...REQUEST_CHECKS,
  ...BIND_CHECKS,
  ...UDP_CHECKS,
  ...SEALED_UDP_CHECKS,
  ALIVE,
];

/** Methods that a check of a group needs. */
const METHODS: Readonly<Record<string, number>> = {
  password: Method.Password,
  token: Method.Gssapi,
  level: Method.Gssapi,
  protection: Method.Gssapi,
  frames: Method.Gssapi,
  "sealed-udp": Method.Gssapi,
};

/** Skips a check whose method the proxy does not have. */
export function checkMethod(bench: Bench, { id }: Check<Bench>): void {
  const method = METHODS[id.split(".")[0]!];
  if (method !== undefined) bench.needs(method);
}
