/**
 * Checks of the username and password method.
 *
 * @module
 */
import { Command, Method } from "../../socks/wire/messages.ts";
import type { Bench } from "../bench.ts";
import { type Check, expect } from "../check.ts";
import { shown } from "../hex.ts";
import { granted, login, request } from "../messages.ts";
import type { Raw } from "../raw.ts";

const CLAUSE = "RFC 1929 section 2";
const LONG = new Uint8Array(255).fill(0x61);

/** Sends a login that must be refused, and returns the status. */
async function refused(raw: Raw, message: Uint8Array, why: string): Promise<void> {
  await raw.send(message);
  const what = `01 and a status other than 00, to ${why}`;
  const bytes = await raw.take(2, what);
  expect(bytes[0] === 1 && bytes[1] !== 0, what, shown(bytes));
}

/** Sends a malformed login, which is refused or ends the connection. */
async function notAccepted(raw: Raw, message: Uint8Array, why: string): Promise<void> {
  await raw.send(message);
  const bytes = await raw.drain();
  expect(!(bytes.length >= 2 && bytes[1] === 0), `a refusal or an end, to ${why}`, shown(bytes));
}

/** The checks. */
export const PASSWORD_CHECKS: readonly Check<Bench>[] = [
  {
    id: "password.good",
    clause: CLAUSE,
    severity: "must",
    title: "answers a right login with 01 00, and carries out the request",
    async run(bench) {
      const raw = await bench.chosen(Method.Password);
      await bench.logIn(raw);
      await bench.through(raw);
    },
  },
  {
    id: "password.wrong",
    clause: CLAUSE,
    severity: "must",
    title: "answers a wrong password with a status other than 00",
    async run(bench) {
      const raw = await bench.chosen(Method.Password);
      await refused(raw, login(bench.lab.login!.username, `${bench.lab.login!.password}x`), "a wrong password");
    },
  },
  {
    id: "password.closes",
    clause: CLAUSE,
    severity: "must",
    title: "closes the connection after a refused login",
    async run(bench) {
      const raw = await bench.chosen(Method.Password);
      await refused(raw, login(bench.lab.login!.username, `${bench.lab.login!.password}x`), "a wrong password");
      await raw.send(request(Command.Connect, bench.target.tcp));
      const bytes = await raw.ended("an end of the connection");
      expect(bytes.length === 0, "an end of the connection", shown(bytes));
    },
  },
  {
    id: "password.unknown-user",
    clause: CLAUSE,
    severity: "must",
    title: "refuses a user whom it does not know",
    async run(bench) {
      const raw = await bench.chosen(Method.Password);
      await refused(raw, login("nobody-of-this-name", bench.lab.login!.password), "an unknown user");
    },
  },
  {
    id: "password.longest",
    clause: CLAUSE,
    severity: "must",
    title: "reads a user and a password of 255 bytes",
    async run(bench) {
      const raw = await bench.chosen(Method.Password);
      await refused(raw, login(LONG, LONG), "names of 255 bytes that are not known");
    },
  },
  {
    id: "password.empty-user",
    clause: CLAUSE,
    severity: "should",
    title: "accepts no empty user name",
    async run(bench) {
      await notAccepted(await bench.chosen(Method.Password), login("", bench.lab.login!.password), "an empty user");
    },
  },
  {
    id: "password.empty",
    clause: CLAUSE,
    severity: "should",
    title: "accepts no empty password",
    async run(bench) {
      await notAccepted(await bench.chosen(Method.Password), login(bench.lab.login!.username, ""), "an empty password");
    },
  },
  {
    id: "password.version",
    clause: CLAUSE,
    severity: "should",
    title: "accepts no login of another version",
    async run(bench) {
      const message = login(bench.lab.login!.username, bench.lab.login!.password);
      message[0] = 5;
      await notAccepted(await bench.chosen(Method.Password), message, "a login of version 05");
    },
  },
  {
    id: "password.split",
    clause: CLAUSE,
    severity: "must",
    title: "reads a login that comes byte by byte",
    async run(bench) {
      const raw = await bench.chosen(Method.Password);
      await raw.trickle(login(bench.lab.login!.username, bench.lab.login!.password));
      await raw.expect(Uint8Array.of(1, 0), "01 00");
    },
  },
  {
    id: "password.joined",
    clause: CLAUSE,
    severity: "should",
    title: "keeps a request that comes in one piece with the login",
    async run(bench) {
      const raw = await bench.chosen(Method.Password);
      const { username, password } = bench.lab.login!;
      await raw.send(login(username, password), request(Command.Connect, bench.target.tcp));
      await raw.expect(Uint8Array.of(1, 0), "01 00");
      await granted(raw, "a granted CONNECT");
    },
  },
];
