/**
 * A program that sends an authenticator to servers: `replay.ts SERVER[,SERVER...] [TOKEN]`. Without a token in
 * hexadecimal it creates one for the balancer's name from the cached tickets; prints the token and each server's
 * answer as JSON.
 */
// deno-lint-ignore-file no-console
import { hostbasedService } from "../../gss/names.ts";
import { KerberosInitiatorCredential } from "../../kerberos/mech/credentials.ts";
import { systemTickets } from "../../mod.ts";
import { decodeFrame, encodeFrame, FrameType } from "../../socks/wire/gssapi.ts";

/** Result of the program. */
export interface Played {
  readonly token: string;
  /** `"AP-REP"` if it is accepted, `"KRB-ERROR"` or `"abort"` if it is refused. */
  readonly answers: readonly string[];
}

async function answerOf(hostname: string, token: Uint8Array): Promise<string> {
  using conn = await Deno.connect({ hostname, port: 1_080 });
  await conn.write(Uint8Array.of(5, 1, 1));
  const bytes = new Uint8Array(8_192);
  if (await conn.read(bytes) !== 2) return "no method";
  await conn.write(encodeFrame(FrameType.Authentication, token));
  const frame = decodeFrame(bytes.slice(0, await conn.read(bytes) ?? 0))?.value;
  if (frame === undefined || frame.type === FrameType.Abort) return "abort";
  // After the framing of RFC 2743 section 3.1 and the mechanism of 11 bytes, RFC 4121 section 4.1.
  const framing = frame.token[1]! < 0x80 ? 2 : 2 + (frame.token[1]! & 0x7f);
  return { 2: "AP-REP", 3: "KRB-ERROR" }[frame.token[framing + 11]!] ?? "something else";
}

async function freshToken(): Promise<Uint8Array> {
  const credential = new KerberosInitiatorCredential(systemTickets());
  const { token } = await (await credential.initiate(hostbasedService("rcmd", "proxy.lab.test"))).step();
  return token!;
}

if (import.meta.main) {
  const [servers, given] = Deno.args;
  const token = given === undefined ? await freshToken() : Uint8Array.fromHex(given);
  const answers: string[] = [];
  for (const server of servers!.split(",")) answers.push(await answerOf(server, token));
  console.log(JSON.stringify({ token: token.toHex(), answers } satisfies Played));
}
