/**
 * Tables of errors, out of the tables from which the messages are made.
 *
 * @module
 */
import { refusalAdvice } from "../../../kerberos/refusal_advice.ts";
import { ErrorCode, type KerberosErrorName } from "../../../kerberos/registry/errors.ts";
import { replyError } from "../../../socks/client/proxy_errors.ts";
import { Command } from "../../../socks/wire/messages.ts";
import { code, table } from "./markdown.ts";

const ROOT = new URL("../../../", import.meta.url);

/** A request whose refusal is explained. */
const ABOUT = {
  clockOffset: 600_000,
  server: "rcmd/proxy.example.com@EXAMPLE.COM",
  enctypes: ["aes256-cts-hmac-sha1-96"],
};

/** What a KDC's refusals mean. */
export function kdcRefusals(): string {
  const rows = Object.entries(ErrorCode).flatMap(([name, number]) => {
    const advice = refusalAdvice(name as KerberosErrorName, ABOUT);
    return advice === undefined ? [] : [[code(name), String(number), advice]];
  });
  return table(["code", "number", "meaning, and what to do"], rows);
}

/** What a proxy's replies mean (RFC 1928 section 6). */
export function proxyReplies(): string {
  const proxy = { hostname: "proxy.example.com", port: 1080 };
  const request = { command: Command.Connect, hostname: "db.example.com", port: 5432 };
  const rows = [1, 2, 3, 4, 5, 6, 7, 8].map((reply) => {
    const { code: name, message } = replyError(reply, proxy, request);
    return [code(name), String(reply), /: (.*) \(/.exec(message.replace(/^.*?5432/, ""))![1]!];
  });
  return table(["code", "reply", "meaning, and what to do"], rows);
}

/** Codes of a union of codes, with the comment on each. */
function documented(source: string, type: string): string[][] {
  const [, members] = new RegExp(`export type ${type} =\\n([^]*?);\\n`).exec(source)!;
  return [...members!.matchAll(/\/\*\* (.*?) \*\/\n\s*(?:\| )?"(\w+)"/g)].map(([, text, name]) => [
    code(name!),
    text!.replace(/\{@linkcode (\w+)\}/g, "`$1`").replace(/\.$/, ""),
  ]);
}

/** Classes of `socks/errors.ts` by the types of their codes. */
const CLASSES = ["Auth", "Protocol", "Proxy", "Connection", "Tls", "Limit", "Timeout"];

/** Codes of the library's errors. */
export async function errorCodes(): Promise<string> {
  const socks = await Deno.readTextFile(new URL("socks/errors.ts", ROOT));
  const kerberos = await Deno.readTextFile(new URL("kerberos/errors.ts", ROOT));
  const rows = CLASSES.flatMap((name) =>
    documented(socks, `Socks${name}ErrorCode`).map(([word, text]) => [word!, code(`Socks${name}Error`), text!])
  );
  const listed = [...kerberos.matchAll(/^ \* \| `(\w+)` \| (.*) \|$/gm)].map(([, word, text]) => [
    code(word!),
    code("KerberosError"),
    text!,
  ]);
  return table(["code", "class", "meaning"], [...rows, ...listed]);
}
