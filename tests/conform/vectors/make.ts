/**
 * Makes the vectors in tests/vectors/rfc1961/.
 *
 * @module
 */
import { type Bytes, utf8 } from "../../../base/bytes.ts";
import { damaged } from "../../../conform/gss_session.ts";
import { profileOf } from "../../../kerberos/crypto/enctypes.ts";
import { encodeDatagram } from "../../../socks/wire/datagram.ts";
import { encodeFrame, FrameType } from "../../../socks/wire/gssapi.ts";
import { encodeRequest } from "../../../socks/wire/messages.ts";
import type { SessionVector, VectorFault, VectorFile } from "./format.ts";
import { type SessionPlan, SessionWriter } from "./session.ts";

const ENCTYPES = [17, 18, 19, 20];
const [ASKS, TELLS] = [utf8("GET / HTTP/1.0\r\n\r\n"), utf8("HTTP/1.0 200 OK\r\n\r\nhello")] as [Bytes, Bytes];
const NAME_SERVER = { hostname: "192.0.2.53", port: 53 };

async function goodTcp(plan: SessionPlan): Promise<SessionVector> {
  const session = await SessionWriter.open(plan);
  await session.agree();
  await session.request();
  await session.say("client", "data", ASKS);
  await session.say("server", "data", TELLS);
  if (plan.level > 0) await session.say("client", "a message of no bytes", new Uint8Array(0));
  if (plan.level === 3) await session.wrapped("client", "data that is signed only", ASKS, { confidential: false });
  return session.finish();
}

async function goodUdp(plan: SessionPlan): Promise<SessionVector> {
  const session = await SessionWriter.open(plan);
  await session.agree();
  await session.request();
  const datagram = encodeDatagram(NAME_SERVER, utf8("a question"));
  await session.wrapped("client", "datagram", datagram, { datagram: true });
  await session.wrapped("server", "datagram", encodeDatagram(NAME_SERVER, utf8("its answer")), { datagram: true });
  const named = encodeDatagram({ hostname: "dns.example.com", port: 53 }, utf8("another question"));
  await session.wrapped("client", "datagram to a name", named, { datagram: true });
  return session.finish();
}

/** Good sessions of an enctype. */
async function goodSessions(enctype: number): Promise<SessionVector[]> {
  const { name } = profileOf(enctype);
  const made: SessionVector[] = [];
  for (const level of [0, 1, 2, 3]) {
    made.push(await goodTcp({ id: `tcp level ${level} ${name}`, transport: "tcp", level, enctype }));
  }
  for (const level of [1, 2]) {
    made.push(await goodUdp({ id: `udp level ${level} ${name}`, transport: "udp", level, enctype }));
  }
  return made;
}

/** How a session goes wrong. */
interface BadSession extends Omit<VectorFault, "message"> {
  readonly id: string;
  readonly transport?: "tcp" | "udp";
  readonly level?: number;
  /** How far the session is good: tokens, level or reply. */
  readonly after: "tokens" | "level" | "reply";
  readonly wrong: (session: SessionWriter) => Promise<void> | void;
}

const SECTION_5 = "RFC 1961 section 5";
const LEVEL = { type: FrameType.Protection, confidential: false };
const REQUEST = encodeRequest({ command: 1, hostname: "www.example.com", port: 80 });
const DATAGRAM = encodeDatagram(NAME_SERVER, utf8("a question"));

