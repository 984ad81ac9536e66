/** Errors of a datagram socket. */
import assert from "node:assert/strict";
import { isDatagramError } from "../../../socks/stream/datagram_error.ts";
import { systemError } from "../../support/scripted_udp.ts";

Deno.test("isDatagramError(): tells errors of a datagram from errors of the socket", () => {
  for (
    const code of ["ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH", "ENETDOWN", "EADDRNOTAVAIL", "EMSGSIZE", "EPERM"]
  ) {
    assert.ok(isDatagramError(systemError(code)), code);
  }
  assert.ok(isDatagramError(new RangeError("too large")));
  for (const error of [systemError("EBADF"), systemError("EMFILE"), new Error("Socket is closed"), undefined, null]) {
    assert.ok(!isDatagramError(error), String(error));
  }
});
