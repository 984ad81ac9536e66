/**
 * A small SOCKS5 proxy that keeps RFC 1928, 1929 and 1961 but for what a test lets it break.
 *
 * @module
 */
import { spnegoAcceptor } from "../../../gss/spnego/acceptor.ts";
import type { GssAcceptorCredential } from "../../../gss/credential.ts";
import type { Connection } from "../../../socks/stream/connection.ts";
import type { ConnectionListener } from "../../../socks/stream/listener.ts";
import { listenTcp } from "../../../socks/shell/tcp.ts";
import type { Endpoint } from "../../../socks/wire/address.ts";
import { establish, logIn } from "./authentication.ts";
import { BreakableClient } from "./client.ts";
import { carryOut } from "./commands.ts";
import type { ProxyFaults } from "./faults.ts";
import { Incoming, Over } from "./incoming.ts";

/** A proxy with faults. */
export class BreakableProxy implements AsyncDisposable {
  readonly #faults: ProxyFaults;
  readonly #accept: () => GssAcceptorCredential;
  readonly #listener: ConnectionListener = listenTcp({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Connection>();
  readonly #running: Promise<void>;
  readonly #left: { close(): void }[] = [];
  #served = 0;
  #dead = false;

  /** @param accept Returns the credential for a client. */
  constructor(accept: () => GssAcceptorCredential, faults: ProxyFaults = {}) {
    this.#accept = accept;
    this.#faults = faults;
    this.#running = this.#run();
  }

  get addr(): Endpoint {
    return this.#listener.addr;
  }

  async #run(): Promise<void> {
    const sessions: Promise<void>[] = [];
    for (let next = await this.#listener.accept(); next !== undefined; next = await this.#listener.accept()) {
      const connection = next;
      if (this.#dead || ++this.#served > (this.#faults.connections ?? Infinity)) {
        connection.close();
        continue;
      }
      this.#open.add(connection);
      sessions.push(
        this.#serve(connection).catch(() => {}).finally(() => {
          // With the fault, what was carried out has no end.
          if (!this.#faults.neverEnds) connection.close();
        }),
      );
    }
    await Promise.all(sessions);
  }

  async #serve(connection: Connection): Promise<void> {
    const faults = this.#faults;
    const how = { faults, left: this.#left };
    const incoming = new Incoming(connection, faults);
    const method = await this.#choose(incoming);
    const early = faults.skipsAuth ? await incoming.next("token", (bytes) => ({ value: bytes[0], length: 0 })) : 1;
    if (early === 5 || method === 0) return await carryOut(new BreakableClient(incoming, undefined, how), faults);
    if (method === 2) {
      await logIn(incoming, faults);
      return await carryOut(new BreakableClient(incoming, undefined, how), faults);
    }
    const credential = faults.noSpnego ? this.#accept() : spnegoAcceptor(this.#accept());
    try {
      const protection = await establish(incoming, credential, faults);
      await carryOut(new BreakableClient(incoming, protection, how), faults);
    } catch (error) {
      if (faults.diesOfLeaving && incoming.ended) this.#dead = true;
      throw error;
    }
  }

  async #choose(incoming: Incoming): Promise<number> {
    const { anyVersion, answersGarbage, eager, choose = (_, right) => right } = this.#faults;
    const methods = await incoming.next("hello", (bytes) => {
      if (bytes[0] !== 5 && !anyVersion) throw new Over("version");
      if (bytes.length < 2) return undefined;
      const length = 2 + bytes[1]!;
      if (bytes.length < length && (eager !== "hello" || bytes.length < 3)) return undefined;
      return { value: [...bytes.subarray(2, length)], length: Math.min(length, bytes.length) };
    }).catch(async (error) => {
      if (answersGarbage) await incoming.write(new TextEncoder().encode("HTTP/1.0 400\r\n\r\n"));
      throw error;
    });
    const right = [1, 2, 0].find((method) => methods.includes(method)) ?? 0xff;
    const chosen = eager === "hello" ? 1 : choose(methods, right);
    await incoming.write(Uint8Array.of(5, chosen));
    if (chosen === 0xff) throw new Over("no method");
    return chosen;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) connection.close();
    for (const left of this.#left) left.close();
    await this.#running;
  }
}
