/**
 * What a program at the edge does, whatever its runtime: a password login at the KDC, and a sealed CONNECT through a proxy.
 *
 * @module
 */
import { connect, type Dialer, type KdcTransport, ticketsFrom } from "../../proxy/edge.ts";

/** What a program gets of its surroundings. */
export interface Given {
  /** Text of krb5.conf. */
  readonly config: string;
  /** Port of the proxy, whose keytab says localhost. */
  readonly proxyPort: number;
  /** Port of a server on the proxy's machine that sends back what comes. */
  readonly echoPort: number;
}

/** Logs in, connects, sends a text and 300,000 bytes, and returns what happened in words. */
export async function edgeProgram(given: Given, dial: Dialer, transport: KdcTransport): Promise<string> {
  const credentials = ticketsFrom({ config: given.config, transport, principal: "alice", password: "secret" });
  const connection = await connect({
    proxy: { hostname: "localhost", port: given.proxyPort },
    dial,
    credentials,
    hostname: "127.0.0.1",
    port: given.echoPort,
  });
  const sent = new Uint8Array(300_000).map((_, i) => i * 7);
  const writing = connection.write(sent).then(() => connection.closeWrite());
  const got = new Uint8Array(await new Response(connection.readable).arrayBuffer());
  await writing;
  const wrong = got.findIndex((byte, i) => byte !== sent[i]);
  return `${connection.protection} ${got.length} ${wrong === -1 ? "as sent" : `wrong at ${wrong}`}`;
}

/** A KDC behind HTTP: a message as the body of a request, the reply as that of the answer. */
export function kdcOverFetch(url: string): KdcTransport {
  return {
    async send(_address, message, { signal }) {
      const response = await fetch(url, { method: "POST", body: message, signal });
      return new Uint8Array(await response.arrayBuffer());
    },
  };
}
