/** Codes of the SOCKS layer's errors: a closed set, each code documented and made somewhere. */
import assert from "node:assert/strict";
import {
  replyCodeFor,
  replyCodeName,
  type SocksAuthErrorCode,
  type SocksConnectionErrorCode,
  type SocksErrorCode,
  type SocksLimitErrorCode,
  type SocksProtocolErrorCode,
  type SocksProxyErrorCode,
  SocksReplyError,
  type SocksReplyErrorCode,
  SocksTimeoutError,
  type SocksTimeoutErrorCode,
  type SocksTlsErrorCode,
} from "../../socks/errors.ts";

const ROOT = new URL("../../", import.meta.url);

/** Codes by class. The compiler refuses an object that lacks a code or has another one. */
type Codes<Code extends string> = Readonly<Record<Code, true>>;

const AUTH: Codes<SocksAuthErrorCode> = {
  NO_ACCEPTABLE_METHOD: true,
  METHOD_NOT_OFFERED: true,
  BAD_CREDENTIALS: true,
  GSSAPI_FAILED: true,
  REFUSED_BY_PEER: true,
  PROTECTION_TOO_WEAK: true,
  FLAGS_MISSING: true,
  TICKET_EXPIRED: true,
  TOKEN_TOO_LARGE: true,
  TOO_MANY_LEGS: true,
};
const PROTOCOL: Codes<SocksProtocolErrorCode> = {
  BAD_VERSION: true,
  BAD_MESSAGE: true,
  UNEXPECTED_MESSAGE: true,
  UNEXPECTED_END: true,
  TOO_LARGE: true,
  NOT_GENUINE: true,
  NOT_SEALED: true,
  OUT_OF_ORDER: true,
};
/** With the REP field of RFC 1928 section 6. */
const REPLY: Readonly<Record<SocksReplyErrorCode, number>> = {
  GENERAL_FAILURE: 1,
  NOT_ALLOWED: 2,
  NETWORK_UNREACHABLE: 3,
  HOST_UNREACHABLE: 4,
  CONNECTION_REFUSED: 5,
  TTL_EXPIRED: 6,
  COMMAND_NOT_SUPPORTED: 7,
  ADDRESS_TYPE_NOT_SUPPORTED: 8,
  OUT_OF_RESOURCES: 1,
};
const TIMEOUT: Codes<SocksTimeoutErrorCode> = { HANDSHAKE_TIMEOUT: true, CONNECT_TIMEOUT: true, IDLE_TIMEOUT: true };
const LIMIT: Codes<SocksLimitErrorCode> = {
  HALF_OPEN_LIMIT: true,
  SOURCE_LIMIT: true,
  NETWORK_LIMIT: true,
  USER_LIMIT: true,
  GUESS_LIMIT: true,
  LOOKUP_LIMIT: true,
};
const PROXY: Codes<SocksProxyErrorCode> = { PROXY_UNREACHABLE: true };
const CONNECTION: Codes<SocksConnectionErrorCode> = { CLOSED: true, LOST: true };
const TLS: Codes<SocksTlsErrorCode> = { TLS_HANDSHAKE: true, TLS_CUT: true };

const ALL: Readonly<Record<SocksErrorCode, unknown>> = {
  ...AUTH,
  ...PROTOCOL,
  ...REPLY,
  ...TIMEOUT,
  ...LIMIT,
  ...PROXY,
  ...CONNECTION,
  ...TLS,
};

/** Codes that only a reply of another proxy has, by {@linkcode replyCodeName}. */
const RECEIVED_ONLY: readonly SocksErrorCode[] = ["TTL_EXPIRED"];

/** All sources that may make an error of this layer. */
function sources(): string {
  const texts: string[] = [];
  const visit = (directory: URL) => {
    for (const { name, isDirectory } of Deno.readDirSync(directory)) {
      const path = new URL(isDirectory ? `${name}/` : name, directory);
      if (isDirectory) visit(path);
      else if (name.endsWith(".ts") && !path.pathname.endsWith("/socks/errors.ts")) {
        texts.push(Deno.readTextFileSync(path));
      }
    }
  };
  for (const tree of ["socks/", "proxy/", "cli/"]) visit(new URL(tree, ROOT));
  return texts.join("\n");
}

Deno.test("SocksErrorCode: each code is made somewhere, or comes from another proxy", () => {
  const text = sources();
  const made = (code: string) => new RegExp(`new Socks\\w*Error\\(\\s*"${code}"|\\["${code}"|\\? "${code}"`).test(text);
  assert.deepEqual(Object.keys(ALL).filter((code) => !made(code)), RECEIVED_ONLY);
});

Deno.test("SocksErrorCode: each code has a comment of its own", () => {
  const text = Deno.readTextFileSync(new URL("socks/errors.ts", ROOT));
  for (const code of Object.keys(ALL)) assert.match(text, new RegExp(`\\*/\\n  (?:\\| )?"${code}"`), code);
});

Deno.test("SocksReplyError: each code has its reply of RFC 1928 section 6, and back", () => {
  for (const [code, reply] of Object.entries(REPLY) as [SocksReplyErrorCode, number][]) {
    assert.equal(new SocksReplyError(code, "x").reply, reply, code);
    if (code !== "OUT_OF_RESOURCES") assert.equal(replyCodeName(reply), code);
  }
  for (const unassigned of [9, 0x5a, 0xff]) assert.equal(replyCodeName(unassigned), "GENERAL_FAILURE");
});

Deno.test("replyCodeFor(): a connect time-out is an unreachable host, other errors a general failure", () => {
  const timeouts = Object.keys(TIMEOUT) as SocksTimeoutErrorCode[];
  assert.deepEqual(timeouts.map((code) => replyCodeFor(new SocksTimeoutError(code, "x"))), [1, 4, 1]);
  assert.equal(replyCodeFor(new SocksReplyError("CONNECTION_REFUSED", "x")), 5);
  assert.equal(replyCodeFor("not an error"), 1);
});
