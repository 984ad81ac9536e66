/**
 * A KDC behind HTTP, for runtimes that have `fetch` and no sockets.
 *
 * @module
 */
import { handleKdcMessage, startTestKdc, type TestKdc } from "../../kerberos/kdc/mod.ts";

/** A test KDC with a URL: a POST of a message is answered with the reply. */
export async function kdcBehindHttp(): Promise<TestKdc & { readonly url: string }> {
  const kdc = await startTestKdc({ principals: { alice: "secret", "rcmd/localhost": {} } });
  const headers = { "access-control-allow-origin": "*" };
  const front = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const reply = await handleKdcMessage(kdc.realm, new Uint8Array(await request.arrayBuffer()));
    return new Response(reply, { headers });
  });
  return {
    ...kdc,
    url: `http://127.0.0.1:${front.addr.port}/`,
    async [Symbol.asyncDispose](): Promise<void> {
      await front.shutdown();
      await kdc[Symbol.asyncDispose]();
    },
  };
}
