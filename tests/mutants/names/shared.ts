/**
 * Test files, and sources that several rules share.
 *
 * @module
 */
export const FORM = "tests/socks/wire/host_name_test.ts";
export const HOSTS = "tests/socks/hosts_everywhere_test.ts";
export const WIRE = "tests/socks/wire/wire_test.ts";
export const ANSWERS = "tests/socks/server/commands/answers_test.ts";
export const FRONT = "tests/socks/server/front/front_test.ts";
export const HANDSHAKE = "tests/socks/handshake_test.ts";
export const RULES = "tests/socks/rules/rules_test.ts";
export const PROPERTIES = "tests/socks/rules/properties_test.ts";
export const SERVER = "tests/socks/server/server_test.ts";
export const LIMITS = "tests/socks/server/limits/limits_test.ts";
export const RELAY = "tests/socks/server/relay/relay_test.ts";

export const UTS46 = "UTS 46; RFC 5891 section 5";
export const SSRF = "server-side request forgery";