const BAD: readonly BadSession[] = [
  {
    id: "level in clear",
    after: "tokens",
    why: "the level is not in a token",
    clause: "RFC 1961 section 4.4",
    answer: "01ff",
    wrong: (session) => session.raw("client", "level in clear", encodeFrame(FrameType.Protection, Uint8Array.of(2))),
  },
  {
    id: "level damaged",
    after: "tokens",
    why: "one bit of the checksum is wrong",
    clause: "RFC 1961 section 4.4",
    answer: "01ff",
    wrong: (session) => session.wrapped("client", "damaged level", Uint8Array.of(2), { ...LEVEL, change: damaged }),
  },
  {
    id: "level of type 3",
    after: "tokens",
    why: "the level is in a message of type 3, and belongs into one of type 2",
    clause: "RFC 1961 section 4.3",
    answer: "01ff",
    wrong: (session) => session.wrapped("client", "level of type 3", Uint8Array.of(2), { confidential: false }),
  },
  {
    id: "level 0 granted",
    after: "tokens",
    why: "level 0 is not defined, and the client asked for 2",
    clause: "RFC 1961 section 4.2",
    answer: "end",
    async wrong(session) {
      await session.wrapped("client", "level 2 is asked for", Uint8Array.of(2), LEVEL);
      await session.wrapped("server", "level 0 is granted", Uint8Array.of(0), LEVEL);
    },
  },
  {
    id: "request in clear",
    after: "level",
    why: "the request is not in a token",
    clause: SECTION_5,
    answer: "end",
    wrong: (session) => session.raw("client", "request in clear", REQUEST),
  },
  {
    id: "request signed at level 2",
    after: "level",
    why: "conf_req must be TRUE at level 2",
    clause: SECTION_5,
    answer: "end",
    wrong: (session) => session.wrapped("client", "signed request", REQUEST, { confidential: false }),
  },
  {
    id: "data damaged",
    after: "reply",
    why: "one bit of the token is wrong",
    clause: SECTION_5,
    answer: "end",
    wrong: (session) => session.wrapped("client", "damaged data", ASKS, { change: damaged }),
  },
  {
    id: "data damaged at level 1",
    level: 1,
    after: "reply",
    why: "one bit of the message is wrong",
    clause: SECTION_5,
    answer: "end",
    wrong: (session) => session.wrapped("client", "damaged data", ASKS, { change: (bytes) => damaged(bytes, 20) }),
  },
  {
    id: "data replayed",
    after: "reply",
    why: "the token came before",
    clause: "RFC 2743 section 1.2.3",
    answer: "end",
    async wrong(session) {
      await session.wrapped("client", "data", ASKS);
      session.again(-1, "the same data");
    },
  },
  {
    id: "data dropped",
    after: "reply",
    why: "a message before this one is missing",
    clause: "RFC 2743 section 1.2.3",
    answer: "end",
    async wrong(session) {
      await session.wrapped("client", "data that does not arrive", ASKS);
      session.messages.pop();
      await session.wrapped("client", "data behind it", ASKS);
    },
  },
  {
    id: "data reflected",
    after: "reply",
    why: "the token is the receiver's own",
    clause: "RFC 4121 section 4.2.2",
    answer: "end",
    async wrong(session) {
      await session.wrapped("server", "data", TELLS);
      session.again(-1, "the server's own data", "client");
    },
  },
  {
    id: "data of type 2",
    after: "reply",
    why: "the data is in a message of type 2, and belongs into one of type 3",
    clause: SECTION_5,
    answer: "end",
    wrong: (session) => session.wrapped("client", "data of type 2", ASKS, { type: FrameType.Protection }),
  },
  {
    id: "datagram in clear",
    transport: "udp",
    after: "reply",
    why: "the datagram is not in a token",
    clause: SECTION_5,
    answer: "drop",
    wrong: (session) =>
      void session.messages.push({
        from: "client",
        what: "datagram in clear",
        datagram: true,
        bytes: [...DATAGRAM].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
      }),
  },
  {
    id: "datagram signed at level 2",
    transport: "udp",
    after: "reply",
    why: "conf_req must be TRUE at level 2",
    clause: SECTION_5,
    answer: "drop",
    wrong: (session) => session.wrapped("client", "signed datagram", DATAGRAM, { confidential: false, datagram: true }),
  },
  {
    id: "datagram replayed",
    transport: "udp",
    after: "reply",
    why: "the token came before",
    clause: "RFC 1961 section 3.2",
    answer: "drop",
    async wrong(session) {
      await session.wrapped("client", "datagram", DATAGRAM, { datagram: true });
      session.again(-1, "the same datagram");
    },
  },
  {
    id: "datagram damaged",
    transport: "udp",
    after: "reply",
    why: "one bit of the token is wrong",
    clause: SECTION_5,
    answer: "drop",
    wrong: (session) => session.wrapped("client", "damaged datagram", DATAGRAM, { datagram: true, change: damaged }),
  },
];

async function badSession(
  { id, transport = "tcp", level = 2, after, wrong, ...fault }: BadSession,
): Promise<SessionVector> {
  const session = await SessionWriter.open({ id, transport, level, enctype: 18 });
  if (after !== "tokens") await session.agree();
  if (after === "reply") await session.request();
  await wrong(session);
  return session.finish(fault);
}

const ABOUT =
  "Sessions of RFC 1961 with Kerberos (RFC 4121), byte by byte; docs/rfc1961-vectors.md explains the fields.";

/** Makes all files, by name. */
export async function makeVectors(): Promise<Map<string, VectorFile>> {
  const files = new Map<string, VectorFile>();
  for (const enctype of ENCTYPES) {
    files.set(`${profileOf(enctype).name}.json`, { about: ABOUT, cases: await goodSessions(enctype) });
  }
  const bad: SessionVector[] = [];
  for (const session of BAD) bad.push(await badSession(session));
  files.set("bad.json", { about: `${ABOUT} The last message of each breaks a rule.`, cases: bad });
  return files;
}
