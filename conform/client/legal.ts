/**
 * Parts in which the proxy does what it may, and the client has to cope.
 *
 * @module
 */
import { concat, EMPTY, utf8 } from "../../base/bytes.ts";
import { MAX_TOKEN } from "../../socks/wire/gssapi.ts";
import { decodeRequest, encodeReply, Method } from "../../socks/wire/messages.ts";
import { decodeUsernamePassword } from "../../socks/wire/password.ts";
import { type Check, expect, Skipped } from "../check.ts";
import { shown } from "../hex.ts";
import { PAGE_END, PAGE_START, pageHead } from "./page.ts";
import type { Stage } from "./stage.ts";

const FRAMES = "RFC 1961 section 5";

/** A part with a whole session. */
function session(
  part: Omit<Check<Stage>, "severity" | "run"> & { readonly severity?: "should" },
  play: (stage: Stage) => Promise<void>,
): Check<Stage> {
  return { severity: "must", ...part, run: play };
}

/** The parts. */
export const LEGAL_PARTS: readonly Check<Stage>[] = [
  {
    id: "client.offer",
    clause: "RFC 1928 section 3",
    severity: "must",
    title: "offers methods in a message of version 5, GSS-API among them",
    async run(stage) {
      const { methods } = await stage.offer();
      expect(methods.includes(Method.Gssapi), "method 01 in the offer", `methods ${methods.join(", ")}`);
      return `offers ${methods.join(", ")}`;
    },
  },
  {
    id: "client.context",
    clause: "RFC 1961 section 3.4",
    severity: "must",
    title: "sends tokens that the service accepts, in messages of type 1",
    async run(stage) {
      const { context } = await stage.context({ judges: true });
      return `${context.mechanism}, ${context.attributes["enctype"] ?? "no enctype"}`;
    },
  },
  {
    id: "client.flags",
    clause: "RFC 1961 section 3.2",
    severity: "must",
    title: "asks for mutual authentication, replay and sequence detection",
    async run(stage) {
      const { flags } = (await stage.context()).context;
      const missing = (["mutual", "replay", "sequence"] as const).filter((name) => !flags[name]);
      expect(missing.length === 0, "mutual, replay and sequence", `a context without ${missing.join(", ")}`);
    },
  },
  {
    id: "client.delegation",
    clause: "RFC 1961 section 3.2",
    severity: "note",
    title: "says whether it delegates its ticket to the proxy, which the RFC asks for",
    async run(stage) {
      return (await stage.context()).context.flags.delegation ? "delegates" : "does not delegate";
    },
  },
  {
    id: "client.level",
    clause: "RFC 1961 section 4.2",
    severity: "must",
    title: "asks for level 1, 2 or 3",
    async run(stage) {
      const { level } = await stage.asked(await stage.context());
      expect(level >= 1 && level <= 3, "level 1, 2 or 3", `level ${level}`);
      return `asks for ${level}`;
    },
  },
  {
    id: "client.level-signed",
    clause: "RFC 1961 section 4.4",
    severity: "must",
    title: "asks for its level in a token that is signed, and not encrypted",
    async run(stage) {
      const { confidential } = await stage.asked(await stage.context());
      expect(!confidential, "conf_req FALSE", "an encrypted token");
    },
  },
  {
    id: "client.request",
    clause: FRAMES,
    severity: "must",
    title: "protects its request as the level asks",
    async run(stage) {
      const near = await stage.protected();
      const { confidential, request } = await stage.requested(near, { judges: true });
      if (near.level !== 3) expect(confidential === (near.level === 2), `as level ${near.level} asks`, "otherwise");
      return `command ${request.command} to ${request.hostname} port ${request.port}`;
    },
  },
  {
    id: "client.data",
    clause: FRAMES,
    severity: "must",
    title: "protects its data as the level asks",
    async run(stage) {
      const near = await stage.protected();
      await stage.granted(near);
      const heard = await stage.heard(near);
      if (heard === undefined) throw new Skipped("the client sends no data of its own");
      if (near.level !== 3) {
        expect(heard.confidential === (near.level === 2), `as level ${near.level} asks`, shown(heard.token));
      }
    },
  },
  session(
    { id: "client.session", clause: FRAMES, title: "gets the page in a session without surprises" },
    async (stage) => {
      const near = await stage.agreed();
      await stage.granted(near);
      await stage.page(near);
    },
  ),
  session(
    { id: "client.split", clause: FRAMES, title: "reads every message when it comes byte by byte" },
    async (stage) => {
      stage.send = (raw, bytes) => raw.trickle(bytes);
      const near = await stage.agreed();
      await stage.granted(near);
      await stage.page(near);
    },
  ),
  session(
    { id: "client.small", clause: FRAMES, title: "reads a page whose every byte is a message of its own" },
    async (stage) => {
      const near = await stage.agreed();
      await stage.granted(near);
      await stage.heard(near);
      const page = concat(pageHead(PAGE_START.length + PAGE_END.length), PAGE_START, PAGE_END);
      await stage.tell(near, ...[...page].map((byte) => Uint8Array.of(byte)));
      await near.raw.finish();
      await stage.succeeded();
    },
  ),
  session({
    id: "client.longest",
    clause: FRAMES,
    title: "reads a message whose token has as near to 65,535 bytes as there is",
  }, async (stage) => {
    const near = await stage.protected();
    await stage.granted(near);
    await stage.heard(near);
    const room = near.context.wrapSizeLimit(MAX_TOKEN, { confidential: near.level >= 2 });
    const filler = utf8(" ".repeat(room - PAGE_START.length - PAGE_END.length - pageHead(room).length));
    const page = concat(filler, PAGE_START, PAGE_END);
    await stage.tell(near, concat(pageHead(page.length), page));
    await near.raw.finish();
    await stage.succeeded();
  }),
  session(
    {
      id: "client.empty",
      clause: FRAMES,
      severity: "should",
      title: "takes a message of no bytes for no data, and goes on",
    },
    async (stage) => {
      const near = await stage.protected();
      await stage.granted(near);
      await stage.heard(near);
      await stage.tell(near, EMPTY);
      await stage.page(near);
    },
  ),
  session({
    id: "client.early",
    clause: "RFC 1928 section 6",
    title: "keeps data of the target that comes in one piece with the reply",
  }, async (stage) => {
    const near = await stage.agreed();
    await stage.requested(near);
    const page = concat(pageHead(PAGE_START.length + PAGE_END.length), PAGE_START, PAGE_END);
    await stage.tell(near, encodeReply({ reply: 0, hostname: "192.0.2.7", port: 9 }), page);
    await stage.heard(near);
    await near.raw.finish();
    await stage.succeeded();
  }),
  ...(["proxy.example.com", "2001:db8::7"] as const).map((hostname, i): Check<Stage> =>
    session({
      id: `client.bound-${i === 0 ? "name" : "ipv6"}`,
      clause: "RFC 1928 section 6",
      title: `reads a reply whose address is ${i === 0 ? "a name" : "one of IPv6"}`,
    }, async (stage) => {
      const near = await stage.agreed();
      await stage.granted(near, { hostname });
      await stage.page(near);
    })
  ),
  session({
    id: "client.login",
    clause: "RFC 1929 section 2",
    title: "logs in with user and password, and gets the page",
  }, async (stage) => {
    const raw = await stage.chosen(Method.Password);
    await raw.message(decodeUsernamePassword, "01, a user and a password");
    await stage.send(raw, Uint8Array.of(1, 0));
    await raw.message(decodeRequest, "a request");
    await stage.send(raw, encodeReply({ reply: 0, hostname: "192.0.2.7", port: 9 }));
    await raw.drainTo(utf8("\r\n\r\n"));
    await raw.send(pageHead(PAGE_START.length + PAGE_END.length), PAGE_START, PAGE_END);
    await raw.finish();
    await stage.succeeded();
  }),
];
