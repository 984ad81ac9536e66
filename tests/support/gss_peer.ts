/**
 * Other implementations at token level: MIT's and Heimdal's libgssapi through `tests/interop/peers/gss_peer.c`, Java through
 * `GssPeer.java` there.
 *
 * @module
 */
import assert from "node:assert/strict";
import { decodeHex, encodeHex } from "@std/encoding/hex";
import type { GssContext } from "../../gss/context.ts";
import type { GssNegotiation } from "../../gss/negotiation.ts";
import { peer } from "./peers.ts";

const hex = (bytes: Uint8Array) => bytes.length === 0 ? "-" : encodeHex(bytes);
const unhex = (text: string) => text === "-" ? new Uint8Array(0) : decodeHex(text);

/** A GSS-API peer in a process of its own. */
export class GssPeer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reader: ReadableStreamDefaultReader<string>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #buffer = "";

  /** Starts a peer: MIT's, or another program that reads the same commands. */
  constructor(env: Record<string, string>, program: string = peer("gss_peer"), args: readonly string[] = []) {
    this.#child = new Deno.Command(program, {
      args: [...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
      env,
    })
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

/** Runs this side's initiator against a peer that accepts; returns this side's context. */
export async function initiateTo(peer: GssPeer, negotiation: GssNegotiation): Promise<GssContext> {
  let step = await negotiation.step();
  for (;;) {
    if (step.token === undefined && step.done) return step.context;
    const answer = await peer.step(step.token);
    assert.ok(answer.ok, answer.rest);
    if (step.done) return step.context;
    step = await negotiation.step(answer.token);
  }
}

/** Runs this side's acceptor against a peer that initiates; returns this side's context. */
export async function acceptFrom(peer: GssPeer, negotiation: GssNegotiation): Promise<GssContext> {
  let theirs = await peer.step();
  for (;;) {
    assert.ok(theirs.ok, theirs.rest);
    const step = await negotiation.step(theirs.token);
    if (step.token !== undefined) theirs = await peer.step(step.token);
    if (!step.done) continue;
    assert.ok(theirs.ok && theirs.major === 0, theirs.rest);
    return step.context;
  }
}

/** Lengths of messages around those of blocks and seals. */
const LENGTHS = [0, 1, 15, 16, 17, 31, 32, 33, 1000];

/**
 * Exchanges messages of many lengths, encrypted, signed, and with separate MICs; then disposes the context. Without
 * `sameLimit`, the peer may be more careful about what fits into a token.
 */
export async function exchangeWith(established: GssContext, peer: GssPeer, sameLimit = true): Promise<void> {
  using context = established;
  for (const length of LENGTHS) {
    const message = Uint8Array.from({ length }, (_, i) => i);
    for (const confidential of [true, false]) {
      const theirs = await peer.unwrap(await context.wrap(message, { confidential }));
      assert.deepEqual(theirs, { data: message, confidential, major: 0 });
      const ours = await context.unwrap(await peer.wrap(confidential, message));
      assert.deepEqual(ours, { data: message, confidential, status: "complete" });
    }
    assert.ok(await peer.verifyMic(message, await context.getMic(message)));
    assert.equal(await context.verifyMic(message, await peer.getMic(message)), "complete");
  }
  for (const confidential of [true, false]) {
    const [, theirs] = await peer.command(`limit ${confidential ? 1 : 0} 65535`);
    const ours = context.wrapSizeLimit(65_535, { confidential });
    assert.ok(sameLimit ? Number(theirs) === ours : Number(theirs) <= ours, `${theirs} ${ours}`);
  }
}
