/**
 * MIT libgssapi at token level, through `tests/interop/peers/gss_peer.c`.
 *
 * @module
 */
import { decodeHex, encodeHex } from "@std/encoding/hex";
import { peer } from "./peers.ts";

const hex = (bytes: Uint8Array) => bytes.length === 0 ? "-" : encodeHex(bytes);
const unhex = (text: string) => text === "-" ? new Uint8Array(0) : decodeHex(text);

/** A GSS-API peer in a process of its own. */
export class GssPeer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reader: ReadableStreamDefaultReader<string>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #buffer = "";

  constructor(env: Record<string, string>) {
    this.#child = new Deno.Command(peer("gss_peer"), { stdin: "piped", stdout: "piped", stderr: "inherit", env })
      .spawn();
    this.#reader = this.#child.stdout.pipeThrough(new TextDecoderStream() as never).getReader() as never;
    this.#writer = this.#child.stdin.getWriter();
  }

  /** Sends a command; returns the words of the answer. */
  async command(line: string): Promise<string[]> {
    await this.#writer.write(new TextEncoder().encode(`${line}\n`));
    while (!this.#buffer.includes("\n")) {
      const { done, value } = await this.#reader.read();
      if (done) throw new Error(`GSS peer ended after "${line.slice(0, 40)}"`);
      this.#buffer += value;
    }
    const end = this.#buffer.indexOf("\n");
    const answer = this.#buffer.slice(0, end);
    this.#buffer = this.#buffer.slice(end + 1);
    return answer.split(" ");
  }

  async step(token?: Uint8Array): Promise<{ ok: boolean; token: Uint8Array; major: number; rest: string }> {
    const [kind, text, major, ...rest] = await this.command(`step ${hex(token ?? new Uint8Array(0))}`);
    return { ok: kind === "token", token: unhex(text!), major: Number(major), rest: rest.join(" ") };
  }

  async wrap(confidential: boolean, message: Uint8Array): Promise<Uint8Array> {
    const [kind, text] = await this.command(`wrap ${confidential ? 1 : 0} ${hex(message)}`);
    if (kind !== "token") throw new Error("GSS peer cannot wrap");
    return unhex(text!);
  }

  async unwrap(token: Uint8Array): Promise<{ data: Uint8Array; confidential: boolean; major: number } | undefined> {
    const [kind, text, confidential, major] = await this.command(`unwrap ${hex(token)}`);
    return kind === "data"
      ? { data: unhex(text!), confidential: confidential === "1", major: Number(major) }
      : undefined;
  }

  async getMic(message: Uint8Array): Promise<Uint8Array> {
    const [kind, text] = await this.command(`mic ${hex(message)}`);
    if (kind !== "token") throw new Error("GSS peer cannot sign");
    return unhex(text!);
  }

  async verifyMic(message: Uint8Array, mic: Uint8Array): Promise<boolean> {
    const [kind, major] = await this.command(`verify ${hex(message)} ${hex(mic)}`);
    return kind === "status" && major === "0";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(() => {});
    for (;;) {
      const { done } = await this.#reader.read();
      if (done) break;
    }
    await this.#child.status;
  }
}
