/**
 * Test files, and sources that several rules share.
 *
 * @module
 */
export const FORM = "tests/socks/host_name_test.ts";
export const HOSTS = "tests/socks/hosts_everywhere_test.ts";
export const WIRE = "tests/socks/wire_test.ts";
export const ANSWERS = "tests/socks/answers_test.ts";
export const FRONT = "tests/socks/front_test.ts";
export const HANDSHAKE = "tests/socks/handshake_test.ts";
export const RULES = "tests/socks/rules_test.ts";
export const PROPERTIES = "tests/socks/rule_properties_test.ts";
export const SERVER = "tests/socks/server_test.ts";
export const LIMITS = "tests/socks/limits_test.ts";
export const RELAY = "tests/socks/relay_test.ts";

export const UTS46 = "UTS 46; RFC 5891 section 5";
export const SSRF = "server-side request forgery";
